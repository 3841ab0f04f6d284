use super::*;

fn of_many() -> Server {
    let names = ["zeta", "alpha", "Mid", "beta-2", "a.b"];
    let mut server = empty().page_size(2);
    for name in names {
        server = server
            .tool(name, "A tool", hello)
            .prompt(name, "A prompt", hello)
            .resource(name, format!("test://{name}"), hello)
            .resource_template(name, format!("test://{name}/{{word}}"), echo);
    }
    server
}

#[test]
fn lists_are_paged_in_the_order_of_registration() {
    let talk = Conversation::with(of_many());
    for (method, key) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let pages = talk.pages(method, key);
        assert_eq!(
            pages,
            [vec!["zeta", "alpha"], vec!["Mid", "beta-2"], vec!["a.b"]],
            "{method}"
        );
        assert_eq!(
            talk.ask(method, &json!({})).unwrap(),
            talk.ask(method, &json!({ "cursor": null })).unwrap()
        );
    }
}

#[test]
fn an_unknown_cursor_is_refused() {
    let talk = Conversation::with(of_many());
    for cursor in ["", "0", "made up", "ZnJvbTo1", "ZnJvbTotMQ"] {
        let (code, message) = talk.refusal("tools/list", &json!({ "cursor": cursor }));
        assert_eq!(code, -32602, "{cursor}");
        assert!(message.contains("cursor"), "{message}");
    }
    assert_eq!(
        talk.refusal("tools/list", &json!({ "cursor": 5 })).0,
        -32602
    );
}

#[test]
fn list_entries_have_what_was_registered_and_no_empty_members() {
    let tool = Tool::new("t", "d", echo)
        .title("T")
        .icon(Icon::new("https://example.com/i.png"))
        .read_only()
        .idempotent()
        .open_world(false)
        .meta(json!({ "example.com/x": 1 }));
    let annotations = Annotations {
        priority: Some(0.5),
        ..Annotations::default()
    };
    let resource = Resource::new("r", "test://r", hello)
        .description("d")
        .mime_type("text/x")
        .annotations(annotations);
    let talk = Conversation::with(empty().with(tool).tool("bare", "d", hello).with(resource));
    let tools = talk.ask("tools/list", &json!({})).unwrap();
    let input = json!({
        "type": "object", "properties": { "word": { "type": "string" } }, "required": ["word"],
    });
    assert_eq!(
        tools["tools"][0],
        json!({
            "name": "t", "title": "T", "description": "d", "inputSchema": without_dialect(&tools["tools"][0]["inputSchema"], &input),
            "annotations": {
                "title": "T", "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            },
            "icons": [{ "src": "https://example.com/i.png" }],
            "_meta": { "example.com/x": 1 },
        })
    );
    let nothing = json!({ "type": "object", "properties": {} });
    assert_eq!(
        tools["tools"][1],
        json!({ "name": "bare", "description": "d", "inputSchema": nothing })
    );
    assert_eq!(
        talk.ask("resources/list", &json!({})).unwrap(),
        json!({ "resources": [{
        "uri": "test://r", "name": "r", "description": "d", "mimeType": "text/x", "annotations": { "priority": 0.5 },
    }] })
    );
    assert_eq!(
        talk.ask("resources/templates/list", &json!({})).unwrap(),
        json!({ "resourceTemplates": [] })
    );
}

// A schema may name its dialect and be closed; the rest is compared.
fn without_dialect(schema: &Value, expected: &Value) -> Value {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&schema[key], value, "{key}");
    }
    schema.clone()
}

#[test]
fn duplicate_and_malformed_registrations_are_problems() {
    let server = empty()
        .tool("twice", "The first", hello)
        .tool("twice", "The second", hello)
        .tool("", "No name", hello)
        .tool("with space", "No name", hello)
        .tool("x".repeat(129), "Too long", hello)
        .tool("x".repeat(128), "Just short enough", hello)
        .prompt("twice", "The first", hello)
        .prompt("twice", "The second", hello)
        .resource("a", "test://a", hello)
        .resource("b", "test://a", hello)
        .resource_template("c", "test://{", echo);
    assert_eq!(server.problems().len(), 7, "{:?}", server.problems());
    for told in ["twice", "\"\"", "with space", "test://a", "`c`"] {
        assert!(
            server
                .problems()
                .iter()
                .any(|problem| problem.contains(told)),
            "{told}: {:?}",
            server.problems()
        );
    }
}

#[test]
fn rules_of_directories_are_advice_and_leave_out_no_tool() {
    let root = schemars::json_schema!({ "type": "object", "anyOf": [] });
    let fit = |name: &str| Tool::new(name, "", hello).title("T").open_world(false);
    let server = empty()
        .tool("bare", "", hello)
        .with(fit("reads").read_only())
        .with(fit("writes").destructive(true).open_world(true))
        .with(fit("unsaid"))
        .with(fit(&"x".repeat(65)).read_only())
        .with(fit("choice").read_only().input_schema(root));
    assert_eq!(server.problems(), [""; 0]);
    let advice = server.advice();
    let names: Vec<_> = advice
        .iter()
        .filter_map(|reason| reason.rsplit_once(": "))
        .map(|(_, names)| names)
        .collect();
    assert_eq!(
        names,
        ["bare", "bare, unsaid", "bare", &"x".repeat(65), "choice"]
    );
    let talk = Conversation::with(server);
    let listed = talk.ask("tools/list", &json!({})).unwrap();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 6);
    let annotations = |at: usize| listed["tools"][at]["annotations"].clone();
    let writes = json!({ "title": "T", "readOnlyHint": false, "destructiveHint": true, "openWorldHint": true });
    assert_eq!((annotations(0), annotations(2)), (Value::Null, writes));
}
