//! Spending of a user within the limits of a day: counted before a request, and corrected after.
//!
//! Each step is one read and one write without an await between them, so that requests at the same time cannot pass over
//! an allowance together.

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use serde::{Deserialize, Serialize};

use super::spending_quota::{Allowance, DailySpending, SpendingQuota};
use super::{Authority, GrantRefusal};
use crate::grant::Grant;
use crate::grant_store::CountRow;
use crate::token::GrantId;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Maximum duration of a spending, in milliseconds. One that is not settled by then counts in full.
pub const SPENDING_MS: u64 = 6 * 60 * 1000;

/// Delay before a retry where the limit of requests at the same time is reached, in seconds.
const BUSY_SECONDS: u64 = 2;

/// Row of the spending of a user.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpendingRow {
    /// Days since 1970.
    day: u64,
    spent: DailySpending,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    under_way: Vec<PendingSpending>,
}

/// A spending that was counted and may have to be corrected.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PendingSpending {
    id: String,
    day: u64,
    tokens: u64,
    /// Time until which the spending can be corrected, in milliseconds since 1970.
    until: u64,
}

impl SpendingRow {
    fn from_json(json: Option<String>) -> Result<Self, RuntimeError> {
        json.map_or_else(
            || Ok(Self::default()),
            |json| serde_json::from_str(&json).map_err(|_| Format::SpendingRow.unreadable()),
        )
    }

    /// The spending at a later time: a new day begins with nothing, and what was not settled in time is under way no
    /// more.
    fn at(mut self, now: u64) -> Self {
        let day = now / DAY_MS;
        if self.day != day {
            (self.day, self.spent) = (day, DailySpending::default());
        }
        self.under_way.retain(|one| now < one.until);
        self
    }

    fn add(&mut self, id: String, tokens: u64, quota: &SpendingQuota, now: u64) -> Allowance {
        if self.under_way.len() >= usize::try_from(quota.at_once).unwrap_or(usize::MAX) {
            return Allowance::Busy {
                retry_after: BUSY_SECONDS,
            };
        }
        let tokens = tokens.min(quota.tokens.saturating_sub(self.spent.tokens));
        if self.spent.requests >= quota.requests || tokens == 0 {
            return Allowance::UsedUp {
                retry_after: (DAY_MS - now % DAY_MS).div_ceil(1000),
            };
        }
        self.spent.requests += 1;
        self.spent.tokens += tokens;
        self.under_way.push(PendingSpending {
            id,
            day: self.day,
            tokens,
            until: now + SPENDING_MS,
        });
        Allowance::Granted { tokens }
    }

    /// Corrects a spending that was counted. A second correction of the same spending changes nothing.
    fn correct_spending(&mut self, id: &str, used: Option<u64>) {
        let Some(at) = self.under_way.iter().position(|one| one.id == id) else {
            return;
        };
        let one = self.under_way.remove(at);
        if one.day == self.day {
            self.spent.tokens = self
                .spent
                .tokens
                .saturating_sub(one.tokens)
                .saturating_add(used.unwrap_or_default());
            self.spent.requests = self
                .spent
                .requests
                .saturating_sub(u64::from(used.is_none()));
        }
    }

    /// Time from which the row is no longer needed, in milliseconds since 1970.
    fn ends(&self) -> u64 {
        let day = self.day.saturating_add(1).saturating_mul(DAY_MS);
        self.under_way
            .iter()
            .map(|one| one.until)
            .fold(day, u64::max)
    }
}

impl Authority {
    /// Counts a spending before it happens; that of a grant only while the grant lives.
    pub(super) fn spend(
        &self,
        id: String,
        grant: Option<&str>,
        tokens: u64,
        quota: &SpendingQuota,
    ) -> Result<Allowance, GrantRefusal> {
        if let Some(grant) = grant
            && self.go_on(grant)? == Allowance::Ended
        {
            return Ok(Allowance::Ended);
        }
        self.spending(|spending, now| spending.add(id, tokens, quota, now))
            .map_err(|fault| self.failed(&fault))
    }

    /// Checks that a grant is live, so that spending for it may go on; [`Allowance::Ended`] if it is not.
    pub(super) fn go_on(&self, grant: &str) -> Result<Allowance, GrantRefusal> {
        let known = GrantId::parse(grant)
            .map(|id| self.row(&id))
            .transpose()?
            .flatten();
        let lives = matches!(known, Some(Grant::Live(_)));
        Ok(if lives {
            Allowance::Granted { tokens: 0 }
        } else {
            Allowance::Ended
        })
    }

    /// Corrects a spending to what was used; to nothing, if it did not happen.
    pub(super) fn correct_spending(&self, id: &str, used: Option<u64>) -> Result<(), GrantRefusal> {
        self.spending(|spending, _| spending.correct_spending(id, used))
            .map_err(|fault| self.failed(&fault))
    }

    /// The spending of today so far.
    pub(super) fn spent(&self) -> Result<DailySpending, GrantRefusal> {
        let read = self
            .host
            .store()
            .count_row(CountRow::Spending)
            .and_then(SpendingRow::from_json);
        read.map(|spending| spending.at(self.host.now()).spent)
            .map_err(|fault| self.failed(&fault))
    }

    fn spending<T>(
        &self,
        change: impl FnOnce(&mut SpendingRow, u64) -> T,
    ) -> Result<T, RuntimeError> {
        let (store, now) = (self.host.store(), self.host.now());
        let mut spending = SpendingRow::from_json(store.count_row(CountRow::Spending)?)?.at(now);
        let changed = change(&mut spending, now);
        let json =
            serde_json::to_string(&spending).map_err(|error| RuntimeError(error.to_string()))?;
        store.put_count_row(CountRow::Spending, Some(&json))?;
        self.wake_by(spending.ends())?;
        Ok(changed)
    }

    /// Deletes the row when its day is over, else returns the time of the next look. A row of another version is left
    /// alone.
    pub(super) fn sweep_spending(&self, now: u64) -> Result<Option<u64>, RuntimeError> {
        let store = self.host.store();
        let Some(json) = store.count_row(CountRow::Spending)? else {
            return Ok(None);
        };
        match SpendingRow::from_json(Some(json)) {
            Ok(spending) if spending.ends() <= now => {
                store.put_count_row(CountRow::Spending, None).map(|()| None)
            }
            Ok(spending) => Ok(Some(spending.ends())),
            Err(fault) => {
                self.host.warn(&fault.0);
                Ok(Some(now + super::LOOK_AT_UNREADABLE_MS))
            }
        }
    }
}
