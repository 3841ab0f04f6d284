//! `WWW-Authenticate` challenges of a protected resource (RFC 6750 section 3, RFC 9728 section 5.1).

use std::fmt::{self, Write};

use crate::metadata::OFFLINE_ACCESS;
use crate::scope::Scopes;

/// Asks for the credentials of a client (RFC 7617 section 2): the answer to one that tried `Basic` and failed.
pub const BASIC_CHALLENGE: &str = "Basic realm=\"OAuth client\", charset=\"UTF-8\"";

/// Error codes of requests with a bearer token (RFC 6750 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BearerError {
    /// The request carries no well-formed token.
    InvalidRequest,
    /// The token is unknown, has ended, or is for another resource.
    InvalidToken,
    /// The token lacks a scope that the operation needs.
    InsufficientScope,
}

impl BearerError {
    /// Error code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
        }
    }
}

/// A challenge. `Display` gives the header's value.
#[derive(Debug, Clone, Copy, Default)]
pub struct BearerChallenge<'a> {
    /// Error of the request; none if no token was sent, which is no error (RFC 6750 section 3.1).
    pub error: Option<BearerError>,
    /// Advice for the developer of the client.
    pub description: Option<&'a str>,
    /// The scopes to ask for: all that the operation needs. `offline_access` is left out, for no resource needs it.
    pub scopes: Option<&'a Scopes>,
    /// URL of the metadata of the resource.
    pub resource_metadata: &'a str,
}

impl fmt::Display for BearerChallenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer ")?;
        if let Some(error) = self.error {
            quoted(f, "error", error.code())?;
            f.write_str(", ")?;
        }
        if let Some(description) = self.description {
            quoted(f, "error_description", description)?;
            f.write_str(", ")?;
        }
        let scopes = self
            .scopes
            .map(|scopes| scopes.without(OFFLINE_ACCESS))
            .filter(|scopes| !scopes.is_empty());
        if let Some(scopes) = scopes {
            quoted(f, "scope", &scopes.to_string())?;
            f.write_str(", ")?;
        }
        quoted(f, "resource_metadata", self.resource_metadata)
    }
}

/// A parameter with its value in quotes. RFC 6750 section 3 lets no value hold a quote, a backslash or what is not
/// printable ASCII, so such a character is replaced and never has to be escaped.
fn quoted(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    write!(f, "{name}=\"")?;
    for character in value.chars() {
        f.write_char(match character {
            '"' | '\\' => '\'',
            ' '..='~' => character,
            _ => '?',
        })?;
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "https://a.example/.well-known/oauth-protected-resource/mcp";

    #[test]
    fn a_challenge_without_a_token_has_metadata_and_no_error() {
        let scopes = Scopes::parse("mcp:use offline_access").unwrap();
        let challenge = BearerChallenge {
            scopes: Some(&scopes),
            resource_metadata: METADATA,
            ..BearerChallenge::default()
        };
        assert_eq!(
            challenge.to_string(),
            format!("Bearer scope=\"mcp:use\", resource_metadata=\"{METADATA}\""),
            "offline_access is the authorization server's own"
        );
    }

    #[test]
    fn a_challenge_to_a_refused_token_has_error_and_description() {
        let challenge = BearerChallenge {
            error: Some(BearerError::InvalidToken),
            description: Some("The token has expired."),
            scopes: Some(&Scopes::default()),
            resource_metadata: METADATA,
        };
        assert_eq!(
            challenge.to_string(),
            format!(
                "Bearer error=\"invalid_token\", error_description=\"The token has expired.\", \
                 resource_metadata=\"{METADATA}\""
            )
        );
    }

    #[test]
    fn quotes_and_line_breaks_in_challenge_values_are_replaced() {
        let challenge = BearerChallenge {
            error: Some(BearerError::InsufficientScope),
            description: Some("a\", scope=\"x\\\r\nB: ü"),
            scopes: None,
            resource_metadata: METADATA,
        };
        let value = challenge.to_string();
        assert!(
            value.contains("error_description=\"a', scope='x'??B: ?\", resource_metadata"),
            "{value}"
        );
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }

    #[test]
    fn each_bearer_error_has_the_status_of_the_rfc() {
        let errors = [
            BearerError::InvalidRequest,
            BearerError::InvalidToken,
            BearerError::InsufficientScope,
        ];
        assert_eq!(errors.map(BearerError::status), [400, 401, 403]);
        assert_eq!(
            errors.map(BearerError::code),
            ["invalid_request", "invalid_token", "insufficient_scope"]
        );
    }
}
