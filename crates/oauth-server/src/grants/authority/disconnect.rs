//! Sessions, tasks and consents of a grant: they are listed, and end with it.
//!
//! A session is bound to user and client, not to a grant, so that a client can ask for more scopes and go on with it. Yet
//! what a grant held has to end with it. So the row of a grant that has ended stays for as long as anything from before
//! could, and grants that begin later take none of that.

use std::time::Duration;

use durable_core::wire::RuntimeError;

use super::settings::{
    ADOPTED_TOMBSTONE_MS, MAX_DISCONNECTED, REMEMBERED_CONSENT_SECONDS, SESSIONS_END_SECONDS, after,
};
use super::{Authority, GrantOutcome, GrantRefusal};
use crate::grant::{EVERY_CLIENT, EndingGrant, Grant, HeldElsewhere, LiveGrant};
use crate::session_note::SessionNote;
use crate::token::GrantId;

/// Cause of a grant's end, which decides what ends besides its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndCause {
    /// The user or an administrator disconnected the client: all that it held ends, and consents to it are void.
    Disconnected,
    /// Ended by its client, a replayed code or token, the identity provider or a newer grant: all that the grant held
    /// ends.
    Ended,
    /// Expired with its last token: sessions and tasks pass to another grant of the client, or else end. The end of a
    /// grant that held nothing is not remembered.
    Expired,
}

/// The end of a grant that is remembered.
struct RememberedEnd {
    id: GrantId,
    ending: EndingGrant,
}

impl RememberedEnd {
    /// True if another remembered end covers all that this one does.
    fn is_needless(&self, all: &[Self]) -> bool {
        all.iter().any(|other| {
            other.id != self.id
                && other.ending.concerns(&self.ending.client_id)
                && other.ending.sessions_since > self.ending.sessions_since
                && other.ending.consents_since >= self.ending.consents_since
        })
    }
}

impl Authority {
    /// Marks a grant as ended in its row: no token is issued for it from now on. If anything fails later, the alarm finishes
    /// the end.
    pub(super) fn mark(&self, id: &GrantId, cause: EndCause) -> Result<(), RuntimeError> {
        let (store, now) = (self.host.store(), self.host.now());
        let ending = match self.rows.get(store, id)? {
            Some(Grant::Live(live)) => self.ending(live, cause)?,
            Some(grant @ Grant::Pending(_)) => grant.ended(now, ADOPTED_TOMBSTONE_MS),
            Some(Grant::Ending(_)) | None => return Ok(()),
        };
        if ending.is_done(now) {
            return self.rows.delete(store, id);
        }
        self.write(id, Grant::Ending(ending))
    }

    /// The end of a grant, and of what it held.
    fn ending(&self, live: LiveGrant, cause: EndCause) -> Result<EndingGrant, RuntimeError> {
        let now = self.host.now();
        if cause == EndCause::Expired
            && let Some(heir) = self.heir(&live)?
        {
            let (sessions, tasks) = (
                heir.sessions.and(live.sessions.clone(), now),
                heir.tasks.and(live.tasks.clone(), now),
            );
            self.write(
                &heir.info.id.clone(),
                Grant::Live(LiveGrant {
                    sessions,
                    tasks,
                    ..heir
                }),
            )?;
            let ending = Grant::Live(live).ended(now, ADOPTED_TOMBSTONE_MS);
            return Ok(EndingGrant {
                held: HeldElsewhere::default(),
                ..ending
            });
        }
        let ending = Grant::Live(live).ended(now, ADOPTED_TOMBSTONE_MS);
        if cause == EndCause::Expired && ending.held == HeldElsewhere::default() {
            return Ok(ending);
        }
        self.remembered(ending, cause == EndCause::Disconnected)
    }

    /// Another live grant of the client, whose tokens are good for the same sessions and tasks.
    fn heir(&self, live: &LiveGrant) -> Result<Option<LiveGrant>, RuntimeError> {
        let now = self.host.now();
        let others = self.rows.pick(self.host.store(), |_, grant| match grant {
            Grant::Live(other)
                if other.info.client_id == live.info.client_id && now < other.expires() =>
            {
                Some(other.clone())
            }
            _ => None,
        })?;
        let may = |other: &LiveGrant| other.info.sessions_since <= live.info.sessions_since;
        Ok(others
            .into_iter()
            .filter(|other| other.info.id != live.info.id && may(other))
            .max_by_key(|other| other.used))
    }

    /// Remembers an end for as long as anything from before it could come back.
    fn remembered(
        &self,
        ending: EndingGrant,
        withdraws_consent: bool,
    ) -> Result<EndingGrant, RuntimeError> {
        self.make_place_for_remembered()?;
        let now = self.host.now();
        // Newer than any that was given out, also by a grant that began a moment ago.
        let known = self.sessions_since(&ending.client_id)?;
        let since = (now / 1000 + SESSIONS_END_SECONDS).max(known + 1);
        // A second more, since ids count whole ones.
        let ending = ending.with_sessions(since, (since + 1) * 1000 + self.longest_session);
        Ok(if withdraws_consent {
            ending.with_consents(
                now,
                after(now, Duration::from_secs(REMEMBERED_CONSENT_SECONDS)),
            )
        } else {
            ending
        })
    }

    /// Voids the consents to a client that were given so far, whether or not a grant of the client is live.
    pub(super) fn withdraw_consents(&self, client_id: &str) -> Result<(), GrantRefusal> {
        let write = || {
            let id = GrantId::random(self.host.random())?;
            let ending = self.remembered(
                EndingGrant::new(client_id.to_owned(), Vec::new(), self.host.now()),
                true,
            )?;
            self.write(&id, Grant::Ending(ending))
        };
        write().map_err(|fault| self.failed(&fault))
    }

    /// Time before which sessions, tasks and request states of a client have ended, in seconds since 1970.
    pub(super) fn sessions_since(&self, client_id: &str) -> Result<u64, RuntimeError> {
        let known = self.latest_end(client_id, |ending| ending.sessions_since)?;
        Ok(known.max(self.sessions_since_unreadable()?))
    }

    /// Time up to which consents to a client are void, in milliseconds since 1970.
    pub(super) fn consents_since(&self, client_id: &str) -> Result<u64, RuntimeError> {
        let known = self.latest_end(client_id, |ending| ending.consents_since)?;
        Ok(known.max(self.consents_since_unreadable()?))
    }

    /// The latest time that the remembered ends of a client have; 0 if there is none.
    fn latest_end(
        &self,
        client_id: &str,
        time: impl Fn(&EndingGrant) -> u64,
    ) -> Result<u64, RuntimeError> {
        let times = self.rows.pick(self.host.store(), |_, grant| match grant {
            Grant::Ending(ending) if ending.concerns(client_id) => Some(time(ending)),
            _ => None,
        })?;
        Ok(times.into_iter().max().unwrap_or_default())
    }

    /// Makes room for one more remembered end: deletes an end that another one covers, or else merges the oldest two
    /// into one that concerns every client. That ends more than it has to, and brings nothing back.
    fn make_place_for_remembered(&self) -> Result<(), RuntimeError> {
        let store = self.host.store();
        let mut all = self.rows.pick(store, |id, grant| match grant {
            Grant::Ending(ending) if ending.sessions_since > 0 && !ending.is_unfinished() => {
                Some(RememberedEnd {
                    id: GrantId::parse(id)?,
                    ending: ending.clone(),
                })
            }
            _ => None,
        })?;
        if all.len() < MAX_DISCONNECTED {
            return Ok(());
        }
        all.sort_by_key(|one| one.ending.sessions_since);
        if let Some(needless) = all.iter().find(|one| one.is_needless(&all)) {
            return self.rows.delete(store, &needless.id);
        }
        let mut oldest = all.into_iter();
        let (Some(first), Some(second)) = (oldest.next(), oldest.next()) else {
            return Ok(());
        };
        let both = EndingGrant {
            client_id: EVERY_CLIENT.to_owned(),
            consents_since: first
                .ending
                .consents_since
                .max(second.ending.consents_since),
            until: first.ending.until.max(second.ending.until),
            ..second.ending
        };
        self.write(&second.id, Grant::Ending(both))?;
        self.rows.delete(store, &first.id)
    }

    /// Notes a session for the user, or ends it if its grant has ended meanwhile.
    pub(super) async fn note_session(
        &self,
        grant: &str,
        session: SessionNote,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let (now, key) = (self.host.now(), session.key.clone());
        self.change(grant, |live| {
            Some(LiveGrant {
                sessions: live.sessions.with(session, now),
                ..live
            })
        })?;
        self.end_if_late(grant, |ending| ending.held.sessions.push(key))
            .await
    }

    /// Notes a task, so that it ends with its grant, or ends it if that has ended meanwhile.
    pub(super) async fn note_task(
        &self,
        grant: &str,
        key: String,
        expires: u64,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let (now, late) = (self.host.now(), key.clone());
        self.change(grant, |live| {
            Some(LiveGrant {
                tasks: live.tasks.with(key, expires, now),
                ..live
            })
        })?;
        self.end_if_late(grant, |ending| ending.held.tasks.push(late))
            .await
    }

    /// Ends a session or task that was begun with a token of an ended grant: Workers KV shows its record for a minute more.
    async fn end_if_late(
        &self,
        grant: &str,
        hold: impl FnOnce(&mut EndingGrant),
    ) -> Result<GrantOutcome, GrantRefusal> {
        let Some(id) = GrantId::parse(grant) else {
            return Ok(GrantOutcome::Done);
        };
        if let Some(Grant::Ending(mut ending)) = self.row(&id)? {
            hold(&mut ending);
            self.commit(&id, Grant::Ending(ending))?;
            self.finish(&id).await?;
        }
        Ok(GrantOutcome::Done)
    }

    /// Forgets a session. Its client may have ended it with the token of another grant than it was begun by.
    pub(super) fn forget_session(
        &self,
        grant: &str,
        key: &str,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let elsewhere = self
            .rows
            .pick(self.host.store(), |id, known| match known {
                Grant::Live(live) if live.sessions.clone().without(key).is_some() => {
                    Some(id.to_owned())
                }
                _ => None,
            })
            .map_err(|fault| self.failed(&fault))?;
        self.change(elsewhere.first().map_or(grant, String::as_str), |live| {
            Some(LiveGrant {
                sessions: live.sessions.without(key)?,
                ..live
            })
        })
    }

    fn change(
        &self,
        grant: &str,
        change: impl FnOnce(LiveGrant) -> Option<LiveGrant>,
    ) -> Result<GrantOutcome, GrantRefusal> {
        let Some(id) = GrantId::parse(grant) else {
            return Ok(GrantOutcome::Done);
        };
        if let Some(Grant::Live(live)) = self.row(&id)?
            && let Some(changed) = change(live)
        {
            self.commit(&id, Grant::Live(changed))?;
        }
        Ok(GrantOutcome::Done)
    }
}
