//! The tokens of a grant that lives, as hashes.

use serde::{Deserialize, Serialize};

use crate::wire::is_default;

/// A code that was redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Its hash.
    pub hash: String,
    /// When it would have ended.
    pub until: u64,
}

/// The refresh token that is to be used next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// How many came before it.
    pub generation: u64,
    /// Its hash.
    pub hash: String,
    /// When it ends unless it is used.
    pub expires: u64,
    /// Who the user is, and props, for its holder.
    pub sealed: String,
}

/// The refresh token that was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its hash.
    pub hash: String,
    /// Until when it gives the same pair again.
    pub until: u64,
    /// How often it has done so.
    pub uses: u32,
    /// The pair, for its holder.
    pub pair: String,
}

/// An access token that has not expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveAccess {
    /// Its hash.
    pub hash: String,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
    /// Whether its record has its key in the namespace of this server's own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own: bool,
}

/// What a presented refresh token is to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// To be exchanged.
    Current,
    /// Exchanged a moment ago: gives the same pair again.
    Repeat,
    /// Neither, or too late.
    Stale,
}

/// The refresh token that takes over.
#[derive(Debug)]
pub struct Next {
    /// Its hash.
    pub hash: String,
    /// When it ends unless it is used.
    pub expires: u64,
    /// Who the user is, and props, for its holder.
    pub sealed: String,
    /// The pair that it is part of, for the holder of the token before it.
    pub pair: String,
    /// Until when that one gives the pair.
    pub grace_until: u64,
}

/// What has to go before one more access token comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// The hashes of the oldest access tokens, where there are too many.
    pub oldest: Vec<String>,
    /// The key of the record that another program could still read this grant from.
    pub legacy: Option<String>,
}
