//! Per-request view of the authorization server: settings, origin, runtime.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_core::wire::{ADDRESS_HEADER, Head, RuntimeError};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::authority::{GrantCommand, GrantOutcome, GrantRefusal};
use super::client::{AuthMethod, Client};
use super::event::Event;
use super::known_clients::KnowingKv;
use super::metadata::{self, OFFLINE_ACCESS, ResourceMetadata, ServerMetadata};
use super::metadata_document::Fetch;
use super::params::RequestParams;
use super::port::Kv;
use super::provider::{CostlyResource, OAuth};
use super::rates::Rates;
use super::registry::{Registry, RegistrySettings};
use super::resource::Resources;
use super::scope::{ScopeError, Scopes};
use super::token::{self, PresentedToken, TokenKind, UserHandle};

/// The runtime around one request, as far as the provider needs it.
pub trait OAuthRuntime: Runtime {
    /// The records that everybody reads.
    fn kv(&self) -> &dyn Kv;

    /// The public web; `None` where a fetch could reach what only this server can, since strangers name what is fetched. By
    /// default there is none, and no client is identified by its metadata document.
    fn web(&self) -> Option<&dyn Fetch> {
        None
    }

    /// Use of the rate limits, in the memory of one isolate.
    fn rates(&self) -> &RefCell<Rates>;

    /// Has a command carried out by the object of the user with that handle; it and what comes of it are JSON.
    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>>;

    /// Has a command carried out likewise, beside the request: its outcome is not awaited, and a failure is logged.
    fn command_later(&self, handle: &UserHandle, command: String);

    /// Ends a session at the resource, by the key of its note. One that has ended stays so. By default there are no sessions.
    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        let _ = key;
        ready(Ok(())).boxed_local()
    }

    /// Reads the body of the request, as far as it is no longer than `limit` bytes.
    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>>;

    /// Tells operators what happened.
    fn event(&self, event: &Event);
}

/// Reason for which the body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// The body is longer than the limit.
    TooLarge,
    /// The body is not text, or is incomplete.
    Unreadable,
}

/// The provider, for the time of one request.
pub struct AuthServer<'a> {
    /// Settings of the provider.
    pub oauth: &'a OAuth,
    /// The runtime.
    pub runtime: &'a dyn OAuthRuntime,
    /// The scopes that tools need, besides those that were set up.
    pub tool_scopes: &'a Scopes,
    /// The paths of the resources.
    pub paths: &'a [&'a str],
    /// Scheme and host of the request.
    pub origin: String,
    /// Name of this server for people.
    pub name: &'a str,
    head: &'a Head,
    address: OnceCell<String>,
    registry: OnceCell<RegistrySettings>,
    clients: KnowingKv<'a>,
}

impl<'a> AuthServer<'a> {
    /// The provider at the origin of a request.
    pub fn new(
        oauth: &'a OAuth,
        runtime: &'a dyn OAuthRuntime,
        tool_scopes: &'a Scopes,
        paths: &'a [&'a str],
        head: &'a Head,
    ) -> Self {
        Self {
            oauth,
            runtime,
            tool_scopes,
            paths,
            origin: head.origin(),
            name: "",
            head,
            address: OnceCell::new(),
            registry: OnceCell::new(),
            clients: KnowingKv {
                kv: runtime.kv(),
                known: &oauth.known,
                now: runtime.now(),
                known_for: oauth.registry.client_cache_ttl,
            },
        }
    }

    /// Sets the name of this server for people.
    #[must_use]
    pub fn named(self, name: &'a str) -> Self {
        Self { name, ..self }
    }

    /// The issuer's identifier.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.oauth.issuer.as_deref().unwrap_or(&self.origin)
    }

    /// Resources that this server protects.
    #[must_use]
    pub fn resources(&self) -> Resources {
        let costly = self.oauth.costly.iter().map(|costly| costly.path.as_str());
        Resources::new(
            &self.origin,
            &self.paths.iter().copied().chain(costly).collect::<Vec<_>>(),
        )
    }

    /// The resource that costs, if it is at that path.
    pub(super) fn costly(&self, path: &str) -> Option<&CostlyResource> {
        self.oauth
            .costly
            .as_ref()
            .filter(|costly| costly.path == path)
    }

    /// The scopes that the resource at a path is of use with.
    pub(super) fn scopes_at(&self, path: &str) -> Scopes {
        self.costly(path).map_or_else(
            || self.scopes(),
            |costly| Scopes::parse(&costly.scope).unwrap_or_default(),
        )
    }

    /// The scopes that clients can ask for.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        let all = format!("{} {}", self.oauth.scopes, self.tool_scopes);
        Scopes::parse(all.trim()).unwrap_or_default()
    }

    /// Clients that are accepted at this origin.
    pub(super) fn settings(&self) -> &RegistrySettings {
        self.registry.get_or_init(|| {
            let mut settings = self.oauth.registry.at(&self.origin);
            let offer = &mut settings.offer;
            offer
                .redirects
                .own_origins
                .extend(self.oauth.issuer.clone());
            if offer.scopes.is_empty() {
                offer.scopes = self.advertised_scopes();
            }
            settings
        })
    }

    /// The scopes, with the one that asks for a refresh token (`OpenID` Connect Core 1.0 section 11).
    fn advertised_scopes(&self) -> Scopes {
        Scopes::parse(&format!("{} {OFFLINE_ACCESS}", self.scopes())).unwrap_or_default()
    }

    /// The clients. Public ones are named under the keys' anchor.
    #[must_use]
    pub fn registry<'b>(&'b self, keys: &'b Keys) -> Registry<'b> {
        Registry {
            kv: &self.clients,
            keys,
            random: self.runtime.random(),
            fetch: self.documents(),
            configured: &self.oauth.clients,
            // The settings of this origin refuse documents of this server itself.
            settings: self.settings(),
            rates: self.runtime.rates(),
            address: self.address(),
            now: self.runtime.now(),
        }
    }

    /// Fetches metadata documents; `None` where clients are not identified by one.
    fn documents(&self) -> Option<&dyn Fetch> {
        self.runtime.web().filter(|_| self.oauth.documents)
    }

    /// Reads a token with the keys that there are, or else with the newest.
    ///
    /// # Errors
    /// When there are no keys to be had, or the token's may not have come here yet.
    pub async fn verify_token(
        &self,
        text: &str,
        kind: TokenKind,
    ) -> Result<(Rc<Keys>, PresentedToken), RuntimeError> {
        let (keys, presented) = self.verify_any_token(text, kind).await?;
        self.check_key(&presented)?;
        Ok((keys, presented))
    }

    /// Checks whether a token in the shape of workers-oauth-provider's may be looked up.
    ///
    /// # Errors
    /// When this address has sent too many made-up ones.
    pub(super) fn may_look_for_legacy(&self) -> Result<(), RuntimeError> {
        let waits = self
            .runtime
            .rates()
            .borrow()
            .legacy(self.address(), self.runtime.now());
        waits.map_err(|seconds| {
            RuntimeError(format!(
                "made-up tokens of one address: it has to wait for {seconds} s"
            ))
        })
    }

    /// Counts a token that was looked up and does not exist.
    pub(super) fn legacy_missed(&self) {
        self.runtime
            .rates()
            .borrow_mut()
            .legacy_missed(self.address(), self.runtime.now());
    }

    /// The address that the request is from; empty if it is not known.
    pub fn address(&self) -> &str {
        self.address.get_or_init(|| {
            self.head
                .header(ADDRESS_HEADER)
                .unwrap_or_default()
                .into_owned()
        })
    }

    /// Tells a token that is refused for good from one whose key may not have come here yet.
    ///
    /// # Errors
    /// When the key may not have come here yet.
    pub(super) fn check_key(&self, presented: &PresentedToken) -> Result<(), RuntimeError> {
        match presented {
            PresentedToken::UnknownKey(id) if self.runtime.awaits_key(*id) => {
                Err(Format::Token.of_unknown_key())
            }
            _ => Ok(()),
        }
    }

    /// Reads a token that need not be this server's.
    pub(super) async fn verify_any_token(
        &self,
        text: &str,
        kind: TokenKind,
    ) -> Result<(Rc<Keys>, PresentedToken), RuntimeError> {
        let keys = self.runtime.keys(false).await?;
        match token::classify(text, kind, &keys) {
            // Known by its shape alone: nothing is looked up for it.
            PresentedToken::Legacy(_) if !self.oauth.takes_over => {
                Ok((keys, PresentedToken::Unknown))
            }
            PresentedToken::UnknownKey(_) => {
                let keys = self.runtime.keys(true).await?;
                let presented = token::classify(text, kind, &keys);
                Ok((keys, presented))
            }
            presented => Ok((keys, presented)),
        }
    }

    /// Has a command carried out by the object of the user with that handle.
    ///
    /// # Errors
    /// The outer one when the object cannot be reached, the inner one when it refuses.
    pub async fn command(
        &self,
        handle: &UserHandle,
        command: &GrantCommand,
    ) -> Result<Result<GrantOutcome, GrantRefusal>, RuntimeError> {
        let json = serde_json::to_string(command)
            .map_err(|error| RuntimeError(format!("a command: {error}")))?;
        let outcome = self.runtime.command(handle, json).await?;
        serde_json::from_str(&outcome).map_err(|_| Format::GrantOutcome.unreadable())
    }

    /// The metadata of the authorization server (RFC 8414); none if the path is not one of its. A slash at the end makes no
    /// difference.
    #[must_use]
    pub fn server_metadata(&self, path: &str) -> Option<String> {
        let asked = without_slash(path);
        if !metadata::server_metadata_paths(self.issuer())
            .iter()
            .any(|known| without_slash(known) == asked)
        {
            return None;
        }
        let endpoints = &self.oauth.endpoints;
        let with_offline = self.advertised_scopes();
        let document = ServerMetadata {
            issuer: self.issuer(),
            origin: &self.origin,
            authorize: &endpoints.authorize,
            token: &endpoints.token,
            register: endpoints.register.as_deref(),
            revoke: Some(&endpoints.revoke),
            introspect: Some(&endpoints.introspect),
            scopes: Some(&with_offline),
            grant_types: &self.oauth.grant_types(),
            auth_methods: &AuthMethod::ALL,
            client_documents: self.documents().is_some(),
            documentation: None,
        };
        Some(document.to_json().to_string())
    }

    /// The metadata of the resource at a path (RFC 9728); `None` if no resource is protected there.
    #[must_use]
    pub fn resource_metadata(&self, path: &str, name: &str) -> Option<String> {
        let prefix = format!("/.well-known/{}", metadata::PROTECTED_RESOURCE);
        let path = path.strip_prefix(&prefix)?;
        // A client that connects with a slash at the end compares the resource with that (RFC 9728 section 3.3).
        let known = path.strip_suffix('/').unwrap_or(path);
        if !known.is_empty() && !self.paths.contains(&known) && self.costly(known).is_none() {
            return None;
        }
        let (resource, scopes) = (format!("{}{path}", self.origin), self.scopes_at(known));
        let document = ResourceMetadata {
            resource: &resource,
            authorization_servers: &[self.issuer()],
            scopes: Some(&scopes).filter(|scopes| !scopes.is_empty()),
            name: Some(name),
            documentation: None,
        };
        Some(document.to_json().to_string())
    }

    /// The scopes of the parameter `scope` that this server knows. The others are ignored (RFC 6749 section 3.3): clients
    /// ask for `openid` or `offline_access` wherever they are. `None` if no scope is left, as if there were no parameter.
    ///
    /// # Errors
    /// When one of them is no scope-token.
    pub(super) fn asked_scopes(
        &self,
        params: &RequestParams,
    ) -> Result<Option<Scopes>, ScopeError> {
        let named = params.get("scope").map(Scopes::parse).transpose()?;
        let costly = self
            .oauth
            .costly
            .as_ref()
            .map(|costly| costly.scope.as_str())
            .unwrap_or_default();
        let known = Scopes::parse(&format!("{} {costly}", self.scopes()))?;
        Ok(named
            .map(|named| named.both(&known))
            .filter(|known| !known.is_empty()))
    }

    /// The scopes that a client can have of [those](Self::asked_scopes) that it asks for; of all, where it asks for none.
    /// The scopes of a client of the configuration limit it; those of a registration do not, since the client chose them
    /// itself. `None` if it asks only for scopes that it cannot have.
    pub(super) fn allowed(&self, client: &Client, asked: Option<Scopes>) -> Option<Scopes> {
        let is_asked = asked.is_some();
        let wanted = asked.unwrap_or_else(|| self.scopes());
        match (&client.scope, client.from) {
            (Some(own), super::client::ClientSource::Configured) => {
                let allowed = wanted.both(own);
                (!is_asked || !allowed.is_empty()).then_some(allowed)
            }
            _ => Some(wanted),
        }
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}
