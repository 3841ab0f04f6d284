//! Size limits of messages to a client: a longer one becomes an error that says so, and displaces no other message.

use durable_mcp::prelude::*;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_worker::session::call_channel::MAX_MESSAGE_BYTES;
use durable_mcp_worker::transport::sse::MAX_UNREAD_BYTES;
use serde_json::{Value, json};

use crate::support::json::{call, request};
use crate::support::object::{Rig, Sleep};

#[derive(Deserialize, JsonSchema)]
struct Size {
    bytes: usize,
    #[serde(default)]
    count: usize,
    #[serde(default)]
    after_ms: u32,
}

async fn big(sleep: Sleep, Args(size): Args<Size>) -> String {
    if size.after_ms > 0 {
        sleep.ms(size.after_ms).await;
    }
    "x".repeat(size.bytes)
}

async fn flood(sleep: Sleep, log: Log, Args(size): Args<Size>) -> &'static str {
    sleep.ms(1).await;
    for _ in 0..size.count {
        log.info("x".repeat(size.bytes));
        sleep.ms(1).await;
    }
    "done"
}

async fn sample(client: Client, Args(size): Args<Size>) -> Result<String, ToolError> {
    client
        .sample("sample", Sampling::new("x".repeat(size.bytes), 1))
        .await?;
    Ok("asked".to_owned())
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("big", "", big)
        .tool("flood", "", flood)
        .tool("sample", "", sample)
}

fn size(bytes: usize) -> Value {
    json!({ "bytes": bytes })
}

/// Length of the result of `big` without its text.
const ENVELOPE: usize = r#"{"content":[{"type":"text","text":""}]}"#.len();

fn is_too_long(answer: &Value) -> bool {
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    answer["error"]["code"] == -32603
        && message.contains(&MAX_MESSAGE_BYTES.to_string())
        && message.contains("link")
        && message.contains("page")
}

fn batch(calls: &[String]) -> String {
    format!("[{}]", calls.join(","))
}

#[test]
fn an_answer_over_the_message_limit_becomes_an_error() {
    let rig = Rig::new(server());
    let most = MAX_MESSAGE_BYTES - ENVELOPE;
    assert_eq!(rig.text("big", &size(most)).len(), most);
    assert!(rig.host.warnings.borrow().is_empty());
    let answer = rig.post(call("a", "big", &size(most + 1))).answer();
    assert_eq!((answer.status, &answer.json()["id"]), (200, &json!("a")));
    assert!(is_too_long(&answer.json()), "{answer:?}");
    let [warning] = <[String; 1]>::try_from(rig.host.warnings.take()).unwrap();
    assert!(
        warning.contains("big") && warning.contains(&(MAX_MESSAGE_BYTES + 1).to_string()),
        "{warning}"
    );
    assert!(rig.host.logs.borrow().last().unwrap().contains("-32603"));
    assert_eq!(rig.text("big", &size(1)), "x");
}

#[test]
fn the_answers_of_a_batch_share_one_length_limit() {
    let bytes = MAX_MESSAGE_BYTES / 5 * 2;
    for apart_ms in [0, 30_000_u32] {
        let rig = Rig::speaking(ProtocolVersion::V2025_03_26, server());
        let calls = [1, 2, 3].map(|id| {
            call(
                id,
                "big",
                &json!({ "bytes": bytes, "after_ms": id * apart_ms }),
            )
        });
        let exchange = rig.post(batch(
            &[&calls[..], &[request(4, "ping", &json!({}))]].concat(),
        ));
        let answers = if apart_ms == 0 {
            exchange.answer().json().as_array().unwrap().clone()
        } else {
            // The client reads while the call runs, so that no message has to wait.
            let parts = (0..3).flat_map(|_| {
                rig.advance(u64::from(apart_ms));
                exchange.read().messages()
            });
            parts.collect()
        };
        let of = |id: u64| answers.iter().find(|answer| answer["id"] == id).unwrap();
        let too_long: Vec<_> = [1, 2, 3]
            .into_iter()
            .filter(|id| is_too_long(of(*id)))
            .collect();
        assert_eq!(too_long.len(), 1, "{too_long:?}, {apart_ms} ms apart");
        assert_eq!(of(4)["result"], json!({}));
        let text = |id: u64| {
            of(id)["result"]["content"][0]["text"]
                .as_str()
                .map_or(0, str::len)
        };
        assert_eq!([1, 2, 3].map(text).iter().sum::<usize>(), 2 * bytes);
    }
}

#[test]
fn the_length_of_an_answer_does_not_count_for_the_next_call() {
    let rig = Rig::new(server());
    for _ in 0..3 {
        assert_eq!(
            rig.text("big", &size(MAX_MESSAGE_BYTES / 2)).len(),
            MAX_MESSAGE_BYTES / 2
        );
    }
}

#[test]
fn a_too_long_answer_over_http_with_sse_is_an_error_on_the_stream() {
    let rig = Rig::over_sse(server());
    let tag = rig.get(None);
    assert_eq!(
        rig.post(call(1, "big", &size(MAX_MESSAGE_BYTES)))
            .answer()
            .status,
        202
    );
    let [answer] = <[Value; 1]>::try_from(rig.messages(&tag)).unwrap();
    assert!(answer["id"] == 1 && is_too_long(&answer), "{answer}");
    assert_eq!(rig.post(call(2, "big", &size(1_000))).answer().status, 202);
    assert_eq!(
        rig.messages(&tag)[0]["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .len(),
        1_000
    );
}

#[test]
fn a_too_long_notification_is_dropped_with_a_warning() {
    let rig = Rig::new(server());
    let exchange = rig.post(call(
        "a",
        "flood",
        &json!({ "bytes": MAX_MESSAGE_BYTES, "count": 1 }),
    ));
    rig.advance(10);
    assert_eq!(
        exchange.answer().json()["result"]["content"][0]["text"],
        "done"
    );
    let [warning] = <[String; 1]>::try_from(rig.host.warnings.take()).unwrap();
    assert!(
        warning.contains("notifications/message")
            && warning.contains(&MAX_MESSAGE_BYTES.to_string()),
        "{warning}"
    );
}

#[test]
fn a_too_long_question_is_not_asked_and_fails_as_a_tool_error() {
    let rig = Rig::new(server());
    let answer = rig
        .post(call("a", "sample", &size(MAX_MESSAGE_BYTES)))
        .answer()
        .json();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("sampling/createMessage") && text.contains(&MAX_MESSAGE_BYTES.to_string()),
        "{text}"
    );
}

#[test]
fn missed_messages_are_delivered_in_parts_of_bounded_size() {
    let rig = Rig::new(server());
    let bytes = MAX_UNREAD_BYTES / 4;
    let exchange = rig.post(call("a", "flood", &json!({ "bytes": bytes, "count": 12 })));
    rig.advance(1);
    let read = exchange.read();
    let (mut last, mut seen, mut parts) = (read.last_id(), read.messages().len(), 0);
    exchange.hang_up();
    rig.advance(100);
    loop {
        let tag = rig.get(Some(&last));
        let (text, closed) = rig.host.read(&tag);
        assert!(
            text.len() < MAX_UNREAD_BYTES + bytes + 1_000,
            "{}",
            text.len()
        );
        let ids: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("id: "))
            .collect();
        (*ids.last().unwrap()).clone_into(&mut last);
        seen += ids.len();
        parts += 1;
        assert!(
            closed,
            "a part that is not the last one ends, so that the client comes back"
        );
        if text.contains("\"done\"") {
            break;
        }
    }
    assert_eq!((seen, parts), (13, 3));
}
