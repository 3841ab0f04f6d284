//! The Worker's side of HTTP: access policy, routing, and the headers of every answer.

pub mod app;
mod authentication;
pub mod cookies;
pub mod cors;
pub mod home;
pub mod mcp_endpoint;
pub mod oauth_endpoints;
mod operator;
mod own_routes;
mod path;
pub mod playground;
pub mod policy;
mod problem;
pub mod provider;
pub mod request_runtime;
mod required;
pub mod route;
pub mod router;
mod session_list;
pub mod sign_in;
pub mod sse_endpoint;
mod stateless_endpoint;
mod variables;

pub use app::App;
