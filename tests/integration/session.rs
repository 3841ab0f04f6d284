//! A session's object: what it keeps, how long, and what ends it.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp::mcp::ProtocolVersion;
use durable_mcp::prelude::*;
use durable_mcp::session::core::MAX_SUBSCRIPTIONS;
use durable_mcp::session::running::MAX_RUNNING;
use durable_mcp::session::state::MAX_STATE_BYTES;
use durable_mcp::transport::refusal::Refusal;
use http::Method;
use serde_json::{Value, json};

use crate::support::counter::{Counter, increment};
use crate::support::host::START;
use crate::support::json::{answer, call, notification, request};
use crate::support::object::{IDLE_MS, MAX_AGE_MS, RESUME_MS, Rig, Sleep};

mod an_idle_session;
mod calls;
mod deleting;
mod of_a_user;
mod questions;
mod settings;
mod state;
mod the_log;
mod what_is_published;
mod writing;

async fn total(counter: Session<Counter>) -> Result<String, ToolError> {
    Ok(counter.get()?.total.to_string())
}

#[derive(Deserialize, JsonSchema)]
struct Wait {
    ms: u32,
}

async fn slow(sleep: Sleep, Args(Wait { ms }): Args<Wait>) -> &'static str {
    sleep.ms(ms).await;
    "slept"
}

async fn log(log: Log) {
    log.debug("d");
    log.error("e");
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("increment", "", increment)
        .tool("total", "", total)
        .tool("slow", "", slow)
        .tool("log", "", log)
        .resource("total", "test://total", total)
}

fn none() -> Value {
    json!({})
}

fn increment_to(rig: &Rig, total: &str) {
    assert_eq!(rig.text("increment", &none()), total);
}

#[test]
fn events_that_nobody_fetched_are_deleted_and_do_not_keep_a_session() {
    let rig = Rig::new(server());
    let call = rig.post(call(1, "log", &none()));
    assert!(!call.read().messages().is_empty());
    let unread = rig.post(crate::support::json::call(2, "log", &none()));
    unread.hang_up();
    let kept = rig.host.memory().event_count();
    rig.advance(RESUME_MS + 1);
    assert_eq!(rig.host.memory().event_count(), 0, "of {kept}");
    rig.advance(2 * IDLE_MS + 3 * MAX_AGE_MS);
    assert!(rig.host.memory().is_empty());
    assert_eq!(rig.host.memory().alarm(), None);
}
