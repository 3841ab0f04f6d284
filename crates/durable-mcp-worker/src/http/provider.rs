//! The provider as the rest of the Worker knows it: a server without one has none of its code in the upload.

use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use futures_util::future::LocalBoxFuture;
use oauth_server::authority::{Allowance, AuthorityHost};
use oauth_server::event::Event;
use oauth_server::sign_in::SignInStatus;

use super::playground::spending::{ChatQuotas, Receipt, SpendingDecision};
use super::protected_server::ProtectedServer;
use super::rejection::RouterRejection;
use super::request_runtime::RequestRuntime;
use super::route::Route;
use crate::transport::session_id::SessionClaims;

/// The authenticated caller, or the refusal.
pub type Authenticated = Result<Rc<Caller>, Reply>;

/// A new session.
#[derive(Debug)]
pub struct SessionStarted<'a> {
    /// The claims of its id.
    pub claims: &'a SessionClaims,
    /// The client's version, as the client gives it.
    pub version: Option<String>,
}

/// Signs users in and says who calls.
pub trait Provider {
    /// The route of a path of the provider's.
    fn route(&self, path: &str) -> Route;

    /// Answers a request to one of its endpoints.
    fn handle<'a>(
        &'a self,
        server: ProtectedServer<'a>,
        route: Route,
        head: &'a Head,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Reply>;

    /// Finds out who calls the resource at `path`.
    fn caller<'a>(
        &'a self,
        server: ProtectedServer<'a>,
        head: &'a Head,
        runtime: &'a dyn RequestRuntime,
        path: &'a str,
    ) -> LocalBoxFuture<'a, Authenticated>;

    /// A caller began a session.
    fn session_started(
        &self,
        server: ProtectedServer<'_>,
        runtime: &dyn RequestRuntime,
        keys: &Keys,
        caller: &Caller,
        session: &SessionStarted<'_>,
    );

    /// A caller ended a session.
    fn session_ended(
        &self,
        runtime: &dyn RequestRuntime,
        keys: &Keys,
        caller: &Caller,
        session: &SessionClaims,
    );

    /// The challenge for a caller whose token lacks these scopes, separated by spaces.
    fn challenge(&self, head: &Head, needed: &str) -> String;

    /// The grants of one user, for the object that holds them.
    fn grants(
        &self,
        server: ProtectedServer<'_>,
        host: Rc<dyn AuthorityHost>,
    ) -> Rc<dyn UserGrants>;

    /// Collects what storage cannot expire by itself, a part at a time.
    fn purge<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>>;

    /// The notice about sign-in on this server's pages.
    fn sign_in_status(&self) -> Option<SignInStatus>;

    /// True if the URL of a client metadata document is accepted as `client_id`.
    fn reads_documents(&self) -> bool;

    /// The same provider, which fetches metadata documents from these ports besides 443.
    fn asking_ports(&self, ports: Vec<u16>) -> Rc<dyn Provider>;

    /// The same provider, to which the page at that path or URL may be a client.
    fn serving_client(&self, page: &str) -> Rc<dyn Provider>;

    /// The same provider, with a resource at `path` that costs; beside each of its scopes are words that say what it allows, unless
    /// the application does.
    fn offering(&self, path: &str, scopes: &[(&str, &str)]) -> Rc<dyn Provider>;

    /// Counts a chat of a caller, with so many tokens at most, before it is asked for.
    fn spend<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        quotas: &'a ChatQuotas,
        tokens: u64,
    ) -> LocalBoxFuture<'a, Result<SpendingDecision, RuntimeError>>;

    /// Checks that the caller's access has not ended, so that an answer that was counted may continue.
    fn goes_on<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        receipt: &'a Receipt,
        caller: &'a Caller,
    ) -> LocalBoxFuture<'a, bool>;

    /// Corrects what was counted to the tokens that were used; to nothing, if nothing was asked for.
    fn correct_spending(&self, runtime: &dyn RequestRuntime, receipt: &Receipt, used: Option<u64>);

    /// Counts a request that the relay is to send for a caller, which holds a slot from then on; whether its answer stays open as a
    /// stream is known beforehand.
    fn begin_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
        stays_open: bool,
    ) -> LocalBoxFuture<'a, Result<Allowance, RuntimeError>>;

    /// Has a relayed request hold its slot for longer.
    fn extend_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
    ) -> LocalBoxFuture<'a, Result<Allowance, RuntimeError>>;

    /// Frees the slot of a relayed request, which is over.
    fn end_relay<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
        id: &'a str,
    ) -> LocalBoxFuture<'a, ()>;

    /// The routing handle of a caller, for logs.
    fn handle_of<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
        caller: &'a Caller,
    ) -> LocalBoxFuture<'a, Option<String>>;

    /// Page for a person whose browser is rejected, with the reason.
    fn refuse(
        &self,
        server: ProtectedServer<'_>,
        head: &Head,
        runtime: &dyn RequestRuntime,
        why: RouterRejection,
    ) -> Reply;

    /// Hears of what happens.
    fn report(&self, event: &Event);
}

/// The grants of one user.
pub trait UserGrants {
    /// Runs a command and returns its outcome, both as JSON.
    fn handle(&self, command: String) -> LocalBoxFuture<'_, Result<String, RuntimeError>>;

    /// Runs at the alarm, with at most `room` operations of KV; returns how many of them are left.
    fn wake(&self, room: usize) -> LocalBoxFuture<'_, Result<usize, RuntimeError>>;
}
