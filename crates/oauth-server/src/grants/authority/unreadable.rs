//! Grants whose rows are of another version of this server.
//!
//! Such a grant gives no tokens, and its row stays as it is: the version that wrote it may come back. The grant can be ended
//! all the same, since its records in Workers KV are found by their prefix.

use std::cell::Cell;
use std::time::Duration;

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use serde::Deserialize;

use super::settings::{
    KV_LISTS_WITHIN_MS, REMEMBERED_CONSENT_SECONDS, SESSIONS_END_SECONDS, SIGN_IN_MS, after,
};
use super::{Authority, GrantOutcome, GrantRefusal, ListedGrant};
use crate::event::{Event, GrantRef};
use crate::grant::{
    EndingGrant, Grant, HeldElsewhere, access_prefixes, header_key, old_header_key,
};
use crate::scope::Scopes;
use crate::token::GrantId;

/// Version of grants' headers. The meaning of a later one's members is not known.
const HEADER_VERSION: u32 = 1;

/// Pages of records that are listed at most: a grant has a few tokens, and a page a thousand keys.
const MAX_PAGES: usize = 4;

/// Listings of a grant's records at most: its access tokens have two prefixes.
const MAX_LISTINGS: usize = 2 * MAX_PAGES;

/// The members of a grant's header that tell its version and name its client.
#[derive(Deserialize)]
struct Header {
    v: u32,
    #[serde(rename = "clientId")]
    client_id: String,
}

impl Authority {
    /// True if a grant has a row that cannot be read.
    pub(super) fn is_unreadable(&self, id: &GrantId) -> Result<bool, GrantRefusal> {
        let unreadable = self
            .rows
            .unreadable(self.host.store())
            .map_err(|fault| self.failed(&fault))?;
        Ok(unreadable.contains(id))
    }

    /// Entry of an unreadable grant in its user's list, of which only the id is known.
    pub(super) fn listed_unreadable(&self, id: &GrantId) -> ListedGrant {
        let now = self.host.now();
        ListedGrant {
            grant: id.as_str().to_owned(),
            client_id: String::new(),
            client_name: None,
            scopes: Scopes::default(),
            audience: Vec::new(),
            created: now,
            used: now,
            expires: u64::MAX,
            sessions: Vec::new(),
            unreadable: true,
        }
    }

    /// Ends an unreadable grant for a client, if the grant is that client's.
    ///
    /// # Errors
    /// When its client is not known.
    pub(super) async fn revoke_unreadable(
        &self,
        id: &GrantId,
        client_id: &str,
    ) -> Result<GrantOutcome, GrantRefusal> {
        match self.client_of_unreadable(id).await? {
            Some(known) if known == client_id => self.end_unreadable(id).await?,
            Some(_) => {}
            None => return Err(self.failed(&Format::GrantRow.unreadable())),
        }
        Ok(GrantOutcome::Done)
    }

    /// Ends an unreadable grant: replaces its row by that of an ended grant, and deletes its records.
    pub(super) async fn end_unreadable(&self, id: &GrantId) -> Result<(), GrantRefusal> {
        let client = self.client_of_unreadable(id).await?.unwrap_or_default();
        let mut keys = self
            .records_of(id)
            .await
            .map_err(|fault| self.failed(&fault))?;
        keys.extend([header_key, old_header_key].map(|key| key(self.host.user(), id)));
        let now = self.host.now();
        let known = self
            .sessions_since(&client)
            .map_err(|fault| self.failed(&fault))?;
        let since = (now / 1000 + SESSIONS_END_SECONDS).max(known + 1);
        let listed_until = now + KV_LISTS_WITHIN_MS;
        let ending = EndingGrant {
            listed_until,
            ..EndingGrant::new(client.clone(), keys, listed_until)
        };
        let ending = ending.with_sessions(since, (since + 1) * 1000 + self.longest_session);
        let ending = ending.with_consents(
            now,
            after(now, Duration::from_secs(REMEMBERED_CONSENT_SECONDS)),
        );
        // Streams that listen are known by the grant's id alone.
        let held = HeldElsewhere {
            listening_until: after(now, self.lifetimes.access),
            ..HeldElsewhere::default()
        };
        let ending = EndingGrant { held, ..ending };
        self.commit(id, Grant::Ending(ending))?;
        let (handle, grant) = (self.host.user().as_str().to_owned(), id.as_str().to_owned());
        self.host.event(&Event::Revoked(GrantRef {
            handle,
            grant,
            client,
        }));
        self.finish(id).await
    }

    /// Looks again for records of a grant that was ended unread, until Workers KV must list them all. The listings that
    /// it may take are subtracted from `room`; where that is too little, the next alarm looks again.
    pub(super) async fn list_again(
        &self,
        id: &GrantId,
        room: &Cell<usize>,
    ) -> Result<(), RuntimeError> {
        let Some(Grant::Ending(ending)) = self.rows.get(self.host.store(), id)? else {
            return Ok(());
        };
        if ending.listed_until == 0 {
            return Ok(());
        }
        let Some(rest) = room.get().checked_sub(MAX_LISTINGS) else {
            room.set(0);
            return Ok(());
        };
        room.set(rest);
        let found = self.records_of(id).await?;
        let keys = ending.keys.iter().cloned().chain(found).collect();
        let is_last = ending.listed_until <= self.host.now();
        let listed_until = if is_last { 0 } else { ending.listed_until };
        self.write(
            id,
            Grant::Ending(EndingGrant {
                keys,
                listed_until,
                ..ending
            }),
        )
    }

    /// The client that the header of a grant names.
    async fn client_of_unreadable(&self, id: &GrantId) -> Result<Option<String>, GrantRefusal> {
        for key in [header_key, old_header_key] {
            let header = self
                .host
                .kv()
                .get(&key(self.host.user(), id))
                .await
                .map_err(|fault| self.failed(&fault))?;
            let header = header.and_then(|json| serde_json::from_str::<Header>(&json).ok());
            if let Some(header) = header.filter(|header| header.v == HEADER_VERSION) {
                return Ok(Some(header.client_id));
            }
        }
        Ok(None)
    }

    /// The keys of a grant's access tokens, as far as they are listed yet.
    async fn records_of(&self, id: &GrantId) -> Result<Vec<String>, RuntimeError> {
        let mut keys = Vec::new();
        for prefix in access_prefixes(self.host.user(), id) {
            let mut cursor = None;
            for _ in 0..MAX_PAGES {
                let page = self.host.kv().list(&prefix, cursor.as_deref()).await?;
                keys.extend(page.keys.into_iter().map(|(key, _)| key));
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(keys)
    }

    /// Time up to which consents may be void by a row that cannot be read, in milliseconds since 1970: those that
    /// browsers remember, and not those of a sign-in under way.
    pub(super) fn consents_since_unreadable(&self) -> Result<u64, RuntimeError> {
        let unreadable = self.rows.unreadable(self.host.store())?;
        Ok(if unreadable.is_empty() {
            0
        } else {
            self.host.now().saturating_sub(SIGN_IN_MS)
        })
    }

    /// Time before which sessions may have ended by a row that cannot be read, in seconds since 1970: each such row
    /// counts as that of a client that was disconnected this moment.
    pub(super) fn sessions_since_unreadable(&self) -> Result<u64, RuntimeError> {
        let unreadable = self.rows.unreadable(self.host.store())?;
        Ok(if unreadable.is_empty() {
            0
        } else {
            after(self.host.now(), Duration::from_secs(SESSIONS_END_SECONDS)) / 1000
        })
    }
}
