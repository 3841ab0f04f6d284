//! Errors of the protocol, as JSON-RPC carries them.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::cause::HiddenCause;
use crate::cut::{Cut, Quoted};

/// An error code, by JSON-RPC 2.0 section 5.1 and the protocol's own range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The body is not JSON.
    pub const PARSE: Self = Self(-32700);
    /// The body is JSON but no message, or no message that may come here.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// No such method, or one of a feature this server does not have.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The method's parameters are wrong.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The server failed.
    pub const INTERNAL: Self = Self(-32603);
    /// A request that HTTP already refuses: no session, a wrong header, a foreign origin.
    pub const REFUSED: Self = Self(-32000);
    /// The session is unknown, ended or somebody else's.
    pub const SESSION_NOT_FOUND: Self = Self(-32001);
    /// No resource has this URI (2025-11-25, Resources, "Error Handling"). Clients of 2026-07-28 get
    /// [`INVALID_PARAMS`](Self::INVALID_PARAMS).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// The person has to open a URL first (2025-11-25, Elicitation, "URL Elicitation Required Error").
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);
    /// A header does not say what the body says (2026-07-28, Streamable HTTP, "Server Validation").
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The client did not declare what the request needs (2026-07-28, Basic, "`_meta`").
    pub const MISSING_CAPABILITY: Self = Self(-32021);
    /// The version is not served (2026-07-28, Versioning).
    pub const UNSUPPORTED_VERSION: Self = Self(-32022);
}

/// A JSON-RPC error object. Its message reaches the client, so it says what can be done and nothing internal.
///
/// The handler of a resource or prompt can return one. Any other error becomes one by `?`, with its text in the log alone, as for
/// [`ToolError`](crate::outcome::ToolError).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Error {
    /// The JSON-RPC error code.
    pub code: ErrorCode,
    /// A sentence for people who read the client's log.
    pub message: String,
    /// Anything more a program can use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The cause that the log has in place of the client.
    #[serde(skip)]
    pub(crate) cause: Option<HiddenCause>,
}

impl Error {
    /// An error with a code and a message.
    pub fn new(code: ErrorCode, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            data: None,
            cause: None,
        }
    }

    /// The server failed, for a reason that the client is not told.
    pub(crate) fn hiding(cause: HiddenCause) -> Self {
        Self {
            cause: Some(cause),
            ..Self::internal(HiddenCause::MESSAGE)
        }
    }

    /// Parameters are wrong: −32602.
    pub fn invalid_params(message: impl fmt::Display) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// The message cannot be taken: −32600.
    pub fn invalid_request(message: impl fmt::Display) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// No such method: −32601.
    #[must_use]
    pub fn method_not_found(method: &str) -> Self {
        Self::new(
            ErrorCode::METHOD_NOT_FOUND,
            format!("This server has no method {}.", Quoted(method)),
        )
    }

    /// Error for an unknown resource: −32002, and −32602 for clients of 2026-07-28 (Resources, "Error Handling").
    #[must_use]
    pub fn resource_not_found(uri: &str) -> Self {
        let message = format!("There is no resource {}.", Quoted(uri));
        // A URI may be as long as a body: it goes back as far as any text of a caller does.
        let uri = Cut(uri).to_string();
        Self::new(ErrorCode::RESOURCE_NOT_FOUND, message)
            .with_data(serde_json::json!({ "uri": uri }))
    }

    /// The caller's token allows too little: −32000, with the scopes that are needed, all of them.
    #[must_use]
    pub fn insufficient_scope(needed: &[String]) -> Self {
        let message = format!(
            "This needs the scopes {}. Ask the user for them as well.",
            needed.join(" ")
        );
        Self::new(ErrorCode::REFUSED, message)
            .with_data(serde_json::json!({ "requiredScopes": needed }))
    }

    /// The server failed: −32603. The client is told the message, so a cause comes by `?` instead, which puts it into the log.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(ErrorCode::INTERNAL, message)
    }

    /// The person has to open `url` before the call can succeed: −32042, for clients of 2025-11-25 that open URLs; others
    /// are told in words that they cannot. `id` names the errand in
    /// [`Notify::elicitation_complete`](crate::notify::Notify::elicitation_complete).
    #[must_use]
    pub fn url_elicitation_required(id: &str, message: &str, url: &str) -> Self {
        let errand = serde_json::json!({ "mode": "url", "elicitationId": id, "message": message, "url": url });
        let data = serde_json::json!({ "elicitations": [errand] });
        Self::new(ErrorCode::URL_ELICITATION_REQUIRED, message).with_data(data)
    }

    /// The same error with `data`.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Any other error is the server's own failure, −32603. Its text is in the log, and the client is told the id that it has there.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::hiding(HiddenCause::of(&error))
    }
}
