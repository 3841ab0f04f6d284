//! Sign-in of people by an identity provider, without input or output: HTTP, the clock and randomness are arguments. Providers are
//! [`GitHub`], [`Cloudflare`], Google and others with `OpenID` Connect ([`Oidc`]), Cloudflare Access ([`Access`]), and [`Demo`], which
//! believes everybody.
//!
//! ```text
//! consent ── start ──▶ the provider's page ──▶ /callback ── finish ──▶ Identity
//! ```
//! [`start`](IdentityProvider::start) returns the data that [`finish`](IdentityProvider::finish) needs, and the caller seals them into a
//! cookie of the browser. Nothing is stored. [`settings::provider`] sets a provider up from a deployment's variables.
//!
//! ```
//! use std::time::Duration;
//!
//! use durable_core::{Random, RuntimeError};
//! use futures_util::FutureExt;
//! use futures_util::future::ready;
//! use sign_in::upstream::{UnverifiedSignature, Upstream, UpstreamFuture};
//! use sign_in::{LoginRequest, settings};
//!
//! struct Seven;
//!
//! impl Random for Seven {
//!     fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
//!         bytes.fill(7); // A host asks its operating system.
//!         Ok(())
//!     }
//! }
//!
//! struct Offline;
//!
//! impl Upstream for Offline {
//!     fn now(&self) -> u64 { 0 }
//!     fn send(&self, _: http::Request<Vec<u8>>, _: usize, _: Duration) -> UpstreamFuture<'_, http::Response<Vec<u8>>> {
//!         ready(Err(RuntimeError("offline".to_owned()))).boxed_local()
//!     }
//!     fn verify<'a>(&'a self, _: UnverifiedSignature<'a>) -> UpstreamFuture<'a, bool> {
//!         ready(Ok(false)).boxed_local()
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let variable = |name: &str| match name {
//!     "IDENTITY_PROVIDER" => Some("github".to_owned()),
//!     "GITHUB_CLIENT_ID" => Some("an id".to_owned()),
//!     "GITHUB_CLIENT_SECRET" => Some("a secret".to_owned()),
//!     _ => None,
//! };
//! let provider = settings::provider(&variable).unwrap().unwrap();
//! let redirect = provider
//!     .start(LoginRequest {
//!         redirect_uri: "https://a.example/callback",
//!         state: "unguessable",
//!         name: None,
//!         random: &Seven,
//!         web: &Offline,
//!     })
//!     .await?;
//! assert!(redirect.url.starts_with("https://github.com/login/oauth/authorize?"));
//! # Ok::<(), sign_in::IdentityError>(())
//! # }).unwrap();
//! ```

// Providers.
pub mod access;
pub mod cloudflare;
pub mod demo;
pub mod github;
pub mod oidc;

// Set-up, and what providers have in common.
pub mod allowed;
pub mod code_flow;
pub mod jwks;
pub mod jwt;
pub mod renewal;
pub mod settings;
pub mod upstream;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use access::Access;
pub use cloudflare::Cloudflare;
pub use demo::Demo;
pub use github::GitHub;
pub use oidc::Oidc;

use std::fmt;

use durable_core::runtime::Random;
use durable_core::wire::{Head, RuntimeError};
use futures_util::future::{FutureExt, LocalBoxFuture};
use oauth_server::params::{RequestParams, encode_query};
use serde_json::Value;

use self::upstream::Upstream;

/// A person, as an identity provider knows them.
#[derive(Clone, PartialEq)]
pub struct Identity {
    /// The stable and unique id of the person: the provider's name, a colon, and the provider's id for them, as in
    /// `github:583231`.
    pub subject: String,
    /// The name that pages show.
    pub name: Option<String>,
    /// The props that tools get, an object. The provider's tokens, for use on the person's behalf, are in the member
    /// [`UPSTREAM`](code_flow::UPSTREAM).
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

/// Reason why a sign-in or renewal failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// The person did not want to, or the provider did not let them. The text is for the log.
    Denied(String),
    /// The provider refuses for good: the same code or token will never work. The text is for the log.
    Refused(String),
    /// The provider is away, or answers what it should not: it may work later. The text is for the log.
    Unavailable(String),
    /// The person is signed in, but may not use this server. The text names the person, to be shown.
    NotAllowed(String),
    /// The deployment is misconfigured. The text names the variable and the remedy, and no secret; it may be shown.
    Misconfigured(String),
}

impl IdentityError {
    /// The error code for the client (RFC 6749 section 4.1.2.1).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) | Self::NotAllowed(_) => "access_denied",
            Self::Unavailable(_) => "temporarily_unavailable",
            Self::Refused(_) | Self::Misconfigured(_) => "server_error",
        }
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(f, "sign-in was denied: {text}"),
            Self::Refused(text) => write!(f, "the identity provider refuses: {text}"),
            Self::Unavailable(text) => write!(f, "the identity provider is not to be had: {text}"),
            Self::NotAllowed(who) => write!(f, "not on the list of who may sign in: {who}"),
            Self::Misconfigured(text) => f.write_str(text),
        }
    }
}

impl From<RuntimeError> for IdentityError {
    fn from(fault: RuntimeError) -> Self {
        Self::Unavailable(fault.0)
    }
}

/// Beginnings of the subjects of this library's providers.
const SUBJECTS: [&str; 6] = [
    access::SUBJECTS,
    cloudflare::SUBJECTS,
    demo::SUBJECTS,
    github::SUBJECTS,
    oidc::GOOGLE_SUBJECTS,
    oidc::SUBJECTS,
];

/// True if a subject begins with `own`, or with no prefix of this library's providers: users who were imported from
/// another server keep their ids.
fn begins_with(subject: &str, own: &str) -> bool {
    subject.starts_with(own) || !SUBJECTS.iter().any(|known| subject.starts_with(known))
}

/// Future of an identity provider's operation.
pub type ProviderFuture<'a, T> = LocalBoxFuture<'a, Result<T, IdentityError>>;

/// A provider of identities. [`start`](Self::start) and [`finish`](Self::finish) are the only required methods.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no identity provider",
    note = "it needs `start`, which says where the browser goes, and `finish`, which says who came back"
)]
pub trait IdentityProvider {
    /// Starts a sign-in, and returns the URL to which the browser is redirected.
    fn start<'a>(&'a self, request: LoginRequest<'a>) -> ProviderFuture<'a, Redirect>;

    /// Verifies the callback, and returns the person's identity.
    fn finish<'a>(&'a self, callback: Callback<'a>) -> ProviderFuture<'a, Identity>;

    /// Renews the provider's tokens before they expire. `props` are those of [`Identity`], or of the last renewal. `None` if
    /// nothing is due.
    ///
    /// Runs once for each renewal of a client's tokens, in the user's object. [`Unavailable`](IdentityError::Unavailable)
    /// and [`Misconfigured`](IdentityError::Misconfigured) leave the client's token good for another try; any other error
    /// ends the grant.
    fn renew<'a>(
        &'a self,
        props: &'a Value,
        web: &'a dyn Upstream,
    ) -> ProviderFuture<'a, Option<Value>> {
        let _ = (props, web);
        async { Ok(None) }.boxed_local()
    }

    /// True if a person with that [`subject`](Identity::subject) signed in by this provider. Users of a provider that the server
    /// had before are signed out. Override it where subjects have a prefix of their own.
    fn knows(&self, subject: &str) -> bool {
        self.is_demo() || !subject.starts_with(demo::SUBJECTS)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Providers as deployments set them up.
    fn provider(name: &str) -> std::rc::Rc<dyn IdentityProvider> {
        let read = |variable: &str| match variable {
            "IDENTITY_PROVIDER" => Some(name.to_owned()),
            "DEMO_LOGIN" => Some("true".to_owned()),
            "OIDC_ISSUER" => Some("https://id.example/".to_owned()),
            "ACCESS_TEAM_DOMAIN" => Some("acme.cloudflareaccess.com".to_owned()),
            _ => (variable.ends_with("_ID")
                || variable.ends_with("_SECRET")
                || variable == "ACCESS_AUD")
                .then(|| "x".to_owned()),
        };
        settings::provider(&read).unwrap().unwrap()
    }

    #[test]
    fn a_provider_knows_its_own_users_and_those_of_no_other() {
        let own = [
            ("demo", "demo:ann"),
            ("github", "github:1"),
            ("cloudflare", "cloudflare:1"),
            ("google", "google:1"),
            ("oidc", "oidc:https://id.example#1"),
            ("access", "access:1"),
        ];
        for (name, _) in own {
            let knows = |subject: &str| provider(name).knows(subject);
            for (other, subject) in own {
                assert_eq!(knows(subject), name == other, "{name}: {subject}");
            }
            assert!(
                !knows("oidc:https://evil.example#1") && !knows("oidc:https://id.example.evil#1"),
                "{name}"
            );
            // Of users who were taken over nobody knows where they signed in.
            assert!(knows("octocat") && knows("ann@example.com"), "{name}");
        }
    }

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

    #[test]
    fn identity_errors_have_the_oauth_code_for_their_cause() {
        let codes = [
            IdentityError::Denied(String::new()),
            IdentityError::NotAllowed(String::new()),
            IdentityError::Unavailable(String::new()),
            IdentityError::Refused(String::new()),
            IdentityError::Misconfigured(String::new()),
        ]
        .map(|error| error.code());
        assert_eq!(
            codes,
            [
                "access_denied",
                "access_denied",
                "temporarily_unavailable",
                "server_error",
                "server_error"
            ]
        );
    }
}
