//! Stored objects. Members that are not known here are kept: the reference, or a later version, has a use for them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Answer of a token endpoint with the time at which it ends.
#[derive(Clone, PartialEq)]
pub(crate) struct StoredTokens(Map<String, Value>);

impl StoredTokens {
    /// Tokens of an object that has an access token.
    pub(crate) fn parse(members: Map<String, Value>) -> Option<Self> {
        text(&members, "access_token").filter(|token| !token.is_empty())?;
        Some(Self(members))
    }

    /// Tokens of a token endpoint's answer. A refresh that brings no new refresh token, ID token or scope keeps those before it
    /// (RFC 6749, section 6).
    pub(crate) fn issued(
        mut answer: Map<String, Value>,
        before: Option<&Self>,
        issuer: Option<&str>,
        now_ms: u64,
    ) -> Option<Self> {
        if let Some(seconds) = number(&answer, "expires_in") {
            answer.insert(
                "expires_at".to_owned(),
                Value::from(now_ms.saturating_add(seconds.saturating_mul(1_000))),
            );
        } else {
            answer.remove("expires_at");
        }
        for name in [
            "refresh_token",
            "id_token",
            "scope",
            "requested_scope",
            "issuer",
        ] {
            if let Some(kept) = before.and_then(|before| before.0.get(name))
                && !answer.contains_key(name)
            {
                answer.insert(name.to_owned(), kept.clone());
            }
        }
        if let Some(issuer) = issuer {
            answer.insert("issuer".to_owned(), Value::from(issuer));
        }
        Self::parse(answer)
    }

    /// Names the scope that was asked for, in the words in which the reference compares it. Without it, the reference compares none.
    #[must_use]
    pub(crate) fn requested(mut self, scope: Option<&str>) -> Self {
        match scope {
            Some(scope) => self
                .0
                .insert("requested_scope".to_owned(), Value::from(scope)),
            None => self.0.remove("requested_scope"),
        };
        self
    }

    /// Object as it is stored.
    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Access token.
    pub(crate) fn access_token(&self) -> &str {
        text(&self.0, "access_token").unwrap_or_default()
    }

    /// Token that is sent to the server: the ID token with `--use-id-token`, where there is one.
    pub(crate) fn bearer(&self, use_id_token: bool) -> &str {
        self.id_token()
            .filter(|_| use_id_token)
            .unwrap_or_else(|| self.access_token())
    }

    /// Token for new ones.
    pub(crate) fn refresh_token(&self) -> Option<&str> {
        text(&self.0, "refresh_token")
    }

    /// ID token.
    pub(crate) fn id_token(&self) -> Option<&str> {
        text(&self.0, "id_token")
    }

    /// Scope that was granted, or else asked for.
    pub(crate) fn scope(&self) -> Option<&str> {
        text(&self.0, "scope").or_else(|| self.requested_scope())
    }

    /// Scope that was asked for.
    pub(crate) fn requested_scope(&self) -> Option<&str> {
        text(&self.0, "requested_scope")
    }

    /// Authorization server that issued them.
    pub(crate) fn issuer(&self) -> Option<&str> {
        text(&self.0, "issuer")
    }

    /// Whether to refresh now: less is left than a minute, or than half of a life that is shorter than two.
    pub(crate) fn is_due(&self, now_ms: u64, use_id_token: bool) -> bool {
        let Some(ends) = self.ends_ms(use_id_token) else {
            return false;
        };
        let half_life =
            number(&self.0, "expires_in").map_or(LEAD_MS, |seconds| seconds.saturating_mul(500));
        ends.saturating_sub(now_ms) < half_life.min(LEAD_MS)
    }

    /// Whether the time is over.
    pub(crate) fn is_expired(&self, now_ms: u64, use_id_token: bool) -> bool {
        self.ends_ms(use_id_token)
            .is_some_and(|ends| ends <= now_ms)
    }

    fn ends_ms(&self, use_id_token: bool) -> Option<u64> {
        let of_id_token = self
            .id_token()
            .filter(|_| use_id_token)
            .and_then(unverified_expiry_ms);
        of_id_token.or_else(|| number(&self.0, "expires_at"))
    }
}

/// Time before the end of a token at which it is refreshed.
const LEAD_MS: u64 = 60_000;

impl fmt::Debug for StoredTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredTokens")
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

/// Registration of this client at an authorization server.
#[derive(Clone, PartialEq)]
pub(crate) struct StoredClient(Map<String, Value>);

impl StoredClient {
    /// Registration of an object that has a client id.
    pub(crate) fn parse(members: Map<String, Value>) -> Option<Self> {
        text(&members, "client_id").filter(|id| !id.is_empty())?;
        Some(Self(members))
    }

    /// Client with an id alone.
    pub(crate) fn public(client_id: &str) -> Self {
        Self(Map::from_iter([(
            "client_id".to_owned(),
            Value::from(client_id),
        )]))
    }

    /// Object as it is stored.
    pub(crate) fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Client id.
    pub(crate) fn client_id(&self) -> &str {
        text(&self.0, "client_id").unwrap_or_default()
    }

    /// Client secret.
    pub(crate) fn secret(&self) -> Option<&str> {
        text(&self.0, "client_secret").filter(|secret| !secret.is_empty())
    }

    /// Id by which the server knows the client's key.
    pub(crate) fn key_id(&self) -> Option<&str> {
        text(&self.0, "kid")
    }

    /// Way in which the client proves itself at the token endpoint, if the registration says.
    pub(crate) fn auth_method(&self) -> Option<&str> {
        text(&self.0, "token_endpoint_auth_method")
    }

    /// Authorization server that it is registered at.
    pub(crate) fn issuer(&self) -> Option<&str> {
        text(&self.0, "issuer")
    }

    /// Whether its secret has ended (RFC 7591, section 3.2.1; 0 is never).
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        number(&self.0, "client_secret_expires_at")
            .is_some_and(|seconds| seconds != 0 && seconds.saturating_mul(1_000) <= now_ms)
    }

    /// Registered redirect URI that an endpoint at `wanted` gets the answers of: that one, or the same by its address.
    pub(crate) fn redirect_uri_for(&self, wanted: &str) -> Option<String> {
        let by_address = wanted.replacen("//localhost:", "//127.0.0.1:", 1);
        [wanted, &by_address]
            .into_iter()
            .find(|uri| self.redirect_uris().any(|known| known == *uri))
            .map(str::to_owned)
    }

    fn redirect_uris(&self) -> impl Iterator<Item = &str> {
        self.0
            .get("redirect_uris")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }
}

impl fmt::Debug for StoredClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredClient")
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

/// Sign-in under way: all that another process needs to finish it.
#[derive(Clone, PartialEq)]
pub(crate) struct PendingFlow {
    /// `state` of the authorization request.
    pub(crate) state: String,
    /// PKCE code verifier.
    pub(crate) verifier: String,
    /// Authorization server.
    pub(crate) issuer: Option<String>,
    /// Redirect URI of the request, repeated at the token endpoint.
    pub(crate) redirect_uri: Option<String>,
    /// Scope of the request.
    pub(crate) scope: Option<String>,
    /// Link that the person opens, if this program began the sign-in.
    pub(crate) link: Option<String>,
    /// Whether the link was opened in a browser.
    pub(crate) is_opened: bool,
    /// Metadata in the form in which the reference stores it.
    pub(crate) reference: Map<String, Value>,
}

/// Longest `state` that the reference and we make.
const MAX_STATE: usize = 64;

impl PendingFlow {
    /// Whether a `state` can be one of ours or of the reference: it becomes part of a file's name.
    pub(crate) fn could_be_state(state: &str) -> bool {
        (1..=MAX_STATE).contains(&state.len())
            && state
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    pub(super) fn stored(state: &str, verifier: String, discovery: &Map<String, Value>) -> Self {
        let of = |name| text(discovery, name).map(str::to_owned);
        Self {
            state: state.to_owned(),
            verifier,
            issuer: of("issuer").or_else(|| of("authorizationServerUrl")),
            redirect_uri: of("redirect_uri"),
            scope: of("scope"),
            link: of("link"),
            is_opened: discovery.get("opened") == Some(&Value::Bool(true)),
            reference: discovery.clone(),
        }
    }

    pub(super) fn discovery(&self) -> Map<String, Value> {
        let mut members = self.reference.clone();
        members.insert("opened".to_owned(), self.is_opened.into());
        let texts = [
            ("issuer", &self.issuer),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("link", &self.link),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                members.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        members
    }
}

impl fmt::Debug for PendingFlow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PendingFlow")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// Whole number that is not negative; some servers write them as text.
fn number(members: &Map<String, Value>, name: &str) -> Option<u64> {
    let number = match members.get(name)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts of doubles saturate"
    )]
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

/// `exp` of a JWT whose signature is not checked here: the server checks it.
fn unverified_expiry_ms(token: &str) -> Option<u64> {
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?.trim_end_matches('='))
        .ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    Some(number(&claims, "exp")?.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn tokens(value: Value) -> StoredTokens {
        StoredTokens::parse(object(value)).unwrap()
    }

    #[test]
    fn a_response_without_a_refresh_token_keeps_the_previous_one() {
        let before = tokens(
            json!({ "access_token": "a", "refresh_token": "r", "scope": "read", "vendor": 1 }),
        );
        let answer = object(json!({ "access_token": "b", "expires_in": 60, "vendor": 2 }));
        let after = StoredTokens::issued(answer, Some(&before), Some("https://as"), 1_000).unwrap();
        let expected = json!({ "access_token": "b", "expires_in": 60, "expires_at": 61_000, "refresh_token": "r", "scope": "read", "issuer": "https://as", "vendor": 2 });
        assert_eq!(after.members(), &object(expected));
    }

    #[test]
    fn a_refresh_is_due_a_minute_before_expiry_or_at_half_a_short_life() {
        let long =
            tokens(json!({ "access_token": "a", "expires_in": 3600, "expires_at": 3_600_000 }));
        assert!(!long.is_due(3_540_000, false));
        assert!(long.is_due(3_540_001, false));
        let short =
            tokens(json!({ "access_token": "a", "expires_in": "30", "expires_at": "30000" }));
        assert!(!short.is_due(15_000, false));
        assert!(short.is_due(15_001, false));
        assert!(!tokens(json!({ "access_token": "a" })).is_due(u64::MAX, false));
    }

    #[test]
    fn the_expiry_of_the_id_token_counts_with_use_id_token() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"exp":100}"#);
        let both = tokens(
            json!({ "access_token": "a", "id_token": format!("h.{payload}.s"), "expires_at": 999_000 }),
        );
        assert_eq!(both.bearer(true), format!("h.{payload}.s"));
        assert!(both.is_expired(100_000, true));
        assert!(!both.is_expired(100_000, false));
        let none = tokens(json!({ "access_token": "a" }));
        assert_eq!(none.bearer(true), "a");
    }

    #[test]
    fn debug_output_has_no_secrets() {
        let shown = format!(
            "{:?}",
            tokens(json!({ "access_token": "se-cret", "refresh_token": "se-cret" }))
        );
        assert!(!shown.contains("se-cret"));
        let client = StoredClient::parse(object(
            json!({ "client_id": "id", "client_secret": "se-cret" }),
        ))
        .unwrap();
        assert!(!format!("{client:?}").contains("se-cret"));
    }

    #[test]
    fn a_state_cannot_name_a_file_outside_the_folder() {
        for bad in ["", "../x", "a/b", "a.b", "a\\b", &"a".repeat(65)] {
            assert!(!PendingFlow::could_be_state(bad), "{bad}");
        }
        assert!(PendingFlow::could_be_state(
            "6f9619ff-8b86-d011-b42d-00c04fc964ff"
        ));
    }
}
