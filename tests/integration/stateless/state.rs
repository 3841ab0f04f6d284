//! State without sessions: who signs in has one, and others name theirs by an argument.

use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::state_name::STATE_ARGUMENT;
use http::Method;

use super::*;
use crate::support::counter::{Counter, increment};
use crate::support::object::{IDLE_MS, MAX_AGE_MS};
use crate::support::peer::Conversation;

async fn total(counter: Session<Counter>) -> Result<String, Error> {
    Ok(counter.get()?.total.to_string())
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct By {
    by: i64,
}

async fn add(
    counter: Session<Counter>,
    notify: Notify,
    Args(By { by }): Args<By>,
) -> Result<String, ToolError> {
    let total = counter.update(|counter| {
        counter.total += by;
        counter.total
    })?;
    notify.resource_updated("test://total");
    notify.tools_changed();
    Ok(total.to_string())
}

async fn ask(client: Client, counter: Session<Counter>) -> Result<String, Error> {
    let roots = client.roots("roots").await?.len();
    Ok(format!(
        "{roots} {}",
        counter.update(|counter| counter.total)?
    ))
}

async fn count_and_ask(client: Client, counter: Session<Counter>) -> Result<String, Error> {
    let rounds = counter.update(|counter| {
        counter.total += 1;
        counter.total
    })?;
    client.roots("roots").await?;
    Ok(rounds.to_string())
}

#[derive(Deserialize, JsonSchema)]
struct Wait {
    ms: u32,
}

async fn slow(
    counter: Session<Counter>,
    sleep: Sleep,
    Args(Wait { ms }): Args<Wait>,
) -> Result<String, ToolError> {
    sleep.ms(ms).await;
    Ok(counter
        .update(|counter| {
            counter.total += 1;
            counter.total
        })?
        .to_string())
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("increment", "", increment)
        .tool("add", "", add)
        .tool("ask", "", ask)
        .tool("count_and_ask", "", count_and_ask)
        .tool("slow", "", slow)
        .tool("plain", "", async || "plain")
        .prompt("total", "", total)
        .prompt("plain", "", async || "plain")
        .resource("total", "test://total", total)
        .resource("plain", "test://plain", async || "plain")
        .resource_template(
            "part",
            "test://part/{id}",
            async |_: Session<Counter>, Args(part): Args<Part>| part.id,
        )
}

#[derive(Deserialize, JsonSchema)]
struct Part {
    id: String,
}

fn front() -> Front {
    Front::new(server())
}

/// The name of the state that a result says it began.
fn begun(result: &Value) -> String {
    assert_eq!(
        (
            result.get("isError"),
            result["content"].as_array().map(Vec::len)
        ),
        (None, Some(2)),
        "{result}"
    );
    let told = result["content"][1]["text"].as_str().unwrap();
    told.split('"')
        .nth(1)
        .unwrap_or_else(|| panic!("{told}"))
        .to_owned()
}

/// A counter that stands at one; its name.
fn counting(front: &Front) -> String {
    let first = front.result("tools/call", &calling("increment", &none()));
    assert_eq!(first["content"][0]["text"], "1");
    begun(&first)
}

fn of(session: &str) -> Value {
    json!({ STATE_ARGUMENT: session })
}

/// Names of the tools, prompts and resources that the lists show with the argument.
fn shown(lists: impl Fn(&str) -> Value) -> [Vec<String>; 3] {
    let those = |key: &str, has: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let list = lists(&format!("{key}/list"));
        let entries = list[key].as_array().unwrap().clone();
        entries
            .iter()
            .filter(|entry| has(entry))
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let in_prompt = |entry: &Value| {
        entry["arguments"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| one["name"] == STATE_ARGUMENT && one["required"] == false)
        })
    };
    [
        those("tools", &|entry| {
            let property = &entry["inputSchema"]["properties"][STATE_ARGUMENT];
            let required = entry["inputSchema"]["required"].as_array();
            property["type"] == "string"
                && required.is_none_or(|all| all.iter().all(|one| one != STATE_ARGUMENT))
        }),
        those("prompts", &in_prompt),
        those("resources", &|entry| {
            entry["description"]
                .as_str()
                .is_some_and(|text| text.contains("?session="))
        }),
    ]
}

#[test]
fn the_session_argument_is_listed_for_anonymous_callers_alone() {
    let named = [
        vec!["increment", "add", "ask", "count_and_ask", "slow"],
        vec!["total"],
        vec!["total"],
    ]
    .map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let nothing: [Vec<String>; 3] = Default::default();
    let front = front();
    assert_eq!(shown(|method| front.result(method, &none())), named);
    let ann = Caller {
        subject: Some("ann".to_owned()),
        ..Caller::default()
    };
    for (version, caller, expected) in [
        (ProtocolVersion::V2026_07_28, Caller::default(), &named),
        (ProtocolVersion::V2026_07_28, ann.clone(), &nothing),
        (ProtocolVersion::V2025_11_25, Caller::default(), &nothing),
        (ProtocolVersion::V2024_11_05, ann, &nothing),
    ] {
        let mut client = Conversation::with(server()).speaking(version);
        client.caller = caller;
        assert_eq!(
            shown(|method| client.ask(method, &none()).unwrap()),
            *expected,
            "{version:?}"
        );
    }
}

#[test]
fn a_state_begins_with_an_unnamed_call_and_continues_by_its_name() {
    let front = front();
    let [mine, yours] = [(); 2].map(|()| counting(&front));
    assert_ne!(mine, yours);
    let second = front.result("tools/call", &calling("increment", &of(&mine)));
    assert_eq!(
        (
            text(&second).as_str(),
            second["content"].as_array().unwrap().len()
        ),
        ("2", 1),
        "it is named once"
    );
    assert_eq!(
        front.text("add", &json!({ "by": 5, STATE_ARGUMENT: mine })),
        "7"
    );
    let said = front.result(
        "prompts/get",
        &json!({ "name": "total", "arguments": of(&mine) }),
    );
    assert_eq!(said["messages"][0]["content"]["text"], "7");
    let uri = format!("test://total?session={mine}");
    let read = front.result("resources/read", &json!({ "uri": uri }));
    assert_eq!(
        (&read["contents"][0]["text"], &read["contents"][0]["uri"]),
        (&json!("7"), &json!(uri))
    );
    assert_eq!(front.text("increment", &of(&yours)), "2");
    assert_eq!(front.states(), 2);
    front.restart();
    assert_eq!(front.text("increment", &of(&mine)), "8");
}

#[test]
fn a_read_without_a_session_shows_the_initial_state() {
    let front = front();
    assert_eq!(
        front.result("resources/read", &json!({ "uri": "test://total" }))["contents"][0]["text"],
        "0"
    );
    assert_eq!(
        front.result("prompts/get", &json!({ "name": "total" }))["messages"][0]["content"]["text"],
        "0"
    );
    let part = front.result("resources/read", &json!({ "uri": "test://part/7" }));
    assert_eq!(
        (&part["contents"][0]["text"], &part["contents"][0]["uri"]),
        (&json!("7"), &json!("test://part/7"))
    );
}

#[test]
fn the_session_of_a_template_is_named_in_the_query_of_its_uri() {
    let front = front();
    let session = counting(&front);
    let uri = format!("test://part/7?session={session}");
    let part = front.result("resources/read", &json!({ "uri": uri }));
    assert_eq!(
        (&part["contents"][0]["text"], &part["contents"][0]["uri"]),
        (&json!("7"), &json!(uri))
    );
    assert_eq!(front.states(), 1);
}

#[test]
fn handlers_without_a_state_use_no_object() {
    let front = front();
    assert_eq!(front.text("plain", &of("anything")), "plain");
    assert_eq!(
        front.result("resources/read", &json!({ "uri": "test://plain" }))["contents"][0]["text"],
        "plain"
    );
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
    ] {
        front.result(method, &none());
    }
    assert_eq!(front.states(), 0);
}

#[test]
fn a_made_up_or_expired_session_is_refused_and_reaches_no_object() {
    let front = front();
    let session = counting(&front);
    front.advance(MAX_AGE_MS);
    assert_eq!(front.states(), 1);
    assert_eq!(
        front.text("increment", &of(&session)),
        "1",
        "idle for so long, it begins anew"
    );
    front.advance(1);
    let tampered = format!("{}A", &session[..session.len() - 1]);
    for unknown in [session.as_str(), tampered.as_str(), "", "x", "session"] {
        let result = front.result("tools/call", &calling("increment", &of(unknown)));
        assert_eq!(
            (&result["resultType"], &result["isError"]),
            (&json!("complete"), &json!(true)),
            "{unknown}"
        );
        assert!(
            result["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("no such `session`"),
            "{result}"
        );
        for (method, params) in [
            (
                "prompts/get",
                json!({ "name": "total", "arguments": of(unknown) }),
            ),
            (
                "resources/read",
                json!({ "uri": format!("test://total?session={unknown}") }),
            ),
        ] {
            let (status, code, _) = refusal(&front.ask(method, &params).answer());
            assert_eq!((status, code), (400, -32602), "{method}: {unknown}");
        }
    }
    assert_eq!(front.states(), 1);
}

#[test]
fn an_idle_state_begins_anew() {
    let front = front();
    let session = counting(&front);
    front.advance(IDLE_MS);
    assert_eq!(front.text("increment", &of(&session)), "1");
    assert_eq!(front.text("increment", &of(&session)), "2");
    front.advance(IDLE_MS - 1);
    assert_eq!(front.text("increment", &of(&session)), "3");
    front.advance(IDLE_MS + IDLE_MS / 4);
    front.restart();
    assert_eq!(
        front.text("increment", &of(&session)),
        "1",
        "after a sleep, too"
    );
    front.advance(2 * MAX_AGE_MS + 10_000);
    assert!(
        front.state().memory().is_empty(),
        "nothing is kept for ever"
    );
    assert_eq!(front.state().memory().alarm(), None);
}

#[test]
fn a_state_is_kept_over_rounds_of_questions() {
    let front = front();
    let call = calling("ask", &none());
    let first = front.result("tools/call", &call);
    assert_eq!(first["resultType"], "input_required");
    let done = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "roots": { "roots": [] } }),
    );
    assert_eq!(text(&done), "0 0");
    let session = begun(&done);
    front.text("increment", &of(&session));
    let call = calling("ask", &of(&session));
    let first = front.result("tools/call", &call);
    let done = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "roots": { "roots": [] } }),
    );
    assert_eq!(
        (
            text(&done).as_str(),
            done["content"].as_array().unwrap().len()
        ),
        ("0 1", 1)
    );
}

#[test]
fn later_rounds_use_the_state_that_the_first_round_began() {
    let front = front();
    let call = calling("count_and_ask", &none());
    let first = front.result("tools/call", &call);
    let done = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "roots": { "roots": [] } }),
    );
    assert_eq!((text(&done).as_str(), front.states()), ("2", 1));
    assert_eq!(front.text("increment", &of(&begun(&done))), "3");
}

#[test]
fn a_call_whose_client_hung_up_changes_no_state() {
    let front = front();
    let session = counting(&front);
    let call = front.call("slow", &json!({ "ms": 100, STATE_ARGUMENT: session }));
    assert!(call.is_open());
    call.hang_up();
    front.advance(1000);
    assert_eq!(front.text("increment", &of(&session)), "2");
}

#[test]
fn a_change_is_published_under_the_uri_that_its_caller_knows() {
    let front = front();
    let session = counting(&front);
    front.text("add", &json!({ "by": 1, STATE_ARGUMENT: session }));
    let published = front.host.published.take();
    let told: Vec<_> = published
        .iter()
        .map(|publication| (publication.about.clone(), publication.concerns_sessions()))
        .collect();
    let own = (format!("resource test://total?session={session}"), false);
    assert_eq!(told, [own, ("tools".to_owned(), true)]);
}

#[test]
fn a_state_that_does_not_change_writes_no_row() {
    let front = front();
    front.result("prompts/get", &json!({ "name": "total" }));
    assert!(front.state().memory().is_empty());
    let answer = front.send(Method::POST, &[], String::new()).answer();
    assert_eq!(answer.status, 400);
    assert_eq!(front.states(), 1);
}

#[test]
fn a_stateful_handler_whose_session_cannot_be_named_is_a_problem() {
    #[derive(Deserialize, JsonSchema)]
    struct Own {
        session: String,
    }
    let plain = async |Args(Own { session }): Args<Own>| session;
    let both = async |_: Session<Counter>, Args(Own { session }): Args<Own>| session;
    let server = Server::new("s", "1")
        .tool("plain", "", plain)
        .tool("both", "", both)
        .prompt("plain", "", plain)
        .prompt("both", "", both)
        .with(Tool::new("task", "", increment).task_optional())
        .with(Tool::new("only", "", increment).task_required())
        .with(
            Tool::new("header", "", plain).input_schema(schemars::json_schema!({
                "properties": { "a": { "type": "number", "x-mcp-header": "A" } },
            })),
        );
    let problems = server.problems().clone();
    for (name, fault) in [
        ("both", "a `session` of their own"),
        ("task", "no session"),
        ("only", "no session"),
        ("header", "must be a string"),
    ] {
        assert!(
            problems
                .iter()
                .any(|problem| problem.contains(&format!("tool `{name}`"))
                    && problem.contains(fault)),
            "{problems:?}"
        );
    }
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("prompt `both`")),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 5, "{problems:?}");
    let kept = Server::new("s", "1").tool("plain", "", plain);
    assert_eq!(Front::new(kept).text("plain", &of("x")), "x");
}
