//! Errors of token endpoints, told apart by the party at fault.

use oauth2::RequestTokenError;
use oauth2::basic::BasicErrorResponse;

use super::upstream_client::UpstreamError;
use crate::IdentityError;

/// Characters of what a provider says that go into the log.
const MAX_SAID_CHARS: usize = 200;

/// A failed request to the token endpoint.
pub(super) type TokenEndpointError = RequestTokenError<UpstreamError, BasicErrorResponse>;

/// The meaning of a token endpoint's error.
pub(super) fn refused(error: TokenEndpointError, variables: &str) -> IdentityError {
    match error {
        RequestTokenError::ServerResponse(response) => failed(
            response.error().as_ref(),
            response.error_description().map(String::as_str),
            variables,
        ),
        RequestTokenError::Request(away) => IdentityError::Unavailable(away.0),
        // The answer may hold tokens: nothing of it is told.
        RequestTokenError::Parse(..) => {
            IdentityError::Unavailable("the token endpoint's answer cannot be read".to_owned())
        }
        RequestTokenError::Other(text) => IdentityError::Unavailable(said(&text)),
    }
}

/// The meaning of an error code from either endpoint (RFC 6749 sections 4.1.2.1 and 5.2; GitHub, "Troubleshooting OAuth
/// app access token request errors").
pub(super) fn failed(code: &str, description: Option<&str>, variables: &str) -> IdentityError {
    let text = match description {
        Some(description) => said(&format!("{code}: {description}")),
        None => said(code),
    };
    match code {
        "access_denied"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required"
        | "unverified_user_email" => IdentityError::Denied(text),
        "invalid_grant" | "bad_verification_code" | "bad_refresh_token" => {
            IdentityError::Refused(text)
        }
        "invalid_client"
        | "incorrect_client_credentials"
        | "unauthorized_client"
        | "application_suspended" => IdentityError::Misconfigured(format!(
            "The identity provider does not accept {variables}_CLIENT_ID with {variables}_CLIENT_SECRET ({text}). \
                 Set both to what it shows for your application."
        )),
        "redirect_uri_mismatch" => IdentityError::Misconfigured(format!(
            "The identity provider does not know the callback URL of this server ({text}). Add it to the application \
             of {variables}_CLIENT_ID there."
        )),
        "invalid_scope" => IdentityError::Misconfigured(format!(
            "The identity provider refuses the scopes that it is asked for ({text}). Correct {variables}_SCOPES, or \
             allow them for the application of {variables}_CLIENT_ID there."
        )),
        _ => IdentityError::Unavailable(text),
    }
}

/// A provider's message, fit for one line of the log.
fn said(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_SAID_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_text_of_a_provider_becomes_one_short_line() {
        assert_eq!(said("a\r\nb\u{1b}[31m"), "ab[31m");
        assert_eq!(said(&"é".repeat(500)).chars().count(), MAX_SAID_CHARS);
    }
}
