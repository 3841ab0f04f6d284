//! A grant whose code is not redeemed yet.

use serde::{Deserialize, Serialize};

use super::{CurrentRefresh, GrantInfo, LiveAccess, LiveGrant, UsedCode};
use crate::pkce::{CodeChallenge, CodeVerifier};
use crate::redirect_uri::RedirectUri;

/// A grant whose code was not redeemed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingGrant {
    /// Immutable attributes.
    #[serde(rename = "facts")]
    pub info: GrantInfo,
    /// The code's hash.
    pub code: String,
    /// Expiry of the code, in milliseconds since 1970.
    pub expires: u64,
    /// The redirect URI that the code was sent to.
    pub redirect_uri: String,
    /// The challenge of the code verifier.
    pub challenge: Option<CodeChallenge>,
    /// Number of wrong verifiers.
    #[serde(default)]
    pub misses: u32,
    /// The user's id and props, sealed under the code.
    pub sealed: String,
}

impl PendingGrant {
    /// Checks that the code is redeemed with the redirect URI that it was sent to (RFC 6749 section 4.1.3). A client
    /// may leave it out if there is a challenge, since the verifier proves as much.
    #[must_use]
    pub fn came_by(&self, redirect_uri: Option<&str>) -> bool {
        redirect_uri.map_or(self.challenge.is_some(), |given| {
            let sent = RedirectUri::parse(&self.redirect_uri);
            self.redirect_uri == given || sent.is_ok_and(|sent| sent.matches(given))
        })
    }

    /// Checks the code verifier against the challenge.
    #[must_use]
    pub fn fits(&self, challenge: &CodeChallenge, verifier: &str) -> bool {
        CodeVerifier::parse(verifier).is_ok_and(|verifier| challenge.is_of(&verifier))
    }

    /// Counts a wrong verifier.
    #[must_use]
    pub fn missed(self) -> Self {
        Self {
            misses: self.misses.saturating_add(1),
            ..self
        }
    }

    /// Replaces the props that are sealed under the code.
    #[must_use]
    pub fn resealed(self, sealed: String) -> Self {
        Self { sealed, ..self }
    }

    /// Makes the grant live, since its code was redeemed.
    #[must_use]
    pub fn redeemed(
        self,
        now: u64,
        access: LiveAccess,
        refresh: Option<CurrentRefresh>,
        header_expires: u64,
    ) -> LiveGrant {
        LiveGrant {
            code: Some(UsedCode {
                hash: self.code,
                until: self.expires,
            }),
            refresh,
            access: vec![access],
            header_expires,
            own_header: true,
            ..LiveGrant::new(self.info, now)
        }
    }

    /// Excludes sessions of the client that are older than `seconds` since 1970.
    #[must_use]
    pub fn with_sessions_since(mut self, seconds: u64) -> Self {
        self.info.sessions_since = seconds;
        self
    }
}
