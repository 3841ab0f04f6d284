//! The state that a client sends back: refused when changed, late, or of another request, user or client.

use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_mcp_protocol::jsonrpc::Request;
use durable_mcp_protocol::round_trips::RoundTrips;
use durable_mcp_worker::testing::doubles::host::FakeHost;
use durable_mcp_worker::transport::request_state::{self, ROUND_WITHIN_MS};
use durable_mcp_worker::transport::session_id::ObjectId;
use durable_mcp_worker::transport::state_handle;
use futures_util::FutureExt;

use super::*;
use crate::support::json;

/// The refusal of a call with that state.
fn refused(front: &Front, method: &str, params: &Value, state: &str) -> (u16, i64) {
    let mut params = params.clone();
    params["requestState"] = json!(state);
    params["inputResponses"] = json!({ "word": said("this") });
    let answer = front.ask(method, &params).answer();
    if answer.json().get("error").is_none() {
        return (answer.status, 0);
    }
    let (status, code, _) = refusal(&answer);
    (status, code)
}

const REFUSED: (u16, i64) = (400, -32602);
const TAKEN: (u16, i64) = (200, 0);

#[test]
fn a_request_state_that_was_tampered_with_is_refused() {
    let front = front();
    let call = calling("one", &none());
    let state = front.result("tools/call", &call)["requestState"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(refused(&front, "tools/call", &call, &state), TAKEN);
    for at in 0..state.len() {
        let other = if &state[at..=at] == "A" { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &state[..at], &state[at + 1..]);
        assert_eq!(
            refused(&front, "tools/call", &call, &tampered),
            REFUSED,
            "{at}"
        );
        assert_eq!(
            refused(&front, "tools/call", &call, &state[..at]),
            REFUSED,
            "{at}"
        );
    }
    for made_up in [
        "",
        "x",
        &format!("{state}A"),
        &format!("{state}="),
        &format!(" {state}"),
        &"A".repeat(state.len()),
    ] {
        assert_eq!(
            refused(&front, "tools/call", &call, made_up),
            REFUSED,
            "{made_up}"
        );
    }
}

#[test]
fn a_request_state_expires_after_ten_minutes() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    front.advance(ROUND_WITHIN_MS);
    let second = front.again("tools/call", &call, &first, &json!({ "word": said("a") }));
    front.advance(ROUND_WITHIN_MS);
    let third = front.again(
        "tools/call",
        &call,
        &second,
        &json!({ "word-2": said("b") }),
    );
    let state = third["requestState"].as_str().unwrap().to_owned();
    front.advance(ROUND_WITHIN_MS + 1);
    assert_eq!(refused(&front, "tools/call", &call, &state), REFUSED);
}

#[test]
fn a_request_state_is_refused_for_another_request() {
    let front = front();
    let state = |method: &str, params: &Value| {
        front.result(method, params)["requestState"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (tool, prompt, resource) = (
        calling("one", &none()),
        json!({ "name": "one" }),
        json!({ "uri": "test://one" }),
    );
    let of_tool = state("tools/call", &tool);
    assert_eq!(
        refused(&front, "tools/call", &calling("other", &none()), &of_tool),
        REFUSED
    );
    assert_eq!(
        refused(
            &front,
            "tools/call",
            &calling("one", &json!({ "a": 1 })),
            &of_tool
        ),
        REFUSED
    );
    assert_eq!(refused(&front, "prompts/get", &prompt, &of_tool), REFUSED);
    assert_eq!(refused(&front, "prompts/get", &tool, &of_tool), REFUSED);
    assert_eq!(
        refused(&front, "resources/read", &resource, &of_tool),
        REFUSED
    );
    assert_eq!(
        refused(&front, "tools/call", &tool, &state("prompts/get", &prompt)),
        REFUSED
    );
    assert_eq!(
        refused(
            &front,
            "prompts/get",
            &prompt,
            &state("resources/read", &resource)
        ),
        REFUSED
    );
    let written = |text: &str| calling("bound", &serde_json::from_str(text).unwrap());
    let of_arguments = state(
        "tools/call",
        &written(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#),
    );
    for other in [
        r#"{"a":2,"b":{"c":[1,2],"d":null}}"#,
        r#"{"a":1,"b":{"c":[2,1],"d":null}}"#,
        r#"{"a":1,"b":{"c":[1,2]}}"#,
        r#"{"a":1}"#,
    ] {
        assert_eq!(
            refused(&front, "tools/call", &written(other), &of_arguments),
            REFUSED,
            "{other}"
        );
    }
}

#[test]
fn a_request_state_is_bound_to_arguments_too_deep_to_be_parsed() {
    let (caller, host) = (Caller::default(), FakeHost::new(String::new()));
    let nested = |inner: &str| {
        let deep = format!("{}{inner}{}", "[".repeat(200), "]".repeat(200));
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"one","arguments":{{"a":{deep}}}}}}}"#
        );
        json::read(&body)
    };
    let keys = Keys::from_secret("k");
    let sealed = request_state::seal(
        &RoundTrips::default(),
        None,
        &nested("1"),
        &caller,
        host.now(),
        &keys,
        host.random(),
    );
    let state = sealed.unwrap().unwrap();
    let is_taken = |inner: &str| {
        let mut text = nested(inner).params.to_json();
        text.insert_str(1, &format!(r#""requestState":"{state}","#));
        let request = json::read(&format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{text}}}"#
        ));
        request_state::rounds(&request, &caller, &*host)
            .now_or_never()
            .unwrap()
            .unwrap()
            .is_ok()
    };
    assert!(is_taken("1") && !is_taken("2"));
}

#[test]
fn the_same_request_written_differently_continues_its_rounds() {
    let front = front();
    let (headers, body) = front.written(
        "tools/call",
        &calling("bound", &json!({ "a": 1, "b": { "c": "x", "d": 2 } })),
    );
    let first = front
        .send(http::Method::POST, &headers, body)
        .answer()
        .json();
    let meta = Value::Object(front.envelope());
    let (state, answers) = (
        &first["result"]["requestState"],
        json!({ "word": said("this") }),
    );
    let body = format!(
        r#"{{"params":{{"requestState":{state},"arguments":{{"b": {{"d":2,"c":"\u0078"}},"a":1}},
        "inputResponses":{answers},"_meta":{meta},"name":"bound"}},"method":"tools/call","id":"another","jsonrpc":"2.0"}}"#
    );
    let second = front
        .send(http::Method::POST, &headers, body)
        .answer()
        .json();
    assert_eq!(
        (text(&second["result"]).as_str(), &second["id"]),
        ("this 1", &json!("another"))
    );
    // Capabilities of a client may differ from round to round, and so may its progress tokens.
    let mut call = calling("bound", &json!({ "a": 1, "b": { "c": "x", "d": 2 } }));
    call["_meta"] = json!({ "progressToken": 7 });
    assert_eq!(
        text(&front.again("tools/call", &call, &first["result"], &answers)),
        "this 1"
    );
}

fn caller(subject: &str, client: &str) -> Caller {
    Caller {
        subject: Some(subject.to_owned()),
        client_id: Some(client.to_owned()),
        ..Caller::default()
    }
}

fn request(method: &str, params: &Value) -> Request {
    json::read(&json::request(1, method, params))
}

/// True if a request with that state is accepted from that caller.
fn is_taken(state: &str, caller: &Caller, host: &FakeHost) -> bool {
    let request = request(
        "tools/call",
        &json!({ "name": "one", "requestState": state }),
    );
    let read = request_state::rounds(&request, caller, host)
        .now_or_never()
        .expect("keys are at hand");
    match read.expect("nothing fails here") {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code.0, -32602);
            false
        }
    }
}

#[test]
fn a_request_state_is_bound_to_its_user_and_client() {
    let host = FakeHost::new(String::new());
    let keys = host.keys(false).now_or_never().unwrap().unwrap();
    let seal = |caller: &Caller, keys: &Keys| {
        let first = request("tools/call", &json!({ "name": "one" }));
        request_state::seal(
            &RoundTrips::default(),
            None,
            &first,
            caller,
            host.now(),
            keys,
            host.random(),
        )
        .unwrap()
        .unwrap()
    };
    let ann = caller("ann", "c");
    let state = seal(&ann, &keys);
    assert!(is_taken(&state, &ann, &host));
    assert!(is_taken(
        &state,
        &Caller {
            scopes: vec!["more".into()],
            expires: Some(1),
            ..ann.clone()
        },
        &host
    ));
    for other in [
        caller("bob", "c"),
        caller("ann", "d"),
        caller("annc", ""),
        caller("c", "ann"),
        Caller::default(),
    ] {
        assert!(!is_taken(&state, &other, &host), "{other:?}");
        assert!(is_taken(&seal(&other, &keys), &other, &host));
    }
    assert!(!is_taken(&seal(&Caller::default(), &keys), &ann, &host));
    assert!(!is_taken(
        &seal(&ann, &Keys::from_secret("another deployment's")),
        &ann,
        &host
    ));
    // Other texts that are sealed with the same keys are no state of a request.
    let handle = state_handle::seal(ObjectId([7; 32]), host.now(), &keys, host.random()).unwrap();
    assert!(!is_taken(&handle, &Caller::default(), &host));
    let task = durable_mcp_worker::task::id::seal(
        ObjectId([7; 32]),
        (host.now(), host.now() + 1),
        &ann,
        &keys,
        host.random(),
    )
    .unwrap();
    assert!(!is_taken(&task, &ann, &host));
}
