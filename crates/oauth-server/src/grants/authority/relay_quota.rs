//! Requests that the relay of the playground sends for a user: those of the last minute, and those under way, each of which holds a
//! slot from before it is sent until its answer is over.
//!
//! Both are in a row, since an object that was idle for some ten seconds may be evicted (Cloudflare, "Lifecycle of a Durable Object").
//! Each step is one read and one write without an await between them, so that requests at the same time cannot pass over a limit
//! together.

use durable_core::formats::Format;
use durable_core::wire::{RuntimeError, is_default};
use serde::{Deserialize, Serialize};

use super::spending_quota::Allowance;
use super::{Authority, GrantRefusal};
use crate::grant_store::CountRow;

/// Requests that one user may have relayed in a minute.
pub const RELAYED_A_MINUTE: usize = 60;

/// Requests that one user may have under way at once.
pub const RELAYED_AT_ONCE: usize = 8;

/// Requests among [`RELAYED_AT_ONCE`] whose answers stay open as streams of notifications: they leave room for others.
pub const RELAYED_STREAMS: usize = 4;

/// Period for which a request holds its slot unless the slot is extended, in milliseconds: that of a Worker that crashed is free again
/// after it.
pub const SLOT_MS: u64 = 60_000;

const MINUTE_MS: u64 = 60_000;

/// Period for which the row is kept after the last request, in milliseconds.
const ROW_MS: u64 = 3600 * 1000;

/// Delay before a retry where no slot is free, in seconds.
const BUSY_SECONDS: u64 = 5;

/// Row of the relayed requests of a user.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelayRow {
    /// Times of the requests of the last minute, the oldest first, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slots: Vec<Slot>,
    /// Time at which the row was last written, in milliseconds since 1970.
    written: u64,
}

/// A relayed request that is under way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    id: String,
    /// Time until which the slot is held, in milliseconds since 1970.
    until: u64,
    /// Whether the answer stays open as a stream of notifications.
    #[serde(default, skip_serializing_if = "is_default")]
    stays_open: bool,
}

impl RelayRow {
    fn from_json(json: Option<String>) -> Result<Self, RuntimeError> {
        json.map_or_else(
            || Ok(Self::default()),
            |json| serde_json::from_str(&json).map_err(|_| Format::RelayRow.unreadable()),
        )
    }

    /// The requests that count at a later time.
    fn at(mut self, now: u64) -> Self {
        self.requests
            .retain(|at| now.saturating_sub(*at) < MINUTE_MS);
        self.slots.retain(|slot| now < slot.until);
        self
    }

    fn add(&mut self, id: String, stays_open: bool, now: u64) -> Allowance {
        let open = self.slots.iter().filter(|slot| slot.stays_open).count();
        if self.slots.len() >= RELAYED_AT_ONCE || (stays_open && open >= RELAYED_STREAMS) {
            return Allowance::Busy {
                retry_after: BUSY_SECONDS,
            };
        }
        if let Some(oldest) = self.requests.first()
            && self.requests.len() >= RELAYED_A_MINUTE
        {
            return Allowance::UsedUp {
                retry_after: (oldest + MINUTE_MS).saturating_sub(now).div_ceil(1000),
            };
        }
        self.requests.push(now);
        self.slots.push(Slot {
            id,
            until: now + SLOT_MS,
            stays_open,
        });
        Allowance::Granted { tokens: 0 }
    }

    /// Extends a slot; one whose time was over is held anew, whatever the limits, since its request is under way. True if it was changed.
    fn extend(&mut self, id: &str, now: u64) -> bool {
        let until = now + SLOT_MS;
        match self.slots.iter_mut().find(|slot| slot.id == id) {
            Some(slot) if slot.until > now + SLOT_MS / 2 => false,
            Some(slot) => {
                slot.until = until;
                true
            }
            None => {
                self.slots.push(Slot {
                    id: id.to_owned(),
                    until,
                    stays_open: false,
                });
                true
            }
        }
    }

    /// Frees a slot. True if it was held.
    fn end(&mut self, id: &str) -> bool {
        let held = self.slots.len();
        self.slots.retain(|slot| slot.id != id);
        self.slots.len() < held
    }

    /// Time from which the row is no longer needed, in milliseconds since 1970.
    const fn ends(&self) -> u64 {
        self.written.saturating_add(ROW_MS)
    }
}

impl Authority {
    /// Counts a request, which holds a slot from now on, while the grant lives.
    pub(super) fn begin_relay(
        &self,
        grant: &str,
        id: String,
        stays_open: bool,
    ) -> Result<Allowance, GrantRefusal> {
        if self.go_on(grant)? == Allowance::Ended {
            return Ok(Allowance::Ended);
        }
        self.relayed(|relayed, now| {
            let allowance = relayed.add(id, stays_open, now);
            (allowance, matches!(allowance, Allowance::Granted { .. }))
        })
    }

    /// Has a request hold its slot for longer, while the grant lives.
    pub(super) fn extend_relay(&self, grant: &str, id: &str) -> Result<Allowance, GrantRefusal> {
        let lives = self.go_on(grant)?;
        if lives != Allowance::Ended {
            self.relayed(|relayed, now| ((), relayed.extend(id, now)))?;
        }
        Ok(lives)
    }

    /// Frees the slot of a request, which is over.
    pub(super) fn end_relay(&self, id: &str) -> Result<(), GrantRefusal> {
        self.relayed(|relayed, _| ((), relayed.end(id)))
    }

    /// Reads the row, and writes it if `change` says so.
    fn relayed<T>(
        &self,
        change: impl FnOnce(&mut RelayRow, u64) -> (T, bool),
    ) -> Result<T, GrantRefusal> {
        let (store, now) = (self.host.store(), self.host.now());
        let changed = || {
            let mut relayed = RelayRow::from_json(store.count_row(CountRow::Relayed)?)?.at(now);
            let (outcome, is_changed) = change(&mut relayed, now);
            if is_changed {
                relayed.written = now;
                let json = serde_json::to_string(&relayed)
                    .map_err(|error| RuntimeError(error.to_string()))?;
                store.put_count_row(CountRow::Relayed, Some(&json))?;
                self.wake_by(relayed.ends())?;
            }
            Ok(outcome)
        };
        changed().map_err(|fault: RuntimeError| self.failed(&fault))
    }

    /// Deletes the row when it is no longer needed, else returns the time of the next look. A row of another version is left alone.
    pub(super) fn sweep_relayed(&self, now: u64) -> Result<Option<u64>, RuntimeError> {
        let store = self.host.store();
        let Some(json) = store.count_row(CountRow::Relayed)? else {
            return Ok(None);
        };
        match RelayRow::from_json(Some(json)) {
            Ok(relayed) if relayed.ends() <= now => {
                store.put_count_row(CountRow::Relayed, None).map(|()| None)
            }
            Ok(relayed) => Ok(Some(relayed.ends())),
            Err(fault) => {
                self.host.warn(&fault.0);
                Ok(Some(now + super::LOOK_AT_UNREADABLE_MS))
            }
        }
    }
}
