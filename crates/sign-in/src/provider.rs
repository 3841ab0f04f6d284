//! The trait of identity providers, and what a sign-in gives them and takes.

use std::fmt;

use durable_core::runtime::Random;
use durable_core::wire::Head;
use futures_util::future::{FutureExt, LocalBoxFuture};
use oauth_server::params::{RequestParams, encode_query};
use serde_json::Value;

use crate::identity_error::IdentityError;
use crate::subjects::DEMO_SUBJECTS;
use crate::upstream::Upstream;

/// A person, as an identity provider knows them.
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// The stable and unique id of the person: the provider's name, a colon, and the provider's id for them, as in
    /// `github:583231`.
    pub subject: String,
    /// The name that pages show.
    pub name: Option<String>,
    /// The props that tools get, an object. The provider's tokens, for use on the person's behalf, are in the member
    /// [`UPSTREAM`](crate::code_flow::UPSTREAM).
    pub props: Value,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Request to a provider to sign a person in.
#[derive(Clone, Copy)]
pub struct LoginRequest<'a> {
    /// The redirect URI: the URL of `/callback`, without a query.
    pub redirect_uri: &'a str,
    /// The `state`, which names the flow and cannot be guessed.
    pub state: &'a str,
    /// The client's `login_hint`, or the name that the person typed if [`IdentityProvider::asks_name`].
    pub name: Option<&'a str>,
    /// Unpredictable bytes.
    pub random: &'a dyn Random,
    /// The provider, over the web.
    pub web: &'a dyn Upstream,
}

/// Redirect of the browser to the provider, which starts a sign-in.
#[derive(Clone, PartialEq)]
pub struct Redirect {
    /// The URL that the browser is redirected to.
    pub url: String,
    /// Data for [`IdentityProvider::finish`], which hold secrets.
    pub flow_state: Value,
}

impl Redirect {
    /// Redirect to the callback of this server itself, for a provider that has no page of its own to ask on.
    pub(crate) fn to_callback(request: &LoginRequest<'_>, flow_state: Value) -> Self {
        let query = encode_query(&[("state", request.state)]);
        Self {
            url: format!("{}?{query}", request.redirect_uri),
            flow_state,
        }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect").finish_non_exhaustive()
    }
}

/// The callback request; the caller has verified `state`.
#[derive(Clone, Copy)]
pub struct Callback<'a> {
    /// The same as that of [`LoginRequest`].
    pub redirect_uri: &'a str,
    /// The query of the callback.
    pub params: &'a RequestParams,
    /// The whole request.
    pub head: &'a Head,
    /// The data of [`Redirect::flow_state`].
    pub flow_state: &'a Value,
    /// The provider, over the web.
    pub web: &'a dyn Upstream,
}

/// A provider of identities. [`start`](Self::start) and [`finish`](Self::finish) are the only required methods.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no identity provider",
    note = "it needs `start`, which says where the browser goes, and `finish`, which says who came back"
)]
#[expect(
    async_fn_in_trait,
    reason = "futures stay on one thread, as all in a Worker do"
)]
pub trait IdentityProvider {
    /// Starts a sign-in, and returns the URL to which the browser is redirected.
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError>;

    /// Verifies the callback, and returns the person's identity.
    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError>;

    /// Renews the provider's tokens before they expire. `props` are those of [`Identity`], or of the last renewal. `None` if
    /// nothing is due.
    ///
    /// Runs once for each renewal of a client's tokens, in the user's object. [`Unavailable`](IdentityError::Unavailable)
    /// and [`Misconfigured`](IdentityError::Misconfigured) leave the client's token good for another try; any other error
    /// ends the grant.
    async fn renew(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let _ = (props, web);
        Ok(None)
    }

    /// True if a person with that [`subject`](Identity::subject) signed in by this provider. Users of a provider that the server
    /// had before are signed out. Override it where subjects have a prefix of their own.
    fn knows(&self, subject: &str) -> bool {
        self.is_demo() || !subject.starts_with(DEMO_SUBJECTS)
    }

    /// The provider's name, as in "Continue to GitHub".
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "those of others are made when they are set up"
    )]
    fn title(&self) -> &str {
        "your identity provider"
    }

    /// True if the provider checks no identity and accepts any name. Every page says so.
    fn is_demo(&self) -> bool {
        false
    }

    /// True if the consent page has a field for a name, which is passed as [`LoginRequest::name`].
    fn asks_name(&self) -> bool {
        false
    }
}

/// An identity provider of any type, whose futures are boxed: [`IdentityProvider`] is not dyn compatible.
pub trait DynIdentityProvider {
    /// See [`IdentityProvider::start`].
    fn start<'a>(&'a self, request: LoginRequest<'a>) -> ProviderFuture<'a, Redirect>;

    /// See [`IdentityProvider::finish`].
    fn finish<'a>(&'a self, callback: Callback<'a>) -> ProviderFuture<'a, Identity>;

    /// See [`IdentityProvider::renew`].
    fn renew<'a>(
        &'a self,
        props: &'a Value,
        web: &'a dyn Upstream,
    ) -> ProviderFuture<'a, Option<Value>>;

    /// See [`IdentityProvider::knows`].
    fn knows(&self, subject: &str) -> bool;

    /// See [`IdentityProvider::title`].
    fn title(&self) -> &str;

    /// See [`IdentityProvider::is_demo`].
    fn is_demo(&self) -> bool;

    /// See [`IdentityProvider::asks_name`].
    fn asks_name(&self) -> bool;
}

impl<P: IdentityProvider> DynIdentityProvider for P {
    fn start<'a>(&'a self, request: LoginRequest<'a>) -> ProviderFuture<'a, Redirect> {
        IdentityProvider::start(self, request).boxed_local()
    }

    fn finish<'a>(&'a self, callback: Callback<'a>) -> ProviderFuture<'a, Identity> {
        IdentityProvider::finish(self, callback).boxed_local()
    }

    fn renew<'a>(
        &'a self,
        props: &'a Value,
        web: &'a dyn Upstream,
    ) -> ProviderFuture<'a, Option<Value>> {
        IdentityProvider::renew(self, props, web).boxed_local()
    }

    fn knows(&self, subject: &str) -> bool {
        IdentityProvider::knows(self, subject)
    }

    fn title(&self) -> &str {
        IdentityProvider::title(self)
    }

    fn is_demo(&self) -> bool {
        IdentityProvider::is_demo(self)
    }

    fn asks_name(&self) -> bool {
        IdentityProvider::asks_name(self)
    }
}

/// Future of an operation of a [`DynIdentityProvider`].
pub type ProviderFuture<'a, T> = LocalBoxFuture<'a, Result<T, IdentityError>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_identities_and_flows() {
        let identity = Identity {
            subject: "secret".to_owned(),
            name: None,
            props: Value::from("secret"),
        };
        let begun = Redirect {
            url: "secret".to_owned(),
            flow_state: Value::from("secret"),
        };
        assert!(!format!("{identity:?} {begun:?}").contains("secret"));
    }
}
