//! Authentication of MCP requests: the caller behind a bearer token, and the challenge without one.

use std::rc::Rc;

use durable_core::wire::Head;
use durable_mcp_protocol::caller::Caller;
use oauth_server::auth_server::{AuthServer, OAuthRuntime};
use oauth_server::endpoint_error::EndpointError;
use oauth_server::gate;
use oauth_server::record::AccessRecord;

use super::oauth_endpoints::auth_server;
use super::oauth_front::OAuthFront;
use super::protected_server::ProtectedServer;
use super::provider::Authenticated;

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
