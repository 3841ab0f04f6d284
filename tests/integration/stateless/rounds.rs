//! Calls whose questions are answered by the next request.

mod answers;
mod once;
mod pages;
mod request_state;

use futures_util::future::join3;

use super::*;

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

fn word(elicited: Elicited<Word>) -> String {
    match elicited {
        Elicited::Accepted(Word { word }) => word,
        Elicited::Declined => "no".to_owned(),
        Elicited::Cancelled => "never mind".to_owned(),
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
