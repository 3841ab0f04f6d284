//! The Model Context Protocol without input or output: messages, versions, the server and its tools.
//!
//! Nothing in here knows of HTTP, Durable Objects or time. A [`Server`] holds what a user wrote; [`Server::answer`]
//! takes one [`Call`](call::Call) and a [`Context`] and gives its result. Whatever reaches the client besides that result goes through
//! the [`Peer`] that the context carries.

pub mod app_page;
mod caching;
pub mod call;
pub mod cancel;
pub mod capabilities;
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
pub(crate) mod fields;
pub(crate) mod finite;
mod form;
mod format;
pub mod handler;
mod header_params;
pub mod initialize;
mod invoke;
mod json_path;
pub(crate) mod json_text;
pub(crate) mod json_tokens;
pub mod jsonrpc;
pub(crate) mod kind;
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
pub mod resource;
pub mod response;
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
mod uri;
mod url_elicitation;
pub mod user;
pub mod version;

pub use content::Content;
pub use context::Context;
pub use error::{Error, ErrorCode};
pub use peer::Peer;
pub use server::Server;
pub use version::ProtocolVersion;
