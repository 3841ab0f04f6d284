//! The flag of a cancelled request.

use std::cell::RefCell;
use std::task::{Poll, Waker};

/// Flag of a request that is set when its client cancels it. Set by the session, read by [`Cancelled`](crate::cancel::Cancelled).
#[derive(Debug, Default)]
pub struct CancelFlag(RefCell<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    set: bool,
    wakers: Vec<Waker>,
}

impl CancelFlag {
    /// Cancels the request.
    pub fn set(&self) {
        let wakers = {
            let mut state = self.0.borrow_mut();
            state.set = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// True if the client has cancelled the request.
    #[must_use]
    pub(crate) fn is_set(&self) -> bool {
        self.0.borrow().set
    }

    /// Waits until the client cancels the request; that may be never.
    pub(crate) async fn wait(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.borrow_mut();
            if state.set {
                return Poll::Ready(());
            }
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
