//! The server side of the [Model Context Protocol](https://modelcontextprotocol.io) without input or output: messages, versions,
//! the server and its tools. Nothing in here knows of HTTP, storage or an async runtime; all futures stay on one thread.
//!
//! - To **write a server**, import the [`prelude`]: a [`Server`] holds async functions whose arguments are extractors.
//! - To **write a transport**, implement [`Peer`], the way of a running call to its client, and do for each message what the example
//!   does. The crate's example `stdio` is a whole one, with sessions, stateless requests and questions to the user.
//! - To **run on Cloudflare Workers**, use the crate `durable-mcp`, which has Streamable HTTP, sessions, tasks and sign-in.
//!
//! ```
//! use std::rc::Rc;
//!
//! use futures_util::FutureExt;
//! use futures_util::future::{LocalBoxFuture, ready};
//! use durable_mcp_protocol::jsonrpc::{self, Body, Message, result_json};
//! use durable_mcp_protocol::peer::About;
//! use durable_mcp_protocol::prelude::*;
//! use durable_mcp_protocol::{Context, Peer};
//! use serde_json::value::RawValue;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Add { a: f64, b: f64 }
//!
//! async fn add(Args(Add { a, b }): Args<Add>) -> String {
//!     (a + b).to_string()
//! }
//!
//! /// A client to which nothing can be sent besides results.
//! struct Deaf;
//!
//! impl Peer for Deaf {
//!     fn now(&self) -> u64 { 0 }
//!     fn sleep(&self, _: u32) -> LocalBoxFuture<'static, ()> { ready(()).boxed_local() }
//!     fn notify(&self, _: About, _: &'static str, _: String) {}
//!     fn warn(&self, message: &str) { eprintln!("{message}"); }
//!     fn request(&self, _: &str, _: &'static str, _: String) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
//!         ready(Err(Error::internal("This client cannot be asked."))).boxed_local()
//!     }
//! }
//!
//! # futures_executor::block_on(async {
//! let server = Server::new("calculator", "1.0.0").tool("add", "Add two numbers", add);
//!
//! let message = |text| match jsonrpc::parse(text) {
//!     Ok(Body::Single(Message::Request(request))) => request,
//!     other => panic!("{other:?}"),
//! };
//! let request = message(
//!     r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},
//!         "clientInfo":{"name":"example","version":"1.0.0"}}}"#,
//! );
//! let (client, result) = server.initialize(&request.params)?;
//! assert!(result_json(&request.id, &result).contains(r#""serverInfo":{"name":"calculator""#));
//!
//! let request =
//!     message(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add","arguments":{"a":40,"b":2}}}"#);
//! let call = server.resolve(request);
//! let context = Context::new(Rc::new(client), Rc::default(), Rc::new(Deaf), Rc::default());
//! let response = server.answer(&call, &context).await;
//! assert_eq!(
//!     server.response_json(&call, &context, response, ""),
//!     r#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"42"}]}}"#
//! );
//! # Ok::<(), Error>(())
//! # }).unwrap();
//! ```
//!
//! A client of 2026-07-28 sends no `initialize`: [`RequestMeta`] reads what it says of itself from each request, and [`RoundTrips`]
//! holds the questions to it. Modules that the documentation does not show are public for the crate `durable-mcp-worker` alone, and
//! change without notice.

// The folders of the source: json, messages, schemas, calls, extractors, features, serving. Each uses those before it. A
// module's path has no folder in it.
mod calls; // context of a running call
mod extractors; // arguments of handlers
mod features; // tools, resources, prompts
mod json; // values and texts
mod messages; // of the protocol
mod schemas; // of arguments, results and forms
mod serving; // the server

pub use calls::{
    caller, cancel_flag, completion_input, context, peer, questions, request_meta, round_trips,
};
pub use extractors::{
    cancel, client, clock, extract, log, next, notify, progress, sampling, shared, task, user,
};
pub use features::{
    completion, layer, or_err, outcome, own_method, prompt, resource, template, tool,
};
pub use json::cut;
pub use messages::{
    caching, capabilities, cause, change, content, error, fields, jsonrpc, log_level, method,
    response, version,
};
pub use schemas::pattern;
pub use serving::{call, discover, initialize, server, ui_page};

// Public for durable-mcp-worker alone.
#[doc(hidden)]
pub use calls::panics;
#[doc(hidden)]
pub use features::state_name;
#[doc(hidden)]
pub use json::{finite, json_fault, json_tokens};
#[doc(hidden)]
pub use schemas::{json_text, kind, schema};
#[doc(hidden)]
pub use serving::{state_argument, summary};

use calls::behind;
use extractors::shared_type;
use features::{header_params, strings, uri};
use json::{json_path, whole_number};
use messages::pagination;
use schemas::{constraints, enum_faults, form, format, reference, shape};
use serving::{invoke, url_elicitation};

/// Everything that tools, resources and prompts are written with.
pub mod prelude {
    pub use std::time::Duration;

    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::caller::Caller;
    pub use crate::cancel::Cancelled;
    pub use crate::client::{Client, Elicited};
    pub use crate::clock::Clock;
    pub use crate::completion_input::CompletionInput;
    pub use crate::content::{Annotations, Content, Icon, ResourceContents, ResourceLink, Role};
    pub use crate::extract::Args;
    pub use crate::log::Log;
    pub use crate::log_level::LogLevel;
    pub use crate::next::{Next, Outcome};
    pub use crate::notify::Notify;
    pub use crate::or_err::OrErr;
    pub use crate::outcome::{Json, ToolError, ToolResult};
    pub use crate::own_method::OwnMethod;
    pub use crate::progress::Progress;
    pub use crate::prompt::{Prompt, PromptMessage};
    pub use crate::resource::{Resource, ResourceTemplate};
    pub use crate::sampling::{Root, Sampled, Sampling, SamplingMessage};
    pub use crate::shared::Shared;
    pub use crate::task::Task;
    pub use crate::tool::Tool;
    pub use crate::ui_page::UiPage;
    pub use crate::user::User;
    pub use crate::{Error, Server};
}

pub use content::Content;
pub use context::{ClientInfo, Context};
pub use error::{Error, ErrorCode};
pub use peer::Peer;
pub use request_meta::RequestMeta;
pub use round_trips::RoundTrips;
pub use server::Server;
pub use version::ProtocolVersion;

/// Counts for tests what each of them allocates.
#[cfg(test)]
#[global_allocator]
static COUNTING: durable_mcp_allocations::Counting = durable_mcp_allocations::Counting;
