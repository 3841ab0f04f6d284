//! Events for operators. No event holds a token, or a user's id in clear.

use serde::{Deserialize, Serialize};

/// Grant that an event is about, with its user and client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRef {
    /// The user, by the routing handle.
    pub handle: String,
    /// The grant.
    pub grant: String,
    /// The client that the grant is for.
    pub client: String,
}

/// Event of a grant or a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A code was redeemed, or a client got a token for itself.
    Issued(GrantRef),
    /// A refresh token was exchanged for the next pair.
    Refreshed(GrantRef),
    /// A refresh token was presented again in time, or a code twice at once by its client, and got the same tokens.
    Repeated(GrantRef),
    /// An access token was exchanged for another, RFC 8693.
    Minted(GrantRef),
    /// A refresh token was presented long after it was exchanged, so another party has it. RFC 9700 section 4.14.2.
    Reused(GrantRef),
    /// A code was redeemed twice, RFC 6749 section 4.1.2.
    CodeReplayed(GrantRef),
    /// Too many verifiers did not fit a code, RFC 7636 section 4.6.
    CodeBurnt(GrantRef),
    /// A grant was ended by its client, its user or an administrator.
    Revoked(GrantRef),
    /// The application's hook ended a grant.
    EndedByHook(GrantRef),
    /// A grant was displaced, since its user has too many.
    Displaced(GrantRef),
    /// A grant of workers-oauth-provider was taken over.
    Adopted(GrantRef),
    /// A client was registered, RFC 7591.
    Registered {
        /// Id of the client.
        client: String,
    },
    /// An operator listed or ended a user's grants, with the secret `OPERATOR_TOKEN`.
    Operator {
        /// `list`, `end`, `end-session` or `end-all`.
        action: String,
        /// The user, by the routing handle.
        handle: String,
        /// The grant, of `end` and `end-session`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
        /// The key of the session, of `end-session`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// The scheduled run looked through grants that storage cannot expire by itself.
    Purged {
        /// Number of grants that the run read.
        seen: usize,
        /// Number of grants that the run ended.
        ended: usize,
        /// Number of grants that the run skipped, since they could not be looked at or ended.
        #[serde(default)]
        failed: usize,
        /// True if the run came to the end; else the next run goes on.
        whole: bool,
    },
}
