//! The Cloudflare Worker of `durable-mcp`: HTTP, the transports of MCP, sessions, tasks and the hub in Durable Objects, pages.
//!
//! Servers are written with the crate `durable-mcp`, which re-exports what its users need. Items here have no stability of their own.
//!
//! A request enters at [`platform`], where the Worker's own types become values, and [`http`] finds its route. [`transport`] reads
//! messages of MCP and answers them: in the Worker, in the object of a [`session`], or as a [`task`]. The [`hub`] publishes changes
//! to all who listen. The protocol itself is in the crate `durable-mcp-protocol`, the authorization server in `oauth-server`, and identity
//! providers in `sign-in`.

pub mod http;
pub mod hub;
pub mod pages;
pub mod platform;
pub mod session;
pub mod task;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod transport;

mod exports;

/// The crate of Cloudflare's runtime, in the version that this crate is built with. Its bindings for D1 and queues are there with the
/// features `d1` and `queue` of this crate.
pub extern crate worker;

pub use http::App;

/// Counts for tests what each of them allocates.
#[cfg(test)]
#[global_allocator]
static COUNTING: durable_mcp_allocations::Counting = durable_mcp_allocations::Counting;
