//! The body of an answer that is an event stream, and what feeds it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::Stream;

use super::sse::MAX_UNREAD_BYTES;

/// Sends events into a body. Dropping it ends the body once that has been read.
pub(super) struct EventSender {
    sender: UnboundedSender<String>,
    unread_bytes: Rc<Cell<usize>>,
}

impl EventSender {
    /// A feed, and its body with the first events in it. When the body is dropped before it was read to its end, the client
    /// is gone, and `abandoned` is called.
    pub(super) fn open(
        first: impl IntoIterator<Item = String>,
        abandoned: impl FnOnce() + 'static,
    ) -> (Self, EventBody) {
        let (sender, receiver) = unbounded();
        let unread_bytes = Rc::<Cell<usize>>::default();
        for event in first {
            unread_bytes.set(unread_bytes.get() + event.len());
            // The receiver is right here.
            let _ = sender.unbounded_send(event);
        }
        let body = EventBody {
            receiver,
            unread_bytes: Rc::clone(&unread_bytes),
            abandoned: Some(Box::new(abandoned)),
        };
        (
            Self {
                sender,
                unread_bytes,
            },
            body,
        )
    }

    /// Sends an event; false if the client is gone, or leaves too much unread.
    pub(super) fn send(&self, event: String) -> bool {
        let unread = self.unread_bytes.get();
        if unread > 0 && unread + event.len() > MAX_UNREAD_BYTES {
            return false;
        }
        self.unread_bytes.set(unread + event.len());
        self.sender.unbounded_send(event).is_ok()
    }
}

/// The body that a [`EventSender`] feeds.
pub(crate) struct EventBody {
    receiver: UnboundedReceiver<String>,
    unread_bytes: Rc<Cell<usize>>,
    abandoned: Option<Box<dyn FnOnce()>>,
}

impl Stream for EventBody {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<String>> {
        let polled = Pin::new(&mut self.receiver).poll_next(context);
        match &polled {
            Poll::Ready(Some(event)) => self
                .unread_bytes
                .set(self.unread_bytes.get().saturating_sub(event.len())),
            Poll::Ready(None) => self.abandoned = None,
            Poll::Pending => {}
        }
        polled
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        if let Some(abandoned) = self.abandoned.take() {
            abandoned();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn fed(first: &[&str]) -> (EventSender, EventBody, Rc<Cell<bool>>) {
        let gone = Rc::<Cell<bool>>::default();
        let abandoned = Rc::clone(&gone);
        let (feed, body) =
            EventSender::open(first.iter().map(|event| (*event).to_owned()), move || {
                abandoned.set(true);
            });
        (feed, body, gone)
    }

    #[test]
    fn a_body_that_is_read_to_its_end_is_not_abandoned() {
        let (feed, body, gone) = fed(&["a", "b"]);
        assert!(feed.send("c".to_owned()));
        drop(feed);
        assert_eq!(
            body.collect::<Vec<_>>().now_or_never().unwrap(),
            ["a", "b", "c"]
        );
        assert!(!gone.get());
    }

    #[test]
    fn a_body_that_is_dropped_before_its_end_is_abandoned() {
        let (feed, mut body, gone) = fed(&[]);
        assert!(feed.send("a".to_owned()));
        assert_eq!(body.next().now_or_never().unwrap().unwrap(), "a");
        drop(body);
        assert!(gone.get() && !feed.send("b".to_owned()));
    }

    #[test]
    fn unread_bytes_are_limited_but_a_single_event_may_exceed_the_limit() {
        let (feed, mut body, _) = fed(&[]);
        assert!(feed.send("x".repeat(MAX_UNREAD_BYTES + 1)));
        assert!(!feed.send("y".to_owned()));
        body.next().now_or_never().unwrap();
        assert!(feed.send("y".repeat(MAX_UNREAD_BYTES)) && !feed.send("z".to_owned()));
    }
}
