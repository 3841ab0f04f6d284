use super::*;

async fn counts(progress: Progress) -> &'static str {
    progress.step(1);
    progress.report(2, 10, "two");
    progress.report(2, 10, "two again");
    progress.report(1.5, 10, "back");
    progress.report(10, 10, "");
    "done"
}

#[test]
fn progress_rises_and_carries_the_clients_token() {
    let talk = Conversation::with(empty().tool("counts", "", counts));
    talk.call("counts", &json!({}));
    assert_eq!(talk.told(), [], "nobody asked");
    for token in [json!("t-1"), json!(7)] {
        talk.ask(
            "tools/call",
            &json!({ "name": "counts", "_meta": { "progressToken": token } }),
        )
        .unwrap();
        let told = talk.told();
        for (about, method, params) in &told {
            assert_eq!(
                (about, *method, &params["progressToken"]),
                (&About::Call, "notifications/progress", &token)
            );
        }
        let rest: Vec<_> = told
            .iter()
            .map(|(_, _, params)| {
                (
                    &params["progress"],
                    params.get("total"),
                    params.get("message"),
                )
            })
            .collect();
        let ten = json!(10.0);
        assert_eq!(
            rest,
            [
                (&json!(1.0), None, None),
                (&json!(2.0), Some(&ten), Some(&json!("two"))),
                (&json!(10.0), Some(&ten), Some(&json!(""))),
            ],
        );
    }
}

async fn logs(log: Log) {
    log.debug("d");
    log.info(json!({ "n": 1 }));
    log.warning("w");
    log.error("e");
    log.send(LogLevel::Emergency, ["x"]);
}

#[test]
fn logs_below_the_clients_level_are_not_sent() {
    let talk = Conversation::with(empty().tool("logs", "", logs));
    let levels = |talk: &Conversation| {
        talk.call("logs", &json!({}));
        let told = talk.told();
        assert!(
            told.iter()
                .all(|(about, method, _)| (*about, *method)
                    == (About::Call, "notifications/message"))
        );
        told.iter()
            .map(|(_, _, params)| params["level"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        levels(&talk),
        ["info", "warning", "error", "emergency"],
        "unless it says otherwise"
    );
    for (level, seen) in [
        (
            "debug",
            vec!["debug", "info", "warning", "error", "emergency"],
        ),
        ("notice", vec!["warning", "error", "emergency"]),
        ("critical", vec!["emergency"]),
        ("emergency", vec!["emergency"]),
    ] {
        assert_eq!(
            talk.ask("logging/setLevel", &json!({ "level": level }))
                .unwrap(),
            json!({})
        );
        assert_eq!(levels(&talk), seen, "{level}");
    }
    for level in [json!("loud"), json!("Debug"), json!(3), json!(null)] {
        assert_eq!(
            talk.refusal("logging/setLevel", &json!({ "level": level }))
                .0,
            -32602,
            "{level}"
        );
    }
    assert_eq!(
        levels(&talk),
        ["emergency"],
        "a refused level changes nothing"
    );
}

#[test]
fn changes_are_published_and_not_sent_on_the_call() {
    let notes = async |notify: Notify| {
        notify.resource_updated("test://a");
        notify.prompts_changed();
    };
    let talk = Conversation::with(empty().tool("notes", "", notes));
    talk.call("notes", &json!({}));
    assert_eq!(
        talk.announced(),
        [Change::Resource("test://a".to_owned()), Change::Prompts]
    );
    assert_eq!(talk.told(), []);
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Seats {
    /// Number of seats?
    seats: u8,
}

async fn book(client: Client) -> Result<String, ToolError> {
    Ok(match client.elicit::<Seats>("seats", "Please:").await? {
        Elicited::Accepted(Seats { seats }) => format!("{seats} seats"),
        Elicited::Declined => "declined".to_owned(),
        Elicited::Cancelled => "dismissed".to_owned(),
    })
}

#[test]
fn a_form_is_asked_and_its_answer_checked() {
    let talk = Conversation::with(empty().tool("book", "", book));
    talk.will_answer(json!({ "action": "accept", "content": { "seats": 4 } }));
    assert_eq!(talk.text("book", &json!({})), "4 seats");
    let asked = talk.asked();
    let [(method, params)] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (*method, &params["message"]),
        ("elicitation/create", &json!("Please:"))
    );
    let schema = &params["requestedSchema"];
    assert_eq!(
        (&schema["type"], &schema["required"]),
        (&json!("object"), &json!(["seats"]))
    );
    assert_eq!(
        schema["properties"]["seats"]["description"],
        "Number of seats?"
    );

    for (answer, told) in [
        (json!({ "action": "decline" }), "declined"),
        (json!({ "action": "cancel" }), "dismissed"),
    ] {
        talk.will_answer(answer);
        assert_eq!(talk.text("book", &json!({})), told);
    }
    for answer in [
        json!({ "action": "accept", "content": { "seats": "four" } }),
        json!({ "action": "accept" }),
        json!({ "action": "perhaps" }),
        json!(null),
        json!([]),
    ] {
        talk.will_answer(answer.clone());
        let told = talk.failure("book", &json!({}));
        assert!(told.contains("elicitation/create"), "{answer}: {told}");
    }
    talk.will_refuse(-1, "User rejected it");
    assert!(
        talk.failure("book", &json!({}))
            .contains("User rejected it")
    );
}

#[test]
fn a_client_is_asked_nothing_that_it_did_not_declare() {
    let errand = async |client: Client| {
        client
            .elicit_url("e", "m", "https://example.com")
            .await
            .map(|_| "opened")
    };
    let roots = async |client: Client| client.roots("roots").await.map(|_| "roots");
    let sample = async |client: Client| {
        client
            .sample("sample", Sampling::new("?", 10))
            .await
            .map(|_| "sampled")
    };
    let with_tools = async |client: Client| {
        client
            .sample("sample", Sampling::new("?", 10).tools(json!([])))
            .await
            .map(|_| "sampled")
    };
    let server = empty()
        .tool("book", "", book)
        .tool("errand", "", errand)
        .tool("roots", "", roots)
        .tool("sample", "", sample)
        .tool("with_tools", "", with_tools);
    let mut talk = Conversation::with(server);
    let all = [
        ("book", ClientCapabilities::ELICITATION_FORM, "elicitation"),
        (
            "errand",
            ClientCapabilities::ELICITATION_URL,
            "elicitation.url",
        ),
        ("roots", ClientCapabilities::ROOTS, "roots"),
        ("sample", ClientCapabilities::SAMPLING, "sampling"),
        ("with_tools", ClientCapabilities::SAMPLING_TOOLS, "sampling"),
    ];
    for (name, needed, word) in all {
        let others = all
            .iter()
            .filter(|(_, other, _)| *other != needed)
            .fold(ClientCapabilities::default(), |set, (_, one, _)| {
                set.and(*one)
            });
        talk.client.capabilities = others;
        assert!(talk.failure(name, &json!({})).contains(word), "{name}");
    }
    assert_eq!(talk.asked(), []);
}

#[test]
fn sampling_roots_and_url_requests_have_the_specified_shape() {
    let sample = async |client: Client| {
        let sampled = client
            .sample(
                "sample",
                Sampling::new("Hi", 10)
                    .system_prompt("Be brief.")
                    .temperature(0.5),
            )
            .await?;
        Ok::<_, ToolError>(format!(
            "{}: {}",
            sampled.model,
            sampled.text().unwrap_or("-")
        ))
    };
    let roots = async |client: Client| {
        let roots = client.roots("roots").await?;
        Ok::<_, ToolError>(
            roots
                .iter()
                .map(|root| root.uri.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let errand = async |client: Client, notify: Notify| {
        client
            .elicit_url("e1", "Sign in.", "https://example.com")
            .await?;
        notify.elicitation_complete("e1");
        client.release_stream();
        Ok::<_, ToolError>("opened")
    };
    let talk = Conversation::with(
        empty()
            .tool("sample", "", sample)
            .tool("roots", "", roots)
            .tool("errand", "", errand),
    );

    talk.will_answer(
        json!({ "role": "assistant", "content": { "type": "text", "text": "Hey" }, "model": "m" }),
    );
    assert_eq!(talk.text("sample", &json!({})), "m: Hey");
    assert_eq!(
        talk.asked(),
        [(
            "sampling/createMessage",
            json!({
                "messages": [{ "role": "user", "content": { "type": "text", "text": "Hi" } }],
                "maxTokens": 10, "systemPrompt": "Be brief.", "temperature": 0.5,
            })
        )]
    );
    talk.will_answer(json!({ "role": "assistant", "content": { "type": "image", "data": "", "mimeType": "image/png" }, "model": "m" }));
    assert_eq!(talk.text("sample", &json!({})), "m: -");

    talk.asked();
    talk.will_answer(
        json!({ "roots": [{ "uri": "file:///a" }, { "uri": "file:///b", "name": "B" }] }),
    );
    assert_eq!(talk.text("roots", &json!({})), "file:///a file:///b");
    assert_eq!(talk.asked(), [("roots/list", json!({}))]);
    talk.will_answer(json!({ "roots": "none" }));
    assert!(talk.failure("roots", &json!({})).contains("roots/list"));

    talk.asked();
    talk.will_answer(json!({ "action": "accept" }));
    assert_eq!(talk.text("errand", &json!({})), "opened");
    assert_eq!(
        talk.asked(),
        [(
            "elicitation/create",
            json!({
                "mode": "url", "elicitationId": "e1", "message": "Sign in.", "url": "https://example.com",
            })
        )]
    );
    assert_eq!(
        talk.told(),
        [(
            About::Session,
            "notifications/elicitation/complete",
            json!({ "elicitationId": "e1" })
        )]
    );
    assert_eq!(talk.releases(), 1);
}
