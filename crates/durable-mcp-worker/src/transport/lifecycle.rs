//! Classifies a POST as session-based (2025-11-25 and older) or stateless (2026-07-28 and newer).
//!
//! The body's claim decides, and headers are checked against it (2026-07-28, Streamable HTTP, "Server Validation").
//! `initialize` is session-based whatever version its header and its body name. On a session whose header names no stateless
//! version, header and session agree, and a claim in the body counts for nothing: some clients of both lifecycles make it in every
//! message.

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::cut::{Cut, Quoted};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::initialize::METHOD as INITIALIZE;
use durable_mcp_protocol::jsonrpc::{self, Body, Message, Request, RequestId};
use durable_mcp_protocol::request_meta::{META, RequestMeta, claims_version};

use super::refusal::Refused;
use super::version_header::names_stateless;

/// Kinds of requests to a session's object, named by the Worker in an internal header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP with a session, 2025-03-26 to 2025-11-25.
    Streamable,
    /// HTTP+SSE of 2024-11-05.
    Sse,
    /// Streamable HTTP without sessions: the object is where the caller's state is.
    Stateless,
    /// No client's request: something was published.
    Publication,
}

impl Transport {
    /// Value of the internal header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streamable => "streamable",
            Self::Sse => "sse",
            Self::Stateless => "stateless",
            Self::Publication => "notice",
        }
    }

    /// The transport that the internal header names; without one, that of sessions.
    ///
    /// # Errors
    /// When another version of this server sent it.
    pub fn parse(word: Option<&str>) -> Result<Self, RuntimeError> {
        let Some(word) = word else {
            return Ok(Self::Streamable);
        };
        let all = [
            Self::Streamable,
            Self::Sse,
            Self::Stateless,
            Self::Publication,
        ];
        let named = all.into_iter().find(|one| word == one.as_str());
        named.ok_or_else(|| Format::TransportHeader.unreadable())
    }
}

/// The kinds of POST requests.
#[derive(Debug)]
pub enum Lifecycle {
    /// A message of a version with sessions; what there is to read of it was read.
    Sessions(Result<Body, jsonrpc::Unreadable>),
    /// A stateless request.
    Stateless(Request, RequestMeta),
    /// A stateless notification. This server waits for none.
    Notification,
}

/// Classifies the body of a POST, whatever session it may name.
///
/// # Errors
/// When it claims to be stateless and cannot be accepted, with the error that tells its client why.
pub fn classify(version: Option<&str>, text: &str) -> Result<Lifecycle, Refused> {
    let header = version.map(str::trim);
    let modern_header = names_stateless(header);
    let body = match jsonrpc::parse(text) {
        Ok(body) => body,
        Err(unreadable) if modern_header => {
            return Err(Refused::bad_request(unreadable.id, unreadable.error));
        }
        Err(unreadable) => return Ok(Lifecycle::Sessions(Err(unreadable))),
    };
    match body {
        Body::Single(Message::Request(request)) => of_request(header, modern_header, request),
        Body::Single(Message::Notification(notification)) => {
            let refused = |error| Refused::bad_request(None, error);
            match RequestMeta::read(&notification.params).map_err(refused)? {
                Some(envelope) => check_version(header, &envelope).map_err(refused)?,
                // Nothing is said of headers of notifications: without a claim, the version's decides.
                None if modern_header => {}
                None => {
                    return Ok(Lifecycle::Sessions(Ok(Body::Single(
                        Message::Notification(notification),
                    ))));
                }
            }
            Ok(Lifecycle::Notification)
        }
        Body::Single(Message::Response(_)) if modern_header => Err(misplaced("An answer")),
        Body::Batch(messages) if modern_header || messages.iter().flatten().any(is_modern) => {
            Err(misplaced("A batch"))
        }
        other => Ok(Lifecycle::Sessions(Ok(other))),
    }
}

fn of_request(
    header: Option<&str>,
    modern_header: bool,
    request: Request,
) -> Result<Lifecycle, Refused> {
    let refused = |id: &RequestId, error| Refused::bad_request(Some(id.clone()), error);
    // A handshake settles the version itself, whatever header and body name: clients were seen to name their newest in both.
    // Without the version that it asks for, it is a method that 2026-07-28 does not have.
    if request.method == INITIALIZE
        && (!modern_header || request.params.fields().has("protocolVersion"))
    {
        return Ok(Lifecycle::Sessions(Ok(Body::Single(Message::Request(
            request,
        )))));
    }
    let Some(envelope) =
        RequestMeta::read(&request.params).map_err(|error| refused(&request.id, error))?
    else {
        if !modern_header {
            return Ok(Lifecycle::Sessions(Ok(Body::Single(Message::Request(
                request,
            )))));
        }
        let message = format!(
            "Since 2026-07-28 every request has `{META}/protocolVersion` and `{META}/clientCapabilities` in its `_meta`."
        );
        return Err(refused(&request.id, Error::invalid_params(message)));
    };
    check_version(header, &envelope).map_err(|error| refused(&request.id, error))?;
    Ok(Lifecycle::Stateless(request, envelope))
}

/// True if a body is a lone `initialize` request, which begins a session.
#[must_use]
pub fn is_initialize(posted: &Result<Body, jsonrpc::Unreadable>) -> bool {
    matches!(posted, Ok(Body::Single(Message::Request(request))) if request.method == INITIALIZE)
}

/// The id of the one request in a body.
#[must_use]
pub fn id_of(posted: &Result<Body, jsonrpc::Unreadable>) -> Option<&RequestId> {
    match posted {
        Ok(Body::Single(Message::Request(request))) => Some(&request.id),
        Ok(_) => None,
        Err(unreadable) => unreadable.id.as_ref(),
    }
}

/// Holds the header against the version that a body claims, then that against what is served.
fn check_version(header: Option<&str>, envelope: &RequestMeta) -> Result<(), Error> {
    let claimed = envelope.version.as_str();
    match header {
        None => {
            let claimed = Cut(claimed);
            return Err(mismatch(format!(
                "Send the header `MCP-Protocol-Version: {claimed}`, as the body has it."
            )));
        }
        Some(header) if header != claimed => {
            let (header, claimed) = (Quoted(header), Quoted(claimed));
            let message =
                format!("MCP-Protocol-Version is {header}, and the body's version is {claimed}.");
            return Err(mismatch(message));
        }
        Some(_) => {}
    }
    envelope.check_version()
}

/// A header does not say what the body says: −32020.
pub(super) fn mismatch(message: String) -> Error {
    Error::new(ErrorCode::HEADER_MISMATCH, message)
}

fn misplaced(what: &str) -> Refused {
    let message = format!("{what} cannot be posted in version 2026-07-28. Send one request.");
    Refused::bad_request(None, Error::invalid_request(message))
}

fn is_modern(message: &Message) -> bool {
    match message {
        Message::Request(request) => claims_version(&request.params),
        Message::Notification(notification) => claims_version(&notification.params),
        Message::Response(_) => false,
    }
}
