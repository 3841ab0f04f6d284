//! Remote MCP servers in Rust on Cloudflare Workers.

pub mod formats;
pub mod http;
pub mod hub;
pub mod identity;
pub mod keys;
pub mod limits;
pub mod mcp;
pub mod oauth;
pub mod pages;
pub mod platform;
pub mod runtime;
pub mod seal;
pub mod session;
pub mod task;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod transport;
pub mod wire;

mod exports;

/// The crate of Cloudflare's runtime, in the version that this crate is built with. Its bindings for D1 and queues are there with the
/// features `d1` and `queue` of this crate.
pub extern crate worker;

pub use http::App;
pub use mcp::Server;

/// Everything a server's file needs.
pub mod prelude {
    pub use crate::mcp::app_page::Page;
    pub use crate::mcp::cancel::Cancelled;
    pub use crate::mcp::client::{Client, Elicited};
    pub use crate::mcp::clock::Clock;
    pub use crate::mcp::completion::Typed;
    pub use crate::mcp::content::{
        Annotations, Content, Icon, ResourceContents, ResourceLink, Role,
    };
    pub use crate::mcp::extract::Args;
    pub use crate::mcp::log::{Log, LogLevel};
    pub use crate::mcp::notify::Notify;
    pub use crate::mcp::or_err::OrErr;
    pub use crate::mcp::outcome::{Json, ToolError, ToolResult};
    pub use crate::mcp::progress::Progress;
    pub use crate::mcp::prompt::{Prompt, PromptMessage};
    pub use crate::mcp::resource::{Resource, ResourceTemplate};
    pub use crate::mcp::sampling::{Root, Sampled, Sampling, SamplingMessage};
    pub use crate::mcp::task::Task;
    pub use crate::mcp::tool::Tool;
    pub use crate::mcp::user::{Caller, User};
    pub use crate::mcp::{Error, Server};
    pub use crate::platform::{Env, Headers};
    pub use crate::session::Session;
    pub use crate::worker;
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}

/// Counts for tests what each of them allocates.
#[cfg(test)]
#[global_allocator]
static COUNTING: durable_mcp_allocations::Counting = durable_mcp_allocations::Counting;
