//! Turns of requests about resources: a server may handle two in another order than they were sent in.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Requests about resources, one at a time for each URI.
#[derive(Default)]
pub(crate) struct Turns(RefCell<HashMap<String, Arc<Mutex<()>>>>);

/// Right to send a request about a resource.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    uri: &'a str,
    _held: OwnedMutexGuard<()>,
}

impl Turns {
    /// Waits until no other request about the resource is under way.
    pub(crate) async fn turn<'a>(&'a self, uri: &'a str) -> Turn<'a> {
        let turn = Arc::clone(self.0.borrow_mut().entry(uri.to_owned()).or_default());
        Turn {
            turns: self,
            uri,
            _held: turn.lock_owned().await,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.turns.0.borrow_mut();
        // One is of the map, one of this guard; others wait.
        if turns
            .get(self.uri)
            .is_some_and(|turn| Arc::strong_count(turn) <= 2)
        {
            turns.remove(self.uri);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_turn_waits_for_that_of_the_same_uri_and_leaves_nothing() {
        let turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut first = pin!(turns.turn("a:1"));
        let Poll::Ready(held) = first.as_mut().poll(&mut context) else {
            panic!("the first has to wait");
        };
        let mut second = pin!(turns.turn("a:1"));
        assert!(second.as_mut().poll(&mut context).is_pending());
        let mut other = pin!(turns.turn("a:2"));
        assert!(other.as_mut().poll(&mut context).is_ready());
        drop(held);
        let Poll::Ready(held) = second.as_mut().poll(&mut context) else {
            panic!("the second waits for nothing");
        };
        assert_eq!(turns.0.borrow().len(), 1);
        drop(held);
        assert!(turns.0.borrow().is_empty());
    }
}
