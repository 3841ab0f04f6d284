//! Authentication of MCP requests: the caller behind a bearer token, the challenge without one, and the cache of callers whose
//! tokens were looked up a moment ago.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_core::wire::Head;
use durable_mcp_protocol::caller::Caller;
use oauth_server::auth_server::{AuthServer, OAuthRuntime};
use oauth_server::endpoint_error::EndpointError;
use oauth_server::gate;
use oauth_server::provider::OAuth;
use oauth_server::record::AccessRecord;
use oauth_server::scope::Scopes;

use super::protected_server::ProtectedServer;
use super::provider::Authenticated;

/// The provider in front of a server.
pub(super) struct OAuthFront {
    pub(super) oauth: OAuth,
    /// The scopes that the server's tools need.
    pub(super) tool_scopes: Scopes,
    pub(super) callers: CallerCache,
}

/// The authorization server at the origin of a request. `paths` are those of the application's resources.
pub(super) fn auth_server<'a>(
    server: ProtectedServer<'a>,
    provider: &'a OAuthFront,
    head: &'a Head,
    runtime: &'a dyn OAuthRuntime,
    paths: &'a [&'a str],
) -> AuthServer<'a> {
    AuthServer::new(&provider.oauth, runtime, &provider.tool_scopes, paths, head)
        .named(server.server.display_name())
}

/// Authenticates the caller of an MCP request, or answers with a challenge (RFC 6750, section 3).
pub(super) async fn caller(
    server: ProtectedServer<'_>,
    provider: &OAuthFront,
    head: &Head,
    runtime: &dyn OAuthRuntime,
    path: &str,
) -> Authenticated {
    let paths = server.resources();
    let auth_server = auth_server(server, provider, head, runtime, &paths);
    let key = gate::bearer_hash(head).map(|hash| (hash, format!("{}{path}", auth_server.origin)));
    if let Some(caller) = key
        .as_ref()
        .and_then(|key| provider.callers.get(key, runtime.now()))
    {
        return Ok(caller);
    }
    let age = provider.callers.age();
    match gate::check(&auth_server, head, path).await {
        Ok(Ok(access)) => {
            let caller = Rc::new(caller_of(access, path, &auth_server));
            if let Some(key) = key {
                provider.callers.put(key, &caller, runtime.now(), age);
            }
            Ok(caller)
        }
        Ok(Err(refused)) => Err(refused.into()),
        Err(fault) => {
            runtime.warn(&fault.0);
            Err(EndpointError::fault().into())
        }
    }
}

fn caller_of(access: AccessRecord, path: &str, auth_server: &AuthServer<'_>) -> Caller {
    Caller {
        subject: Some(access.subject),
        client_id: Some(access.client_id),
        grant: Some(access.grant).filter(|grant| !grant.is_empty()),
        resource: Some(format!("{}{path}", auth_server.origin)),
        expires: Some(access.expires).filter(|expires| *expires != u64::MAX),
        sessions_since: access.sessions_since,
        scopes: access.scopes.to_vec(),
        props: access.props,
    }
}

/// Lifetime of an entry, in milliseconds: consecutive calls of a client cost one lookup. A token that is revoked through
/// another isolate is accepted here for that much longer, which is little beside the minute that Workers KV may take to
/// propagate.
const RECENT_MS: u64 = 1000;

/// Limit of cached callers. The props of their tokens take some kilobytes each.
const MAX_RECENT: usize = 256;

/// A caller's credentials: the hash of the token, and the URL of the resource.
pub(super) type CacheKey = (String, String);

/// Callers by their credentials, in one isolate.
#[derive(Default)]
pub(super) struct CallerCache {
    known: RefCell<BTreeMap<CacheKey, (u64, Rc<Caller>)>>,
    /// Number of times that the cache was cleared.
    age: Cell<u32>,
}

impl CallerCache {
    /// The caller with these credentials, if it was looked up a moment ago and the token has not ended since.
    pub(super) fn get(&self, key: &CacheKey, now: u64) -> Option<Rc<Caller>> {
        let known = self.known.borrow();
        let (since, caller) = known.get(key)?;
        let ended = caller.expires.is_some_and(|expires| expires <= now / 1000);
        (now.saturating_sub(*since) < RECENT_MS && !ended).then(|| Rc::clone(caller))
    }

    /// Generation number to pass to `put` with a caller whose lookup starts now.
    pub(super) fn age(&self) -> u32 {
        self.age.get()
    }

    /// Caches a caller, unless the cache was cleared since the lookup started at generation `age`.
    pub(super) fn put(&self, key: CacheKey, caller: &Rc<Caller>, now: u64, age: u32) {
        if age != self.age.get() {
            return;
        }
        let mut known = self.known.borrow_mut();
        if known.len() >= MAX_RECENT {
            known.retain(|_, (since, _)| now.saturating_sub(*since) < RECENT_MS);
        }
        if known.len() < MAX_RECENT {
            known.insert(key, (now, Rc::clone(caller)));
        }
    }

    /// Clears the cache, since a token or grant may have ended.
    pub(super) fn forget(&self) {
        self.known.borrow_mut().clear();
        self.age.set(self.age.get().wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(expires: u64) -> Rc<Caller> {
        Rc::new(Caller {
            expires: Some(expires),
            ..Caller::default()
        })
    }

    fn key(at: usize) -> CacheKey {
        (at.to_string(), "https://s.example/mcp".to_owned())
    }

    #[test]
    fn a_caller_is_cached_briefly_for_one_resource_within_its_tokens_life() {
        let callers = CallerCache::default();
        callers.put(key(1), &caller(100), 5_000, callers.age());
        callers.put(key(2), &caller(5), 4_500, callers.age());
        assert!(callers.get(&key(1), 5_000 + RECENT_MS - 1).is_some());
        assert!(callers.get(&key(1), 5_000 + RECENT_MS).is_none());
        assert!(
            callers
                .get(&("1".to_owned(), "https://s.example/sse".to_owned()), 5_000)
                .is_none()
        );
        assert!(callers.get(&key(2), 4_999).is_some());
        assert!(callers.get(&key(2), 5_000).is_none());
    }

    #[test]
    fn a_lookup_from_before_the_cache_was_cleared_is_not_stored() {
        let callers = CallerCache::default();
        let age = callers.age();
        callers.put(key(1), &caller(100), 0, age);
        callers.forget();
        callers.put(key(2), &caller(100), 0, age);
        assert!(callers.get(&key(1), 0).is_none() && callers.get(&key(2), 0).is_none());
    }

    #[test]
    fn the_number_of_cached_callers_is_limited() {
        let callers = CallerCache::default();
        for at in 0..=MAX_RECENT {
            callers.put(key(at), &caller(100), 0, 0);
        }
        assert!(callers.get(&key(MAX_RECENT), 0).is_none());
        callers.put(key(MAX_RECENT), &caller(100), RECENT_MS, 0);
        assert!(callers.get(&key(MAX_RECENT), RECENT_MS).is_some());
        assert_eq!(callers.known.borrow().len(), 1);
    }
}
