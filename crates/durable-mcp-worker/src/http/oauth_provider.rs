//! The provider's tasks, by the authorization server.

use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::auth_server::OAuthRuntime;
use oauth_server::authority::{Allowance, Authority, AuthorityHost};
use oauth_server::event::Event;
use oauth_server::gate::insufficient_scope;
use oauth_server::provider::{CostlyResource, OAuth};
use oauth_server::purge::{PurgeReport, purge};
use oauth_server::scope::Scopes;
use oauth_server::sign_in::SignInStatus;

use super::authentication::{self, CallerCache, OAuthFront};
use super::playground::spending::{self, ChatQuotas, Receipt, SpendingDecision};
use super::protected_server::ProtectedServer;
use super::provider::{Authenticated, Provider, SessionStarted, UserGrants};
use super::rejection::RouterRejection;
use super::request_runtime::RequestRuntime;
use super::route::{Route, oauth_route};
use super::runtime_fault::failed;
use super::{oauth_endpoints, session_list};
use crate::transport::session_id::SessionClaims;

/// The provider's runtime. It is linked with the provider: without it every caller is rejected.
fn oauth_runtime(runtime: &dyn RequestRuntime) -> Result<&dyn OAuthRuntime, RuntimeError> {
    runtime
        .oauth_runtime()
        .ok_or_else(|| RuntimeError("a provider without its runtime".to_owned()))
}

impl OAuthFront {
    /// The same provider with other settings. It knows no caller yet.
    fn with_settings(&self, oauth: OAuth) -> Rc<dyn Provider> {
        Rc::new(Self {
            oauth,
            tool_scopes: self.tool_scopes.clone(),
            callers: CallerCache::default(),
        })
    }
}

impl Provider for OAuthFront {
    fn route(&self, path: &str) -> Route {
        oauth_route(&self.oauth, path)
    }

    fn handle<'a>(
        &'a self,
        server: ProtectedServer<'a>,
        route: Route,
        head: &'a Head,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Reply> {
        async move {
            match (oauth_runtime(runtime), route) {
                (Ok(oauth_runtime), Route::OAuth(endpoint)) => {
                    oauth_endpoints::handle(server, self, endpoint, head, oauth_runtime).await
                }
                (Ok(oauth_runtime), _) => {
                    oauth_endpoints::operate(server, self, head, oauth_runtime).await
                }
                (Err(fault), _) => failed(runtime, &fault),
            }
        }
        .boxed_local()
    }

    fn caller<'a>(
        &'a self,
        server: ProtectedServer<'a>,
        head: &'a Head,
        runtime: &'a dyn RequestRuntime,
        path: &'a str,
    ) -> LocalBoxFuture<'a, Authenticated> {
        async move {
            let oauth_runtime = oauth_runtime(runtime).map_err(|fault| failed(runtime, &fault))?;
            authentication::caller(server, self, head, oauth_runtime, path).await
        }
        .boxed_local()
    }

    fn challenge(&self, head: &Head, needed: &str) -> String {
        insufficient_scope(
            &head.origin(),
            &head.path,
            &Scopes::parse(needed).unwrap_or_default(),
        )
    }

    fn session_started(
        &self,
        server: ProtectedServer<'_>,
        runtime: &dyn RequestRuntime,
        keys: &Keys,
        caller: &Caller,
        session: &SessionStarted<'_>,
    ) {
        if let Some(oauth_runtime) = runtime.oauth_runtime() {
            session_list::started(server, oauth_runtime, keys, caller, session);
        }
    }

    fn session_ended(
        &self,
        runtime: &dyn RequestRuntime,
        keys: &Keys,
        caller: &Caller,
        session: &SessionClaims,
    ) {
        if let Some(oauth_runtime) = runtime.oauth_runtime() {
            session_list::ended(oauth_runtime, keys, caller, session);
        }
    }

    fn grants(
        &self,
        server: ProtectedServer<'_>,
        host: Rc<dyn AuthorityHost>,
    ) -> Rc<dyn UserGrants> {
        let longest = server
            .settings
            .max_age_ms
            .max(server.server.longest_task_ms());
        Rc::new(self.oauth.authority(host, longest))
    }

    fn purge<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        async move {
            let oauth_runtime = oauth_runtime(runtime)?;
            let PurgeReport {
                seen,
                ended,
                failed,
                whole,
            } = purge(&self.oauth, oauth_runtime).await?;
            let event = Event::Purged {
                seen,
                ended,
                failed,
                whole,
            };
            oauth_runtime.event(&event);
            self.report(&event);
            Ok(())
        }
        .boxed_local()
    }

    fn sign_in_status(&self) -> Option<SignInStatus> {
        self.oauth.sign_in_status()
    }

    fn reads_documents(&self) -> bool {
        self.oauth.reads_client_documents()
    }

    fn asking_ports(&self, ports: Vec<u16>) -> Rc<dyn Provider> {
        let mut oauth = self.oauth.clone();
        oauth.registry_mut().documents.ports.extend(ports);
        self.with_settings(oauth)
    }

    fn serving_client(&self, page: &str) -> Rc<dyn Provider> {
        let mut oauth = self.oauth.clone();
        oauth
            .registry_mut()
            .offer
            .redirects
            .own_pages
            .push(page.to_owned());
        self.with_settings(oauth)
    }

    fn offering(&self, path: &str, scopes: &[(&str, &str)]) -> Rc<dyn Provider> {
        let mut oauth = self.oauth.clone();
        for (scope, words) in scopes {
            if oauth.words_for(scope).is_none() {
                oauth = oauth.describe_scope(scope, words);
            }
        }
        let names: Vec<&str> = scopes.iter().map(|(scope, _)| *scope).collect();
        self.with_settings(oauth.costly_resource(CostlyResource {
            path: path.to_owned(),
            scope: names.join(" "),
        }))
    }

    fn spend<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        quotas: &'a ChatQuotas,
        tokens: u64,
    ) -> LocalBoxFuture<'a, Result<SpendingDecision, RuntimeError>> {
        async move { spending::spend(oauth_runtime(runtime)?, caller, quotas, tokens).await }
            .boxed_local()
    }

    fn goes_on<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        receipt: &'a Receipt,
        caller: &'a Caller,
    ) -> LocalBoxFuture<'a, bool> {
        async move {
            match runtime.oauth_runtime() {
                Some(oauth_runtime) => spending::goes_on(oauth_runtime, receipt, caller).await,
                None => true,
            }
        }
        .boxed_local()
    }

    fn correct_spending(&self, runtime: &dyn RequestRuntime, receipt: &Receipt, used: Option<u64>) {
        if let Some(oauth_runtime) = runtime.oauth_runtime() {
            spending::correct_spending(oauth_runtime, receipt, used);
        }
    }

    fn begin_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
        stays_open: bool,
    ) -> LocalBoxFuture<'a, Result<Allowance, RuntimeError>> {
        async move { spending::begin_relay(oauth_runtime(runtime)?, caller, id, stays_open).await }
            .boxed_local()
    }

    fn extend_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
    ) -> LocalBoxFuture<'a, Result<Allowance, RuntimeError>> {
        async move { spending::extend_relay(oauth_runtime(runtime)?, caller, id).await }
            .boxed_local()
    }

    fn end_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
    ) -> LocalBoxFuture<'a, ()> {
        async move {
            if let Some(oauth_runtime) = runtime.oauth_runtime() {
                spending::end_relay(oauth_runtime, caller, id).await;
            }
        }
        .boxed_local()
    }

    fn handle_of<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
    ) -> LocalBoxFuture<'a, Option<String>> {
        async move {
            spending::handle_of(oauth_runtime(runtime).ok()?, caller)
                .await
                .ok()
                .map(|handle| handle.as_str().to_owned())
        }
        .boxed_local()
    }

    fn refuse(
        &self,
        server: ProtectedServer<'_>,
        head: &Head,
        runtime: &dyn RequestRuntime,
        why: RouterRejection,
    ) -> Reply {
        match oauth_runtime(runtime) {
            Ok(oauth_runtime) => oauth_endpoints::refuse(server, self, head, oauth_runtime, why),
            Err(fault) => failed(runtime, &fault),
        }
    }

    fn report(&self, event: &Event) {
        self.oauth.report(event);
    }
}

impl UserGrants for Authority {
    fn handle(&self, command: String) -> LocalBoxFuture<'_, Result<String, RuntimeError>> {
        async move { self.handle_json(&command).await }.boxed_local()
    }

    fn wake(&self, room: usize) -> LocalBoxFuture<'_, Result<usize, RuntimeError>> {
        Authority::wake(self, room).boxed_local()
    }
}
