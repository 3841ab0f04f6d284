//! What has expired goes, and what could not be deleted is tried again.

use futures_util::future::join_all;

use super::disconnect::Cause;
use super::settings::{LOOK_AT_UNREADABLE_MS, MAX_ENDED, RETRY_DELETES_MS, SWEEP_EVERY_MS};
use super::{Authority, Refused};
use crate::formats::Format;
use crate::oauth::grant::Grant;
use crate::oauth::token::GrantId;
use crate::wire::Fault;

/// When the object has itself woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wakes {
    /// It may have ordered so before it slept.
    #[default]
    Unasked,
    Never,
    At(u64),
}

/// When a grant's row is worth a look.
pub(super) fn look_at(grant: &Grant, now: u64) -> u64 {
    if is_unfinished(grant) { now + RETRY_DELETES_MS } else { grant.expires().max(now + SWEEP_EVERY_MS) }
}

/// Whether anything of a grant that has ended is left.
fn is_unfinished(grant: &Grant) -> bool {
    matches!(grant, Grant::Ending(ending) if ending.is_unfinished())
}

impl Authority {
    /// The time that was ordered has come: deletes what has expired, and orders the next time.
    ///
    /// # Errors
    /// When storage fails; the runtime tries again.
    pub async fn wake(&self) -> Result<(), Fault> {
        self.wakes.set(Wakes::Never);
        self.requests_left.set(MAX_ENDED);
        let (store, now) = (self.host.store(), self.host.now());
        let is_over = |grant: &Grant| is_unfinished(grant) || grant.expires() <= now;
        let over = self.rows.pick(store, |id, grant| is_over(grant).then(|| GrantId::parse(id)).flatten())?;
        for id in &over {
            self.mark(id, Cause::Expired)?;
            self.list_again(id).await?;
        }
        // What could not be deleted is there still, and says so below.
        let _: Vec<Result<(), Refused>> = join_all(over.iter().map(|id| self.finish(id))).await;
        let now = self.host.now();
        let unreadable = self.rows.unreadable(store)?;
        for id in &unreadable {
            self.host.warn(&format!("{}: {}", id.as_str(), Format::GrantRow.unreadable().0));
        }
        let unreadable = unreadable.first().map(|_| now + LOOK_AT_UNREADABLE_MS);
        let next = self.rows.pick(store, |_, grant| Some(look_at(grant, now)))?.into_iter().chain(unreadable).min();
        if let Some(next) = next {
            store.wake_at(next)?;
            self.wakes.set(Wakes::At(next));
        }
        Ok(())
    }

    /// Learns when the object is woken next, once.
    pub(super) async fn know_wake(&self) -> Result<(), Fault> {
        if self.wakes.get() == Wakes::Unasked {
            let ordered = self.host.store().wakes_at().await?;
            // A command that was quicker knows better.
            if self.wakes.get() == Wakes::Unasked {
                self.wakes.set(ordered.map_or(Wakes::Never, Wakes::At));
            }
        }
        Ok(())
    }

    /// Has the object woken at `time` at the latest.
    pub(super) fn wake_by(&self, time: u64) -> Result<(), Fault> {
        let ordered = matches!(self.wakes.get(), Wakes::At(ordered) if ordered <= time);
        if !ordered {
            self.host.store().wake_at(time)?;
            self.wakes.set(Wakes::At(time));
        }
        Ok(())
    }
}
