//! A grant that has ended, and what ends with it.

use durable_core::wire::is_default;
use serde::{Deserialize, Serialize};

use crate::holding::GrantHolding;

/// Records of workers-oauth-provider in KV, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyRecords {
    /// The grant, until it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Keys of the grant's access tokens, needed until `until`.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Time by which these access tokens have all expired, in milliseconds since 1970.
    #[serde(default)]
    pub until: u64,
}

impl LegacyRecords {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn keys(&self, now: u64) -> impl Iterator<Item = String> {
        let tokens = self.tokens.iter().filter(move |_| now < self.until);
        self.grant.iter().chain(tokens).cloned()
    }
}

/// Client id that stands for all clients: of a disconnect that concerns every client of the user.
pub const EVERY_CLIENT: &str = "";

/// A holding of a grant in another object, which has to be asked to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteHolding<'a> {
    /// Session of that key, with its streams.
    Session(&'a str),
    /// Task of that key.
    Task(&'a str),
    /// Streams that listen.
    Listeners {
        /// Id of the grant.
        grant: &'a str,
        /// Expiry of the grant's last access token, in milliseconds since 1970.
        until: u64,
    },
}

/// Sessions, tasks and streams of an ended grant that other objects have still to end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldElsewhere {
    /// Keys of sessions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions: Vec<String>,
    /// Keys of tasks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tasks: Vec<String>,
    /// Expiry of the last access token, in milliseconds since 1970: streams that listen can be opened until then. 0 once
    /// the hub knows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub listening_until: u64,
}

impl HeldElsewhere {
    /// Holdings of one kind that are left to end, for the grant of that id.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "each kind says what else ends it")]
    pub fn remote<'a>(&'a self, kind: GrantHolding, grant: &'a str) -> Vec<RemoteHolding<'a>> {
        match kind {
            GrantHolding::Session => self
                .sessions
                .iter()
                .map(|key| RemoteHolding::Session(key))
                .collect(),
            GrantHolding::Task => self
                .tasks
                .iter()
                .map(|key| RemoteHolding::Task(key))
                .collect(),
            GrantHolding::Listener if self.listening_until > 0 => {
                vec![RemoteHolding::Listeners {
                    grant,
                    until: self.listening_until,
                }]
            }
            GrantHolding::Listener => Vec::new(),
            // Closed with their session.
            GrantHolding::GetStream | GrantHolding::SseStream => Vec::new(),
            // The row itself ends them.
            GrantHolding::Code | GrantHolding::RefreshToken => Vec::new(),
            // Their records are among the keys of the row.
            GrantHolding::AccessToken => Vec::new(),
            // Times that the row has are compared with theirs.
            GrantHolding::RequestState
            | GrantHolding::RememberedConsent
            | GrantHolding::SignInFlow => Vec::new(),
            // No grant holds them: see their kinds.
            GrantHolding::StateHandle | GrantHolding::Call => Vec::new(),
        }
    }

    /// Removes a holding that has ended.
    #[must_use]
    pub fn without(mut self, ended: RemoteHolding<'_>) -> Self {
        match ended {
            RemoteHolding::Session(key) => self.sessions.retain(|known| known != key),
            RemoteHolding::Task(key) => self.tasks.retain(|known| known != key),
            RemoteHolding::Listeners { .. } => self.listening_until = 0,
        }
        self
    }
}

/// A grant that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingGrant {
    /// The client.
    pub client_id: String,
    /// Keys of the records still to delete from KV.
    pub keys: Vec<String>,
    /// Time until which the row stays, in milliseconds since 1970.
    pub until: u64,
    /// The client's sessions, tasks and request states that are older have ended with it, in seconds since 1970; 0 if
    /// none have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions_since: u64,
    /// Time until which its records are looked for by their prefix, in milliseconds since 1970: its row could not be read,
    /// and Workers KV may list a record late. 0 if all its records were known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub listed_until: u64,
    /// Consents to the client that are older are void, in milliseconds since 1970; 0 if none are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub consents_since: u64,
    /// Holdings that other objects have still to end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub held: HeldElsewhere,
}

impl EndingGrant {
    /// A grant of that client that has ended, with records in KV under those keys.
    #[must_use]
    pub fn new(client_id: String, keys: Vec<String>, until: u64) -> Self {
        let held = HeldElsewhere::default();
        Self {
            client_id,
            keys,
            until,
            sessions_since: 0,
            listed_until: 0,
            consents_since: 0,
            held,
        }
    }

    /// True if records in KV or holdings in other objects may be left.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        !self.keys.is_empty() || self.listed_until > 0 || self.held != HeldElsewhere::default()
    }

    /// Checks whether the end concerns that client, alone or among all.
    #[must_use]
    pub fn concerns(&self, client_id: &str) -> bool {
        self.client_id == client_id || self.client_id == EVERY_CLIENT
    }

    /// True if the row may be deleted.
    #[must_use]
    pub fn is_done(&self, now: u64) -> bool {
        !self.is_unfinished() && self.until <= now
    }

    /// Ends the client's sessions from before `since`, in seconds; that is remembered until `until`.
    #[must_use]
    pub fn with_sessions(self, since: u64, until: u64) -> Self {
        Self {
            sessions_since: since,
            until: self.until.max(until),
            ..self
        }
    }

    /// Voids consents from before `since`, since the user disconnected the client; that is remembered until `until`.
    #[must_use]
    pub fn with_consents(self, since: u64, until: u64) -> Self {
        Self {
            consents_since: since,
            until: self.until.max(until),
            ..self
        }
    }
}
