//! Errors of the endpoints that clients call themselves, and their wire form (RFC 6749 section 5.2).

use std::borrow::Cow;

use durable_core::wire::Reply;
use http::StatusCode;
use serde_json::json;

use crate::auth_server::BodyError;
use crate::authority::GrantRefusal;
use crate::client_auth::ClientAuthError;
use crate::params::RequestParamsError;
use crate::registration::RegistrationError;
use crate::registry_error::RegistryError;

/// Seconds after which a client may try again what failed through no fault of its own.
const RETRY_SECONDS: u32 = 2;

/// An error of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError {
    status: u16,
    error: &'static str,
    description: Cow<'static, str>,
    challenge: Option<&'static str>,
    retry_after: Option<u32>,
}

impl EndpointError {
    /// An error of the request: 400.
    pub fn bad(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 400,
            error,
            description: description.into(),
            challenge: None,
            retry_after: None,
        }
    }

    /// `invalid_request`
    pub fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalid_request", description)
    }

    /// 503: the same request may work later.
    #[must_use]
    pub fn unavailable(retry_after: u32) -> Self {
        Self {
            status: 503,
            error: "temporarily_unavailable",
            description:
                "The server could not do this now. Send the same request again in a moment.".into(),
            challenge: None,
            retry_after: Some(retry_after),
        }
    }

    /// 503, for whatever went wrong here. The cause belongs into the log.
    #[must_use]
    pub fn fault() -> Self {
        Self::unavailable(RETRY_SECONDS)
    }

    /// `invalid_client`: a public client asks about tokens, which takes a secret.
    #[must_use]
    pub fn public_client() -> Self {
        ClientAuthError::InvalidClient {
            by_header: false,
            reason: "Only a client with a secret may ask about tokens.",
        }
        .into()
    }

    /// True for `invalid_grant`: the code or token is at fault, rather than the request or this server.
    #[must_use]
    pub fn is_grant(&self) -> bool {
        self.error == "invalid_grant"
    }

    /// `invalid_client`: the client is unknown, and is told to register again.
    #[must_use]
    pub fn unknown_client(by_header: bool) -> Self {
        let reason = "Unknown client. Register again.";
        ClientAuthError::InvalidClient { by_header, reason }.into()
    }
}

impl From<ClientAuthError> for EndpointError {
    fn from(error: ClientAuthError) -> Self {
        Self {
            status: error.status(),
            error: error.code(),
            description: error.description().into(),
            challenge: error.challenge(),
            retry_after: None,
        }
    }
}

impl From<RequestParamsError> for EndpointError {
    fn from(error: RequestParamsError) -> Self {
        match error {
            RequestParamsError::Repeated(name) => {
                Self::request(format!("{} is there twice.", printable(&name)))
            }
            RequestParamsError::Malformed => Self::request("The body is not a form."),
        }
    }
}

/// A name from outside, short and without what a log or a header could trip over.
fn printable(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        .take(40)
        .collect()
}

impl From<BodyError> for EndpointError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self {
                status: 413,
                ..Self::request("The body is too long.")
            },
            BodyError::Unreadable => Self::request("The body could not be read as UTF-8 text."),
        }
    }
}

impl From<RegistryError> for EndpointError {
    fn from(error: RegistryError) -> Self {
        if error.is_temporary() {
            Self {
                description: error.to_string().into(),
                ..Self::fault()
            }
        } else {
            let description = error.to_string().into();
            Self {
                description,
                ..Self::unknown_client(false)
            }
        }
    }
}

impl From<GrantRefusal> for EndpointError {
    fn from(refused: GrantRefusal) -> Self {
        match refused {
            GrantRefusal::InvalidGrant(reason) => Self::bad("invalid_grant", reason),
            GrantRefusal::InvalidScope(reason) => Self::bad("invalid_scope", reason),
            GrantRefusal::InvalidTarget(reason) => Self::bad("invalid_target", reason),
            GrantRefusal::InvalidRequest(reason) => Self::request(reason),
            GrantRefusal::UnauthorizedClient(reason) => Self::bad("unauthorized_client", reason),
            GrantRefusal::ConsentWithdrawn => {
                Self::bad("invalid_grant", "The user has to agree again.")
            }
            GrantRefusal::Unavailable { retry_after } => Self::unavailable(retry_after),
        }
    }
}

impl From<RegistrationError> for EndpointError {
    fn from(error: RegistrationError) -> Self {
        Self {
            status: error.status(),
            error: error.code(),
            description: error.description().into(),
            challenge: None,
            retry_after: error.retry_after(),
        }
    }
}

impl From<EndpointError> for Reply {
    fn from(refusal: EndpointError) -> Self {
        let body = json!({ "error": refusal.error, "error_description": refusal.description });
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut reply = Self::json(status, body.to_string()).header("pragma", "no-cache");
        if let Some(challenge) = refusal.challenge {
            reply = reply.header("www-authenticate", challenge);
        }
        if let Some(seconds) = refusal.retry_after {
            reply = reply.header("retry-after", seconds.to_string());
        }
        reply
    }
}
