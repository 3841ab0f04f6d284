//! The answer to one request that stands for itself: JSON, or events if something is sent before it. Nobody comes back for
//! what was missed.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::Stream;

use super::sse::{self, MAX_UNREAD_BYTES};

#[derive(Default)]
struct Inner {
    opening: bool,
    waker: Option<Waker>,
    /// What was sent before there was a body to send it in.
    early: Vec<String>,
    sender: Option<UnboundedSender<String>>,
    unread_bytes: usize,
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
        match &inner.sender {
            None => inner.early.push(frame),
            Some(sender) => {
                let full = inner.unread_bytes > 0 && inner.unread_bytes + frame.len() > MAX_UNREAD_BYTES;
                let bytes = frame.len();
                if full || sender.unbounded_send(frame).is_err() {
                    drop(inner);
                    return self.hang_up();
                }
                inner.unread_bytes += bytes;
            }
        }
        drop(inner);
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

    /// Whether it has to be a stream.
    pub(super) fn is_opening(&self) -> bool {
        self.0.borrow().opening
    }

    /// Is ready once it has to be a stream.
    pub(super) fn poll_opening(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.0.borrow_mut();
        if inner.opening {
            return Poll::Ready(());
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Opens the stream.
    pub(super) fn open(self: &Rc<Self>) -> AnswerBody {
        let (sender, receiver) = unbounded();
        let mut inner = self.0.borrow_mut();
        for frame in std::mem::take(&mut inner.early) {
            inner.unread_bytes += frame.len();
            // The receiver is right here.
            let _ = sender.unbounded_send(frame);
        }
        inner.sender = Some(sender);
        AnswerBody { receiver, stream: Rc::downgrade(self), drained: false }
    }

    /// There will be no more.
    pub(super) fn finish(&self) {
        let mut inner = self.0.borrow_mut();
        inner.sender = None;
        inner.on_hang_up = None;
    }

    /// The client is gone.
    pub(super) fn hang_up(&self) {
        let mut inner = self.0.borrow_mut();
        inner.sender = None;
        let act = inner.on_hang_up.take();
        drop(inner);
        if let Some(act) = act {
            act();
        }
    }
}

/// The body of an answer that is a stream. Dropping it before it was read to its end means that the client is gone.
pub(super) struct AnswerBody {
    receiver: UnboundedReceiver<String>,
    stream: Weak<AnswerStream>,
    drained: bool,
}

impl Stream for AnswerBody {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
        let polled = Pin::new(&mut self.receiver).poll_next(cx);
        if let Poll::Ready(frame) = &polled {
            self.drained = frame.is_none();
            if let (Some(frame), Some(stream)) = (frame, self.stream.upgrade()) {
                let mut inner = stream.0.borrow_mut();
                inner.unread_bytes = inner.unread_bytes.saturating_sub(frame.len());
            }
        }
        polled
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.upgrade().filter(|_| !self.drained) {
            stream.hang_up();
        }
    }
}
