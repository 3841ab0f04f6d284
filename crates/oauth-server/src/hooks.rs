//! Hooks of the application that run before tokens are issued.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::resource::Resource;
use super::scope::Scopes;

/// Timeout of the application's hook, in milliseconds: long enough for an upstream's answer, with a retry.
pub const HOOK_MS: u32 = 10_000;

/// Kind of credential that is exchanged for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeKind {
    /// A code, RFC 6749 section 4.1.3.
    Code,
    /// A refresh token, RFC 6749 section 6.
    Refresh,
    /// An access token, RFC 8693.
    Token,
    /// The client's own credentials, RFC 6749 section 4.4.
    Client,
}

/// An exchange that is about to happen.
#[derive(Clone)]
pub struct Exchange {
    /// Kind of the credential that is exchanged.
    pub kind: ExchangeKind,
    /// The user's id; the client's own for [`ExchangeKind::Client`].
    pub subject: String,
    /// The client.
    pub client_id: String,
    /// The grant.
    pub grant: String,
    /// The scopes that the access token will have.
    pub scopes: Scopes,
    /// The resources that the access token will be good at.
    pub audience: Vec<Resource>,
    /// Props of the user, from sign-in or the last exchange.
    pub props: Value,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("kind", &self.kind)
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

/// Changes that the hook asks for. The default changes nothing.
#[derive(Clone, Default)]
pub struct ExchangeChanges {
    /// Props that replace the user's, in the new tokens and from now on.
    pub props: Option<Value>,
    /// Lifetime of the access token; `None` for the configured one.
    pub access_lifetime: Option<Duration>,
    /// Lifetime of the refresh token unless it is used; `None` for the configured one.
    pub refresh_lifetime: Option<Duration>,
}

impl fmt::Debug for ExchangeChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeChanges")
            .field("access_lifetime", &self.access_lifetime)
            .field("refresh_lifetime", &self.refresh_lifetime)
            .finish_non_exhaustive()
    }
}

/// Failure of the hook, for which no tokens are issued. The text goes to the log, not to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeError {
    /// Temporary failure: the presented credential stays valid.
    Transient(String),
    /// Permanent failure: the grant ends.
    Ended(String),
}

/// Runs once for each exchange, inside the user's object, before the tokens exist. A client that repeats a request
/// whose answer it missed gets the same tokens without another run.
pub type OnExchange =
    Rc<dyn Fn(Exchange) -> LocalBoxFuture<'static, Result<ExchangeChanges, ExchangeError>>>;

/// The application's hooks.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Called before tokens are given out.
    pub on_exchange: Option<OnExchange>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_exchange", &self.on_exchange.is_some())
            .finish()
    }
}
