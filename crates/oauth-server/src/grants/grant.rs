//! Grant of a user to a client, from its code to its end.
//!
//! A state owns what it needs and nothing else, and a transition consumes it. Tokens are here as hashes; the user's id
//! and props are sealed under the code or the refresh token, so a row does not reveal who the user is.

mod ending;
mod pending;
mod tokens;

use serde::{Deserialize, Serialize};

pub use ending::{EVERY_CLIENT, EndingGrant, HeldElsewhere, LegacyRecords, RemoteHolding};
pub use pending::PendingGrant;
pub use tokens::{
    CurrentRefresh, Evictions, LiveAccess, NextRefresh, PreviousRefresh, RefreshStatus, UsedCode,
};

use durable_core::wire::is_default;

use crate::record;
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::secret::same;
use crate::session_note::{SessionNotes, TaskNotes};
use crate::token::{GrantId, UserHandle};

/// Immutable attributes of a grant. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantInfo {
    /// The user's routing handle.
    pub handle: UserHandle,
    /// The grant's id.
    pub id: GrantId,
    /// The client.
    pub client_id: String,
    /// The client's name when the user agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// True for a public client, which has no secret.
    pub public: bool,
    /// True if the client gets refresh tokens.
    pub refreshable: bool,
    /// Scopes that the user allowed.
    pub scopes: Scopes,
    /// Resources that the grant's tokens are valid for.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// Time of the user's consent.
    pub created: u64,
    /// End of the grant, however much it is used.
    pub ends: u64,
    /// True for a grant taken over from workers-oauth-provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Sessions, tasks and request states of its client that are older are not for its tokens, in seconds since 1970: a
    /// grant of the client has ended since.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sessions_since: u64,
    /// Name of the sign-in that gave the grant, and gives no other; empty if it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sign_in: String,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Grant {
    /// The client has a code.
    Pending(PendingGrant),
    /// The client has tokens.
    Live(LiveGrant),
    /// The grant has ended; its records are being deleted from KV.
    Ending(EndingGrant),
}

/// A grant whose client has tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveGrant {
    /// Immutable attributes.
    #[serde(rename = "facts")]
    pub info: GrantInfo,
    /// Time at which tokens were last issued, in milliseconds since 1970.
    pub used: u64,
    /// Code that the grant began with, for as long as it could be presented again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<UsedCode>,
    /// The refresh token that is to be used next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<CurrentRefresh>,
    /// The refresh token that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousRefresh>,
    /// Access tokens, oldest first.
    pub access: Vec<LiveAccess>,
    /// Expiry of the header in KV, in seconds since 1970; 0 if there is none.
    #[serde(default)]
    pub header_expires: u64,
    /// True if the header's key is in this server's own namespace.
    #[serde(default, skip_serializing_if = "is_default")]
    pub own_header: bool,
    /// Records of workers-oauth-provider that are left in KV.
    #[serde(default, skip_serializing_if = "LegacyRecords::is_empty")]
    pub legacy: LegacyRecords,
    /// The sessions that its client began.
    #[serde(default, skip_serializing_if = "SessionNotes::is_empty")]
    pub sessions: SessionNotes,
    /// Tasks that its client began.
    #[serde(default, skip_serializing_if = "TaskNotes::is_empty")]
    pub tasks: TaskNotes,
}

/// Prefix of every grant in KV.
pub const GRANTS: &str = "grant:";

/// The prefixes of the records of a grant's access tokens in KV, present and former.
#[must_use]
pub fn access_prefixes(handle: &UserHandle, grant: &GrantId) -> [String; 2] {
    [record::key, record::old_key].map(|key| key(handle.as_str(), grant.as_str(), ""))
}

/// The grant that a header's key in KV names; `None` if the key is not of this server's headers.
#[must_use]
pub fn of_header_key(key: &str) -> Option<(UserHandle, &str)> {
    let rest = key.strip_prefix(GRANTS)?;
    let (handle, grant) = rest.strip_prefix(':').unwrap_or(rest).split_once(':')?;
    Some((UserHandle::parse(handle)?, grant))
}

/// The key of a header as earlier versions wrote it.
#[must_use]
pub fn old_header_key(handle: &UserHandle, grant: &GrantId) -> String {
    ["grant", handle.as_str(), grant.as_str()].join(":")
}

/// The key of a grant's header in KV.
#[must_use]
pub fn header_key(handle: &UserHandle, grant: &GrantId) -> String {
    ["grant", "", handle.as_str(), grant.as_str()].join(":")
}

impl LiveGrant {
    /// A grant whose client has no tokens yet.
    pub(crate) fn new(info: GrantInfo, now: u64) -> Self {
        Self {
            info,
            used: now,
            code: None,
            refresh: None,
            previous: None,
            access: Vec::new(),
            header_expires: 0,
            own_header: false,
            legacy: LegacyRecords::default(),
            sessions: SessionNotes::default(),
            tasks: TaskNotes::default(),
        }
    }

    /// The user's id and props, sealed under the refresh token that is to be used next; empty without one.
    pub(crate) fn sealed(&self) -> &str {
        self.refresh
            .as_ref()
            .map(|current| current.sealed.as_str())
            .unwrap_or_default()
    }

    /// Status of the refresh token of that hash.
    #[must_use]
    pub fn refresh_status(&self, hash: &str, now: u64, grace_uses: u32) -> RefreshStatus {
        let current = self
            .refresh
            .as_ref()
            .is_some_and(|current| same(&current.hash, hash) && now < current.expires);
        if current {
            RefreshStatus::Current
        } else if self
            .previous
            .as_ref()
            .is_some_and(|previous| previous.repeats(hash, now, grace_uses))
        {
            RefreshStatus::Repeat
        } else {
            RefreshStatus::Stale
        }
    }

    /// Checks whether the grant began with the code of that hash, which would not have expired yet.
    #[must_use]
    pub fn began_with(&self, hash: &str, now: u64) -> bool {
        self.code
            .as_ref()
            .is_some_and(|code| same(&code.hash, hash) && now < code.until)
    }

    /// Checks whether the grant has a live access token of that hash.
    #[must_use]
    pub fn has_access(&self, hash: &str, now: u64) -> bool {
        self.access
            .iter()
            .any(|access| same(&access.hash, hash) && now < access.expires * 1000)
    }

    /// Evictions from KV that must precede one more access token.
    #[must_use]
    pub fn evictions(&self, now: u64, most: usize) -> Evictions {
        let living: Vec<_> = self
            .access
            .iter()
            .filter(|access| now < access.expires * 1000)
            .collect();
        let crowd = (living.len() + 1).saturating_sub(most);
        let oldest = living
            .into_iter()
            .take(crowd)
            .map(|access| access.hash.clone())
            .collect();
        Evictions {
            oldest,
            legacy: self.legacy.grant.clone(),
        }
    }

    /// Keys in KV of the records to evict.
    #[must_use]
    pub fn keys_of(&self, evictions: &Evictions) -> Vec<String> {
        self.access
            .iter()
            .filter(|access| evictions.oldest.contains(&access.hash))
            .map(|access| self.access_key(access))
            .chain(evictions.legacy.clone())
            .collect()
    }

    /// Adds an access token, after the evictions of `evictions`.
    #[must_use]
    pub fn with_access(self, access: LiveAccess, now: u64, evictions: &Evictions) -> Self {
        let stays = |access: &LiveAccess| {
            now < access.expires * 1000 && !evictions.oldest.contains(&access.hash)
        };
        let access = self
            .access
            .into_iter()
            .filter(stays)
            .chain([access])
            .collect();
        let grant = self.legacy.grant.filter(|_| evictions.legacy.is_none());
        let tokens = if now < self.legacy.until {
            self.legacy.tokens
        } else {
            Vec::new()
        };
        let until = if tokens.is_empty() {
            0
        } else {
            self.legacy.until
        };
        let code = self.code.filter(|code| now < code.until);
        Self {
            access,
            used: now,
            code,
            legacy: LegacyRecords {
                grant,
                tokens,
                until,
            },
            ..self
        }
    }

    /// Removes the access token of that hash, which has ended.
    #[must_use]
    pub fn without_access(mut self, hash: &str) -> Self {
        self.access.retain(|access| access.hash != hash);
        self
    }

    /// Notes the expiry of a header that was put into KV, if one was.
    #[must_use]
    pub fn with_header(self, header_expires: Option<u64>) -> Self {
        match header_expires {
            Some(header_expires) => Self {
                header_expires,
                own_header: true,
                ..self
            },
            None => self,
        }
    }

    /// Makes `next` the current refresh token, since the one before was exchanged.
    #[must_use]
    pub fn rotated(
        self,
        next: NextRefresh,
        access: LiveAccess,
        now: u64,
        evictions: &Evictions,
    ) -> Self {
        let Some(current) = self.refresh.clone() else {
            return self;
        };
        let previous = PreviousRefresh {
            hash: current.hash,
            until: next.grace_until,
            uses: 0,
            pair: next.pair,
        };
        let generation = current.generation.saturating_add(1);
        let refresh = CurrentRefresh {
            generation,
            hash: next.hash,
            expires: next.expires,
            sealed: next.sealed,
        };
        Self {
            refresh: Some(refresh),
            previous: Some(previous),
            ..self.with_access(access, now, evictions)
        }
    }

    /// Counts a repeat: the previous refresh token gave its pair again.
    #[must_use]
    pub fn repeated(mut self) -> Self {
        if let Some(previous) = self.previous.as_mut() {
            previous.uses = previous.uses.saturating_add(1);
        }
        self
    }

    /// Replaces the props that are sealed under the current refresh token.
    #[must_use]
    pub fn resealed(mut self, sealed: String) -> Self {
        if let Some(current) = self.refresh.as_mut() {
            current.sealed = sealed;
        }
        self
    }

    /// Expiry of the last token, in milliseconds since 1970.
    #[must_use]
    pub fn expires(&self) -> u64 {
        let refresh = self.refresh.as_ref().map_or(0, |refresh| refresh.expires);
        self.access
            .iter()
            .map(|access| access.expires * 1000)
            .fold(refresh, u64::max)
    }

    /// The sessions, tasks and streams of the grant in other objects.
    fn held(&self, now: u64) -> HeldElsewhere {
        let sessions = self
            .sessions
            .living(now)
            .into_iter()
            .map(|note| note.key)
            .collect();
        let living = self
            .access
            .iter()
            .map(|access| access.expires * 1000)
            .filter(|expires| now < *expires);
        HeldElsewhere {
            sessions,
            tasks: self.tasks.living(now),
            listening_until: living.max().unwrap_or_default(),
        }
    }

    /// The key of the record of an access token.
    fn access_key(&self, access: &LiveAccess) -> String {
        let key = if access.own {
            record::key
        } else {
            record::old_key
        };
        key(
            self.info.handle.as_str(),
            self.info.id.as_str(),
            &access.hash,
        )
    }

    /// The key of the record of the access token of that hash, if it lives.
    #[must_use]
    pub fn key_of_access(&self, hash: &str, now: u64) -> Option<String> {
        self.access
            .iter()
            .find(|access| same(&access.hash, hash) && now < access.expires * 1000)
            .map(|access| self.access_key(access))
    }

    /// Keys of all records of the grant in KV.
    fn keys(&self, now: u64) -> Vec<String> {
        let living = self
            .access
            .iter()
            .filter(|access| now < access.expires * 1000);
        let header_key = if self.own_header {
            header_key
        } else {
            old_header_key
        };
        let header = (now < self.header_expires * 1000)
            .then(|| header_key(&self.info.handle, &self.info.id));
        living
            .map(|access| self.access_key(access))
            .chain(header)
            .chain(self.legacy.keys(now))
            .collect()
    }
}

impl Grant {
    /// Immutable attributes; `None` for a grant that has ended.
    #[must_use]
    pub fn info(&self) -> Option<&GrantInfo> {
        match self {
            Self::Pending(PendingGrant { info, .. }) | Self::Live(LiveGrant { info, .. }) => {
                Some(info)
            }
            Self::Ending(_) => None,
        }
    }

    /// The client.
    #[must_use]
    pub fn client_id(&self) -> &str {
        match self {
            Self::Pending(pending) => &pending.info.client_id,
            Self::Live(live) => &live.info.client_id,
            Self::Ending(ending) => &ending.client_id,
        }
    }

    /// Expiry of the code or of the last token, or of the row of an ended grant, in milliseconds since 1970.
    #[must_use]
    pub fn expires(&self) -> u64 {
        match self {
            Self::Pending(pending) => pending.expires,
            Self::Live(live) => live.expires(),
            Self::Ending(ending) => ending.until,
        }
    }

    /// True if sessions or tasks, which are in other objects, end with the grant.
    #[must_use]
    pub fn holds_elsewhere(&self) -> bool {
        matches!(self, Self::Live(live) if !(live.sessions.is_empty() && live.tasks.is_empty()))
    }

    /// Time of the last use, in milliseconds since 1970; 0 for a grant that has ended.
    #[must_use]
    pub fn used(&self) -> u64 {
        match self {
            Self::Pending(pending) => pending.info.created,
            Self::Live(live) => live.used,
            Self::Ending(_) => 0,
        }
    }

    /// Ends the grant. The end of an adopted one is remembered for `tombstone` milliseconds.
    #[must_use]
    pub fn ended(self, now: u64, tombstone: u64) -> EndingGrant {
        match self {
            Self::Pending(PendingGrant { info, .. }) => {
                EndingGrant::new(info.client_id, Vec::new(), now)
            }
            Self::Live(live) => {
                let (keys, held) = (live.keys(now), live.held(now));
                let until = if live.info.adopted {
                    now + tombstone
                } else {
                    now
                };
                EndingGrant {
                    held,
                    ..EndingGrant::new(live.info.client_id, keys, until)
                }
            }
            Self::Ending(ending) => ending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkce::CodeChallenge;

    const NOW: u64 = 1_000_000;

    fn access(hash: &str, expires: u64) -> LiveAccess {
        LiveAccess {
            hash: hash.to_owned(),
            expires,
            own: true,
        }
    }

    fn current(hash: &str) -> CurrentRefresh {
        CurrentRefresh {
            generation: 0,
            hash: hash.to_owned(),
            expires: NOW * 2,
            sealed: "sealed".to_owned(),
        }
    }

    fn pending() -> PendingGrant {
        let root = Resource::parse("https://server.example").unwrap();
        let info = GrantInfo {
            handle: UserHandle::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
            id: GrantId::parse("AAAAAAAAAAAAAAAA").unwrap(),
            client_id: "client".to_owned(),
            client_name: None,
            public: true,
            refreshable: true,
            scopes: Scopes::default(),
            audience: vec![root.clone()],
            root,
            created: NOW,
            ends: NOW * 3,
            adopted: false,
            sessions_since: 0,
            sign_in: String::new(),
        };
        let (code, redirect_uri) = ("code".to_owned(), "http://127.0.0.1:1/cb".to_owned());
        PendingGrant {
            info,
            code,
            expires: NOW + 300,
            redirect_uri,
            challenge: None,
            misses: 0,
            sealed: String::new(),
        }
    }

    fn live() -> LiveGrant {
        pending().redeemed(NOW, access("a", NOW / 1000 + 60), Some(current("r")), NOW)
    }

    fn next(hash: &str) -> NextRefresh {
        let (sealed, pair) = (String::new(), "pair".to_owned());
        NextRefresh {
            hash: hash.to_owned(),
            expires: NOW * 2,
            sealed,
            pair,
            grace_until: NOW + 60_000,
        }
    }

    #[test]
    fn a_grant_row_survives_being_stored() {
        let rotated = live().rotated(next("s"), access("b", 5000), NOW, &Evictions::default());
        let ending = Grant::Live(rotated.clone()).ended(NOW, 0);
        for grant in [
            Grant::Pending(pending()),
            Grant::Live(rotated),
            Grant::Ending(ending),
        ] {
            let json = serde_json::to_string(&grant).unwrap();
            assert_eq!(
                serde_json::from_str::<Grant>(&json).unwrap(),
                grant,
                "{json}"
            );
        }
    }

    #[test]
    fn a_refresh_token_is_current_then_repeatable_then_stale() {
        assert_eq!(live().refresh_status("r", NOW, 2), RefreshStatus::Current);
        let rotated = live().rotated(next("s"), access("b", 5000), NOW, &Evictions::default());
        let refresh_status = |live: &LiveGrant, at| {
            (
                live.refresh_status("r", at, 2),
                live.refresh_status("s", at, 2),
            )
        };
        assert_eq!(
            refresh_status(&rotated, NOW),
            (RefreshStatus::Repeat, RefreshStatus::Current)
        );
        assert_eq!(
            refresh_status(&rotated, NOW + 60_000),
            (RefreshStatus::Stale, RefreshStatus::Current)
        );
        assert_eq!(
            refresh_status(&rotated, NOW * 2),
            (RefreshStatus::Stale, RefreshStatus::Stale)
        );
        assert_eq!(
            refresh_status(&rotated.clone().repeated().repeated(), NOW).0,
            RefreshStatus::Stale
        );
        let twice = rotated.rotated(next("t"), access("c", 5000), NOW, &Evictions::default());
        assert_eq!(
            refresh_status(&twice, NOW),
            (RefreshStatus::Stale, RefreshStatus::Repeat)
        );
        assert_eq!(twice.refresh.unwrap().generation, 2);
    }

    #[test]
    fn an_ending_grant_names_every_record_that_may_still_be_valid() {
        let live = live().with_access(access("b", 5000), NOW, &Evictions::default());
        let at = |now| Grant::Live(live.clone()).ended(now, 0).keys;
        let (prefix, header) = (
            "AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAA",
            "grant::AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAA",
        );
        assert_eq!(
            at(NOW),
            [
                format!("token::{prefix}:a"),
                format!("token::{prefix}:b"),
                header.to_owned()
            ]
        );
        assert_eq!(
            at(NOW + 60_000),
            [format!("token::{prefix}:b"), header.to_owned()]
        );
        assert!(Grant::Pending(pending()).ended(NOW, 9).is_done(NOW));
        let mut adopted = live.clone();
        adopted.info.adopted = true;
        assert_eq!(Grant::Live(adopted).ended(NOW, 9).until, NOW + 9);
    }

    #[test]
    fn an_access_token_stays_in_the_row_until_its_record_is_gone() {
        let mut live = live();
        for hash in ["b", "c"] {
            live = live.with_access(access(hash, 5000), NOW, &Evictions::default());
        }
        let evictions = live.evictions(NOW, 3);
        assert_eq!(evictions.oldest, ["a"]);
        let kept = live
            .clone()
            .with_access(access("d", 5000), NOW, &Evictions::default());
        assert_eq!(kept.access.len(), 4);
        assert_eq!(kept.evictions(NOW, 3).oldest, ["a", "b"]);
        assert_eq!(
            live.with_access(access("d", 5000), NOW, &evictions)
                .access
                .len(),
            3
        );
    }

    #[test]
    fn a_code_needs_its_redirect_uri_or_pkce() {
        let pending = pending();
        assert!(!pending.came_by(None) && pending.came_by(Some("http://127.0.0.1:1/cb")));
        assert!(pending.came_by(Some("http://127.0.0.1:2/cb")));
        assert!(!pending.came_by(Some("http://127.0.0.1:1/other")) && !pending.came_by(Some("")));
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").ok();
        assert!(
            PendingGrant {
                challenge,
                ..pending
            }
            .came_by(None)
        );
    }
}
