//! Sign-in with an identity provider: consent, redirect to the provider, and callback.
//!
//! ```text
//! GET /authorize ── page ──▶ POST /authorize ── the identity provider ──▶ GET /callback ──▶ the client
//! GET /account ──────────▶ POST /account ────── the identity provider ──▶ GET /callback ──▶ GET /account
//! ```
//! A person is sent to the identity provider for a client only after consent to it: a provider that remembers the person
//! redirects at once, so a link alone would give an attacker's client the person's tokens.

mod account;
mod callback;
mod consent;
mod flow;
mod purpose;
mod remembered;
mod user_activation;
mod visit;

use std::fmt;
use std::rc::Rc;

use durable_core::wire::{Head, RuntimeError};
use http::Method;
use oauth_server::auth_server::AuthServer;
use oauth_server::authorize::AuthorizeResponse;
use oauth_server::provider::OAuth;
use oauth_server::sign_in::{Authorization, Decision, SignIn, SignInStatus, SignInStep};
use sign_in::renewal;
use sign_in::upstream::Upstream;
use sign_in::{DynIdentityProvider, IdentityError};

use self::visit::Visit;
use super::policy::is_loopback;

/// Signs users in with an identity provider, and asks for their consent to clients.
#[derive(Clone)]
pub struct IdentitySignIn {
    /// The identity provider, or the misconfiguration in its place.
    provider: Result<Rc<dyn DynIdentityProvider>, String>,
    web: Rc<dyn Upstream>,
}

impl IdentitySignIn {
    /// Sign-in with a provider that is reached over `web`. With an error it always fails, with a page that says what is missing: a
    /// server that should have sign-in does not become public because a secret is missing.
    #[must_use]
    pub fn over(
        provider: Result<Rc<dyn DynIdentityProvider>, IdentityError>,
        web: Rc<dyn Upstream>,
    ) -> Self {
        Self {
            provider: provider.map_err(|error| error.to_string()),
            web,
        }
    }

    /// An authorization server whose users sign in so. What the identity provider gave is renewed with a client's tokens.
    #[must_use]
    pub fn oauth(self) -> OAuth {
        let hook = self
            .provider
            .clone()
            .ok()
            .map(|provider| renewal::hook(provider, Rc::clone(&self.web)));
        let oauth = OAuth::new(self);
        match hook {
            Some(hook) => oauth.on_exchange(hook),
            None => oauth,
        }
    }
}

impl fmt::Debug for IdentitySignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider.as_ref().map(|provider| provider.title());
        f.debug_struct("IdentitySignIn")
            .field("provider", &provider)
            .finish_non_exhaustive()
    }
}

impl SignIn for IdentitySignIn {
    /// Denies: [`answer`](Self::answer) decides, with the pages.
    async fn decide(&self, _: &Authorization, _: &Head) -> Result<Decision, RuntimeError> {
        Ok(Decision::Deny)
    }

    async fn answer(
        &self,
        auth_server: &AuthServer<'_>,
        step: SignInStep<'_>,
        head: &Head,
    ) -> Result<AuthorizeResponse, RuntimeError> {
        let mut visit = Visit::new(self, auth_server, head);
        let reply = match &self.provider {
            Err(problem) => visit.misconfigured(problem),
            Ok(_) if !head.secure && !is_loopback(&head.host) => visit.insecure(),
            Ok(_) if head.method == Method::POST && !user_activation::is_of_a_person(head) => {
                user_activation::refuse(&visit)
            }
            Ok(provider) => match step {
                SignInStep::Asked(asked) => consent::ask(&mut visit, &**provider, asked).await?,
                SignInStep::Consent => consent::decided(&mut visit, &**provider).await?,
                SignInStep::Callback => callback::answered(&mut visit, &**provider).await?,
                SignInStep::Account => account::handle(&mut visit, &**provider).await?,
            },
        };
        Ok(AuthorizeResponse::Show(visit.cookies.onto(reply)))
    }

    fn knows(&self, subject: &str) -> bool {
        self.provider
            .as_ref()
            .is_ok_and(|provider| provider.knows(subject))
    }

    fn status(&self) -> Option<SignInStatus> {
        match &self.provider {
            Err(problem) => Some(SignInStatus::Misconfigured(problem.clone())),
            Ok(provider) if provider.is_demo() => Some(SignInStatus::Demo),
            Ok(provider) => Some(SignInStatus::With(provider.title().to_owned())),
        }
    }
}
