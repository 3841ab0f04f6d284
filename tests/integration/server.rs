//! A server as one client sees it: lists, calls, and notifications and requests during calls.

use durable_mcp::prelude::*;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::peer::About;
use durable_mcp_protocol::response::CallOutcome;
use serde_json::{Map, Value, json};

use crate::support::peer::Conversation;

mod arguments;
mod capabilities;
mod completion;
mod constraints;
mod forms;
mod initialize;
mod layers;
mod lists;
mod messages;
mod own_methods;
mod problems;
mod prompt;
mod resource;
mod shared_state;
mod signed_in_user;
mod structured_content;
mod tool;

fn empty() -> Server {
    Server::new("s", "1.0.0")
}

async fn hello() -> &'static str {
    "hello"
}

async fn log(log: Log) {
    log.info("x");
}

async fn announce(notify: Notify) {
    notify.tools_changed();
}

async fn nothing(_: CompletionInput) -> Vec<String> {
    Vec::new()
}

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

async fn echo(Args(Word { word }): Args<Word>) -> String {
    word
}
