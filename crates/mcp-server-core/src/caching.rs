//! The caching hints of a result, `ttlMs` and `cacheScope` (2026-07-28, Caching).

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

/// Default of `ttlMs` of lists and of the answer to `server/discover`, in seconds: they change with a deployment, and a client
/// should not be wrong about them for much longer than one takes.
pub(crate) const LIST_TTL_SECONDS: u32 = 300;

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
