//! Rejections before a request is routed.

use http::StatusCode;

/// Reason for which a request is rejected before it is routed.
#[derive(Debug, Clone, Copy)]
pub struct RouterRejection {
    /// The status.
    pub status: StatusCode,
    /// The cause, and what to do.
    pub text: &'static str,
}
