//! HTTP+SSE: a session that lives as long as its stream.

use durable_mcp::prelude::*;
use serde_json::{Value, json};

use crate::support::counter::increment;
use crate::support::json::{answer, call, notification, request};
use crate::support::object::{IDLE_MS, Rig, Sleep};

async fn slow(sleep: Sleep) -> &'static str {
    sleep.ms(1_000).await;
    "slept"
}

async fn roots(client: Client) -> Result<String, ToolError> {
    Ok(client.roots("roots").await?.len().to_string())
}

async fn link() -> Content {
    Content::link(ResourceLink {
        uri: "a:b".into(),
        name: "n".into(),
        ..ResourceLink::default()
    })
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("increment", "", increment)
        .tool("slow", "", slow)
        .tool("roots", "", roots)
        .tool("link", "", link)
}

struct Open {
    rig: Rig,
    tag: String,
}

impl Open {
    fn new() -> Self {
        let rig = Rig::over_sse(server());
        let tag = rig.get(None);
        Self { rig, tag }
    }

    fn initialized(version: &str, capabilities: &Value) -> Self {
        let open = Self::new();
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": { "name": "c" } });
        let [hello] = open
            .ask(request(0, "initialize", &params))
            .try_into()
            .unwrap();
        assert_eq!(hello["result"]["protocolVersion"], version);
        open
    }

    /// Posts, and gives what came on the stream.
    fn ask(&self, body: String) -> Vec<Value> {
        self.took(body);
        self.rig.messages(&self.tag)
    }

    fn took(&self, body: String) {
        let answer = self.rig.post(body).answer();
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (202, ""),
            "{answer:?}"
        );
    }
}

#[test]
fn every_answer_comes_on_the_stream() {
    let open = Open::initialized("2024-11-05", &json!({}));
    assert_eq!(
        open.ask(request(1, "ping", &json!({}))),
        [json!({ "jsonrpc": "2.0", "id": 1, "result": {} })]
    );
    assert_eq!(
        open.ask(notification("notifications/initialized", &json!({}))),
        [Value::Null; 0]
    );
    let [unknown] = open
        .ask(request("x", "made/up", &json!({})))
        .try_into()
        .unwrap();
    assert_eq!(
        (&unknown["id"], &unknown["error"]["code"]),
        (&json!("x"), &json!(-32601))
    );
    assert_eq!(open.ask(call(2, "slow", &json!({}))), [Value::Null; 0]);
    open.rig.advance(1_000);
    assert_eq!(
        open.rig.messages(&open.tag)[0]["result"]["content"][0]["text"],
        "slept"
    );
}

#[test]
fn negotiated_version_and_capabilities_outlive_the_objects_sleep() {
    let open = Open::initialized("2025-06-18", &json!({ "roots": {} }));
    for _ in 0..2 {
        open.rig.restart();
        let [linked] = open.ask(call(1, "link", &json!({}))).try_into().unwrap();
        assert_eq!(
            linked["result"]["content"][0]["type"], "resource_link",
            "{linked}"
        );
        let [asked] = open.ask(call(2, "roots", &json!({}))).try_into().unwrap();
        assert_eq!(asked["method"], "roots/list");
        let [told] = open
            .ask(answer(
                &asked["id"],
                &json!({ "roots": [{ "uri": "file:///a" }] }),
            ))
            .try_into()
            .unwrap();
        assert_eq!(
            (&told["id"], &told["result"]["content"][0]["text"]),
            (&json!(2), &json!("1"))
        );
    }
    assert!(open.rig.host.memory().is_empty(), "and costs no row");
}

#[test]
fn before_initialize_the_oldest_version_holds() {
    let open = Open::new();
    let [linked] = open.ask(call(1, "link", &json!({}))).try_into().unwrap();
    assert_eq!(linked["result"]["content"][0]["type"], "text", "{linked}");
    let [asked] = open.ask(call(2, "roots", &json!({}))).try_into().unwrap();
    assert_eq!(asked["result"]["isError"], true, "{asked}");
}

#[test]
fn a_wrong_initialize_changes_nothing() {
    let open = Open::initialized("2025-06-18", &json!({}));
    let [refused] = open
        .ask(request(9, "initialize", &json!({ "protocolVersion": 5 })))
        .try_into()
        .unwrap();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(9), &json!(-32602))
    );
    let [linked] = open.ask(call(1, "link", &json!({}))).try_into().unwrap();
    assert_eq!(linked["result"]["content"][0]["type"], "resource_link");
}

#[test]
fn a_long_name_of_a_client_is_cut_to_what_a_socket_remembers() {
    let open = Open::new();
    let params =
        json!({ "protocolVersion": "2025-11-25", "clientInfo": { "name": "名 ".repeat(5_000) } });
    open.ask(request(0, "initialize", &params));
    open.rig.restart();
    let [linked] = open.ask(call(1, "link", &json!({}))).try_into().unwrap();
    assert_eq!(linked["result"]["content"][0]["type"], "resource_link");
}

#[test]
fn a_message_without_an_open_stream_is_answered_404() {
    let rig = Rig::over_sse(server());
    rig.post(call(1, "increment", &json!({})))
        .answer()
        .refuses(404, -32001, Value::Null);
    assert!(rig.host.memory().is_empty());
}

#[test]
fn the_end_of_the_stream_ends_the_session_and_its_calls() {
    for sleeps in [false, true] {
        let open = Open::initialized("2024-11-05", &json!({}));
        assert_eq!(open.ask(call(1, "increment", &json!({}))).len(), 1);
        open.took(call(2, "slow", &json!({})));
        assert!(!open.rig.host.memory().is_empty());
        if sleeps {
            open.rig.restart();
        }
        open.rig.hang_up(&open.tag);
        assert!(open.rig.host.memory().is_empty(), "sleeps: {sleeps}");
        assert_eq!(open.rig.host.memory().alarm(), None);
        open.rig
            .post(call(3, "increment", &json!({})))
            .answer()
            .refuses(404, -32001, Value::Null);
        open.rig.advance(10 * IDLE_MS);
        assert!(open.rig.host.memory().is_empty());
        let log = open.rig.host.logs.take().join("\n");
        assert_eq!(
            log.contains(r#""name":"slow","era":"2024-11-05","outcome":"cancelled""#),
            !sleeps,
            "{log}"
        );
    }
}

#[test]
fn an_unreadable_message_is_refused_in_the_answer_to_its_post() {
    let open = Open::initialized("2025-03-26", &json!({}));
    open.rig
        .post("{")
        .answer()
        .refuses(400, -32700, Value::Null);
    open.rig
        .post(r#"{"jsonrpc":"2.0","id":4}"#)
        .answer()
        .refuses(400, -32600, 4);
    let batch = format!("[{}]", request(1, "ping", &json!({})));
    open.rig
        .post(batch)
        .answer()
        .refuses(400, -32600, Value::Null);
    assert_eq!(open.rig.messages(&open.tag), [Value::Null; 0]);
    assert_eq!(open.ask(request(1, "ping", &json!({}))).len(), 1);
}

#[test]
fn a_cancelled_call_is_not_answered() {
    let open = Open::initialized("2025-03-26", &json!({}));
    open.took(call("c", "slow", &json!({})));
    open.took(notification(
        "notifications/cancelled",
        &json!({ "requestId": "c" }),
    ));
    open.rig.advance(10_000);
    assert_eq!(open.rig.messages(&open.tag), [Value::Null; 0]);
}
