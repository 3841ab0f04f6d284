//! The Model Context Protocol without input or output: messages, versions, the server and its tools.
//!
//! Nothing in here knows of HTTP, Durable Objects or time. A [`Server`] holds what a user wrote; [`Server::answer`]
//! takes one [`Call`](call::Call) and a [`Context`] and gives its result. Whatever reaches the client besides that result goes through
//! the [`Peer`] that the context carries.

pub mod caching;
pub mod call;
pub mod cancel;
pub mod capabilities;
pub mod cause;
pub mod change;
pub mod client;
pub mod clock;
pub mod completion;
mod constraints;
pub mod content;
pub mod context;
mod directory;
pub mod discover;
pub mod dispatch;
pub mod error;
pub mod extract;
pub mod fields;
pub mod finite;
mod form;
mod format;
mod header_params;
pub mod initialize;
mod invoke;
mod json_path;
pub mod json_text;
pub mod json_tokens;
pub mod jsonrpc;
pub mod kind;
mod lists;
pub mod log;
pub mod method;
mod misfit;
pub mod notify;
pub mod or_err;
pub mod outcome;
pub mod page;
pub mod panics;
pub mod pattern;
pub mod peer;
mod problems;
pub mod progress;
pub mod prompt;
pub mod questions;
pub mod request_meta;
pub mod resource;
pub mod response;
pub mod round_trips;
pub mod sampling;
pub mod schema;
pub mod server;
mod shape;
pub mod state_argument;
mod strings;
pub mod summary;
pub mod task;
pub mod template;
pub mod tool;
pub mod ui_page;
mod uri;
mod url_elicitation;
pub mod user;
pub mod version;

/// Everything that tools, resources and prompts are written with.
pub mod prelude {
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::cancel::Cancelled;
    pub use crate::client::{Client, Elicited};
    pub use crate::clock::Clock;
    pub use crate::completion::CompletionInput;
    pub use crate::content::{Annotations, Content, Icon, ResourceContents, ResourceLink, Role};
    pub use crate::extract::Args;
    pub use crate::log::{Log, LogLevel};
    pub use crate::notify::Notify;
    pub use crate::or_err::OrErr;
    pub use crate::outcome::{Json, ToolError, ToolResult};
    pub use crate::progress::Progress;
    pub use crate::prompt::{Prompt, PromptMessage};
    pub use crate::resource::{Resource, ResourceTemplate};
    pub use crate::sampling::{Root, Sampled, Sampling, SamplingMessage};
    pub use crate::task::Task;
    pub use crate::tool::Tool;
    pub use crate::ui_page::UiPage;
    pub use crate::user::{Caller, User};
    pub use crate::{Error, Server};
}

pub use content::Content;
pub use context::Context;
pub use error::{Error, ErrorCode};
pub use peer::Peer;
pub use server::Server;
pub use version::ProtocolVersion;

/// Counts for tests what each of them allocates.
#[cfg(test)]
#[global_allocator]
static COUNTING: durable_mcp_allocations::Counting = durable_mcp_allocations::Counting;
