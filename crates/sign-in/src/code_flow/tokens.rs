//! Tokens of a provider, and when they are to be renewed.

use std::fmt;

use oauth2::basic::BasicTokenType;
use oauth2::{ExtraTokenFields, StandardTokenResponse, TokenResponse as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::set;

/// The member of the props that has what the provider gave: `access_token`, and where there are such `refresh_token` and
/// `expires`, in seconds since 1970.
pub const UPSTREAM: &str = "upstream";

/// An access token is renewed when it ends sooner than this, in seconds: as long as a token of this server lives, since
/// tools use it until then.
pub const RENEW_SECONDS: u64 = 3600;

/// Tokens of a provider.
pub struct Tokens {
    /// For its API.
    pub access_token: String,
    /// For the next tokens.
    pub refresh_token: Option<String>,
    /// Time at which the access token expires, in seconds since 1970.
    pub expires: Option<u64>,
    /// The person who signed in (`OpenID` Connect Core 1.0 section 2).
    pub id_token: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(given: &TokenResponse, now: u64) -> Self {
        Self {
            access_token: given.access_token().secret().clone(),
            refresh_token: given.refresh_token().map(|token| token.secret().clone()),
            expires: given
                .expires_in()
                .map(|lives| now.saturating_add(lives.as_secs())),
            id_token: given.extra_fields().id_token.clone(),
        }
    }

    /// The tokens as they are stored in the props, under [`UPSTREAM`].
    #[must_use]
    pub fn to_props(&self) -> Value {
        let mut props = json!({ "access_token": self.access_token });
        if let Some(refresh_token) = &self.refresh_token {
            set(&mut props, "refresh_token", refresh_token.as_str());
        }
        if let Some(expires) = self.expires {
            set(&mut props, "expires", expires);
        }
        props
    }
}

/// The refresh token in the props, if the access token beside it ends soon, seen from `now` in seconds since 1970.
#[must_use]
pub fn renewable(props: &Value, now: u64) -> Option<&str> {
    let upstream = props.get(UPSTREAM)?;
    let expires = upstream.get("expires").and_then(Value::as_u64)?;
    let token = upstream.get("refresh_token").and_then(Value::as_str)?;
    (expires <= now.saturating_add(RENEW_SECONDS)).then_some(token)
}

/// Expiry of the provider's access token, in seconds since 1970, where no refresh token can renew it.
#[must_use]
pub fn ends_with(props: &Value) -> Option<u64> {
    let upstream = props
        .get(UPSTREAM)
        .filter(|upstream| upstream.get("refresh_token").is_none())?;
    upstream.get("expires").and_then(Value::as_u64)
}

/// A provider's answer.
pub(super) type TokenResponse = StandardTokenResponse<IdToken, BasicTokenType>;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct IdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_that_end_soon_are_renewed() {
        let now = 1_700_000_000;
        let due =
            |upstream: Value| renewable(&json!({ "upstream": upstream }), now).map(str::to_owned);
        assert_eq!(due(json!({ "access_token": "old" })), None);
        assert_eq!(due(json!({ "refresh_token": "rt" })), None);
        assert_eq!(due(json!({ "expires": now })), None);
        assert_eq!(
            due(json!({ "refresh_token": "rt", "expires": now + RENEW_SECONDS + 1 })),
            None
        );
        for expires in [0, now, now + RENEW_SECONDS] {
            assert_eq!(
                due(json!({ "refresh_token": "rt", "expires": expires })).as_deref(),
                Some("rt")
            );
        }
    }
}
