//! The state of a signed-in user, whose client has no session.

use durable_mcp_protocol::caller::Caller;
use durable_mcp_worker::transport::internal_headers;

use super::*;
use crate::support::front::{VERSION, refusal};
use crate::support::object::Exchange;

async fn change(counter: Session<Counter>, notify: Notify) -> Result<String, ToolError> {
    counter.update(|counter| counter.total += 10)?;
    notify.resource_updated("test://total");
    notify.resource_updated("test://plain");
    notify.tools_changed();
    Ok("changed".to_owned())
}

async fn ask(client: Client, counter: Session<Counter>) -> Result<String, ToolError> {
    let roots = client.roots("roots").await?.len();
    Ok(format!("{roots} {}", counter.get()?.total))
}

fn of_users() -> Rig {
    Rig::new(
        server()
            .tool("change", "", change)
            .tool("ask", "", ask)
            .resource("plain", "test://plain", async || "plain"),
    )
}

fn ann() -> Caller {
    Caller {
        subject: Some("ann".to_owned()),
        client_id: Some("c".to_owned()),
        ..Caller::default()
    }
}

/// A request as the Worker passes it on.
fn passed_on(rig: &Rig, caller: &Caller, method: &str, params: &Value) -> Exchange {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": { "roots": {} },
    });
    let caller = internal_headers::encode(caller).unwrap();
    let headers = [
        ("mcp-protocol-version", VERSION),
        (internal_headers::TRANSPORT, "stateless"),
        (internal_headers::CALLER, caller.as_str()),
    ];
    rig.send(Method::POST, &headers, Ok(request(1, method, &params)))
}

fn calling(rig: &Rig, name: &str) -> Value {
    let answer = passed_on(
        rig,
        &ann(),
        "tools/call",
        &json!({ "name": name, "arguments": {} }),
    )
    .answer();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["result"].take()
}

#[test]
fn all_clients_of_a_user_share_one_state_without_a_name() {
    let rig = of_users();
    for expected in ["1", "2"] {
        let result = calling(&rig, "increment");
        assert_eq!(
            result["content"],
            json!([{ "type": "text", "text": expected }]),
            "nothing is told of a session"
        );
    }
    rig.restart();
    assert_eq!(calling(&rig, "increment")["content"][0]["text"], "3");
    let read = passed_on(
        &rig,
        &ann(),
        "resources/read",
        &json!({ "uri": "test://total" }),
    )
    .answer()
    .json();
    assert_eq!(
        (
            &read["result"]["contents"][0]["text"],
            &read["result"]["cacheScope"]
        ),
        (&json!("3"), &json!("private"))
    );
}

#[test]
fn an_idle_state_of_a_user_begins_anew() {
    let rig = of_users();
    calling(&rig, "increment");
    rig.advance(IDLE_MS);
    assert_eq!(calling(&rig, "increment")["content"][0]["text"], "1");
    assert_eq!(calling(&rig, "increment")["content"][0]["text"], "2");
    rig.advance(IDLE_MS - 1);
    rig.restart();
    assert_eq!(calling(&rig, "increment")["content"][0]["text"], "3");
}

#[test]
fn changes_of_a_users_state_are_published_to_that_user_alone() {
    let rig = of_users();
    calling(&rig, "change");
    let published = rig.host.published.take();
    let about: Vec<_> = published
        .iter()
        .map(|publication| (publication.about.as_str(), publication.user.is_some()))
        .collect();
    assert_eq!(
        about,
        [
            ("resource test://total", true),
            ("resource test://plain", false),
            ("tools", false)
        ]
    );
    assert_eq!(published[0].user, durable_mcp_worker::hub::user_tag(&ann()));
    assert!(
        published
            .iter()
            .all(|publication| publication.except.is_none())
    );
}

#[test]
fn every_round_of_questions_has_the_state_of_its_user_alone() {
    let rig = of_users();
    let first = calling(&rig, "ask");
    assert_eq!(first["resultType"], "input_required");
    let answers = json!({ "roots": { "roots": [] } });
    let again = json!({ "name": "ask", "arguments": {}, "requestState": first["requestState"], "inputResponses": answers });
    let done = passed_on(&rig, &ann(), "tools/call", &again)
        .answer()
        .json();
    assert_eq!(done["result"]["content"][0]["text"], "0 0");
    let bob = Caller {
        subject: Some("bob".to_owned()),
        ..ann()
    };
    let (status, code, _) = refusal(&passed_on(&rig, &bob, "tools/call", &again).answer());
    assert_eq!((status, code), (400, -32602));
}
