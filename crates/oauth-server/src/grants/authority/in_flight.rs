//! Runs one transition of a grant at a time. A request with the same code or token meanwhile gets the same answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::command::{GrantRefusal, IssuedTokens};
use crate::token::GrantId;

pub(super) type RefreshResult = Result<IssuedTokens, GrantRefusal>;

/// Requests that wait for a transition, by grant. A grant has an entry while a transition of it is under way.
#[derive(Default, Clone)]
pub(super) struct InFlight(Rc<RefCell<BTreeMap<String, Vec<Sender<RefreshResult>>>>>);

/// Permit to change a grant. [`land`](Self::land) sends the answer to the requests that wait.
pub(super) struct GrantPermit {
    in_flight: InFlight,
    grant: String,
}

impl InFlight {
    /// Starts a transition. If one is under way, returns a receiver of its answer, which is cancelled if it is dropped.
    pub(super) fn start(&self, grant: &GrantId) -> Result<GrantPermit, Receiver<RefreshResult>> {
        let mut all = self.0.borrow_mut();
        if let Some(waiting) = all.get_mut(grant.as_str()) {
            let (sender, receiver) = channel();
            waiting.push(sender);
            return Err(receiver);
        }
        all.insert(grant.as_str().to_owned(), Vec::new());
        Ok(GrantPermit {
            in_flight: self.clone(),
            grant: grant.as_str().to_owned(),
        })
    }
}

impl GrantPermit {
    /// Ends the transition, and sends its answer to the requests that wait.
    pub(super) fn resolve(self, answer: &RefreshResult) {
        let waiting = self.in_flight.0.borrow_mut().remove(&self.grant);
        for waiting in waiting.into_iter().flatten() {
            // A request that has stopped waiting needs none.
            let _ = waiting.send(answer.clone());
        }
    }
}

impl Drop for GrantPermit {
    fn drop(&mut self) {
        self.in_flight.0.borrow_mut().remove(&self.grant);
    }
}
