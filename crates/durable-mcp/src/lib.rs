//! Remote MCP servers in Rust on Cloudflare Workers.
//!
//! A server is a function from the Worker's bindings to an [`App`], and the macro [`worker!`](macro@worker) makes it a Worker. Its file
//! imports the [`prelude`]; sign-in and tests have a module each.
//!
//! ```
//! use durable_mcp::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Numbers { a: f64, b: f64 }
//!
//! async fn add(Args(numbers): Args<Numbers>) -> String {
//!     (numbers.a + numbers.b).to_string()
//! }
//!
//! fn app(_env: &worker::Env) -> durable_mcp::App {
//!     durable_mcp::App::new(Server::new("calculator", "1.0.0").tool("add", "Add two numbers", add))
//! }
//! ```
//!
//! The attributes `tool`, `prompt`, `resource` and `resource_template` write the struct and the registration; they are part of the
//! prelude with the feature `macros`, which is on by default.
//!
//! This crate re-exports what servers use of six others: `durable-mcp-protocol` (the protocol), `oauth-server` (the authorization server),
//! `sign-in` (identity providers), `durable-core` (requests, replies, keys), `durable-mcp-worker` (the Worker) and
//! `durable-mcp-macros` (the attributes).

/// The crate of Cloudflare's runtime, in the version that this crate is built with, and the macro that makes the exports of a Worker.
/// The bindings for D1 and queues are there with the features `d1` and `queue` of this crate.
pub use durable_mcp_worker::worker;

pub use durable_mcp_protocol::Server;
pub use durable_mcp_worker::App;

/// Everything a server's file needs.
pub mod prelude {
    #[cfg(feature = "macros")]
    pub use durable_mcp_macros::{prompt, resource, resource_template, tool};
    pub use durable_mcp_protocol::prelude::*;
    pub use durable_mcp_worker::platform::{Env, Headers};
    pub use durable_mcp_worker::session::Session;
    pub use durable_mcp_worker::worker;
}

/// Parts of the protocol that few servers name: extractors and results of one's own.
pub mod mcp {
    pub use durable_mcp_protocol::change::Change;
    pub use durable_mcp_protocol::completion::IntoValues;
    pub use durable_mcp_protocol::context::{ClientInfo, Context, Extensions};
    pub use durable_mcp_protocol::extract::{Extract, Extractors, Handler, Rejection, Signature};
    pub use durable_mcp_protocol::layer::{IntoOutcome, Refusal};
    pub use durable_mcp_protocol::outcome::IntoToolResult;
    pub use durable_mcp_protocol::own_method::IntoMethodResult;
    pub use durable_mcp_protocol::prompt::IntoMessages;
    pub use durable_mcp_protocol::resource::IntoContents;
    pub use durable_mcp_protocol::response::CallOutcome;
    pub use durable_mcp_protocol::server::Feature;
    pub use durable_mcp_protocol::task::TaskSupport;
    pub use durable_mcp_protocol::{ErrorCode, ProtocolVersion};
}

/// The OAuth 2.1 authorization server in front of an application.
pub mod oauth {
    pub use durable_core::wire::{Head, Reply, RuntimeError};
    pub use oauth_server::auth_server::AuthServer;
    pub use oauth_server::authority::Lifetimes;
    pub use oauth_server::client::{ApplicationType, AuthMethod, Client, ClientSource};
    /// Clients that a variable or secret sets.
    pub use oauth_server::configured::parse as parse_clients;
    pub use oauth_server::document_url::DocumentPolicy;
    pub use oauth_server::event::{Event, GrantRef};
    pub use oauth_server::hooks::{Exchange, ExchangeChanges, ExchangeError, ExchangeKind};
    pub use oauth_server::provider::{Endpoints, OAuth, ResolvedToken, TOKEN_EXCHANGE};
    pub use oauth_server::redirect_policy::RedirectPolicy;
    pub use oauth_server::registration::RegistrationOffer;
    pub use oauth_server::registry::RegistrySettings;
    pub use oauth_server::scope::{Scope, ScopeError, Scopes};
    pub use oauth_server::secret::Secret;
    pub use oauth_server::sign_in::{
        Approval, ApproveAll, Authorization, Decision, SignIn, SignInStatus, SignInStep,
    };
}

/// Sign-in by identity providers: those that are built in, and the trait for one of your own.
pub mod identity {
    pub use durable_mcp_worker::http::sign_in::IdentitySignIn;
    /// The sign-in that the Worker's variables name.
    pub use durable_mcp_worker::platform::worker::identity as from_variables;
    pub use oauth_server::secret::Secret;
    pub use sign_in::access::Access;
    pub use sign_in::allowed::AllowList;
    pub use sign_in::cloudflare::Cloudflare;
    pub use sign_in::code_flow::{CodeFlow, ProviderCredentials, UPSTREAM};
    pub use sign_in::demo::Demo;
    pub use sign_in::github::GitHub;
    pub use sign_in::jwks::KeySet;
    pub use sign_in::jwt::{ExpectedClaims, UnverifiedJwt};
    pub use sign_in::oauth2::{Endpoints, OAuth2Provider, Profile};
    pub use sign_in::oidc::Oidc;
    pub use sign_in::upstream::{JsonResponse, Upstream, UpstreamFuture, get_json};
    pub use sign_in::{
        Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect,
    };
}

/// Cloudflare's runtime, for what is beside tools: variables, the web, notifications from outside of a call.
pub mod platform {
    pub use durable_mcp_worker::http::app::Placement;
    pub use durable_mcp_worker::platform::variables::variable;
    pub use durable_mcp_worker::platform::{Env, Headers, Listeners, PublicWeb, Sql};
    pub use durable_mcp_worker::session::state::StateError;
}

/// Items that the code of the attributes names.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod macros {
    pub use schemars;
    pub use serde;

    /// A type whose values clients can give.
    #[diagnostic::on_unimplemented(
        message = "clients cannot give a `{Self}`",
        label = "not an argument that clients give",
        note = "such a type has `#[derive(Deserialize, JsonSchema)]`; an extractor of your own is marked `#[extract]`"
    )]
    pub trait Argument {}

    #[diagnostic::do_not_recommend]
    impl<T: serde::de::DeserializeOwned + schemars::JsonSchema> Argument for T {}

    /// Lets the compiler check that clients can give a `T`.
    pub const fn check_argument<T: Argument>() {}
}

/// The crates that this one re-exports from, whole, for what the modules here do not name: a sign-in of several pages
/// (`oauth_server::sign_in`), a runtime of one's own (`durable_core::runtime`).
pub mod crates {
    pub use {durable_core, durable_mcp_protocol, oauth_server, sign_in};
}

/// A client in memory, for tests of a server's tools with `cargo test`.
#[cfg(not(target_arch = "wasm32"))]
pub mod testing {
    pub use durable_mcp_worker::testing::{
        Answer, Change, Form, Logged, Progressed, TestClient, Value, block_on, json,
    };
}
