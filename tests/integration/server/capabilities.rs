use super::*;

#[test]
fn capabilities_follow_from_what_the_handlers_do() {
    for (server, expected) in [
        (empty(), json!({})),
        (empty().tool("t", "", hello), json!({ "tools": {} })),
        (
            empty().tool("t", "", log),
            json!({ "tools": {}, "logging": {} }),
        ),
        (
            empty().tool("t", "", announce),
            json!({ "tools": { "listChanged": true } }),
        ),
        (empty().prompt("p", "", hello), json!({ "prompts": {} })),
        (
            empty().resource("r", "test://r", hello),
            json!({ "resources": {} }),
        ),
        (
            empty().resource_template("r", "test://{word}", echo),
            json!({ "resources": {} }),
        ),
        (
            empty()
                .resource("r", "test://r", hello)
                .tool("t", "", announce),
            json!({ "tools": { "listChanged": true }, "resources": { "listChanged": true, "subscribe": true } }),
        ),
        (
            empty().with(Prompt::new("p", "", echo).complete("word", nothing)),
            json!({ "prompts": {}, "completions": {} }),
        ),
        (
            empty()
                .with(ResourceTemplate::new("r", "test://{word}", echo).complete("word", nothing)),
            json!({ "resources": {}, "completions": {} }),
        ),
        (
            empty()
                .resource("r", "test://r", hello)
                .on_state_update(announce),
            json!({ "resources": { "listChanged": true, "subscribe": true } }),
        ),
    ] {
        assert_eq!(Conversation::with(server).capabilities(), expected);
    }
}

#[test]
fn methods_of_undeclared_capabilities_are_unknown() {
    const METHODS: [(&str, &str); 12] = [
        ("tools/list", "tools"),
        ("tools/call", "tools"),
        ("prompts/list", "prompts"),
        ("prompts/get", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resources"),
        ("resources/read", "resources"),
        ("resources/subscribe", "subscribe"),
        ("resources/unsubscribe", "subscribe"),
        ("completion/complete", "completions"),
        ("logging/setLevel", "logging"),
        ("initialize", "-"),
    ];
    let servers = [
        empty(),
        empty().tool("t", "", hello),
        empty().tool("t", "", log),
        empty().prompt("p", "", hello),
        empty().resource("r", "test://r", hello),
        empty()
            .resource("r", "test://r", hello)
            .tool("t", "", announce),
        empty().with(Prompt::new("p", "", echo).complete("word", nothing)),
    ];
    for server in servers {
        let talk = Conversation::with(server);
        let declared = talk.capabilities();
        for (method, needs) in METHODS {
            let served = match needs {
                "subscribe" => declared["resources"]["subscribe"] == true,
                _ => declared.get(needs).is_some(),
            };
            let unknown =
                matches!(talk.ask(method, &json!({})), Err(error) if error.code.0 == -32601);
            assert_eq!(served, !unknown, "{method} with {declared}");
        }
        assert_eq!(talk.ask("ping", &json!({})).unwrap(), json!({}));
    }
}
