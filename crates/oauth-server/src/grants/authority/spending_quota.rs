//! Limits of a user's spending, and decisions by them.

use serde::{Deserialize, Serialize};

/// Limits of a day, from midnight to midnight (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendingQuota {
    /// Requests.
    pub requests: u64,
    /// Tokens of answers.
    pub tokens: u64,
    /// Requests under way at the same time.
    pub at_once: u32,
}

/// Decision on a request that counts against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Allowance {
    /// The request may be made, with a limit of tokens.
    Granted {
        /// Tokens that the request may use: those asked for, or those left of the day.
        tokens: u64,
    },
    /// The limit of requests at the same time is reached.
    Busy {
        /// Seconds after which to try again.
        retry_after: u64,
    },
    /// The share of the day is used up, or that of a minute.
    UsedUp {
        /// Seconds until there is some again; of a day until it ends, at midnight (UTC).
        retry_after: u64,
    },
    /// The grant in whose name the request is made has ended.
    Ended,
}

/// Spending of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailySpending {
    /// Requests.
    pub requests: u64,
    /// Tokens of answers, those of answers under way as if they were all used.
    pub tokens: u64,
}
