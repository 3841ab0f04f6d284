//! Calls that outlast their request, as tasks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_mcp::prelude::*;
use durable_mcp_protocol::outcome::IntoToolResult;
use durable_mcp_protocol::task::DEFAULT_TTL_SECONDS;
use durable_mcp_worker::session::call_channel::MAX_MESSAGE_BYTES;
use durable_mcp_worker::task::POLL_MS;
use futures_util::future::{join, join3};
use serde_json::{Value, json};

use crate::support::front::{Front, everything, refusal, text};
use crate::support::object::Sleep;

mod asking;
mod beginning;
mod ending;
mod model;
mod restarts;
mod watching;

const MINUTE: u64 = 60_000;

fn none() -> Value {
    json!({})
}

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

fn word(elicited: Elicited<Word>) -> String {
    match elicited {
        Elicited::Accepted(Word { word }) => word,
        Elicited::Declined | Elicited::Cancelled => "no".to_owned(),
    }
}

fn said(word: &str) -> Value {
    json!({ "action": "accept", "content": { "word": word } })
}

#[derive(Deserialize, JsonSchema)]
struct Wait {
    ms: u32,
}

async fn slow(sleep: Sleep, Args(Wait { ms }): Args<Wait>) -> &'static str {
    sleep.ms(ms).await;
    "slept"
}

async fn ask(client: Client) -> Result<String, Error> {
    Ok(word(client.elicit("word", "Which?").await?))
}

async fn together(client: Client) -> Result<String, Error> {
    let (first, second, roots) = join3(
        client.elicit("word", "1"),
        client.elicit("word", "2"),
        client.roots("where"),
    )
    .await;
    let last = word(client.elicit("word", "3").await?);
    Ok(format!(
        "{} {} {} {last}",
        word(first?),
        word(second?),
        roots?.len()
    ))
}

fn server() -> Server {
    Server::new("s", "1")
        .with(Tool::new("slow", "", slow).task_optional())
        .with(Tool::new("again", "", slow).task_optional().read_only())
        .with(Tool::new("ask", "", ask).task_optional())
        .with(Tool::new("together", "", together).task_optional())
        .tool("plain", "", async || "plain")
}

fn front() -> Front {
    Front::new(server()).knowing_tasks()
}

/// Starts a task, and returns its id.
fn begin(front: &Front, name: &str, arguments: &Value) -> String {
    let result = front.result(
        "tools/call",
        &json!({ "name": name, "arguments": arguments }),
    );
    assert_eq!(result["resultType"], "task", "{result}");
    result["taskId"].as_str().unwrap().to_owned()
}

/// A task as `tasks/get` returns it.
fn get(front: &Front, id: &str) -> Value {
    let result = front.result("tasks/get", &json!({ "taskId": id }));
    assert_eq!(
        (&result["resultType"], &result["taskId"]),
        (&json!("complete"), &json!(id))
    );
    assert!(result.get("requestState").is_none(), "{result}");
    result
}

fn status(front: &Front, id: &str) -> String {
    get(front, id)["status"].as_str().unwrap().to_owned()
}

/// The keys of what a task waits for.
fn asked(task: &Value) -> Vec<String> {
    assert_eq!(task["status"], "input_required", "{task}");
    let mut keys: Vec<_> = task["inputRequests"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    keys.sort_unstable();
    keys
}

/// Answers questions by `tasks/update`, whose own result is always empty.
fn update(front: &Front, id: &str, answers: &Value) {
    let result = front.result(
        "tasks/update",
        &json!({ "taskId": id, "inputResponses": answers }),
    );
    is_empty(&result);
    front.advance(0);
}

fn cancel(front: &Front, id: &str) {
    is_empty(&front.result("tasks/cancel", &json!({ "taskId": id })));
}

fn is_empty(result: &Value) {
    let members: Vec<_> = result.as_object().unwrap().keys().collect();
    assert_eq!(
        (members.len(), &result["resultType"]),
        (2, &json!("complete")),
        "{result}"
    );
}
