//! A grant that has ended, and what has to go with it.

use serde::{Deserialize, Serialize};

use crate::wire::is_default;

/// Records of workers-oauth-provider in KV, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legacy {
    /// The grant, until it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Its access tokens, until `until`.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// When those have all expired, in milliseconds since 1970.
    #[serde(default)]
    pub until: u64,
}

impl Legacy {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn keys(&self, now: u64) -> impl Iterator<Item = String> {
        let tokens = self.tokens.iter().filter(move |_| now < self.until);
        self.grant.iter().chain(tokens).cloned()
    }
}

/// A grant that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The client.
    pub client_id: String,
    /// What is left to delete from KV.
    pub keys: Vec<String>,
    /// The row stays until then, in milliseconds since 1970.
    pub until: u64,
    /// The client's sessions that are older have ended with it, in seconds since 1970; 0 if none have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions_since: u64,
    /// Its records are looked for by their prefix until then, in milliseconds since 1970: its row could not be read, and
    /// Workers KV may list a record late. 0 if they were all known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub listed_until: u64,
}

impl Ending {
    /// A grant of that client that has ended, with records in KV under those keys.
    #[must_use]
    pub fn new(client_id: String, keys: Vec<String>, until: u64) -> Self {
        Self { client_id, keys, until, sessions_since: 0, listed_until: 0 }
    }

    /// Whether the row may go.
    #[must_use]
    pub fn is_done(&self, now: u64) -> bool {
        !self.is_unfinished() && self.until <= now
    }

    /// Whether records of it may be left.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        !self.keys.is_empty() || self.listed_until > 0
    }

    /// The user wants no more of the client: its sessions from before `since`, in seconds, have ended, which must be known
    /// until `until`.
    #[must_use]
    pub fn with_sessions(self, since: u64, until: u64) -> Self {
        Self { sessions_since: since, until: self.until.max(until), ..self }
    }
}
