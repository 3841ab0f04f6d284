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
pub mod identity_error;
pub mod jwks;
pub mod jwt;
pub mod oauth2;
pub mod provider;
pub mod renewal;
pub mod settings;
mod subjects;
pub mod upstream;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use access::Access;
pub use cloudflare::Cloudflare;
pub use demo::Demo;
pub use github::GitHub;
pub use identity_error::IdentityError;
pub use oidc::Oidc;
pub use provider::{
    Callback, DynIdentityProvider, Identity, IdentityProvider, LoginRequest, ProviderFuture,
    Redirect,
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Providers as deployments set them up.
    fn provider(name: &str) -> std::rc::Rc<dyn DynIdentityProvider> {
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
}
