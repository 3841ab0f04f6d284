//! Calls whose questions are answered by the next request.

mod pages;

use durable_mcp::keys::Keys;
use durable_mcp::mcp::jsonrpc::Request;
use durable_mcp::runtime::Runtime;
use durable_mcp::transport::claims::ObjectId;
use durable_mcp::transport::request_state::{self, MAX_ANSWER_BYTES, ROUND_WITHIN_MS};
use durable_mcp::transport::round_trips::{MAX_ANSWERS, RoundTrips};
use durable_mcp::transport::state_handle;
use futures_util::FutureExt;
use futures_util::future::join3;

use super::*;
use crate::support::json;
use durable_mcp::testing::doubles::host::FakeHost;

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

fn word(elicited: Elicited<Word>) -> String {
    match elicited {
        Elicited::Accepted(Word { word }) => word,
        Elicited::Declined => "no".to_owned(),
        Elicited::Dismissed => "never mind".to_owned(),
    }
}

async fn one(client: Client) -> Result<String, Error> {
    Ok(word(client.elicit("word", "Which?").await?))
}

/// Asks one question after another, two of them by the same key.
async fn several(client: Client) -> Result<String, Error> {
    let first = word(client.elicit("word", "Which?").await?);
    let second = word(client.elicit("word", format!("And after {first}?")).await?);
    let roots = client.roots("where").await?.len();
    Ok(format!("{first} {second} {roots}"))
}

async fn together(client: Client) -> Result<String, Error> {
    let (said, sampled, roots) = join3(
        client.elicit::<Word>("word", "Which?"),
        client.sample("line", Sampling::new("A line, please", 10)),
        client.roots("where"),
    )
    .await;
    Ok(format!(
        "{} {} {}",
        word(said?),
        sampled?.model,
        roots?.len()
    ))
}

#[derive(Deserialize, JsonSchema)]
struct Two {
    a: i64,
    b: Option<Value>,
}

async fn bound(client: Client, Args(Two { a, b }): Args<Two>) -> Result<String, Error> {
    drop(b);
    Ok(format!(
        "{} {a}",
        word(client.elicit("word", "Which?").await?)
    ))
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("one", "", one)
        .tool("other", "", one)
        .tool("several", "", several)
        .tool("together", "", together)
        .tool("bound", "", bound)
        .prompt("one", "", one)
        .resource("one", "test://one", one)
}

fn front() -> Front {
    Front::new(server())
}

fn said(word: &str) -> Value {
    json!({ "action": "accept", "content": { "word": word } })
}

fn sampled() -> Value {
    json!({ "role": "assistant", "model": "m", "content": { "type": "text", "text": "a line" } })
}

/// The keys of what is asked, in order; nothing else comes with them.
fn asked(result: &Value) -> Vec<&str> {
    assert_eq!(result["resultType"], "input_required", "{result}");
    let mut members: Vec<_> = result
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    assert_eq!(
        members,
        ["_meta", "inputRequests", "requestState", "resultType"]
    );
    let mut keys: Vec<_> = result["inputRequests"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn one_question_takes_two_rounds() {
    let front = front();
    for (method, params) in [
        ("tools/call", calling("one", &none())),
        ("prompts/get", json!({ "name": "one" })),
        ("resources/read", json!({ "uri": "test://one" })),
    ] {
        let first = front.result(method, &params);
        assert_eq!(asked(&first), ["word"], "{method}");
        let question = &first["inputRequests"]["word"];
        assert_eq!(
            (&question["method"], &question["params"]["message"]),
            (&json!("elicitation/create"), &json!("Which?"))
        );
        assert_eq!(
            question["params"]["requestedSchema"]["properties"]["word"]["type"],
            "string"
        );
        let done = front.again(method, &params, &first, &json!({ "word": said("this") }));
        assert_eq!(done["resultType"], "complete", "{method}");
        assert!(done.to_string().contains("\"text\":\"this\""), "{done}");
    }
}

#[test]
fn a_declined_or_cancelled_question_reaches_the_handler() {
    let front = front();
    let call = calling("one", &none());
    for (action, expected) in [("decline", "no"), ("cancel", "never mind")] {
        let first = front.result("tools/call", &call);
        let done = front.again(
            "tools/call",
            &call,
            &first,
            &json!({ "word": { "action": action } }),
        );
        assert_eq!(text(&done), expected);
    }
}

#[test]
fn consecutive_questions_take_one_round_each() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    assert_eq!(asked(&first), ["word"]);
    let second = front.again("tools/call", &call, &first, &json!({ "word": said("a") }));
    assert_eq!(asked(&second), ["word-2"]);
    assert_eq!(
        second["inputRequests"]["word-2"]["params"]["message"],
        "And after a?"
    );
    let third = front.again(
        "tools/call",
        &call,
        &second,
        &json!({ "word-2": said("b") }),
    );
    assert_eq!(asked(&third), ["where"]);
    assert_eq!(
        third["inputRequests"]["where"],
        json!({ "method": "roots/list", "params": {} })
    );
    let states = [&first, &second, &third].map(|round| round["requestState"].as_str().unwrap());
    assert!(states[0] != states[1] && states[1] != states[2] && states[0] != states[2]);
    let done = front.again(
        "tools/call",
        &call,
        &third,
        &json!({ "where": { "roots": [{ "uri": "file:///a" }] } }),
    );
    assert_eq!(text(&done), "a b 1");
}

#[test]
fn answers_in_the_first_request_need_no_request_state() {
    let front = front();
    let mut call = calling("several", &none());
    call["inputResponses"] =
        json!({ "word": said("a"), "word-2": said("b"), "where": { "roots": [] } });
    assert_eq!(text(&front.result("tools/call", &call)), "a b 0");
}

#[test]
fn questions_asked_together_go_out_in_one_round() {
    let front = front();
    let call = calling("together", &none());
    let first = front.result("tools/call", &call);
    assert_eq!(asked(&first), ["line", "where", "word"]);
    assert_eq!(
        first["inputRequests"]["line"]["method"],
        "sampling/createMessage"
    );
    let part = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "word": said("a"), "line": sampled() }),
    );
    assert_eq!(
        asked(&part),
        ["where"],
        "what was not answered is asked again"
    );
    let nothing = front.again("tools/call", &call, &part, &none());
    assert_eq!(asked(&nothing), ["where"]);
    let done = front.again(
        "tools/call",
        &call,
        &nothing,
        &json!({ "where": { "roots": [] } }),
    );
    assert_eq!(text(&done), "a m 0");
}

#[test]
fn answers_to_no_question_are_ignored() {
    let front = front();
    let call = calling("one", &none());
    let first = front.result("tools/call", &call);
    let again = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "wrod": said("x"), "other": {} }),
    );
    assert_eq!(asked(&again), ["word"]);
    let answers = json!({ "word": said("this"), "word-2": said("x"), "more": sampled() });
    assert_eq!(
        text(&front.again("tools/call", &call, &again, &answers)),
        "this"
    );
}

#[test]
fn a_question_with_a_wrong_answer_is_asked_again() {
    let front = front();
    let call = calling("together", &none());
    let right = json!({ "word": said("a"), "line": sampled(), "where": { "roots": [] } });
    for (key, wrong) in [
        ("word", json!({})),
        ("word", json!({ "action": "perhaps" })),
        ("word", json!({ "roots": [] })),
        ("line", json!({ "content": "x" })),
        ("line", said("a")),
        ("where", json!({ "roots": 1 })),
        ("where", sampled()),
    ] {
        let first = front.result("tools/call", &call);
        let mut answers = right.clone();
        answers[key] = wrong.clone();
        let again = front.again("tools/call", &call, &first, &answers);
        assert_eq!(asked(&again), [key], "{wrong}");
        let done = front.again("tools/call", &call, &again, &json!({ key: right[key] }));
        assert_eq!(text(&done), "a m 0", "{wrong}");
    }
}

#[test]
fn malformed_input_responses_are_refused() {
    let front = front();
    for wrong in [
        json!(null),
        json!(1),
        json!([]),
        json!("word"),
        json!({ "word": "this" }),
        json!({ "word": null }),
        json!({ "\u{1}kept": {} }),
        (0..=MAX_ANSWERS)
            .map(|at| (at.to_string(), json!({})))
            .collect(),
    ] {
        let mut call = calling("one", &none());
        call["inputResponses"] = wrong.clone();
        let (status, code, _) = refusal(&front.ask("tools/call", &call).answer());
        assert_eq!((status, code), (400, -32602), "{wrong}");
    }
    let mut call = calling("one", &none());
    call["requestState"] = json!(7);
    assert_eq!(refusal(&front.ask("tools/call", &call).answer()).1, -32602);
}

#[test]
fn an_accepted_answer_cannot_be_changed_in_a_later_round() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    let second = front.again("tools/call", &call, &first, &json!({ "word": said("a") }));
    let third = front.again(
        "tools/call",
        &call,
        &second,
        &json!({ "word": said("changed"), "word-2": said("b") }),
    );
    let done = front.again(
        "tools/call",
        &call,
        &third,
        &json!({ "word": said("again"), "where": { "roots": [] } }),
    );
    assert_eq!(text(&done), "a b 0");
}

#[test]
fn questions_of_one_call_never_share_a_key() {
    let clash = async |client: Client| -> Result<String, Error> {
        let (first, second, third) = join3(
            client.elicit("a-2", "1"),
            client.elicit("a", "2"),
            client.elicit("a", "3"),
        )
        .await;
        Ok(format!(
            "{} {} {}",
            word(first?),
            word(second?),
            word(third?)
        ))
    };
    let front = Front::new(server().tool("clash", "", clash));
    let call = calling("clash", &none());
    let first = front.result("tools/call", &call);
    let keys = asked(&first);
    assert_eq!(keys.len(), 3, "{keys:?}");
    let answers: serde_json::Map<_, _> = keys
        .iter()
        .map(|key| {
            (
                (*key).to_owned(),
                said(
                    first["inputRequests"][*key]["params"]["message"]
                        .as_str()
                        .unwrap(),
                ),
            )
        })
        .collect();
    assert_eq!(
        text(&front.again("tools/call", &call, &first, &Value::Object(answers))),
        "1 2 3"
    );
}

#[test]
fn work_inside_once_runs_a_single_time_over_all_rounds() {
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    let begun = Rc::new(Cell::new(0));
    let beginnings = Rc::clone(&begun);
    let ordering = move |client: Client| {
        let (runs, begun) = (Rc::clone(&counter), Rc::clone(&beginnings));
        async move {
            begun.set(begun.get() + 1);
            let first = word(client.elicit("word", "1").await?);
            let made = async || {
                runs.set(runs.get() + 1);
                Ok::<_, Error>(format!("order {}", runs.get()))
            };
            let order = client.once("order", made()).await?;
            let again = client.once("order", made()).await?;
            let second = word(client.elicit("word", "2").await?);
            let third = word(client.elicit("word", "3").await?);
            Ok::<_, Error>(format!("{order}, {again}: {first} {second} {third}"))
        }
    };
    let front = Front::new(server().tool("order", "", ordering));
    let call = calling("order", &none());
    let mut round = front.result("tools/call", &call);
    for (key, answer) in [("word", "a"), ("word-2", "b"), ("word-3", "c")] {
        assert_eq!(asked(&round), [key]);
        round = front.again("tools/call", &call, &round, &json!({ key: said(answer) }));
    }
    assert_eq!(text(&round), "order 1, order 1: a b c");
    assert_eq!((runs.get(), begun.get()), (1, 4));
}

#[test]
fn a_nan_inside_once_is_an_error_with_its_place() {
    let measuring = async |client: Client| {
        let mean = client
            .once("mean", async { Ok::<_, Error>([1.0, f64::NAN]) })
            .await?;
        Ok::<_, Error>(format!("{mean:?}"))
    };
    let front = Front::new(server().tool("measure", "", measuring));
    let result = front.result("tools/call", &calling("measure", &none()));
    let told = result["content"][0]["text"].as_str().unwrap();
    assert!(
        told.contains("What `mean` gave cannot be kept") && told.contains("`[1]`"),
        "{told}"
    );
}

#[test]
fn all_answers_together_have_a_length_limit() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    let mut second = call.clone();
    second["requestState"] = first["requestState"].clone();
    second["inputResponses"] = json!({ "word": said(&"x".repeat(MAX_ANSWER_BYTES)) });
    let (status, code, _) = refusal(&front.ask("tools/call", &second).answer());
    assert_eq!((status, code), (400, -32602));
}

#[test]
fn the_answers_of_the_last_round_have_a_length_limit() {
    let front = front();
    let call = calling("one", &none());
    let first = front.result("tools/call", &call);
    let with = |bytes: usize| {
        let mut last = call.clone();
        last["requestState"] = first["requestState"].clone();
        last["inputResponses"] = json!({ "word": said(&"x".repeat(bytes)) });
        front.ask("tools/call", &last).answer()
    };
    let refused = with(MAX_ANSWER_BYTES);
    assert_eq!((refused.status, refusal(&refused).1), (400, -32602));
    assert!(
        refused.text.contains("1048576 bytes. Send shorter ones"),
        "{refused:?}"
    );
    assert_eq!(with(MAX_ANSWER_BYTES - 1000).status, 200);
}

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
    // What a client declares may differ from round to round, and so may its tokens.
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
    // What else is sealed with the same keys is no state of a request.
    let handle = state_handle::seal(ObjectId([7; 32]), host.now(), &keys, host.random()).unwrap();
    assert!(!is_taken(&handle, &Caller::default(), &host));
    let task = durable_mcp::task::id::seal(
        ObjectId([7; 32]),
        (host.now(), host.now() + 1),
        &ann,
        &keys,
        host.random(),
    )
    .unwrap();
    assert!(!is_taken(&task, &ann, &host));
}
