//! Memory that a request takes, whatever its content: it grows no faster than the request does.

use std::fmt::Write;

use durable_core::runtime::Runtime;
use durable_mcp::prelude::*;
use durable_mcp_allocations::allocated;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::jsonrpc::{Body, MAX_BODY_VALUES, Message, parse};
use durable_mcp_protocol::round_trips::RoundTrips;
use durable_mcp_worker::testing::doubles::host::FakeHost;
use durable_mcp_worker::transport::refusal::MAX_BODY_BYTES;
use durable_mcp_worker::transport::request_state::{self, MAX_ANSWER_BYTES};
use futures_util::FutureExt;
use http::Method;
use serde_json::{Value, json};

use crate::support::front::{Front, VERSION};
use crate::support::json;
use crate::support::object::{Exchange, Rig};

/// The most bytes in use for each byte of a long body: the body itself, which the test's transport holds twice, its parameters,
/// what a handler is called with, and what it makes of that.
const MOST_PER_BYTE: usize = 8;

/// The most bytes in use for a body of many values, which may be short: a sixth of what an isolate has. Most of it is what a
/// handler makes of them, if it takes any JSON.
const MOST_FOR_VALUES: usize = 20 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
struct Anything {
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize, JsonSchema)]
struct Word {
    #[serde(default)]
    word: String,
}

async fn take(Args(anything): Args<Anything>) -> String {
    anything.value.to_string().len().to_string()
}

async fn ask(client: Client, Args(anything): Args<Anything>) -> Result<String, ToolError> {
    client.roots("roots").await?;
    Ok(anything.value.to_string().len().to_string())
}

async fn say(Args(word): Args<Word>) -> String {
    word.word.len().to_string()
}

async fn words(input: CompletionInput) -> Vec<String> {
    vec![input.settled.len().to_string()]
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("take", "", take)
        .tool("ask", "", ask)
        .tool("say", "", say)
        .with(Prompt::new("say", "", say).complete("word", words))
        .resource("r", "test://r", async || "r")
}

/// A piece again and again, up to so many bytes; `{}` in it stands for a number.
fn repeated(piece: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + piece.len());
    for at in 0.. {
        let start = text.len();
        match piece.split_once("{}") {
            Some((before, after)) => write!(text, "{before}{at}{after}").unwrap(),
            None => text.push_str(piece),
        }
        if text.len() > bytes {
            text.truncate(start);
            break;
        }
    }
    if text.ends_with(',') {
        text.pop();
    }
    text
}

/// JSON of about so many bytes, each kind by its name.
fn values(bytes: usize) -> Vec<(&'static str, String)> {
    let object = |piece: &str| format!("{{{}}}", repeated(piece, bytes));
    let array = |piece: &str| format!("[{}]", repeated(piece, bytes));
    vec![
        ("members", object("\"{}\":0,")),
        ("members of one name", object("\"\":0,")),
        (
            "long members",
            object(&format!("\"{{}}\":\"{}\",", "x".repeat(100))),
        ),
        ("elements", array("0,")),
        ("strings", array("\"\",")),
        ("objects", array("{\"a\":1},")),
        ("empty objects", array("{},")),
        ("a long string", format!("\"{}\"", "x".repeat(bytes))),
        ("escapes", format!("\"{}\"", repeated("\\u0041", bytes))),
        ("quotes", format!("\"{}\"", repeated("\\\"", bytes))),
        (
            "nested arrays",
            format!("{}{}", "[".repeat(bytes / 2), "]".repeat(bytes / 2)),
        ),
        (
            "nested objects",
            format!("{}1{}", "{\"\":".repeat(bytes / 6), "}".repeat(bytes / 6)),
        ),
        (
            "a few nested arrays",
            array(&format!(
                "{}\"{}\"{},",
                "[".repeat(50),
                "x".repeat(1000),
                "]".repeat(50)
            )),
        ),
    ]
}

/// The parameters that hold a value, each at another place, and the method that they are of.
fn requests(value: &str, meta: &str) -> Vec<(&'static str, &'static str, &'static str, String)> {
    let tool = |name: &str, rest: &str| format!(r#"{{"name":"{name}",{rest}"_meta":{{{meta}}}}}"#);
    let arguments = format!(r#""arguments":{{"value":{value}}},"#);
    let state = r#""requestState":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#;
    vec![
        (
            "in an argument",
            "tools/call",
            "take",
            tool("take", &arguments),
        ),
        (
            "in an argument that is a string",
            "tools/call",
            "say",
            tool("say", &arguments.replace("value", "word")),
        ),
        (
            "as all arguments",
            "tools/call",
            "take",
            tool("take", &format!(r#""arguments":{value},"#)),
        ),
        (
            "in a call that asks",
            "tools/call",
            "ask",
            tool("ask", &arguments),
        ),
        (
            "beside a made-up state",
            "tools/call",
            "take",
            tool("take", &format!("{arguments}{state}")),
        ),
        (
            "as the state",
            "tools/call",
            "take",
            tool("take", &format!(r#""requestState":{value},"#)),
        ),
        (
            "as answers",
            "tools/call",
            "take",
            tool("take", &format!(r#""inputResponses":{value},"#)),
        ),
        (
            "in `_meta`",
            "tools/call",
            "take",
            format!(r#"{{"name":"take","_meta":{{{meta},"x":{value}}}}}"#),
        ),
        (
            "as a progress token",
            "tools/call",
            "take",
            format!(r#"{{"name":"take","_meta":{{{meta},"progressToken":{value}}}}}"#),
        ),
        (
            "as another parameter",
            "tools/list",
            "",
            format!(r#"{{"x":{value},"_meta":{{{meta}}}}}"#),
        ),
        (
            "as a prompt's arguments",
            "prompts/get",
            "say",
            tool("say", &format!(r#""arguments":{value},"#)),
        ),
        (
            "as settled arguments",
            "completion/complete",
            "",
            format!(
                r#"{{"ref":{{"type":"ref/prompt","name":"say"}},"argument":{{"name":"word","value":"x"}},"context":{{"arguments":{value}}},"_meta":{{{meta}}}}}"#
            ),
        ),
        (
            "as what is listened for",
            "subscriptions/listen",
            "",
            format!(
                r#"{{"notifications":{{"resourceSubscriptions":{value},"taskIds":{value}}},"_meta":{{{meta}}}}}"#
            ),
        ),
    ]
}

/// A request as JSON.
fn body(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
}

fn without_session(front: &Front, method: &str, name: &str, body: String) -> Exchange {
    let mut headers = vec![
        ("mcp-protocol-version", VERSION.to_owned()),
        ("mcp-method", method.to_owned()),
    ];
    if !name.is_empty() {
        headers.push(("mcp-name", name.to_owned()));
    }
    front.send(Method::POST, &headers, body)
}

/// The members of `_meta` that every request without a session has, as JSON.
fn envelope(front: &Front) -> String {
    let meta = Value::Object(front.envelope()).to_string();
    meta.strip_prefix('{')
        .and_then(|meta| meta.strip_suffix('}'))
        .unwrap()
        .to_owned()
}

/// Checks that an answer came, which has the request's id where the request had one.
fn is_answered(exchange: &Exchange, what: &str) {
    let answer = exchange.answer();
    assert!(answer.status < 500, "{what}: {answer:?}");
}

/// Checks that a body is answered, in memory that its length bounds.
fn check(what: &str, body: String, send: impl FnOnce(String) -> Exchange) {
    let length = body.len();
    let (allocated, exchange) = allocated(|| send(body));
    is_answered(&exchange, what);
    let most = MOST_FOR_VALUES.max(MOST_PER_BYTE * length);
    if std::env::var_os("SHOW_MEMORY").is_some() {
        let (peak, total) = (allocated.peak / 1024, allocated.total / 1024);
        eprintln!(
            "{:>6} KiB at most {peak:>7} KiB, {total:>8} KiB in all: {what}",
            length / 1024
        );
        return;
    }
    assert!(
        allocated.peak <= most,
        "{what}: {allocated:?} for {length} bytes"
    );
}

/// The length of a body that has about as many values as may be, if each is as short as can be.
const MANY: usize = 2 * MAX_BODY_VALUES - 2048;

#[test]
fn a_stateless_request_takes_memory_in_proportion_to_its_body() {
    let front = Front::new(server());
    let meta = envelope(&front);
    for (kind, value) in values(MANY) {
        for (place, method, name, params) in requests(&value, &meta) {
            let send = |body| without_session(&front, method, name, body);
            check(&format!("{kind} {place}"), body(method, &params), send);
        }
    }
}

#[test]
fn the_longest_body_takes_memory_in_proportion_to_its_length() {
    let front = Front::new(server());
    let meta = envelope(&front);
    for (kind, value) in values(MAX_BODY_BYTES - 2048) {
        let plain_or_with_state = [0, 4];
        for at in plain_or_with_state {
            let (place, method, name, params) = requests(&value, &meta).swap_remove(at);
            let send = |body| without_session(&front, method, name, body);
            check(&format!("{kind} {place}"), body(method, &params), send);
        }
    }
}

#[test]
fn a_session_message_takes_memory_in_proportion_to_its_body() {
    let rig = Rig::new(server());
    for bytes in [5 * MAX_BODY_VALUES, MANY] {
        for (kind, value) in values(bytes) {
            let call = format!(r#"{{"name":"take","arguments":{{"value":{value}}}}}"#);
            for (place, body) in [
                ("in an argument on a session", body("tools/call", &call)),
                ("as a message", value.clone()),
                (
                    "as an answer",
                    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{value}}}"#),
                ),
                (
                    "as the data of an error",
                    format!(
                        r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":1,"message":"m","data":{value}}}}}"#
                    ),
                ),
                (
                    "in a notification",
                    body(
                        "notifications/cancelled",
                        &format!(r#"{{"requestId":{value}}}"#),
                    ),
                ),
            ] {
                check(&format!("{kind} {place}"), body, |body| rig.post(body));
            }
        }
    }
}

#[test]
fn a_made_up_request_state_is_refused_before_its_request_is_parsed() {
    const FEW: usize = 16 * 1024;
    let (caller, host) = (Caller::default(), FakeHost::new(String::new()));
    let keys = host.keys(false).now_or_never().unwrap().unwrap();
    let rounds = |params: &str, state: &str| {
        let text = body(
            "tools/call",
            &params.replacen('{', &format!(r#"{{"requestState":"{state}","#), 1),
        );
        let request = json::read(&text);
        let (allocated, read) =
            allocated(|| request_state::rounds(&request, &caller, &*host).now_or_never());
        (allocated, read.unwrap().unwrap().is_ok())
    };
    for (kind, value) in values(MANY) {
        let params = format!(r#"{{"name":"take","arguments":{{"value":{value}}}}}"#);
        let first = json::read(&body("tools/call", &params));
        let sealed = request_state::seal(
            &RoundTrips::default(),
            None,
            &first,
            &caller,
            host.now(),
            &keys,
            host.random(),
        )
        .unwrap();
        let state = sealed.unwrap();
        let made_up = state
            .replacen(['A', 'B', 'C', 'D', 'E'], "F", 1)
            .chars()
            .rev()
            .collect::<String>();
        let (allocated, is_taken) = rounds(&params, &made_up);
        assert!(!is_taken && allocated.total < FEW, "{kind}: {allocated:?}");
        // One that is not made up costs some of each member that is open, and nothing of the rest.
        let (allocated, is_taken) = rounds(&params, &state);
        let members = if kind.contains("members") {
            100 * MAX_BODY_VALUES
        } else {
            FEW
        };
        assert!(
            is_taken && allocated.peak < members + 3 * value.len(),
            "{kind}: {allocated:?}"
        );
    }
}

#[test]
fn an_overlong_request_state_is_refused_unread() {
    const LONGEST: usize = 2 * MAX_ANSWER_BYTES;
    let (caller, host) = (Caller::default(), FakeHost::new(String::new()));
    let refused = |bytes: usize| {
        let state = "A".repeat(bytes - r#""""#.len());
        let request = json::read(&body(
            "tools/call",
            &format!(r#"{{"name":"take","requestState":"{state}"}}"#),
        ));
        let (allocated, read) =
            allocated(|| request_state::rounds(&request, &caller, &*host).now_or_never());
        assert_eq!(read.unwrap().unwrap().unwrap_err().code.0, -32602);
        allocated.total
    };
    assert!(refused(LONGEST) >= LONGEST, "one of that length is read");
    assert!(refused(LONGEST + 1) < 4096);
}

#[test]
fn long_data_of_an_error_response_are_dropped() {
    const LONGEST: usize = 64 * 1024;
    let read = |bytes: usize| {
        let data = Value::String("x".repeat(bytes - r#""""#.len()));
        let text = json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 7, "message": "m", "data": data } });
        match parse(&text.to_string()).unwrap() {
            Body::Single(Message::Response(response)) => response.outcome.unwrap_err(),
            other => panic!("{other:?}"),
        }
    };
    assert!(read(LONGEST).data.is_some());
    let error = read(LONGEST + 1);
    assert_eq!(
        (error.code.0, error.message.as_str(), error.data),
        (7, "m", None)
    );
}

#[test]
fn a_batch_takes_memory_in_proportion_to_its_length() {
    let rig = Rig::speaking(ProtocolVersion::V2025_03_26, server());
    for (count, bytes) in [(100, 2 * MAX_BODY_VALUES / 100), (1000, 1000), (50_000, 40)] {
        for (kind, value) in values(bytes) {
            let call = body(
                "tools/call",
                &format!(r#"{{"name":"take","arguments":{{"value":{value}}}}}"#),
            );
            let body = format!("[{}]", vec![call; count].join(","));
            if body.len() > MAX_BODY_BYTES {
                continue;
            }
            check(&format!("{count} times {kind} in a batch"), body, |body| {
                rig.post(body)
            });
        }
    }
}

#[test]
fn a_request_twice_as_long_takes_at_most_twice_the_work() {
    let front = Front::new(server());
    let meta = &envelope(&front);
    let work = |bytes: usize, kind: usize, place: usize| {
        let (_, value) = values(bytes).remove(kind);
        let (_, method, name, params) = requests(&value, meta).remove(place);
        let body = body(method, &params);
        let (allocated, exchange) = allocated(|| without_session(&front, method, name, body));
        drop(exchange);
        allocated.total
    };
    for kind in 0..values(10).len() {
        for place in 0..requests("0", meta).len() {
            let [one, two] = [20_000, 40_000].map(|bytes| work(bytes, kind, place));
            // Buffers that grow by doubling are copied once more or less for a length.
            assert!(two < 3 * one, "{kind} {place}: {one} and {two} bytes");
        }
    }
}

#[test]
fn a_body_with_too_many_values_is_refused_with_its_request_id() {
    let array = format!("[{}]", vec!["0"; MAX_BODY_VALUES].join(","));
    let rig = Rig::new(server());
    let front = Front::new(server());
    let meta = Value::Object(front.envelope());
    let params = format!(r#"{{"name":"take","arguments":{{"value":{array}}},"_meta":{meta}}}"#);
    let session = rig.post(body("tools/call", &params)).answer();
    let alone = without_session(&front, "tools/call", "take", body("tools/call", &params)).answer();
    for answer in [session, alone] {
        assert_eq!(answer.status, 400, "{answer:?}");
        let answer = answer.json();
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(-32600), &json!(7))
        );
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("100000 values") && message.contains("fewer"),
            "{message}"
        );
    }
    let array = format!("[{}]", vec!["0"; MAX_BODY_VALUES - 100].join(","));
    let params = json!({ "name": "take", "arguments": { "value": serde_json::from_str::<Value>(&array).unwrap() } });
    assert_eq!(
        front.result("tools/call", &params)["content"][0]["text"],
        array.len().to_string()
    );
}

#[test]
fn arguments_of_prompts_and_completions_are_limited_in_number() {
    let front = Front::new(server());
    let arguments = |count: usize| {
        let members = (0..count).map(|at| (format!("a{at}"), json!("x")));
        Value::Object(members.collect())
    };
    let prompt = |count| json!({ "name": "say", "arguments": arguments(count) });
    let complete = |count| {
        json!({
            "ref": { "type": "ref/prompt", "name": "say" },
            "argument": { "name": "word", "value": "" },
            "context": { "arguments": arguments(count) },
        })
    };
    assert!(front.result("prompts/get", &prompt(256))["messages"].is_array());
    assert_eq!(
        front.result("completion/complete", &complete(256))["completion"]["values"],
        json!(["256"])
    );
    for (method, params) in [
        ("prompts/get", prompt(257)),
        ("completion/complete", complete(257)),
    ] {
        let answer = front.ask(method, &params).answer().json();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("256 arguments"),
            "{answer}"
        );
    }
}
