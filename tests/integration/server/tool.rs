use super::*;

fn caller(subject: Option<&str>, scopes: &[&str]) -> Caller {
    Caller {
        subject: subject.map(str::to_owned),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Caller::default()
    }
}

#[test]
fn a_hidden_tool_does_not_exist_and_missing_scopes_are_named() {
    let server = empty()
        .tool("open", "", hello)
        .with(
            Tool::new("admin", "", hello)
                .visible_to(|caller| caller.subject.as_deref() == Some("root")),
        )
        .with(Tool::new("write", "", hello).scopes(["write", "read"]));
    let mut talk = Conversation::with(server);
    for (who, sees) in [
        (caller(None, &[]), vec!["open"]),
        (caller(Some("ann"), &["read"]), vec!["open"]),
        (
            caller(Some("ann"), &["read", "write", "more"]),
            vec!["open", "write"],
        ),
        (caller(Some("root"), &[]), vec!["open", "admin"]),
        (
            caller(Some("root"), &["write", "read"]),
            vec!["open", "admin", "write"],
        ),
    ] {
        talk.caller = who;
        assert_eq!(
            talk.pages("tools/list", "tools"),
            std::slice::from_ref(&sees)
        );
        for name in ["open", "admin", "write"] {
            if sees.contains(&name) {
                assert_eq!(talk.text(name, &json!({})), "hello");
            } else {
                let refused = talk.refusal("tools/call", &json!({ "name": name }));
                let expected = match name {
                    "write" => (
                        -32000,
                        "This needs the scopes write read. Ask the user for them as well."
                            .to_owned(),
                    ),
                    // As one that is made up.
                    _ => (-32602, format!("There is no tool {name:?}.")),
                };
                assert_eq!(refused, expected);
            }
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Report {
    /// Number of pieces
    count: u32,
    note: Option<&'static str>,
}

async fn report() -> Json<Report> {
    Json(Report {
        count: 3,
        note: None,
    })
}

async fn maybe(Args(Word { word }): Args<Word>) -> Result<Json<Report>, ToolError> {
    if word == "yes" {
        Ok(report().await)
    } else {
        Err(ToolError::new("no"))
    }
}

#[test]
fn structured_output_has_a_schema_and_is_repeated_as_text() {
    let talk = Conversation::with(empty().tool("report", "", report).tool("maybe", "", maybe));
    let tools = talk.ask("tools/list", &json!({})).unwrap();
    for at in [0, 1] {
        let schema = &tools["tools"][at]["outputSchema"];
        assert_eq!(
            (&schema["type"], &schema["properties"]["count"]["type"]),
            (&json!("object"), &json!("integer"))
        );
        assert_eq!(
            schema["properties"]["count"]["description"],
            "Number of pieces"
        );
    }
    let result = talk.call("report", &json!({}));
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap(),
        result["structuredContent"]
    );
    assert_eq!(result["structuredContent"]["count"], 3);
    assert_eq!(talk.call("maybe", &json!({ "word": "yes" })), result);
    let refused = talk.call("maybe", &json!({ "word": "no" }));
    assert_eq!(
        refused,
        json!({ "content": [{ "type": "text", "text": "no" }], "isError": true })
    );
    assert_eq!(talk.outcome(), CallOutcome::ToolError);
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(Deserialize, JsonSchema)]
struct Item {
    name: String,
    size: Size,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only that they can be read matters")]
struct Order {
    items: Vec<Item>,
    count: u8,
    note: Option<String>,
}

async fn order(Args(order): Args<Order>) -> String {
    let large = order
        .items
        .iter()
        .filter(|item| matches!(item.size, Size::Large));
    large.map(|item| item.name.as_str()).collect()
}

#[test]
fn a_wrong_argument_is_reported_with_its_path() {
    let talk = Conversation::with(empty().tool("order", "", order));
    assert_eq!(
        talk.text(
            "order",
            &json!({ "items": [{ "name": "a", "size": "large" }], "count": 1 })
        ),
        "a"
    );
    for (arguments, path) in [
        (json!({ "count": 1 }), "`items`"),
        (json!({ "items": {}, "count": 1 }), "`items`"),
        (json!({ "items": [], "count": "1" }), "`count`"),
        (json!({ "items": [], "count": 256 }), "`count`"),
        (json!({ "items": [], "count": 1, "note": 5 }), "`note`"),
        (
            json!({ "items": [{ "name": "a", "size": "small" }, { "name": 5, "size": "small" }], "count": 1 }),
            "`items[1].name`",
        ),
        (
            json!({ "items": [{ "name": "a", "size": "huge" }], "count": 1 }),
            "`items[0].size`",
        ),
    ] {
        let told = talk.failure("order", &arguments);
        assert!(
            told.contains(path) && told.contains("`order`"),
            "{arguments}: {told}"
        );
        assert!(
            !told.contains("column") && !told.contains("Order"),
            "{told}"
        );
    }
    assert!(
        talk.failure("order", &json!([1]))
            .starts_with("Invalid arguments for `order`")
    );
    // The names of choices are part of the answer, so that a model can choose.
    let told = talk.failure(
        "order",
        &json!({ "items": [{ "name": "a", "size": "huge" }], "count": 1 }),
    );
    assert!(told.contains("small") && told.contains("large"), "{told}");
}

async fn everything() -> Vec<Content> {
    vec![
        Content::audio("audio/wav", [1, 2, 3]),
        Content::link(ResourceLink {
            uri: "test://x".into(),
            name: "x".into(),
            title: Some("The X".into()),
            ..ResourceLink::default()
        }),
        Content::text("t"),
    ]
}

#[test]
fn content_blocks_are_those_of_the_clients_version() {
    for (version, kinds) in [
        (ProtocolVersion::V2024_11_05, ["resource", "text", "text"]),
        (ProtocolVersion::V2025_03_26, ["audio", "text", "text"]),
        (
            ProtocolVersion::V2025_06_18,
            ["audio", "resource_link", "text"],
        ),
        (
            ProtocolVersion::V2025_11_25,
            ["audio", "resource_link", "text"],
        ),
    ] {
        let one = async || PromptMessage::user(everything().await.remove(1));
        let server = empty()
            .tool("everything", "", everything)
            .prompt("one", "", one);
        let talk = Conversation::with(server).speaking(version);
        let result = talk.call("everything", &json!({}));
        let found: Vec<_> = result["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block["type"].clone())
            .collect();
        assert_eq!(found, kinds, "{version}");
        let prompt = talk.ask("prompts/get", &json!({ "name": "one" })).unwrap();
        assert_eq!(
            prompt["messages"][0]["content"]["type"], kinds[1],
            "{version}"
        );
        if kinds[1] == "text" {
            assert_eq!(result["content"][1]["text"], "The X: test://x");
        }
    }
}

#[test]
fn a_tool_may_return_nothing_or_a_protocol_error() {
    let must_sign_in = async || {
        ToolResult::refuse(Error::url_elicitation_required(
            "e1",
            "Sign in.",
            "https://example.com/in",
        ))
    };
    let talk = Conversation::with(empty().tool("log", "", log).tool("sign", "", must_sign_in));
    assert_eq!(talk.call("log", &json!({})), json!({ "content": [] }));
    assert_eq!(talk.outcome(), CallOutcome::Ok);
    let error = talk
        .ask("tools/call", &json!({ "name": "sign" }))
        .unwrap_err();
    assert_eq!(error.code.0, -32042);
    assert_eq!(
        error.data,
        Some(json!({ "elicitations": [{
        "mode": "url", "elicitationId": "e1", "message": "Sign in.", "url": "https://example.com/in",
    }] }))
    );
    assert_eq!(talk.outcome(), CallOutcome::Error);
}

#[test]
fn a_client_without_url_mode_gets_a_url_elicitation_as_a_tool_error() {
    let sign = async || {
        ToolResult::refuse(Error::url_elicitation_required(
            "e1",
            "Sign in.",
            "https://example.com/in",
        ))
    };
    let ask = async |client: Client| {
        client
            .elicit_url("e1", "Sign in.", "https://example.com/in")
            .await
            .map(|_| "")
    };
    let page = async || -> Result<String, Error> {
        Err(Error::url_elicitation_required(
            "e1",
            "Sign in.",
            "https://example.com/in",
        ))
    };
    let server = empty()
        .tool("sign", "", sign)
        .tool("ask", "", ask)
        .resource("page", "test://page", page);
    let mut talk = Conversation::with(server);
    let all = talk.client.capabilities;
    for (version, capabilities) in [
        (ProtocolVersion::V2025_11_25, ClientCapabilities::default()),
        (
            ProtocolVersion::V2025_11_25,
            ClientCapabilities::ELICITATION_FORM,
        ),
        (ProtocolVersion::V2025_06_18, all),
        (ProtocolVersion::V2024_11_05, all),
    ] {
        talk = talk.speaking(version);
        talk.client.capabilities = capabilities;
        let told = talk.failure("sign", &json!({}));
        assert_eq!(told, talk.failure("ask", &json!({})), "{version}");
        assert!(told.contains("elicitation.url"), "{told}");
        let error = talk
            .ask("resources/read", &json!({ "uri": "test://page" }))
            .unwrap_err();
        assert_eq!(
            error.code,
            durable_mcp_protocol::error::ErrorCode::REFUSED,
            "{version}"
        );
    }
    talk = talk.speaking(ProtocolVersion::V2025_11_25);
    talk.client.capabilities = ClientCapabilities::ELICITATION_URL;
    let error = talk
        .ask("tools/call", &json!({ "name": "sign" }))
        .unwrap_err();
    assert_eq!(
        error.code,
        durable_mcp_protocol::error::ErrorCode::URL_ELICITATION_REQUIRED
    );
}

#[test]
fn a_panicking_tool_fails_only_its_own_call() {
    async fn panics(Args(Word { word }): Args<Word>) -> String {
        panic!("secret {word}");
    }
    let talk = Conversation::with(empty().tool("panics", "", panics).tool("hello", "", hello));
    let told = talk.failure("panics", &json!({ "word": "w" }));
    assert!(
        told.contains("`panics`") && !told.contains("secret"),
        "{told}"
    );
    assert_eq!(talk.outcome(), CallOutcome::Panic);
    assert_eq!(talk.text("hello", &json!({})), "hello");
}

#[test]
fn or_err_reports_its_own_text_and_hides_the_cause() {
    async fn missing() -> Result<String, ToolError> {
        None.or_err("There is none. Choose another.")
    }
    async fn failed() -> Result<String, ToolError> {
        Err("a secret").or_err("The counter is broken.")
    }
    async fn works() -> Result<String, ToolError> {
        Ok(Some("done").or_err("No.")?.to_owned() + &"7".parse::<u8>().or_err("No.")?.to_string())
    }
    let talk = Conversation::with(
        empty()
            .tool("missing", "", missing)
            .tool("failed", "", failed)
            .tool("works", "", works),
    );
    assert_eq!(
        talk.failure("missing", &json!({})),
        "There is none. Choose another."
    );
    assert_eq!(talk.failure("failed", &json!({})), "The counter is broken.");
    assert_eq!(talk.text("works", &json!({})), "done7");
}
