//! Settings and state of the sign-ins to one server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::brakes::Brakes;
use super::callback::CallbackSettings;
use super::challenge::Challenge;
use super::client::{Client, ClientSettings, Registration};
use super::discovery::{Discovered, Rules, ServerMetadata, discover};
use super::error::SignInError;
use super::http::OAuthHttp;
use super::scope::{ScopeSources, covers};
use super::token::TokenEndpoint;
use crate::arguments::{Arguments, Grant, Resource, SignInArguments};
use crate::log::remember_secret;
use crate::store::records::StoredTokens;
use crate::store::{Store, StoreKey, now_ms};

/// Settings of the command line.
pub(crate) struct Settings {
    pub(crate) server: Url,
    pub(crate) grant: Grant,
    pub(crate) port: CallbackPort,
    /// Host of the redirect URI.
    pub(crate) callback_host: String,
    pub(crate) callback: CallbackSettings,
    /// Wait of a message for a person.
    pub(crate) timeout: Duration,
    pub(crate) client: ClientSettings,
    pub(crate) use_id_token: bool,
    pub(crate) resource: Resource,
    pub(crate) authorize_params: Vec<(String, String)>,
    /// `--scope`, or the scope of `--static-oauth-client-metadata`.
    pub(crate) scope: Option<String>,
    pub(crate) presentation: Presentation,
    pub(crate) is_silent: bool,
    pub(crate) rules: Rules,
}

/// Way in which a person gets the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presentation {
    /// Printed, and opened in a browser.
    Browser,
    /// Printed.
    Link,
    /// Printed, also if it is another instance's, for a browser of another machine.
    Terminal,
}

/// Port that the browser comes back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallbackPort {
    pub(crate) first: u16,
    /// Whether no other may be used in its place: the client is registered with it.
    pub(crate) is_fixed: bool,
}

/// Scopes of a grant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GrantedScopes<'a> {
    /// Scope of the request: an answer without one grants it (RFC 6749, section 5.1).
    pub(crate) asked: Option<&'a str>,
    /// The same in the words in which the reference compares it.
    pub(crate) requested: Option<&'a str>,
}

/// State of the sign-ins to one server.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) http: OAuthHttp,
    pub(crate) store: Store,
    brakes: Mutex<Brakes>,
    /// Name of the client that started this program.
    client_name: Mutex<Option<String>>,
    discovered: Mutex<Option<Discovered>>,
}

/// Reason for a sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Need {
    pub(crate) challenge: Challenge,
    /// Scope that is granted already, and is to stay so.
    pub(crate) granted: Option<String>,
    /// Token that the server refused: others count as signed in.
    pub(crate) refused: Option<String>,
}

impl Need {
    /// Whether these tokens, of another sign-in or of a refresh, end the need. A refresh widens no scope.
    fn is_met_by(&self, tokens: &StoredTokens, use_id_token: bool, now_ms: u64) -> bool {
        let is_other = self.refused.as_deref() != Some(tokens.bearer(use_id_token));
        let needed = self
            .challenge
            .scope
            .as_deref()
            .filter(|_| self.challenge.is_insufficient_scope());
        let has_scope =
            needed.is_none_or(|needed| covers(tokens.scope().unwrap_or_default(), needed));
        is_other && has_scope && !tokens.is_expired(now_ms, use_id_token)
    }
}

/// Progress of a sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// Link that a person has to open, with a code to type if there is one.
    pub(crate) link: Option<String>,
    /// End.
    pub(crate) outcome: Option<Result<(), SignInError>>,
}

impl Settings {
    /// Settings of a command line, and the key of the server in the store.
    pub(crate) fn new(arguments: &Arguments) -> (Self, StoreKey) {
        let sign_in = &arguments.sign_in;
        let key = arguments.store_key();
        let has_fixed_client =
            sign_in.client_info.is_some() || sign_in.client_metadata_url.is_some();
        let settings = Self {
            server: arguments.url.parsed.clone(),
            grant: sign_in.grant.clone(),
            port: CallbackPort {
                first: arguments
                    .callback_port
                    .unwrap_or_else(|| key.callback_port()),
                is_fixed: arguments.callback_port.is_some() || has_fixed_client,
            },
            callback_host: sign_in.callback_host.clone(),
            callback: callback(arguments),
            timeout: sign_in.timeout,
            client: client(sign_in),
            use_id_token: sign_in.use_id_token,
            resource: sign_in.resource.clone(),
            authorize_params: sign_in.authorize_params.clone(),
            scope: configured_scope(sign_in).map(str::to_owned),
            presentation: match (sign_in.paste, sign_in.open_browser) {
                (true, _) => Presentation::Terminal,
                (false, true) => Presentation::Browser,
                (false, false) => Presentation::Link,
            },
            is_silent: arguments.log.silent,
            rules: Rules {
                check_resource: sign_in.resource == Resource::Derived,
                allow_missing_pkce: sign_in.allow_missing_pkce,
            },
        };
        (settings, key)
    }

    /// Method of `--static-oauth-client-metadata` for the token endpoint.
    fn auth_method(&self) -> Option<&str> {
        self.client
            .metadata
            .as_ref()?
            .get("token_endpoint_auth_method")?
            .as_str()
    }
}

fn callback(arguments: &Arguments) -> CallbackSettings {
    let host = arguments.url.parsed.host_str();
    CallbackSettings {
        path: arguments.sign_in.callback_path.clone(),
        host: host.unwrap_or_default().to_owned(),
        success_url: arguments.sign_in.success_url.clone(),
        wait: arguments.sign_in.timeout,
    }
}

fn client(sign_in: &SignInArguments) -> ClientSettings {
    ClientSettings {
        configured: sign_in.client_info.clone(),
        key: sign_in.client_key.clone(),
        document_url: sign_in.client_metadata_url.clone(),
        metadata: sign_in.client_metadata.clone(),
        grant_types: match sign_in.grant {
            Grant::AuthorizationCode => vec!["authorization_code", "refresh_token"],
            Grant::DeviceCode => vec![super::device::GRANT_TYPE, "refresh_token"],
            Grant::ClientCredentials { .. } => vec!["client_credentials"],
        },
    }
}

/// Scope of the command line.
fn configured_scope(sign_in: &SignInArguments) -> Option<&str> {
    let of_metadata = sign_in
        .client_metadata
        .as_ref()
        .and_then(|metadata| metadata.get("scope")?.as_str());
    sign_in
        .scope
        .as_deref()
        .or(of_metadata)
        .filter(|scope| !scope.trim().is_empty())
}

impl Context {
    pub(crate) fn new(
        arguments: &Arguments,
        client: Arc<crate::http::Client>,
    ) -> Result<Self, SignInError> {
        let (settings, key) = Settings::new(arguments);
        let http = OAuthHttp::new(
            client,
            settings.server.clone(),
            arguments.network.allow_http,
        );
        Ok(Self {
            settings,
            http,
            store: Store::open(key)?,
            brakes: Mutex::default(),
            client_name: Mutex::default(),
            discovered: Mutex::default(),
        })
    }

    /// Metadata, asked for again: it may have changed since the last sign-in.
    pub(crate) async fn discover(&self, challenge: &Challenge) -> Result<Discovered, SignInError> {
        let discovered = match &self.settings.grant {
            Grant::ClientCredentials {
                token_endpoint: Some(endpoint),
            } => Discovered {
                resource: None,
                server: ServerMetadata::of_token_endpoint(endpoint),
            },
            _ => {
                discover(
                    &self.http,
                    &self.settings.server,
                    challenge,
                    self.settings.rules,
                )
                .await?
            }
        };
        *lock(&self.discovered) = Some(discovered.clone());
        Ok(discovered)
    }

    /// Metadata as it was last asked for in this process.
    pub(crate) async fn known_metadata(&self) -> Result<Discovered, SignInError> {
        let known = lock(&self.discovered).clone();
        match known {
            Some(known) => Ok(known),
            None => self.discover(&Challenge::default()).await,
        }
    }

    /// Stored tokens, unless another scope is configured than they were asked for with.
    pub(crate) fn usable_tokens(&self) -> Result<Option<StoredTokens>, SignInError> {
        let tokens = self.store.tokens()?;
        if let Some(tokens) = &tokens {
            remember(tokens);
        }
        let configured = self.settings.scope.as_deref();
        Ok(
            tokens.filter(|tokens| match (configured, tokens.requested_scope()) {
                (Some(configured), Some(requested)) => configured == requested,
                _ => true,
            }),
        )
    }

    /// Whether there are tokens that end the need for a sign-in.
    pub(crate) fn is_met(&self, need: &Need) -> bool {
        let tokens = self.usable_tokens().ok().flatten();
        tokens.is_some_and(|tokens| need.is_met_by(&tokens, self.settings.use_id_token, now_ms()))
    }

    /// Token that is sent to the server.
    pub(crate) fn bearer<'a>(&self, tokens: &'a StoredTokens) -> &'a str {
        tokens.bearer(self.settings.use_id_token)
    }

    /// Value of the resource parameter (RFC 8707).
    pub(crate) fn resource(&self, discovered: &Discovered) -> Option<String> {
        match &self.settings.resource {
            Resource::Given(resource) => Some(resource.clone()),
            Resource::Omitted => None,
            // Servers without resource metadata are older than the parameter, and some refuse it.
            Resource::Derived => discovered
                .resource
                .as_ref()
                .map(|resource| resource.resource.clone()),
        }
    }

    /// Sources of the scope to ask for.
    pub(crate) fn scopes<'a>(
        &'a self,
        discovered: &'a Discovered,
        need: &'a Need,
    ) -> ScopeSources<'a> {
        ScopeSources {
            configured: self.settings.scope.as_deref(),
            challenge: need.challenge.scope.as_deref(),
            resource: discovered
                .resource
                .as_ref()
                .and_then(|resource| resource.scopes.as_deref()),
            server: discovered.server.scopes.as_deref(),
            granted: need.granted.as_deref(),
        }
    }

    /// Client of a grant that sends no browser back: one that is known, or registered now.
    pub(crate) async fn client_without_redirects(
        &self,
        server: &ServerMetadata,
        scope: Option<&str>,
    ) -> Result<Client, SignInError> {
        let name = self.client_name();
        let registration = Registration {
            client_name: name.as_deref(),
            redirect_uris: &[],
            scope,
        };
        self.settings
            .client
            .obtain(&self.http, &self.store, server, registration)
            .await
    }

    /// Token endpoint for a client.
    pub(crate) fn token_endpoint<'a>(
        &'a self,
        server: &'a ServerMetadata,
        client: &'a Client,
    ) -> Result<TokenEndpoint<'a>, SignInError> {
        let url = server.token_endpoint.as_ref();
        let url = url.ok_or_else(|| {
            SignInError::impossible("the authorization server's metadata has no token_endpoint")
        })?;
        let methods = &server.token_auth_methods;
        let audience = match &self.settings.grant {
            // Without discovery, the issuer is not known (RFC 7523, section 3).
            Grant::ClientCredentials {
                token_endpoint: Some(endpoint),
            } => endpoint.as_str(),
            _ => &server.issuer,
        };
        let key = self.settings.client.key_of(client);
        Ok(TokenEndpoint {
            url,
            key: key.map(|key| (key, audience)),
            client: &client.record,
            methods,
            configured_method: self.settings.auth_method(),
        })
    }

    /// Stores tokens of a sign-in, in place of any others.
    pub(crate) async fn save(&self, tokens: &StoredTokens) -> Result<(), SignInError> {
        // A refresh that is under way would overwrite them. Without the lock they are stored, too: there are no others of this code.
        let _lock = self.store.lock_refresh().await;
        Ok(self.store.save_tokens(tokens)?)
    }

    /// Redirect URI of a callback port.
    pub(crate) fn redirect_uri(&self, port: u16) -> String {
        format!(
            "http://{}:{port}{}",
            self.settings.callback_host, self.settings.callback.path
        )
    }

    pub(crate) fn brakes(&self) -> MutexGuard<'_, Brakes> {
        lock(&self.brakes)
    }

    pub(crate) fn client_name(&self) -> Option<String> {
        lock(&self.client_name).clone()
    }

    pub(crate) fn set_client_name(&self, name: &str) {
        *lock(&self.client_name) = Some(name.to_owned());
    }

    /// Shows a link on stderr, on a line of its own so that it can be copied.
    pub(crate) fn show_link(&self, text: &str, link: &str) {
        if !self.settings.is_silent {
            eprintln!("durable-mcp-remote: {text}\n{link}\n");
        }
    }
}

/// Tokens of an answer of the token endpoint; `before` are those that it renews.
pub(crate) fn issued(
    mut answer: Map<String, Value>,
    before: Option<&StoredTokens>,
    issuer: &str,
    scopes: GrantedScopes<'_>,
) -> Result<StoredTokens, SignInError> {
    if let Some(asked) = scopes.asked
        && !answer.contains_key("scope")
    {
        answer.insert("scope".to_owned(), asked.into());
    }
    let tokens = StoredTokens::issued(answer, before, Some(issuer), now_ms());
    let tokens =
        tokens.ok_or_else(|| SignInError::impossible("the token endpoint gave no access token"))?;
    remember(&tokens);
    Ok(tokens.requested(scopes.requested))
}

/// Has the log mask tokens.
fn remember(tokens: &StoredTokens) {
    let secrets = [
        Some(tokens.access_token()),
        tokens.refresh_token(),
        tokens.id_token(),
    ];
    secrets.into_iter().flatten().for_each(remember_secret);
}

/// Publishes the link of a sign-in.
pub(crate) fn publish_link(progress: &watch::Sender<Progress>, link: &str) {
    progress.send_modify(|progress| progress.link = Some(link.to_owned()));
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tokens(access_token: &str, scope: &str) -> StoredTokens {
        let members = json!({ "access_token": access_token, "scope": scope, "expires_at": 1_000 });
        StoredTokens::parse(serde_json::from_value(members).unwrap()).unwrap()
    }

    #[test]
    fn a_step_up_is_satisfied_only_by_tokens_with_its_scope() {
        let challenge = Challenge::parse(r#"Bearer error="insufficient_scope", scope="write""#);
        let need = Need {
            challenge,
            granted: Some("read".to_owned()),
            refused: Some("old".to_owned()),
        };
        assert!(!need.is_met_by(&tokens("refreshed", "read"), false, 0));
        assert!(need.is_met_by(&tokens("new", "write read"), false, 0));
        assert!(!need.is_met_by(&tokens("old", "write read"), false, 0));
        assert!(!need.is_met_by(&tokens("new", "write read"), false, 1_000));
    }

    #[test]
    fn a_sign_in_is_satisfied_by_any_other_tokens() {
        let challenge = Challenge::parse(r#"Bearer error="invalid_token", scope="write""#);
        let need = Need {
            challenge,
            granted: None,
            refused: Some("old".to_owned()),
        };
        assert!(need.is_met_by(&tokens("new", "read"), false, 0));
    }
}
