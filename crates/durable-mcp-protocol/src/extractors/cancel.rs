//! Cancellation of a request by its client.

use std::rc::Rc;

use crate::cancel_flag::CancelFlag;
use crate::context::Context;
use crate::extract::{Extract, Rejection, Signature};

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
        self.0.is_set()
    }

    /// Waits until the client cancels the request; that may be never.
    pub async fn wait(&self) {
        self.0.wait().await;
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
