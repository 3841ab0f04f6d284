//! Refusals of HTTP requests before their method is read, each with its status and JSON-RPC error.

use durable_core::formats::is_of_other_version;
use durable_core::wire::{Reply, RuntimeError};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{RequestId, Unreadable, error_json, error_json_without_id};
use durable_mcp_protocol::version::ProtocolVersion;
use http::StatusCode;

use super::version_header::names_stateless;

/// The most bytes of a POST's body, 4 MiB: room for a picture in base64, and 1/32 of what an isolate may use.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A refused request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body is too long.
    TooLarge,
    /// The body is not UTF-8.
    NotUtf8,
    /// The content type is not JSON.
    NotJson,
    /// The body is compressed.
    Coded,
    /// A POST that does not accept both shapes of an answer.
    AcceptBoth,
    /// A GET that does not accept events.
    AcceptEvents,
    /// No session id where one is needed.
    NoSession,
    /// A session id that is not taken.
    UnknownSession,
    /// A session that has ended, or whose stream is gone.
    EndedSession,
    /// An `MCP-Protocol-Version` that is not served.
    UnknownVersion,
    /// A `Last-Event-ID` that this session never gave.
    UnknownEvent,
    /// A method that the endpoint does not have.
    Method(&'static str),
    /// A batch where the version has none.
    NoBatches,
    /// `initialize` in a batch, or on a session.
    MisplacedInitialize,
    /// The session runs as many calls as it may.
    TooBusy,
    /// Something inside failed; the log has it.
    Internal,
    /// Data of another version of this server is needed; the log says which.
    OtherVersion,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::Coded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::AcceptBoth | Self::AcceptEvents => StatusCode::NOT_ACCEPTABLE,
            Self::UnknownSession | Self::EndedSession => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::OtherVersion => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotUtf8
            | Self::NoSession
            | Self::UnknownVersion
            | Self::UnknownEvent
            | Self::NoBatches
            | Self::MisplacedInitialize => StatusCode::BAD_REQUEST,
        }
    }

    const fn code(self) -> ErrorCode {
        match self {
            Self::NotUtf8 => ErrorCode::PARSE,
            Self::NoBatches | Self::MisplacedInitialize => ErrorCode::INVALID_REQUEST,
            Self::UnknownSession | Self::EndedSession => ErrorCode::SESSION_NOT_FOUND,
            Self::Internal | Self::OtherVersion => ErrorCode::INTERNAL,
            _ => ErrorCode::REFUSED,
        }
    }

    fn message(self) -> String {
        match self {
            Self::TooLarge => format!("The body is longer than {MAX_BODY_BYTES} bytes."),
            Self::NotUtf8 => "The body is not UTF-8.".to_owned(),
            Self::NotJson => "Send the body with `Content-Type: application/json`.".to_owned(),
            Self::Coded => "Send the body as it is, without `Content-Encoding`: this server reads none.".to_owned(),
            Self::AcceptBoth => "Send `Accept: application/json, text/event-stream`.".to_owned(),
            Self::AcceptEvents => "Send `Accept: text/event-stream`.".to_owned(),
            Self::NoSession => "Send the `Mcp-Session-Id` that `initialize` gave you.".to_owned(),
            Self::UnknownSession | Self::EndedSession => {
                "There is no such session. Start a new one with `initialize`.".to_owned()
            }
            Self::UnknownVersion => {
                let served = ProtocolVersion::ALL.map(ProtocolVersion::as_str).join(", ");
                format!("This `MCP-Protocol-Version` is not served. Served are {served}.")
            }
            Self::UnknownEvent => "This `Last-Event-ID` is not of this session. Connect without one.".to_owned(),
            Self::Method(allowed) => format!("This endpoint takes {allowed}."),
            Self::NoBatches => "Only protocol version 2025-03-26 has batches. Send one message a request.".to_owned(),
            Self::MisplacedInitialize => {
                "`initialize` goes alone and without an `Mcp-Session-Id`: it begins a new session.".to_owned()
            }
            Self::TooBusy => "This session runs too many calls at once. Wait for one to end.".to_owned(),
            Self::Internal => "The server failed. Its log says why; trying again may help.".to_owned(),
            Self::OtherVersion => {
                "Another version of this server made something that this request needs. Nothing was done. \
                 Try again in a moment: the version is being replaced."
                    .to_owned()
            }
        }
    }

    /// The refusal for a failure of this server.
    #[must_use]
    pub fn of(fault: &RuntimeError) -> Self {
        if is_of_other_version(fault) {
            Self::OtherVersion
        } else {
            Self::Internal
        }
    }

    /// The answer to a request that came with that version's header, whose id is not known.
    #[must_use]
    pub fn reply_to(self, version: Option<&str>) -> Reply {
        if !names_stateless(version) {
            return self.into();
        }
        let error = Error::new(self.code(), self.message());
        self.dressed(
            Refused {
                status: self.status(),
                id: None,
                error,
            }
            .into(),
        )
    }

    /// The answer, for a request whose id is known or not.
    #[must_use]
    pub fn reply(self, id: Option<&RequestId>) -> Reply {
        let error = Error::new(self.code(), self.message());
        self.dressed(Reply::json(self.status(), error_json(id, &error)))
    }

    fn dressed(self, reply: Reply) -> Reply {
        match self {
            Self::Method(allowed) => reply.header("allow", allowed),
            Self::TooBusy => reply.header("retry-after", "1"),
            Self::OtherVersion => reply.header("retry-after", "2"),
            // RFC 9110 section 12.5.3: tells the client which coding is accepted.
            Self::Coded => reply.header("accept-encoding", "identity"),
            _ => reply,
        }
    }
}

/// A refused stateless request: what HTTP says of it, and what JSON-RPC does.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: StatusCode,
    /// The request's id, if it could be read; otherwise the error has none.
    pub id: Option<RequestId>,
    /// The reason for the refusal.
    pub error: Error,
}

impl Refused {
    /// The request itself is wrong.
    #[must_use]
    pub fn bad_request(id: Option<RequestId>, error: Error) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            id,
            error,
        }
    }
}

impl From<Refused> for Reply {
    fn from(refused: Refused) -> Self {
        let Refused { status, id, error } = refused;
        let json = id.map_or_else(
            || error_json_without_id(&error),
            |id| error_json(Some(&id), &error),
        );
        Self::json(status, json)
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        refusal.reply(None)
    }
}

/// 400 with the error of a body that is no message.
#[must_use]
pub fn unreadable_reply(unreadable: &Unreadable) -> Reply {
    Reply::json(
        StatusCode::BAD_REQUEST,
        error_json(unreadable.id.as_ref(), &unreadable.error),
    )
}
