//! The answer to one stateless request: JSON, or an event stream if something is sent before it. No event is stored, since
//! such a stream cannot be resumed.
//!
//! [`json_or_stream`](super::json_or_stream) chooses between the two. The counterpart in sessions is
//! [`session_stream`](super::session_stream).

use std::cell::RefCell;
use std::rc::Rc;

use super::event_sender::{EventBody, EventSender};
use super::json_or_stream::Opening;
use super::sse;

#[derive(Default)]
struct Inner {
    /// Messages from before the body was opened.
    early: Vec<String>,
    feed: Option<EventSender>,
    on_hang_up: Option<Box<dyn FnOnce()>>,
}

/// The answer to one request.
#[derive(Default)]
pub(super) struct AnswerStream {
    pub(super) opening: Rc<Opening>,
    inner: RefCell<Inner>,
}

impl AnswerStream {
    /// Does something once if the client goes before it has read the stream to its end.
    pub(super) fn when_hung_up(&self, act: impl FnOnce() + 'static) {
        self.inner.borrow_mut().on_hang_up = Some(Box::new(act));
    }

    /// Sends a message, which makes the answer a stream.
    pub(super) fn send(&self, json: &str) {
        let frame = sse::message(None, json);
        let mut inner = self.inner.borrow_mut();
        let gone = match &inner.feed {
            None => {
                inner.early.push(frame);
                false
            }
            Some(feed) => !feed.send(frame),
        };
        drop(inner);
        if gone {
            return self.hang_up();
        }
        self.opening.request();
    }

    /// Opens the stream.
    pub(super) fn open(self: &Rc<Self>) -> EventBody {
        let mut inner = self.inner.borrow_mut();
        let stream = Rc::downgrade(self);
        let (feed, body) = EventSender::open(std::mem::take(&mut inner.early), move || {
            if let Some(stream) = stream.upgrade() {
                stream.hang_up();
            }
        });
        inner.feed = Some(feed);
        body
    }

    /// Ends the stream after the messages sent so far.
    pub(super) fn finish(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.feed = None;
        inner.on_hang_up = None;
    }

    /// The client is gone.
    pub(super) fn hang_up(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.feed = None;
        let act = inner.on_hang_up.take();
        drop(inner);
        if let Some(act) = act {
            act();
        }
    }
}
