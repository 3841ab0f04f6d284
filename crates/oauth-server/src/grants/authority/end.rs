//! End of a grant. The row says so at once; then the records are deleted from KV, and other objects end what they hold
//! of the grant. The row stays for as long as anything from before could come back.

use std::cell::Cell;
use std::collections::BTreeSet;

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use futures_util::future::join_all;

use super::disconnect::EndCause;
use super::settings::{ENDS_AT_ONCE, GO_ON_MS, MAX_GRANTS};
use super::{Authority, GrantOutcome, GrantRefusal, ListedGrant, RETRY_AFTER_SECONDS, grant_ref};
use crate::event::Event;
use crate::grant::{EndingGrant, Grant, GrantInfo, HeldElsewhere, LiveGrant, RemoteHolding};
use crate::holding::GrantHolding;
use crate::record;
use crate::token::{GrantId, LegacyToken, PresentedToken, Token, TokenKind};

/// Selection of the grants to end.
#[derive(Clone, Copy)]
pub(super) enum GrantSelection<'a> {
    /// The grant of an id.
    Grant(&'a str),
    /// The grants of a client.
    Client(&'a str),
    /// Every grant.
    All,
}

impl GrantSelection<'_> {
    fn is(self, id: &str, grant: &Grant) -> bool {
        match self {
            Self::Grant(meant) => id == meant,
            Self::Client(client_id) => grant.client_id() == client_id,
            Self::All => true,
        }
    }
}

impl Authority {
    /// Deletes what is left of a grant that has ended, and has other objects end what they hold of it.
    pub(super) async fn finish(&self, id: &GrantId) -> Result<(), GrantRefusal> {
        self.finish_within(id, &Cell::new(ENDS_AT_ONCE)).await
    }

    /// As [`finish`](Self::finish), with at most `room` deletions and requests to other objects; those that are made
    /// are subtracted from `room`. The rest is written to the row, so that the alarm goes on where this stops.
    pub(super) async fn finish_within(
        &self,
        id: &GrantId,
        room: &Cell<usize>,
    ) -> Result<(), GrantRefusal> {
        loop {
            let mut gone = BTreeSet::new();
            let are_deleted = self.delete_records(id, &mut gone, room).await?;
            let Some(Grant::Ending(EndingGrant { held, .. })) = self.row(id)? else {
                return Ok(());
            };
            let released = self.release(id, &held, room).await;
            let Some(Grant::Ending(mut ending)) = self.row(id)? else {
                return Ok(());
            };
            ending.keys.retain(|key| !gone.contains(key));
            ending.held = released
                .into_iter()
                .fold(ending.held, HeldElsewhere::without);
            let is_left = !ending.keys.is_empty();
            self.write_rest(id, ending)?;
            if !are_deleted {
                return Err(GrantRefusal::Unavailable {
                    retry_after: RETRY_AFTER_SECONDS,
                });
            }
            // Records that a transition left meanwhile have to go as well.
            if !is_left {
                return Ok(());
            }
        }
    }

    /// Deletes the records of a grant that has ended from KV, and notes those that have gone. False if some are left.
    async fn delete_records(
        &self,
        id: &GrantId,
        gone: &mut BTreeSet<String>,
        room: &Cell<usize>,
    ) -> Result<bool, GrantRefusal> {
        loop {
            let Some(Grant::Ending(mut ending)) = self.row(id)? else {
                return Ok(true);
            };
            ending.keys.retain(|key| !gone.contains(key));
            if ending.keys.is_empty() {
                return Ok(true);
            }
            let next = next_keys(&ending, room.get());
            room.set(room.get().saturating_sub(next.len()));
            let left = self.delete_all(&next).await;
            let stops = next.is_empty() || !left.is_empty();
            gone.extend(next.into_iter().filter(|key| !left.contains(key)));
            if stops {
                return Ok(false);
            }
        }
    }

    /// Asks other objects to end what they hold of a grant, and returns what has ended. No token is good for the rest
    /// any more; an object that cannot be reached is left to the alarm.
    async fn release<'a>(
        &self,
        id: &'a GrantId,
        held: &'a HeldElsewhere,
        room: &Cell<usize>,
    ) -> Vec<RemoteHolding<'a>> {
        let remote = GrantHolding::ALL
            .iter()
            .flat_map(|kind| held.remote(*kind, id.as_str()));
        let remote: Vec<_> = remote.take(room.get()).collect();
        room.set(room.get().saturating_sub(remote.len()));
        let outcomes = join_all(remote.iter().map(|one| self.host.end(*one))).await;
        let mut ended = Vec::new();
        for (one, outcome) in remote.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => ended.push(one),
                Err(fault) => self.host.warn(&format!(
                    "something of a grant could not be ended yet: {}",
                    fault.0
                )),
            }
        }
        ended
    }

    /// Writes what is left of a grant, if that is less than before.
    fn write_rest(&self, id: &GrantId, ending: EndingGrant) -> Result<(), GrantRefusal> {
        if ending.keys.is_empty() && ending.listed_until == 0 && ending.until <= self.host.now() {
            return self
                .rows
                .delete(self.host.store(), id)
                .map_err(|fault| self.failed(&fault));
        }
        match self.row(id)? {
            Some(Grant::Ending(known)) if known == ending => Ok(()),
            _ => self.commit(id, Grant::Ending(ending)),
        }
    }

    /// Ends a grant.
    pub(super) async fn end(&self, id: &GrantId) -> Result<(), GrantRefusal> {
        self.mark(id, EndCause::Ended)
            .map_err(|fault| self.failed(&fault))?;
        self.finish(id).await
    }

    /// Deletes the records of a transition whose grant ended meanwhile. Their tokens were never sent, so nothing waits
    /// for a deletion that fails.
    pub(super) async fn undo(&self, info: &GrantInfo, put: Vec<String>) {
        let left = self.delete_all(&put).await;
        if left.is_empty() {
            return;
        }
        let ending = match self.row(&info.id) {
            Ok(Some(Grant::Ending(mut ending))) => {
                ending.keys.extend(left);
                ending
            }
            Ok(None) => EndingGrant::new(info.client_id.clone(), left, self.host.now()),
            _ => return,
        };
        // A failure is logged, and the records expire.
        let _ = self.commit(&info.id, Grant::Ending(ending));
    }

    /// Deletes keys from KV, and returns those whose deletion failed.
    pub(super) async fn delete_all(&self, keys: &[String]) -> Vec<String> {
        let kv = self.host.kv();
        let outcomes = join_all(keys.iter().map(|key| kv.delete(key))).await;
        let mut left = Vec::new();
        for (key, outcome) in keys.iter().zip(outcomes) {
            if let Err(fault) = outcome {
                self.host
                    .warn(&format!("a record could not be deleted: {}", fault.0));
                left.push(key.clone());
            }
        }
        left
    }

    /// Ends a token for its client, RFC 7009 section 2.1.
    pub(super) async fn revoke_token(
        &self,
        text: &str,
        client_id: &str,
    ) -> Result<GrantOutcome, GrantRefusal> {
        match self.verify_token(text, TokenKind::Refresh).await?.1 {
            // The client may have missed the newest one; whichever it names, it wants no more of that grant.
            PresentedToken::Ours(token) => {
                if self.is_unreadable(&token.grant)? {
                    return self.revoke_unreadable(&token.grant, client_id).await;
                }
                let grant = self
                    .row(&token.grant)?
                    .filter(|grant| grant.client_id() == client_id);
                return self
                    .revoke(
                        grant
                            .map(|grant| (token.grant, grant))
                            .into_iter()
                            .collect(),
                        EndCause::Ended,
                    )
                    .await;
            }
            PresentedToken::Legacy(token) => return self.revoke_legacy(&token, client_id).await,
            PresentedToken::UnknownKey(_) | PresentedToken::Unknown => {}
        }
        match self.verify_token(text, TokenKind::Access).await?.1 {
            PresentedToken::Ours(token) => self.revoke_access(&token, client_id).await,
            _ => Ok(GrantOutcome::Done),
        }
    }

    async fn revoke_access(
        &self,
        token: &Token,
        client_id: &str,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let (hash, now) = (token.hash(), self.host.now());
        let found = |grant: Option<Grant>| match grant {
            Some(Grant::Live(live))
                if live.info.client_id == client_id && live.has_access(&hash, now) =>
            {
                Some(live)
            }
            _ => None,
        };
        let grant = self.row(&token.grant)?;
        if matches!(&grant, Some(Grant::Ending(ending)) if ending.client_id == client_id) {
            return self.finish(&token.grant).await.map(|()| GrantOutcome::Done);
        }
        let Some(key) = found(grant).and_then(|live| live.key_of_access(&hash, now)) else {
            return Ok(GrantOutcome::Done);
        };
        // Until the record has gone the row must know of it, for the end of the whole grant.
        self.host
            .kv()
            .delete(&key)
            .await
            .map_err(|fault| self.failed(&fault))?;
        if let Some(live) = found(self.row(&token.grant)?) {
            self.commit(&token.grant, Grant::Live(live.without_access(&hash)))?;
        }
        Ok(GrantOutcome::Done)
    }

    /// Ends a token of workers-oauth-provider, which does not say of which kind it is.
    async fn revoke_legacy(
        &self,
        token: &LegacyToken,
        client_id: &str,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let hash = token.hash();
        let is_its = |grant: &Grant| match grant {
            Grant::Live(live) => live.info.client_id == client_id && has_refresh_token(live, &hash),
            Grant::Ending(ending) => ending.client_id == client_id,
            Grant::Pending(_) => false,
        };
        if let Some(id) = GrantId::parse(&token.grant) {
            let grant = self.row(&id)?.filter(is_its);
            self.revoke(
                grant.map(|grant| (id, grant)).into_iter().collect(),
                EndCause::Ended,
            )
            .await?;
        }
        let key = record::old_key(&token.user, &token.grant, &hash);
        let Some(json) = self
            .host
            .kv()
            .get(&key)
            .await
            .map_err(|fault| self.failed(&fault))?
        else {
            return Ok(GrantOutcome::Done);
        };
        let access =
            record::AccessRecord::from_legacy_json(&json, token.text(), self.host.now() / 1000);
        if access.is_ok_and(|access| access.client_id == client_id) {
            self.host
                .kv()
                .delete(&key)
                .await
                .map_err(|fault| self.failed(&fault))?;
        }
        Ok(GrantOutcome::Done)
    }

    /// Ends grants for the user or an administrator, also those whose rows cannot be read.
    pub(super) async fn revoke_selected(
        &self,
        meant: GrantSelection<'_>,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let picked = |id: &str, grant: &Grant| {
            let id = meant.is(id, grant).then(|| GrantId::parse(id)).flatten()?;
            Some((id, grant.clone()))
        };
        let picked = self
            .rows
            .pick(self.host.store(), picked)
            .map_err(|fault| self.failed(&fault))?;
        let revoked = self.revoke(picked, EndCause::Disconnected).await;
        let unreadable = self
            .rows
            .unreadable(self.host.store())
            .map_err(|fault| self.failed(&fault))?;
        for id in unreadable {
            match meant {
                GrantSelection::Grant(meant) if meant != id.as_str() => {}
                GrantSelection::Client(client_id) => {
                    self.revoke_unreadable(&id, client_id).await.map(drop)?;
                }
                GrantSelection::Grant(_) | GrantSelection::All => self.end_unreadable(&id).await?,
            }
        }
        revoked
    }

    /// Ends grants. All of them are marked as ended before the first record is deleted.
    async fn revoke(
        &self,
        meant: Vec<(GrantId, Grant)>,
        cause: EndCause,
    ) -> Result<GrantOutcome, GrantRefusal> {
        for (id, grant) in &meant {
            self.mark(id, cause).map_err(|fault| self.failed(&fault))?;
            if let Some(info) = grant.info() {
                self.host.event(&Event::Revoked(grant_ref(info)));
            }
        }
        let room = Cell::new(ENDS_AT_ONCE);
        let outcomes = join_all(meant.iter().map(|(id, _)| self.finish_within(id, &room))).await;
        if room.get() == 0 {
            let soon = self.host.now() + GO_ON_MS;
            self.wake_by(soon).map_err(|fault| self.failed(&fault))?;
        }
        outcomes
            .into_iter()
            .collect::<Result<(), _>>()
            .map(|()| GrantOutcome::Done)
    }

    /// Makes room for one more grant of a client. The records of the displaced grant are left to the alarm: this is no
    /// revocation.
    pub(super) fn make_place(&self, client_id: &str) -> Result<(), RuntimeError> {
        let (store, now) = (self.host.store(), self.host.now());
        let places = self.rows.pick(store, |id, grant| {
            let client = grant.info()?.client_id.clone();
            Some(EvictableGrant {
                client,
                living: now < grant.expires(),
                used: grant.used(),
                id: GrantId::parse(id)?,
            })
        })?;
        let unreadable = self.rows.unreadable(store)?;
        if places.len() + unreadable.len() < MAX_GRANTS {
            return Ok(());
        }
        // Without a place that can be read, those that cannot take up all.
        let id = in_the_way(&places, client_id).ok_or_else(|| Format::GrantRow.unreadable())?;
        let grant = self.rows.get(store, &id)?;
        self.mark(&id, EndCause::Ended)?;
        if let Some(info) = grant.as_ref().and_then(Grant::info) {
            self.host.event(&Event::Displaced(grant_ref(info)));
        }
        Ok(())
    }

    /// Lists every live grant, oldest first.
    pub(super) fn list(&self) -> Result<GrantOutcome, GrantRefusal> {
        let now = self.host.now();
        let grants = self.rows.pick(self.host.store(), |_, grant| match grant {
            Grant::Live(live) if now < live.expires() => Some(listed(live, now)),
            _ => None,
        });
        let mut grants = grants.map_err(|fault| self.failed(&fault))?;
        ListedGrant::sort(&mut grants);
        let unreadable = self
            .rows
            .unreadable(self.host.store())
            .map_err(|fault| self.failed(&fault))?;
        grants.extend(unreadable.iter().map(|id| self.listed_unreadable(id)));
        Ok(GrantOutcome::Grants(grants))
    }
}

/// Checks for the refresh token of that hash, the current or the previous one.
fn has_refresh_token(live: &LiveGrant, hash: &str) -> bool {
    let current = live.refresh.as_ref().map(|current| &current.hash);
    current
        .into_iter()
        .chain(live.previous.as_ref().map(|previous| &previous.hash))
        .any(|known| known == hash)
}

/// A grant that takes up room.
struct EvictableGrant {
    client: String,
    living: bool,
    used: u64,
    id: GrantId,
}

/// The grant that makes room for a new one of a client: an expired one, or else the least recently used one of the clients
/// that have the most grants, the new one counted. So a client that has itself let in again and again displaces only itself.
/// If no client has two grants, the least recently used one of all makes room.
fn in_the_way(places: &[EvictableGrant], client_id: &str) -> Option<GrantId> {
    let count = |client: &str| places.iter().filter(|place| place.client == client).count();
    let (own, most) = (
        count(client_id),
        places
            .iter()
            .map(|place| count(&place.client))
            .max()
            .unwrap_or_default(),
    );
    let is_own_turn = own > 0 && own + 1 >= most;
    let first = places
        .iter()
        .filter(|place| {
            !place.living
                || if is_own_turn {
                    place.client == client_id
                } else {
                    count(&place.client) == most
                }
        })
        .min_by_key(|place| (place.living, place.used));
    first.map(|place| place.id.clone())
}

/// Keys of the records to delete next, at most `room` of them. Those of the grant go last: with them a client that
/// tries a token of workers-oauth-provider again is recognised.
fn next_keys(ending: &EndingGrant, room: usize) -> Vec<String> {
    let tokens: Vec<String> = ending
        .keys
        .iter()
        .filter(|key| record::is_key(key))
        .take(room)
        .cloned()
        .collect();
    if tokens.is_empty() {
        ending
            .keys
            .iter()
            .filter(|key| !record::is_key(key))
            .take(room)
            .cloned()
            .collect()
    } else {
        tokens
    }
}

fn listed(live: &LiveGrant, now: u64) -> ListedGrant {
    let info = live.info.clone();
    ListedGrant {
        grant: info.id.as_str().to_owned(),
        client_id: info.client_id,
        client_name: info.client_name,
        scopes: info.scopes,
        audience: info.audience,
        created: info.created,
        used: live.used,
        expires: live.expires(),
        sessions: live.sessions.living(now),
        unreadable: false,
    }
}
