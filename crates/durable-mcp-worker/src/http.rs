//! The Worker's side of HTTP: access policy, routing, and the headers of every answer.

pub mod app;
mod app_routes;
mod authentication;
pub mod cookies;
pub mod cors;
mod get;
pub mod home;
pub mod mcp_endpoint;
pub mod oauth_endpoints;
mod oauth_provider;
mod operator;
mod own_route;
mod own_routes;
mod path;
pub mod playground;
pub mod policy;
mod problem;
pub mod protected_server;
pub mod provider;
pub mod rejection;
pub mod request_runtime;
mod required;
pub mod route;
pub mod router;
mod runtime_fault;
mod session_list;
pub mod sign_in;
pub mod sse_endpoint;
mod stateless_endpoint;
mod variables;
mod verify_session;

pub use app::App;
