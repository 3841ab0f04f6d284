//! Cancellation of a request by its client.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::context::Context;
use crate::extract::{Extract, Rejection, Signature};

/// Flag of a request that is set when its client cancels it. Set by the session, read by [`Cancelled`].
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
}

/// Tells a handler that the client cancelled its request (2025-11-25, Utilities, Cancellation).
///
/// A handler that does not take it is dropped at its next `await`. One that does runs on, to tidy up; what it returns
/// is not sent any more.
#[derive(Debug, Clone)]
pub struct Cancelled(Rc<CancelFlag>);

impl Cancelled {
    /// True if the client has cancelled the request.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.0.borrow().set
    }

    /// Waits until the client cancels the request; that may be never.
    pub async fn wait(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.0.borrow_mut();
            if state.set {
                return Poll::Ready(());
            }
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Extract for Cancelled {
    fn describe(signature: &mut Signature) {
        signature.heeds_cancellation = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(Rc::clone(context.cancelled())))
    }
}
