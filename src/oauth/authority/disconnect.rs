//! A client's sessions: which there are, and that they end when the user disconnects it.
//!
//! A session is bound to user and client, not to a grant, so that a client can ask for more scopes and go on with it. Yet a
//! user who disconnects a client, and lets it in again, wants to have ended what was before. So the row of a grant that was
//! disconnected stays for as long as any session of before could, and grants that begin later take none of those.

use super::settings::{MAX_DISCONNECTED, SESSIONS_END_SECONDS};
use super::{Authority, Outcome, Refused};
use crate::oauth::grant::{Grant, Live};
use crate::oauth::session_note::SessionNote;
use crate::oauth::token::GrantId;
use crate::wire::Fault;

impl Authority {
    /// The user ends a grant.
    pub(super) fn disconnect(&self, id: &GrantId) -> Result<(), Fault> {
        self.mark_as(id, |ending, now| {
            self.make_place_for_disconnected()?;
            // Newer than any that was given out, also by a grant that began a moment ago.
            let known = self.sessions_since(&ending.client_id)?;
            let since = (now / 1000 + SESSIONS_END_SECONDS).max(known + 1);
            // A second more, since ids count whole ones.
            Ok(ending.with_sessions(since, (since + 1) * 1000 + self.longest_session))
        })
    }

    /// The sessions of a client that are older than this, in seconds since 1970, have ended.
    pub(super) fn sessions_since(&self, client_id: &str) -> Result<u64, Fault> {
        let since = |_: &str, grant: &Grant| match grant {
            Grant::Ending(ending) if ending.client_id == client_id => Some(ending.sessions_since),
            _ => None,
        };
        let known = self.rows.pick(self.host.store(), since)?.into_iter().max().unwrap_or_default();
        Ok(known.max(self.sessions_since_unreadable()?))
    }

    /// Where there are too many, the one that says nothing that another one does not goes, or else the oldest.
    fn make_place_for_disconnected(&self) -> Result<(), Fault> {
        let store = self.host.store();
        let disconnected = |id: &str, grant: &Grant| match grant {
            Grant::Ending(ending) if ending.sessions_since > 0 && !ending.is_unfinished() => {
                Some((ending.sessions_since, ending.client_id.clone(), GrantId::parse(id)?))
            }
            _ => None,
        };
        let all = self.rows.pick(store, disconnected)?;
        if all.len() < MAX_DISCONNECTED {
            return Ok(());
        }
        let is_needed = |since: u64, client: &str| !all.iter().any(|(other, of, _)| of == client && *other > since);
        let first = all.iter().min_by_key(|(since, client, _)| (is_needed(*since, client), *since));
        first.map_or(Ok(()), |(_, _, id)| self.rows.delete(store, id))
    }

    /// Remembers a session for the user. Who has ended meanwhile, or is none of ours, has none to be remembered.
    pub(super) fn note_session(&self, grant: &str, session: SessionNote) -> Result<Outcome, Refused> {
        let now = self.host.now();
        self.change(grant, |live| Some(Live { sessions: live.sessions.with(session, now), ..live }))
    }

    /// Forgets a session. Its client may have ended it with the token of another grant than it was begun by.
    pub(super) fn forget_session(&self, grant: &str, key: &str) -> Result<Outcome, Refused> {
        let forget = |live: Live| Some(Live { sessions: live.sessions.without(key)?, ..live });
        let has = |id: &str, known: &Grant| match known {
            Grant::Live(live) if live.sessions.clone().without(key).is_some() => Some(id.to_owned()),
            _ => None,
        };
        let elsewhere = self.rows.pick(self.host.store(), has).map_err(|fault| self.failed(&fault))?;
        self.change(elsewhere.first().map_or(grant, String::as_str), forget)
    }

    fn change(&self, grant: &str, change: impl FnOnce(Live) -> Option<Live>) -> Result<Outcome, Refused> {
        let Some(id) = GrantId::parse(grant) else {
            return Ok(Outcome::Done);
        };
        if let Some(Grant::Live(live)) = self.row(&id)?
            && let Some(changed) = change(live)
        {
            self.commit(&id, Grant::Live(changed))?;
        }
        Ok(Outcome::Done)
    }
}
