//! Lifetimes and limits of grants and their tokens.

use std::time::Duration;

use durable_core::limits::OPERATIONS_AN_INVOCATION;

/// Lifetimes. Tokens live for whole seconds, and for one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetimes {
    /// A code: as long as a browser takes to carry it over, RFC 6749 section 4.1.2.
    pub code: Duration,
    /// An access token.
    pub access: Duration,
    /// A refresh token that is not used.
    pub refresh: Duration,
    /// A grant, however much it is used.
    pub longest: Duration,
    /// Period in which an exchanged refresh token gives the same pair again: answers get lost, and clients ask twice.
    pub grace: Duration,
    /// Number of times that an exchanged refresh token gives the same pair again.
    pub grace_uses: u32,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        Self {
            code: Duration::from_mins(5),
            access: Duration::from_hours(1),
            refresh: days(30),
            longest: days(365),
            grace: Duration::from_mins(1),
            grace_uses: 20,
        }
    }
}

/// The longest lifetime, in milliseconds: 136 years. The runtime takes no alarm after the year 2189, and KV no longer expiry.
const LONGEST_MS: u64 = u32::MAX as u64 * 1000;

/// The time that much later, in milliseconds; 136 years later at most.
pub(super) fn after(now: u64, time: Duration) -> u64 {
    let time = u64::try_from(time.as_millis()).unwrap_or(LONGEST_MS);
    now.saturating_add(time.min(LONGEST_MS))
}

/// Number of wrong verifiers at which a code is burnt.
pub const MAX_WRONG_VERIFIERS: u32 = 5;

/// Maximum number of live access tokens of a grant; the oldest are evicted.
pub const MAX_ACCESS_TOKENS: usize = 32;

/// Maximum number of grants of a user. One more displaces an expired one, or else the one unused for the longest time
/// of the client that has the most: each client is let in, and none crowds the others out.
pub const MAX_GRANTS: usize = 200;

/// Ends of grants that are remembered, so that what was held before stays ended. With one more, the oldest two are
/// merged into one that concerns every client.
pub const MAX_DISCONNECTED: usize = 64;

/// Lifetime of a consent that a browser remembers, in seconds. A disconnect is remembered for longer than that.
pub const REMEMBERED_CONSENT_SECONDS: u64 = 365 * 24 * 3600;

/// Time for each page of a sign-in, this server's or the identity provider's, in milliseconds.
pub const SIGN_IN_MS: u64 = 10 * 60 * 1000;

/// Sessions and tasks whose ids are up to this much newer than the end of their grant end with it, in seconds: a token of
/// an ended grant can begin one while Workers KV still shows its record elsewhere, and clocks differ.
pub const SESSIONS_END_SECONDS: u64 = 65;

/// Maximum wait of a refresh for another one of the same grant, in milliseconds.
pub const LOCK_MS: u32 = 2000;

/// Minimum interval between looks at a row, in milliseconds: what has expired does no harm until then.
pub const SWEEP_EVERY_MS: u64 = 3600 * 1000;

/// Minimum interval between looks at the row of a grant that holds a session or task, in milliseconds: streams of
/// sessions end by that look alone.
pub const SWEEP_HOLDING_MS: u64 = 60 * 1000;

/// Delay before a failed deletion from KV is tried again, in milliseconds.
pub const RETRY_DELETES_MS: u64 = 60 * 1000;

/// Time within which Workers KV lists a record that was put elsewhere, in milliseconds: it promises "60 seconds or more".
pub const KV_LISTS_WITHIN_MS: u64 = 3 * 60 * 1000;

/// Delay before a row of another version is read again, in milliseconds: by then that version may have come back.
pub const LOOK_AT_UNREADABLE_MS: u64 = 24 * 3600 * 1000;

/// Records that one step deletes from KV and requests that it makes to other objects, at most: half of the operations that
/// an invocation may make; the others are for the rest of the step.
pub const ENDS_AT_ONCE: usize = OPERATIONS_AN_INVOCATION / 2;

/// Delay before the alarm ends what a step had no room for, in milliseconds: late enough for commands to come between.
pub const GO_ON_MS: u64 = 1000;

/// Period for which the end of an adopted grant is remembered, in milliseconds: Workers KV may show its old record that
/// much later.
pub const ADOPTED_TOMBSTONE_MS: u64 = 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_beyond_all_numbers_ends_in_136_years() {
        assert_eq!(after(1_000, Duration::from_millis(1)), 1_001);
        assert_eq!(after(1_000, Duration::MAX), 1_000 + LONGEST_MS);
    }
}
