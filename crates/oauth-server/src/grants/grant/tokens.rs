//! The tokens of a grant that lives, as hashes.

use durable_core::wire::is_default;
use serde::{Deserialize, Serialize};

use crate::secret::same;

/// A code that was redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedCode {
    /// Hash of the code.
    pub hash: String,
    /// Expiry of the code, in milliseconds since 1970.
    pub until: u64,
}

/// The refresh token that is to be used next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentRefresh {
    /// Number of refresh tokens before this one.
    pub generation: u64,
    /// Hash of the refresh token.
    pub hash: String,
    /// Expiry of the refresh token unless it is used, in milliseconds since 1970.
    pub expires: u64,
    /// User id and props, sealed under the refresh token.
    pub sealed: String,
}

/// The refresh token that was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviousRefresh {
    /// Hash of the refresh token.
    pub hash: String,
    /// Time until which the refresh token gives the same pair again, in milliseconds since 1970.
    pub until: u64,
    /// Number of times that the refresh token has given the same pair again.
    pub uses: u32,
    /// The next pair, sealed under the refresh token.
    pub pair: String,
}

impl PreviousRefresh {
    /// Checks whether the refresh token of that hash gives the same pair again.
    pub(super) fn repeats(&self, hash: &str, now: u64, grace_uses: u32) -> bool {
        same(&self.hash, hash) && now < self.until && self.uses < grace_uses
    }
}

/// An access token that has not expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveAccess {
    /// Hash of the access token.
    pub hash: String,
    /// Expiry of the access token, in seconds since 1970.
    pub expires: u64,
    /// True if the key of the token's record is in this server's own namespace.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own: bool,
}

/// Status of a presented refresh token in its grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshStatus {
    /// Current: to be exchanged.
    Current,
    /// Exchanged a moment ago: gives the same pair again.
    Repeat,
    /// Neither, or too late.
    Stale,
}

/// The refresh token that replaces the current one.
#[derive(Debug)]
pub struct NextRefresh {
    /// Hash of the refresh token.
    pub hash: String,
    /// Expiry of the refresh token unless it is used, in milliseconds since 1970.
    pub expires: u64,
    /// User id and props, sealed under the refresh token.
    pub sealed: String,
    /// The pair that the refresh token belongs to, sealed under the token before it.
    pub pair: String,
    /// Time until which the token before it gives the pair, in milliseconds since 1970.
    pub grace_until: u64,
}

/// Evictions from KV that must precede one more access token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evictions {
    /// The hashes of the oldest access tokens, where there are too many.
    pub oldest: Vec<String>,
    /// The key of the record that another program could still read this grant from.
    pub legacy: Option<String>,
}
