//! An OAuth 2.1 authorization server, and the check of bearer tokens at the resources that it protects, without input or output:
//! storage, clock, randomness and the web are traits. Nothing in this crate knows of MCP or of Cloudflare's platform.
//!
//! The server has the authorization code flow with PKCE (RFC 7636), refresh tokens with rotation, dynamic registration (RFC 7591), client
//! metadata documents, resource indicators (RFC 8707), revocation (RFC 7009), introspection (RFC 7662), token exchange (RFC 8693), and
//! the metadata of server and resources (RFC 8414, RFC 9728).
//!
//! 1. An application sets up [`OAuth`] with a [`SignIn`], which knows its users and asks them for consent.
//! 2. A host implements [`OAuthRuntime`] for a request and [`AuthorityHost`] for one user's grants, over storage of two kinds:
//!    [`Kv`] for records that every request reads, and [`GrantStore`] for the rows of one user, whose changes go through one
//!    [`Authority`] at a time.
//! 3. For each request it makes an [`AuthServer`], and calls [`endpoint::answer`] for the endpoints and [`gate::check`] for a resource.
//!
//! The example in `examples/axum` is a whole server with storage in memory.
//!
//! ```
//! use durable_core::{Head, RuntimeError};
//! use oauth_server::endpoint::Endpoint;
//! use oauth_server::{Approval, Authorization, Decision, OAuth, SignIn};
//!
//! /// Signs in whoever a proxy in front of this server has let in.
//! struct BehindProxy;
//!
//! impl SignIn for BehindProxy {
//!     async fn decide(&self, _: &Authorization, head: &Head) -> Result<Decision, RuntimeError> {
//!         Ok(head.header("x-user").map_or(Decision::NotAllowed, |user| {
//!             Decision::Approve(Approval {
//!                 subject: user.to_string(),
//!                 props: serde_json::json!({ "name": user }),
//!                 scopes: None,
//!             })
//!         }))
//!     }
//! }
//!
//! let oauth = OAuth::new(BehindProxy).scopes(&["notes"])?.describe_scope("notes", "Read your notes");
//! assert_eq!(Endpoint::at("/token", oauth.endpoint_paths()), Some(Endpoint::Token));
//! # Ok::<(), oauth_server::scope::ScopeError>(())
//! ```

// Set up by an application.
pub mod hooks;
pub mod provider;
pub mod sign_in;

// Implemented and used by a host; more ports are in `authority` and `grant_store`.
pub mod auth_server;
pub mod event;
pub mod port;
pub mod rates;

// The folders of the source; a module's path has no folder in it.
mod clients;
mod endpoints;
mod grants;
mod values;

pub use clients::{
    client, client_auth, client_metadata, configured, document_cache, document_url,
    metadata_document, redirect_policy, redirect_uri, registration, registry,
};
pub use endpoints::{
    administer, authorize, challenge, endpoint, endpoint_error, gate, metadata, register, revoke,
    token_endpoint,
};
pub use grants::{
    authority, grant, grant_store, holding, legacy, purge, record, session_note, token,
};
pub use values::{params, pkce, resource, scope, secret, uri};

use clients::{known_clients, registry_error};
use endpoints::form;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use auth_server::{AuthServer, OAuthRuntime};
pub use authority::{Authority, AuthorityHost, Lifetimes};
pub use grant_store::GrantStore;
pub use port::Kv;
pub use provider::OAuth;
pub use scope::Scopes;
pub use sign_in::{Approval, Authorization, Decision, SignIn};
