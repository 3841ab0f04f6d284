//! The choice between JSON and an event stream as the answer to a POST, in sessions and without: an event stream if
//! something such as progress has to be sent first, or if the call takes long.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};

use super::sse::KEEP_ALIVE_MS;
use crate::session::host::CallRuntime;

/// The request for an event stream, made by whatever has to be sent before the response.
#[derive(Default)]
pub(super) struct Opening {
    is_requested: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Opening {
    /// Requests an event stream.
    pub(super) fn request(&self) {
        self.is_requested.set(true);
        let waker = self.waker.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// True if the answer must be an event stream.
    pub(super) fn is_requested(&self) -> bool {
        self.is_requested.get()
    }

    /// Waits until an event stream is requested.
    async fn requested(self: Rc<Self>) {
        poll_fn(|cx| {
            if self.is_requested() {
                return Poll::Ready(());
            }
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Work on the responses to a POST, once it is known how they go.
pub(super) enum Work {
    /// Done, without anything that needs an event stream: JSON does for the responses.
    Done,
    /// Done, with something to send on an event stream.
    Sent,
    /// Not done: what is left of it runs beside an event stream.
    Left(LocalBoxFuture<'static, ()>),
}

/// Works on the responses to a POST until it is known how they go. After [`KEEP_ALIVE_MS`] of silence `open` requests an event
/// stream, so that no proxy takes the silence for the end.
pub(super) async fn work_until_open(
    work: LocalBoxFuture<'static, ()>,
    opening: &Rc<Opening>,
    open: impl FnOnce(),
    runtime: &dyn CallRuntime,
) -> Work {
    let requested = Rc::clone(opening).requested().boxed_local();
    let mut race = select(work, requested);
    let first = match (&mut race).now_or_never() {
        Some(first) => first,
        None => match select(race, runtime.sleep(KEEP_ALIVE_MS)).await {
            Either::Left((first, _)) => first,
            Either::Right(((), race)) => {
                open();
                race.await
            }
        },
    };
    match first {
        Either::Left(_) if !opening.is_requested() => Work::Done,
        // The work sent something, and ended before the first poll of its stream.
        Either::Left(_) => Work::Sent,
        Either::Right(((), rest)) => Work::Left(rest),
    }
}
