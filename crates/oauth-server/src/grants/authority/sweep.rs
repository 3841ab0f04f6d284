//! The object's alarm: removes what has expired, and retries deletions that failed.

use std::cell::Cell;

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use futures_util::future::join_all;

use super::disconnect::EndCause;
use super::settings::{
    GO_ON_MS, LOOK_AT_UNREADABLE_MS, RETRY_DELETES_MS, SWEEP_EVERY_MS, SWEEP_HOLDING_MS,
};
use super::{Authority, GrantRefusal};
use crate::grant::Grant;
use crate::token::GrantId;

/// Time of the object's next alarm, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum NextAlarm {
    /// Not read yet: an alarm may have been set before the object slept.
    #[default]
    Unasked,
    Never,
    At(u64),
}

/// Time at which the row of a grant is next looked at, in milliseconds since 1970. What the grant holds in other
/// objects, such as streams of sessions, ends by that look, so it comes within [`SWEEP_HOLDING_MS`] of the expiry.
pub(super) fn look_at(grant: &Grant, now: u64) -> u64 {
    if is_unfinished(grant) {
        return now + RETRY_DELETES_MS;
    }
    let every = if grant.holds_elsewhere() {
        SWEEP_HOLDING_MS
    } else {
        SWEEP_EVERY_MS
    };
    grant.expires().max(now + every)
}

/// True for an ended grant of which anything is left in KV or in other objects.
fn is_unfinished(grant: &Grant) -> bool {
    matches!(grant, Grant::Ending(ending) if ending.is_unfinished())
}

impl Authority {
    /// Runs at the alarm: ends what has expired, and sets the next alarm. At most `room` records are deleted and
    /// requests made to other objects; returns how many more there could have been.
    ///
    /// # Errors
    /// When storage fails; the runtime tries again.
    pub async fn wake(&self, room: usize) -> Result<usize, RuntimeError> {
        self.wakes.set(NextAlarm::Never);
        let (store, now) = (self.host.store(), self.host.now());
        let is_over = |grant: &Grant| is_unfinished(grant) || grant.expires() <= now;
        let over = self.rows.pick(store, |id, grant| {
            is_over(grant).then(|| GrantId::parse(id)).flatten()
        })?;
        let left = Cell::new(room);
        for id in &over {
            self.mark(id, EndCause::Expired)?;
            self.list_again(id, &left).await?;
        }
        // Records that could not be deleted are still listed, and set the next alarm below.
        let _: Vec<Result<(), GrantRefusal>> =
            join_all(over.iter().map(|id| self.finish_within(id, &left))).await;
        if let Some(next) = self.next_look(left.get() == 0)? {
            store.wake_at(next)?;
            self.wakes.set(NextAlarm::At(next));
        }
        Ok(left.get())
    }

    /// Time of the next sweep, which is soon where room is used up.
    fn next_look(&self, is_used_up: bool) -> Result<Option<u64>, RuntimeError> {
        let (store, now) = (self.host.store(), self.host.now());
        let unreadable = self.rows.unreadable(store)?;
        for id in &unreadable {
            self.host.warn(&format!(
                "{}: {}",
                id.as_str(),
                Format::GrantRow.unreadable().0
            ));
        }
        let unreadable = unreadable.first().map(|_| now + LOOK_AT_UNREADABLE_MS);
        let at_once = if is_used_up {
            self.rows.pick(store, |_, grant| {
                is_unfinished(grant).then_some(now + GO_ON_MS)
            })?
        } else {
            Vec::new()
        };
        let looks = self
            .rows
            .pick(store, |_, grant| Some(look_at(grant, now)))?;
        let (spending, relayed) = (self.sweep_spending(now)?, self.sweep_relayed(now)?);
        Ok(looks
            .into_iter()
            .chain(at_once)
            .chain(unreadable)
            .chain(spending)
            .chain(relayed)
            .min())
    }

    /// Reads the time of the next alarm from storage, once.
    pub(super) async fn know_wake(&self) -> Result<(), RuntimeError> {
        if self.wakes.get() == NextAlarm::Unasked {
            let ordered = self.host.store().wakes_at().await?;
            // A command may have set an alarm meanwhile, whose time is newer.
            if self.wakes.get() == NextAlarm::Unasked {
                self.wakes
                    .set(ordered.map_or(NextAlarm::Never, NextAlarm::At));
            }
        }
        Ok(())
    }

    /// Sets an alarm for `time`, unless one is due before.
    pub(super) fn wake_by(&self, time: u64) -> Result<(), RuntimeError> {
        let ordered = matches!(self.wakes.get(), NextAlarm::At(ordered) if ordered <= time);
        if !ordered {
            self.host.store().wake_at(time)?;
            self.wakes.set(NextAlarm::At(time));
        }
        Ok(())
    }
}
