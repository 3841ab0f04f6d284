//! The provider of one deployment, as its application sets it up.

use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::authority::{Authority, AuthorityHost, Lifetimes};
use super::client::{AUTHORIZATION_CODE, Client, REFRESH_TOKEN};
use super::event::Event;
use super::hooks::{Exchange, ExchangeChanges, ExchangeError, Hooks};
use super::known_clients::KnownClients;
use super::record::AccessRecord;
use super::registration::CLIENT_CREDENTIALS;
use super::registry::RegistrySettings;
use super::scope::{ScopeError, Scopes};
use super::sign_in::{DynSignIn, SignIn, SignInStatus};

/// The grant type of an access token for another one (RFC 8693 section 2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Paths of the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint (RFC 6749 section 3.1).
    pub authorize: String,
    /// Token endpoint (RFC 6749 section 3.2).
    pub token: String,
    /// Registration endpoint (RFC 7591 section 3); none if clients cannot register.
    pub register: Option<String>,
    /// Revocation endpoint (RFC 7009).
    pub revoke: String,
    /// Introspection endpoint (RFC 7662).
    pub introspect: String,
    /// Path to which identity providers send the browser back.
    pub callback: String,
    /// Path of the page on which people see the clients that they let in.
    pub account: String,
    /// Path at which operators list and end users' grants, if the secret `OPERATOR_TOKEN` is set.
    pub operator: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            authorize: "/authorize".to_owned(),
            token: "/token".to_owned(),
            register: Some("/register".to_owned()),
            revoke: "/revoke".to_owned(),
            introspect: "/introspect".to_owned(),
            callback: "/callback".to_owned(),
            account: "/account".to_owned(),
            operator: "/operator".to_owned(),
        }
    }
}

/// Caller behind a token that this server did not issue.
#[derive(Clone, PartialEq)]
pub struct ResolvedToken {
    /// The user's id.
    pub subject: String,
    /// The client, for sessions to be bound to.
    pub client_id: String,
    /// Scopes of the token.
    pub scopes: Scopes,
    /// Props of the user, which tools receive.
    pub props: Value,
}

impl fmt::Debug for ResolvedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedToken")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl From<ResolvedToken> for AccessRecord {
    fn from(resolved: ResolvedToken) -> Self {
        Self {
            subject: resolved.subject,
            grant: String::new(),
            client_id: resolved.client_id,
            scopes: resolved.scopes,
            audience: Vec::new(),
            issued: 0,
            expires: u64::MAX,
            sessions_since: 0,
            props: resolved.props,
        }
    }
}

/// Resolves a token that this server did not issue: an API key, another issuer's token. The arguments are the token and
/// the URL of the resource that it is used at, which must be compared with the token's audience if that has one.
pub type ResolveToken =
    Rc<dyn Fn(String, String) -> LocalBoxFuture<'static, Option<ResolvedToken>>>;

/// Listener for events of grants and clients.
pub type OnEvent = Rc<dyn Fn(&Event)>;

/// A resource that costs: its scopes are given only to clients that ask for them by name, and its tokens have to name the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostlyResource {
    /// The path of the resource.
    pub path: String,
    /// The scopes of which a token needs one, separated by spaces.
    pub scope: String,
}

/// An OAuth 2.1 authorization server in front of this server.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch that an application sets by itself"
)]
pub struct OAuth {
    pub(crate) sign_in: Rc<dyn DynSignIn>,
    pub(crate) issuer: Option<String>,
    pub(crate) endpoints: Endpoints,
    pub(crate) scopes: Scopes,
    pub(crate) described: Vec<(String, String)>,
    pub(crate) costly: Option<CostlyResource>,
    pub(crate) lifetimes: Rc<Lifetimes>,
    pub(crate) hooks: Rc<Hooks>,
    pub(crate) registry: RegistrySettings,
    pub(crate) clients: Vec<Client>,
    /// Client records cached in this isolate.
    pub(super) known: Rc<KnownClients>,
    pub(crate) documents: bool,
    pub(crate) exchange: bool,
    pub(crate) credentials: bool,
    /// True if records and tokens of workers-oauth-provider are accepted.
    pub(crate) takes_over: bool,
    pub(crate) resolve: Option<ResolveToken>,
    pub(crate) on_event: Option<OnEvent>,
}

impl OAuth {
    /// A provider whose users sign in by `sign_in`.
    #[must_use]
    pub fn new(sign_in: impl SignIn + 'static) -> Self {
        Self {
            sign_in: Rc::new(sign_in),
            issuer: None,
            endpoints: Endpoints::default(),
            scopes: Scopes::default(),
            described: Vec::new(),
            costly: None,
            lifetimes: Rc::default(),
            hooks: Rc::default(),
            registry: RegistrySettings::default(),
            clients: Vec::new(),
            known: Rc::default(),
            documents: true,
            exchange: false,
            credentials: false,
            takes_over: false,
            resolve: None,
            on_event: None,
        }
    }

    /// The issuer, where it is not the origin that a request came to: `https://auth.example.com`, without a slash at the
    /// end. Clients compare it as a string (RFC 8414 section 3.3).
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// Sets the paths of the endpoints.
    #[must_use]
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// The scopes that clients can ask for, those of tools aside, which are known.
    ///
    /// # Errors
    /// When one has a character that no scope may have (RFC 6749 section 3.3).
    pub fn scopes(mut self, scopes: &[&str]) -> Result<Self, ScopeError> {
        self.scopes = Scopes::parse(&scopes.join(" "))?;
        Ok(self)
    }

    /// Says in plain words what a scope allows, for the person who is asked for it: "Change and delete your notes".
    #[must_use]
    pub fn describe_scope(mut self, scope: &str, words: &str) -> Self {
        self.described.push((scope.to_owned(), words.to_owned()));
        self
    }

    /// Sets the lifetimes of codes, tokens and grants.
    #[must_use]
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = Rc::new(lifetimes);
        self
    }

    /// Runs before tokens are given out: it can renew what the user's identity provider gave, and set other lifetimes. It
    /// runs once for each exchange, however often a client asks.
    #[must_use]
    pub fn on_exchange<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Exchange) -> R + 'static,
        R: Future<Output = Result<ExchangeChanges, ExchangeError>> + 'static,
    {
        self.hooks = Rc::new(Hooks {
            on_exchange: Some(Rc::new(move |exchange| Box::pin(hook(exchange)))),
        });
        self
    }

    /// Calls a hook with each event of a grant or client; every event is in the log besides.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(&Event) + 'static) -> Self {
        self.on_event = Some(Rc::new(hook));
        self
    }

    /// Accepts tokens that this server did not issue: see [`ResolveToken`].
    #[must_use]
    pub fn resolve_tokens<F, R>(mut self, resolve: F) -> Self
    where
        F: Fn(String, String) -> R + 'static,
        R: Future<Output = Option<ResolvedToken>> + 'static,
    {
        self.resolve = Some(Rc::new(move |token, resource| {
            Box::pin(resolve(token, resource))
        }));
        self
    }

    /// Sets the policy for registrations and metadata documents.
    #[must_use]
    pub fn registry(mut self, settings: RegistrySettings) -> Self {
        self.registry = settings;
        self
    }

    /// Clients that need not register: see [`configured::parse`](super::configured::parse).
    #[must_use]
    pub fn clients(mut self, clients: Vec<Client>) -> Self {
        self.clients = clients;
        self
    }

    /// Takes no client by its metadata document.
    #[must_use]
    pub fn without_client_documents(mut self) -> Self {
        self.documents = false;
        self
    }

    /// Lets clients exchange an access token for a narrower one (RFC 8693).
    #[must_use]
    pub fn token_exchange(mut self) -> Self {
        self.exchange = true;
        self.offer(TOKEN_EXCHANGE);
        self
    }

    /// Lets confidential clients have tokens for themselves (RFC 6749 section 4.4): those of the configuration that have
    /// the grant type.
    #[must_use]
    pub fn client_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Takes over the users of `@cloudflare/workers-oauth-provider`, which kept them in the same KV namespace: its
    /// tokens are accepted, its grants become this server's when they are refreshed, and they are listed and ended
    /// until then.
    ///
    /// Its tokens are known by their shape alone, so anybody can make one up that is then looked for. Leave this out when the
    /// last of its refresh tokens have been used.
    #[must_use]
    pub fn take_over_workers_oauth_provider(mut self) -> Self {
        self.takes_over = true;
        self
    }

    fn offer(&mut self, grant_type: &str) {
        let offered = &mut self.registry.offer.grant_types;
        if !offered.iter().any(|known| known == grant_type) {
            offered.push(grant_type.to_owned());
        }
    }

    /// The grant types that the token endpoint serves.
    #[must_use]
    pub fn grant_types(&self) -> Vec<&'static str> {
        let more = [
            (self.exchange, TOKEN_EXCHANGE),
            (self.credentials, CLIENT_CREDENTIALS),
        ];
        let more = more
            .into_iter()
            .filter(|(served, _)| *served)
            .map(|(_, name)| name);
        [AUTHORIZATION_CODE, REFRESH_TOKEN]
            .into_iter()
            .chain(more)
            .collect()
    }

    /// Description of a scope in plain words, as set by [`describe_scope`](Self::describe_scope).
    #[must_use]
    pub fn words_for(&self, scope: &str) -> Option<&str> {
        self.described
            .iter()
            .find(|(known, _)| known == scope)
            .map(|(_, words)| words.as_str())
    }

    /// Hands an event to the listener of [`on_event`](Self::on_event), if there is one.
    pub fn report(&self, event: &Event) {
        if let Some(hook) = &self.on_event {
            hook(event);
        }
    }

    /// Paths of the endpoints.
    #[must_use]
    pub fn endpoint_paths(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Sign-in of the people.
    #[must_use]
    pub fn sign_in(&self) -> &dyn DynSignIn {
        &*self.sign_in
    }

    /// The resource that costs, if there is one.
    #[must_use]
    pub fn costly(&self) -> Option<&CostlyResource> {
        self.costly.as_ref()
    }

    /// State of the sign-in, if it is not simply ready.
    #[must_use]
    pub fn sign_in_status(&self) -> Option<SignInStatus> {
        self.sign_in.status()
    }

    /// True if clients may be identified by the URL of their metadata document.
    #[must_use]
    pub fn reads_client_documents(&self) -> bool {
        self.documents
    }

    /// The grants of one user with the lifetimes and hooks of this server, none of them in memory yet; a session or task lives for
    /// `longest_session` milliseconds at most.
    #[must_use]
    pub fn authority(&self, host: Rc<dyn AuthorityHost>, longest_session: u64) -> Authority {
        let (lifetimes, hooks) = (Rc::clone(&self.lifetimes), Rc::clone(&self.hooks));
        Authority::new(host, lifetimes, hooks, longest_session)
    }

    /// Sets the resource that costs.
    #[must_use]
    pub fn costly_resource(mut self, resource: CostlyResource) -> Self {
        self.costly = Some(resource);
        self
    }

    /// Settings of clients and their registration, to be changed.
    pub fn registry_mut(&mut self) -> &mut RegistrySettings {
        &mut self.registry
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("endpoints", &self.endpoints)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
