//! What an application can have done when tokens are given out.

use std::fmt;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::resource::Resource;
use super::scope::Scopes;

/// How long the application's hook may take, in milliseconds: an upstream's answer, with a retry.
pub const HOOK_MS: u32 = 10_000;

/// For what a token is given out.
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
    /// For what.
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
    /// What sign-in, or the last exchange, left.
    pub props: Value,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("kind", &self.kind).field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// What the hook wants changed. By default nothing is.
#[derive(Clone, Default)]
pub struct Exchanged {
    /// Other props, in the new tokens and from now on.
    pub props: Option<Value>,
    /// How long the access token lives, in seconds.
    pub access_seconds: Option<u64>,
    /// How long the refresh token lives unless it is used, in seconds.
    pub refresh_seconds: Option<u64>,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged")
            .field("access_seconds", &self.access_seconds)
            .field("refresh_seconds", &self.refresh_seconds)
            .finish_non_exhaustive()
    }
}

/// Why there are no tokens. The text goes to the log, not to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeError {
    /// It may work later: what was presented stays good.
    Transient(String),
    /// It never will again: the grant ends.
    Ended(String),
}

/// Runs once for each exchange, inside the user's object, before the tokens exist. A client that asks again for what it
/// missed gets the same tokens without it.
pub type OnExchange = Rc<dyn Fn(Exchange) -> LocalBoxFuture<'static, Result<Exchanged, ExchangeError>>>;

/// The application's hooks.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Called before tokens are given out.
    pub on_exchange: Option<OnExchange>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("on_exchange", &self.on_exchange.is_some()).finish()
    }
}
