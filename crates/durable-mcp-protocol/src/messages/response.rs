//! The response to a request, before it is written as JSON-RPC.

use crate::caching::Caching;
use crate::cause::LoggedCause;
use crate::error::Error;

/// Outcome of a request, as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// A result.
    Ok,
    /// A result that tells a tool's failure (`isError`).
    ToolError,
    /// A protocol error.
    Error,
    /// A panic in a user's function.
    Panic,
}

impl CallOutcome {
    /// The word for it in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Error => "error",
            Self::Panic => "panic",
        }
    }
}

/// Result of a request without a protocol error.
#[derive(Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The JSON of the result.
    Json(String),
    /// No result yet: the call is suspended until another request. Its [`Peer`](crate::peer::Peer) has the questions that the
    /// client has to answer.
    Suspended,
}

/// Response to a request, with its outcome and caching hints.
#[derive(Debug)]
pub struct CallResponse {
    /// The result, or the protocol error.
    pub result: Result<CallResult, Error>,
    /// Outcome of the request, for the log line.
    pub outcome: CallOutcome,
    /// Caching hints of a result that may be cached.
    pub caching: Option<Caching>,
    /// The cause of a failure that the client is told an id of, for the log line.
    pub cause: Option<LoggedCause>,
}

impl From<Result<String, Error>> for CallResponse {
    fn from(result: Result<String, Error>) -> Self {
        let outcome = if result.is_ok() {
            CallOutcome::Ok
        } else {
            CallOutcome::Error
        };
        Self {
            result: result.map(CallResult::Json),
            outcome,
            caching: None,
            cause: None,
        }
    }
}

impl CallResponse {
    pub(crate) const SUSPENDED: Self = Self {
        result: Ok(CallResult::Suspended),
        outcome: CallOutcome::Ok,
        caching: None,
        cause: None,
    };

    pub(crate) fn cached(json: String, caching: Caching) -> Self {
        Self {
            caching: Some(caching),
            ..Ok(json).into()
        }
    }
}
