//! A session's object: its storage, its lifetime, and its end.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp::prelude::*;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_worker::session::object::MAX_SUBSCRIPTIONS;
use durable_mcp_worker::session::running::MAX_RUNNING;
use durable_mcp_worker::session::state::MAX_STATE_BYTES;
use durable_mcp_worker::testing::doubles::host::START;
use durable_mcp_worker::transport::refusal::Refusal;
use http::Method;
use serde_json::{Value, json};

use crate::support::counter::{Counter, increment};
use crate::support::json::{answer, call, notification, request};
use crate::support::object::{IDLE_MS, MAX_AGE_MS, RESUME_MS, Rig, Sleep};

mod calls;
mod changes;
mod deletion;
mod expiry;
mod log;
mod model;
mod persistence;
mod questions;
mod settings;
mod state;
mod user_state;

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
fn unfetched_events_are_deleted_and_do_not_keep_a_session_alive() {
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

#[test]
fn a_session_ignores_the_stateless_version_in_a_request() {
    for version in [
        ProtocolVersion::V2025_03_26,
        ProtocolVersion::V2025_06_18,
        ProtocolVersion::V2025_11_25,
    ] {
        let rig = Rig::speaking(version, server());
        for header in [None, Some(version.as_str()), Some("2025-06-18"), Some("")] {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "c", "version": "1" },
            });
            let body = request(
                7,
                "tools/call",
                &json!({ "name": "total", "arguments": {}, "_meta": meta }),
            );
            let headers: Vec<_> = header
                .map(|header| ("mcp-protocol-version", header))
                .into_iter()
                .collect();
            let answer = rig.send(Method::POST, &headers, Ok(body)).answer();
            let json = answer.json();
            assert_eq!(
                (answer.status, &json["id"]),
                (200, &json!(7)),
                "{version:?} {header:?} {answer:?}"
            );
            assert_eq!(
                json["result"].get("resultType"),
                None,
                "the session's version has none"
            );
        }
    }
}
