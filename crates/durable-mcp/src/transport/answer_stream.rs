//! The answer to one stateless request: JSON, or events if something is sent before it. Nobody comes back for
//! what was missed.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::event_sender::{EventBody, EventSender};
use super::sse;

#[derive(Default)]
struct Inner {
    opening: bool,
    waker: Option<Waker>,
    /// Messages from before the body was opened.
    early: Vec<String>,
    feed: Option<EventSender>,
    on_hang_up: Option<Box<dyn FnOnce()>>,
}

/// The answer to one request.
#[derive(Default)]
pub(super) struct AnswerStream(RefCell<Inner>);

impl AnswerStream {
    /// Does something once if the client goes before it has read the stream to its end.
    pub(super) fn when_hung_up(&self, act: impl FnOnce() + 'static) {
        self.0.borrow_mut().on_hang_up = Some(Box::new(act));
    }

    /// Sends a message, which makes the answer a stream.
    pub(super) fn send(&self, json: &str) {
        let frame = sse::message(None, json);
        let mut inner = self.0.borrow_mut();
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
        self.request_opening();
    }

    /// Asks for a stream, though there may be nothing to send yet.
    pub(super) fn request_opening(&self) {
        let mut inner = self.0.borrow_mut();
        inner.opening = true;
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    /// True if the answer must be a stream.
    pub(super) fn is_opening(&self) -> bool {
        self.0.borrow().opening
    }

    /// Is ready once the answer must be a stream.
    pub(super) fn poll_opening(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.0.borrow_mut();
        if inner.opening {
            return Poll::Ready(());
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Opens the stream.
    pub(super) fn open(self: &Rc<Self>) -> EventBody {
        let mut inner = self.0.borrow_mut();
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
        let mut inner = self.0.borrow_mut();
        inner.feed = None;
        inner.on_hang_up = None;
    }

    /// The client is gone.
    pub(super) fn hang_up(&self) {
        let mut inner = self.0.borrow_mut();
        inner.feed = None;
        let act = inner.on_hang_up.take();
        drop(inner);
        if let Some(act) = act {
            act();
        }
    }
}
