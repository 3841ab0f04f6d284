//! How long a client may take a result for what there is (2026-07-28, Caching).

/// Who may be given a result that was cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CacheScope {
    /// Everybody.
    Public,
    /// Whoever has the same access token.
    #[default]
    Private,
}

/// The hints of one result; by default it is stale at once, and nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Caching {
    pub(crate) ttl_ms: u64,
    pub(crate) scope: CacheScope,
}

/// How long lists are fresh, and what the server says of itself, in seconds, unless the server says otherwise: they change
/// with a deployment, and a client should not be wrong about them for much longer than one takes.
pub(crate) const LISTS_FRESH_SECONDS: u32 = 300;

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
