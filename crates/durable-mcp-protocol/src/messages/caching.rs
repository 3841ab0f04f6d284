//! The caching hints of a result, `ttlMs` and `cacheScope` (2026-07-28, Caching).

use std::time::Duration;

/// Callers to whom a cache may give a stored result: `cacheScope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CacheScope {
    /// All callers.
    Public,
    /// Only callers with the same access token.
    #[default]
    Private,
}

/// The hints of one result; by default it is stale at once, and private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caching {
    pub(crate) ttl_ms: u64,
    pub(crate) scope: CacheScope,
}

/// Default of `ttlMs` of lists and of the answer to `server/discover`, in milliseconds: they change with a deployment, and a client
/// should not be wrong about them for much longer than one takes.
pub(crate) const LIST_TTL_MS: u64 = 5 * 60 * 1000;

/// The longest time to live, in milliseconds: 136 years, which 32 bits hold in seconds. A later end fits no clock of the runtime.
const MAX_TTL_MS: u64 = u32::MAX as u64 * 1000;

/// A time to live in whole milliseconds, as results, rows and alarms have it. One that is longer than any of them can have is cut.
pub(crate) fn ttl_ms(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).map_or(MAX_TTL_MS, |ms| ms.min(MAX_TTL_MS))
}

impl Caching {
    /// The members of the result, as JSON.
    pub(crate) fn members(self) -> String {
        let scope = match self.scope {
            CacheScope::Public => "public",
            CacheScope::Private => "private",
        };
        format!(r#""ttlMs":{},"cacheScope":"{scope}""#, self.ttl_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_cut_to_what_a_clock_can_have() {
        assert_eq!(ttl_ms(Duration::from_millis(1500)), 1500);
        assert_eq!(ttl_ms(Duration::from_nanos(1)), 0);
        assert_eq!(ttl_ms(Duration::from_secs(u32::MAX.into())), MAX_TTL_MS);
        assert_eq!(ttl_ms(Duration::MAX), MAX_TTL_MS);
    }
}
