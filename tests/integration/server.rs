//! A server as one client sees it: lists, calls, and what is told and asked meanwhile.

use durable_mcp::mcp::ProtocolVersion;
use durable_mcp::mcp::capabilities::ClientCapabilities;
use durable_mcp::mcp::dispatch::Ended;
use durable_mcp::mcp::peer::About;
use durable_mcp::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::peer::Conversation;

fn empty() -> Server {
    Server::new("s", "1.0.0")
}

async fn hello() -> &'static str {
    "hello"
}

async fn log(log: Log) {
    log.info("x");
}

async fn announce(notify: Notify) {
    notify.tools_changed();
}

async fn nothing(_: Typed) -> Vec<String> {
    Vec::new()
}

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

async fn echo(Args(Word { word }): Args<Word>) -> String {
    word
}

mod lists {
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
    fn are_in_the_order_of_registration_page_by_page() {
        let talk = Conversation::with(of_many());
        for (method, key) in [
            ("tools/list", "tools"),
            ("prompts/list", "prompts"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
        ] {
            let pages = talk.pages(method, key);
            assert_eq!(pages, [vec!["zeta", "alpha"], vec!["Mid", "beta-2"], vec!["a.b"]], "{method}");
            assert_eq!(talk.ask(method, &json!({})).unwrap(), talk.ask(method, &json!({ "cursor": null })).unwrap());
        }
    }

    #[test]
    fn refuse_a_cursor_that_is_none_of_theirs() {
        let talk = Conversation::with(of_many());
        for cursor in ["", "0", "made up", "ZnJvbTo1", "ZnJvbTotMQ"] {
            let (code, message) = talk.refusal("tools/list", &json!({ "cursor": cursor }));
            assert_eq!(code, -32602, "{cursor}");
            assert!(message.contains("cursor"), "{message}");
        }
        assert_eq!(talk.refusal("tools/list", &json!({ "cursor": 5 })).0, -32602);
    }

    #[test]
    fn hold_what_was_registered_and_nothing_empty() {
        let tool = Tool::new("t", "d", echo)
            .title("T")
            .icon(Icon::new("https://example.com/i.png"))
            .read_only()
            .idempotent()
            .closed_world()
            .meta(json!({ "example.com/x": 1 }));
        let annotations = Annotations { priority: Some(0.5), ..Annotations::default() };
        let resource =
            Resource::new("r", "test://r", hello).description("d").mime_type("text/x").annotations(annotations);
        let talk = Conversation::with(empty().with(tool).tool("bare", "d", hello).with(resource));
        let tools = talk.ask("tools/list", &json!({})).unwrap();
        let input = json!({
            "type": "object", "properties": { "word": { "type": "string" } }, "required": ["word"],
        });
        assert_eq!(
            tools["tools"][0],
            json!({
                "name": "t", "title": "T", "description": "d", "inputSchema": without_dialect(&tools["tools"][0]["inputSchema"], &input),
                "annotations": { "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false },
                "icons": [{ "src": "https://example.com/i.png" }],
                "_meta": { "example.com/x": 1 },
            })
        );
        let nothing = json!({ "type": "object", "additionalProperties": false });
        assert_eq!(tools["tools"][1], json!({ "name": "bare", "description": "d", "inputSchema": nothing }));
        assert_eq!(
            talk.ask("resources/list", &json!({})).unwrap(),
            json!({ "resources": [{
            "uri": "test://r", "name": "r", "description": "d", "mimeType": "text/x", "annotations": { "priority": 0.5 },
        }] })
        );
        assert_eq!(talk.ask("resources/templates/list", &json!({})).unwrap(), json!({ "resourceTemplates": [] }));
    }

    // A schema may name its dialect and be closed; the rest is compared.
    fn without_dialect(schema: &Value, expected: &Value) -> Value {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&schema[key], value, "{key}");
        }
        schema.clone()
    }

    #[test]
    fn leave_out_what_is_wrong_and_say_so() {
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
            assert!(server.problems().iter().any(|problem| problem.contains(told)), "{told}: {:?}", server.problems());
        }
    }
}

mod capabilities {
    use super::*;

    #[test]
    fn are_what_the_handlers_do() {
        for (server, expected) in [
            (empty(), json!({})),
            (empty().tool("t", "", hello), json!({ "tools": {} })),
            (empty().tool("t", "", log), json!({ "tools": {}, "logging": {} })),
            (empty().tool("t", "", announce), json!({ "tools": { "listChanged": true } })),
            (empty().prompt("p", "", hello), json!({ "prompts": {} })),
            (empty().resource("r", "test://r", hello), json!({ "resources": {} })),
            (empty().resource_template("r", "test://{word}", echo), json!({ "resources": {} })),
            (
                empty().resource("r", "test://r", hello).tool("t", "", announce),
                json!({ "tools": { "listChanged": true }, "resources": { "listChanged": true, "subscribe": true } }),
            ),
            (
                empty().with(Prompt::new("p", "", echo).complete("word", nothing)),
                json!({ "prompts": {}, "completions": {} }),
            ),
            (
                empty().with(ResourceTemplate::new("r", "test://{word}", echo).complete("word", nothing)),
                json!({ "resources": {}, "completions": {} }),
            ),
            (
                empty().resource("r", "test://r", hello).on_state_update(announce),
                json!({ "resources": { "listChanged": true, "subscribe": true } }),
            ),
        ] {
            assert_eq!(Conversation::with(server).capabilities(), expected);
        }
    }

    #[test]
    fn that_are_not_there_make_their_methods_unknown() {
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
            empty().resource("r", "test://r", hello).tool("t", "", announce),
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
                let unknown = matches!(talk.ask(method, &json!({})), Err(error) if error.code.0 == -32601);
                assert_eq!(served, !unknown, "{method} with {declared}");
            }
            assert_eq!(talk.ask("ping", &json!({})).unwrap(), json!({}));
        }
    }
}

mod initialize {
    use super::*;

    #[test]
    fn echoes_a_version_it_knows_and_offers_the_newest_otherwise() {
        let talk = Conversation::with(empty());
        for (asked, answered) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            let (client, result) =
                talk.initialize(&json!({ "protocolVersion": asked, "clientInfo": { "name": "c" } })).unwrap();
            assert_eq!(result["protocolVersion"], answered, "{asked}");
            assert_eq!((client.version.as_str(), client.name.as_str()), (answered, "c"));
        }
    }

    #[test]
    fn tells_about_the_server_what_it_was_given() {
        let (_, result) = Conversation::with(empty()).initialize(&json!({ "protocolVersion": "2025-11-25" })).unwrap();
        assert_eq!(
            result,
            json!({
                "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": { "name": "s", "version": "1.0.0" },
            })
        );
        let server = empty().title("S").description("d").website("https://example.com").instructions("Do.");
        let (_, result) = Conversation::with(server).initialize(&json!({ "protocolVersion": "2025-11-25" })).unwrap();
        assert_eq!(result["instructions"], "Do.");
        assert_eq!(
            result["serverInfo"],
            json!({
                "name": "s", "version": "1.0.0", "title": "S", "description": "d", "websiteUrl": "https://example.com",
            })
        );
    }

    #[test]
    fn refuses_parameters_of_the_wrong_type_by_name() {
        let talk = Conversation::with(empty());
        for (params, field) in [
            (json!({}), "protocolVersion"),
            (json!({ "protocolVersion": 1 }), "protocolVersion"),
            (json!({ "protocolVersion": "2025-11-25", "capabilities": 1 }), "capabilities"),
            (json!({ "protocolVersion": "2025-11-25", "clientInfo": [] }), "clientInfo"),
        ] {
            let error = talk.initialize(&params).unwrap_err();
            assert_eq!(error.code.0, -32602);
            assert!(error.message.contains(&format!("`{field}`")), "{}", error.message);
        }
    }
}

mod a_tool {
    use super::*;

    fn caller(subject: Option<&str>, scopes: &[&str]) -> Caller {
        Caller {
            subject: subject.map(str::to_owned),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Caller::default()
        }
    }

    #[test]
    fn that_a_caller_may_not_see_does_not_exist_for_them() {
        let server = empty()
            .tool("open", "", hello)
            .with(Tool::new("admin", "", hello).visible_to(|caller| caller.subject.as_deref() == Some("root")))
            .with(Tool::new("write", "", hello).scopes(["write", "read"]));
        let mut talk = Conversation::with(server);
        for (who, sees) in [
            (caller(None, &[]), vec!["open"]),
            (caller(Some("ann"), &["read"]), vec!["open"]),
            (caller(Some("ann"), &["read", "write", "more"]), vec!["open", "write"]),
            (caller(Some("root"), &[]), vec!["open", "admin"]),
            (caller(Some("root"), &["write", "read"]), vec!["open", "admin", "write"]),
        ] {
            talk.caller = who;
            assert_eq!(talk.pages("tools/list", "tools"), std::slice::from_ref(&sees));
            for name in ["open", "admin", "write"] {
                if sees.contains(&name) {
                    assert_eq!(talk.text(name, &json!({})), "hello");
                } else {
                    let refused = talk.refusal("tools/call", &json!({ "name": name }));
                    assert_eq!(refused, (-32602, format!("There is no tool {name:?}.")), "as one that is made up");
                }
            }
        }
    }

    #[derive(Serialize, JsonSchema)]
    struct Report {
        /// How many
        count: u32,
        note: Option<&'static str>,
    }

    async fn report() -> Json<Report> {
        Json(Report { count: 3, note: None })
    }

    async fn maybe(Args(Word { word }): Args<Word>) -> Result<Json<Report>, ToolError> {
        if word == "yes" { Ok(report().await) } else { Err(ToolError::new("no")) }
    }

    async fn list() -> Json<Vec<u8>> {
        Json(vec![1])
    }

    #[test]
    fn with_structured_output_has_its_schema_and_says_the_same_as_text() {
        let talk =
            Conversation::with(empty().tool("report", "", report).tool("maybe", "", maybe).tool("list", "", list));
        let tools = talk.ask("tools/list", &json!({})).unwrap();
        for at in [0, 1] {
            let schema = &tools["tools"][at]["outputSchema"];
            assert_eq!(
                (&schema["type"], &schema["properties"]["count"]["type"]),
                (&json!("object"), &json!("integer"))
            );
            assert_eq!(schema["properties"]["count"]["description"], "How many");
        }
        let result = talk.call("report", &json!({}));
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result["structuredContent"]);
        assert_eq!(result["structuredContent"]["count"], 3);
        assert_eq!(talk.call("maybe", &json!({ "word": "yes" })), result);
        let refused = talk.call("maybe", &json!({ "word": "no" }));
        assert_eq!(refused, json!({ "content": [{ "type": "text", "text": "no" }], "isError": true }));
        assert_eq!(talk.ended(), Ended::ToolError);
        // The protocol's structured content is an object.
        assert!(talk.failure("list", &json!({})).contains("object"));
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
        let large = order.items.iter().filter(|item| matches!(item.size, Size::Large));
        large.map(|item| item.name.as_str()).collect()
    }

    #[test]
    fn is_told_the_path_of_an_argument_that_does_not_fit() {
        let talk = Conversation::with(empty().tool("order", "", order));
        assert_eq!(talk.text("order", &json!({ "items": [{ "name": "a", "size": "large" }], "count": 1 })), "a");
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
            (json!({ "items": [{ "name": "a", "size": "huge" }], "count": 1 }), "`items[0].size`"),
        ] {
            let told = talk.failure("order", &arguments);
            assert!(told.contains(path) && told.contains("`order`"), "{arguments}: {told}");
            assert!(!told.contains("column") && !told.contains("Order"), "{told}");
        }
        assert!(talk.failure("order", &json!([1])).starts_with("Invalid arguments for `order`"));
        // The names of choices are part of the answer, so that a model can choose.
        let told = talk.failure("order", &json!({ "items": [{ "name": "a", "size": "huge" }], "count": 1 }));
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
    fn hands_over_what_the_clients_version_knows() {
        for (version, kinds) in [
            (ProtocolVersion::V2024_11_05, ["resource", "text", "text"]),
            (ProtocolVersion::V2025_03_26, ["audio", "text", "text"]),
            (ProtocolVersion::V2025_06_18, ["audio", "resource_link", "text"]),
            (ProtocolVersion::V2025_11_25, ["audio", "resource_link", "text"]),
        ] {
            let one = async || PromptMessage::user(everything().await.remove(1));
            let server = empty().tool("everything", "", everything).prompt("one", "", one);
            let talk = Conversation::with(server).speaking(version);
            let result = talk.call("everything", &json!({}));
            let found: Vec<_> =
                result["content"].as_array().unwrap().iter().map(|block| block["type"].clone()).collect();
            assert_eq!(found, kinds, "{version}");
            let prompt = talk.ask("prompts/get", &json!({ "name": "one" })).unwrap();
            assert_eq!(prompt["messages"][0]["content"]["type"], kinds[1], "{version}");
            if kinds[1] == "text" {
                assert_eq!(result["content"][1]["text"], "The X: test://x");
            }
        }
    }

    #[test]
    fn may_return_nothing_or_refuse_like_a_protocol() {
        let must_sign_in =
            async || ToolResult::refuse(Error::url_elicitation_required("e1", "Sign in.", "https://example.com/in"));
        let talk = Conversation::with(empty().tool("log", "", log).tool("sign", "", must_sign_in));
        assert_eq!(talk.call("log", &json!({})), json!({ "content": [] }));
        assert_eq!(talk.ended(), Ended::Ok);
        let error = talk.ask("tools/call", &json!({ "name": "sign" })).unwrap_err();
        assert_eq!(error.code.0, -32042);
        assert_eq!(
            error.data,
            Some(json!({ "elicitations": [{
            "mode": "url", "elicitationId": "e1", "message": "Sign in.", "url": "https://example.com/in",
        }] }))
        );
        assert_eq!(talk.ended(), Ended::Error);
    }

    #[test]
    fn that_panics_fails_alone() {
        async fn panics(Args(Word { word }): Args<Word>) -> String {
            panic!("secret {word}");
        }
        let talk = Conversation::with(empty().tool("panics", "", panics).tool("hello", "", hello));
        let told = talk.failure("panics", &json!({ "word": "w" }));
        assert!(told.contains("`panics`") && !told.contains("secret"), "{told}");
        assert_eq!(talk.ended(), Ended::Panic);
        assert_eq!(talk.text("hello", &json!({})), "hello");
    }
}

mod while_a_call_runs {
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
    fn progress_is_told_under_the_clients_token_and_only_rises() {
        let talk = Conversation::with(empty().tool("counts", "", counts));
        talk.call("counts", &json!({}));
        assert_eq!(talk.told(), [], "nobody asked");
        for token in [json!("t-1"), json!(7)] {
            talk.ask("tools/call", &json!({ "name": "counts", "_meta": { "progressToken": token } })).unwrap();
            let told = talk.told();
            for (about, method, params) in &told {
                assert_eq!(
                    (about, *method, &params["progressToken"]),
                    (&About::Call, "notifications/progress", &token)
                );
            }
            let rest: Vec<_> = told
                .iter()
                .map(|(_, _, params)| (&params["progress"], params.get("total"), params.get("message")))
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
            assert!(told.iter().all(|(about, method, _)| (*about, *method) == (About::Call, "notifications/message")));
            told.iter().map(|(_, _, params)| params["level"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(levels(&talk), ["info", "warning", "error", "emergency"], "unless it says otherwise");
        for (level, seen) in [
            ("debug", vec!["debug", "info", "warning", "error", "emergency"]),
            ("notice", vec!["warning", "error", "emergency"]),
            ("critical", vec!["emergency"]),
            ("emergency", vec!["emergency"]),
        ] {
            assert_eq!(talk.ask("logging/setLevel", &json!({ "level": level })).unwrap(), json!({}));
            assert_eq!(levels(&talk), seen, "{level}");
        }
        for level in [json!("loud"), json!("Debug"), json!(3), json!(null)] {
            assert_eq!(talk.refusal("logging/setLevel", &json!({ "level": level })).0, -32602, "{level}");
        }
        assert_eq!(levels(&talk), ["emergency"], "a refused level changes nothing");
    }

    #[test]
    fn the_session_hears_of_what_it_subscribed_to() {
        let notes = async |notify: Notify| {
            notify.resource_updated("test://a");
            notify.resource_updated("test://b");
            notify.prompts_changed();
        };
        let talk = Conversation::with(empty().tool("notes", "", notes));
        talk.subscribe("test://b");
        talk.call("notes", &json!({}));
        assert_eq!(
            talk.told(),
            [
                (About::Session, "notifications/resources/updated", json!({ "uri": "test://b" })),
                (About::Session, "notifications/prompts/list_changed", json!({})),
            ]
        );
    }

    #[derive(Deserialize, JsonSchema, Serialize)]
    struct Seats {
        /// How many?
        seats: u8,
    }

    async fn book(client: Client) -> Result<String, ToolError> {
        Ok(match client.elicit::<Seats>("seats", "Please:").await? {
            Elicited::Accepted(Seats { seats }) => format!("{seats} seats"),
            Elicited::Declined => "declined".to_owned(),
            Elicited::Dismissed => "dismissed".to_owned(),
        })
    }

    #[test]
    fn a_form_is_asked_and_its_answer_checked() {
        let talk = Conversation::with(empty().tool("book", "", book));
        talk.will_answer(json!({ "action": "accept", "content": { "seats": 4 } }));
        assert_eq!(talk.text("book", &json!({})), "4 seats");
        let asked = talk.asked();
        let [(method, params)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((*method, &params["message"]), ("elicitation/create", &json!("Please:")));
        let schema = &params["requestedSchema"];
        assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["seats"])));
        assert_eq!(schema["properties"]["seats"]["description"], "How many?");

        for (answer, told) in
            [(json!({ "action": "decline" }), "declined"), (json!({ "action": "cancel" }), "dismissed")]
        {
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
        assert!(talk.failure("book", &json!({})).contains("User rejected it"));
    }

    #[test]
    fn nothing_is_asked_of_a_client_that_cannot_be_asked() {
        let errand = async |client: Client| client.elicit_url("e", "m", "https://example.com").await.map(|_| "opened");
        let roots = async |client: Client| client.roots().await.map(|_| "roots");
        let sample = async |client: Client| client.sample(Sampling::new("?", 10)).await.map(|_| "sampled");
        let with_tools =
            async |client: Client| client.sample(Sampling::new("?", 10).tools(json!([]))).await.map(|_| "sampled");
        let server = empty()
            .tool("book", "", book)
            .tool("errand", "", errand)
            .tool("roots", "", roots)
            .tool("sample", "", sample)
            .tool("with_tools", "", with_tools);
        let mut talk = Conversation::with(server);
        let all = [
            ("book", ClientCapabilities::ELICITATION_FORM, "elicitation"),
            ("errand", ClientCapabilities::ELICITATION_URL, "elicitation.url"),
            ("roots", ClientCapabilities::ROOTS, "roots"),
            ("sample", ClientCapabilities::SAMPLING, "sampling"),
            ("with_tools", ClientCapabilities::SAMPLING_TOOLS, "sampling"),
        ];
        for (name, needed, word) in all {
            let others = all
                .iter()
                .filter(|(_, other, _)| *other != needed)
                .fold(ClientCapabilities::default(), |set, (_, one, _)| set.and(*one));
            talk.client.capabilities = others;
            assert!(talk.failure(name, &json!({})).contains(word), "{name}");
        }
        assert_eq!(talk.asked(), []);
    }

    #[test]
    fn a_model_roots_and_a_page_are_asked_for_as_the_specification_says() {
        let sample = async |client: Client| {
            let sampled = client.sample(Sampling::new("Hi", 10).system_prompt("Be brief.").temperature(0.5)).await?;
            Ok::<_, ToolError>(format!("{}: {}", sampled.model, sampled.text().unwrap_or("-")))
        };
        let roots = async |client: Client| {
            let roots = client.roots().await?;
            Ok::<_, ToolError>(roots.iter().map(|root| root.uri.as_str()).collect::<Vec<_>>().join(" "))
        };
        let errand = async |client: Client, notify: Notify| {
            client.elicit_url("e1", "Sign in.", "https://example.com").await?;
            notify.elicitation_complete("e1");
            client.release_stream();
            Ok::<_, ToolError>("opened")
        };
        let talk =
            Conversation::with(empty().tool("sample", "", sample).tool("roots", "", roots).tool("errand", "", errand));

        talk.will_answer(json!({ "role": "assistant", "content": { "type": "text", "text": "Hey" }, "model": "m" }));
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
        talk.will_answer(json!({ "roots": [{ "uri": "file:///a" }, { "uri": "file:///b", "name": "B" }] }));
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
            [(About::Session, "notifications/elicitation/complete", json!({ "elicitationId": "e1" }))]
        );
        assert_eq!(talk.releases(), 1);
    }
}

mod a_resource {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    struct Page {
        book: String,
        page: u32,
    }

    async fn page(Args(Page { book, page }): Args<Page>) -> Result<String, ToolError> {
        if page == 0 { Err(ToolError::new("Pages begin at 1.")) } else { Ok(format!("{book} {page}")) }
    }

    fn library() -> Conversation {
        Conversation::with(
            empty()
                .resource("text", "test://text", hello)
                .resource("bytes", "test://bytes", async || vec![1_u8, 2])
                .with(Resource::new("html", "test://html", hello).mime_type("text/html"))
                .resource_template("page", "book://{book}/{page}", page),
        )
    }

    fn read(talk: &Conversation, uri: &str) -> Value {
        talk.ask("resources/read", &json!({ "uri": uri })).unwrap()
    }

    #[test]
    fn is_read_by_its_uri_with_its_type() {
        let talk = library();
        assert_eq!(
            read(&talk, "test://text"),
            json!({ "contents": [{ "uri": "test://text", "mimeType": "text/plain", "text": "hello" }] })
        );
        assert_eq!(read(&talk, "test://bytes"), json!({ "contents": [{ "uri": "test://bytes", "blob": "AQI=" }] }));
        assert_eq!(read(&talk, "test://html")["contents"][0]["mimeType"], "text/html");
    }

    #[test]
    fn of_a_template_gets_its_variables_decoded_and_typed() {
        let talk = library();
        assert_eq!(read(&talk, "book://moby-dick/12")["contents"][0]["text"], "moby-dick 12");
        assert_eq!(read(&talk, "book://a%20%C3%BC/1")["contents"][0]["text"], "a ü 1");
        assert_eq!(read(&talk, "book://a%20%C3%BC/1")["contents"][0]["uri"], "book://a%20%C3%BC/1");
        let (code, message) = talk.refusal("resources/read", &json!({ "uri": "book://x/y" }));
        assert_eq!(code, -32602);
        assert!(message.contains("`page`"), "{message}");
        let (code, message) = talk.refusal("resources/read", &json!({ "uri": "book://x/0" }));
        assert_eq!((code, message.as_str()), (-32603, "Pages begin at 1."));
    }

    #[test]
    fn that_nobody_has_is_not_found_by_its_uri() {
        let talk = library();
        for uri in ["test://none", "test://text/", "TEST://text", "book://a", "book://a/1/2", ""] {
            let error = talk.ask("resources/read", &json!({ "uri": uri })).unwrap_err();
            assert_eq!((error.code.0, error.data), (-32002, Some(json!({ "uri": uri }))), "{uri}");
        }
    }
}

mod completion {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only their names matter")]
    struct Two {
        first: String,
        second: String,
    }

    async fn two(Args(_): Args<Two>) -> &'static str {
        "two"
    }

    async fn words(typed: Typed) -> Vec<String> {
        typed.among(["Apple", "apricot", "Banana", "Ärger"])
    }

    async fn after(typed: Typed) -> Vec<String> {
        let first = typed.settled.get("first").map_or("nothing", String::as_str);
        vec![format!("{first} and {}", typed.value)]
    }

    async fn many(_: Typed) -> Vec<String> {
        (0..250).map(|n| n.to_string()).collect()
    }

    fn talk() -> Conversation {
        let prompt = Prompt::new("two", "", two).complete("first", words).complete("second", after);
        let template = ResourceTemplate::new("t", "test://{first}/{second}", two).complete("first", many);
        Conversation::with(empty().with(prompt).with(template))
    }

    fn complete(talk: &Conversation, reference: &Value, argument: &str, value: &str, context: &Value) -> Value {
        let params = json!({ "ref": reference, "argument": { "name": argument, "value": value }, "context": context });
        talk.ask("completion/complete", &params).unwrap()["completion"].take()
    }

    #[test]
    fn proposes_what_begins_with_what_was_typed() {
        let prompt = json!({ "type": "ref/prompt", "name": "two" });
        for (typed, values) in [
            ("", vec!["Apple", "apricot", "Banana", "Ärger"]),
            ("ap", vec!["Apple", "apricot"]),
            ("AP", vec!["Apple", "apricot"]),
            ("Är", vec!["Ärger"]),
            ("apple pie", vec![]),
            ("x", vec![]),
        ] {
            let found = complete(&talk(), &prompt, "first", typed, &json!(null));
            assert_eq!(found, json!({ "values": values, "total": values.len(), "hasMore": false }), "{typed}");
        }
    }

    #[test]
    fn knows_the_arguments_that_are_settled() {
        let prompt = json!({ "type": "ref/prompt", "name": "two" });
        let values = |context| complete(&talk(), &prompt, "second", "x", &context)["values"][0].clone();
        assert_eq!(values(json!({ "arguments": { "first": "Apple" } })), "Apple and x");
        assert_eq!(values(json!({})), "nothing and x");
    }

    #[test]
    fn of_more_than_a_hundred_tells_how_many_there_are() {
        let template = json!({ "type": "ref/resource", "uri": "test://{first}/{second}" });
        let found = complete(&talk(), &template, "first", "", &json!(null));
        assert_eq!(found["values"].as_array().unwrap().len(), 100);
        assert_eq!((&found["total"], &found["hasMore"]), (&json!(250), &json!(true)));
        let none = complete(&talk(), &template, "second", "", &json!(null));
        assert_eq!(none, json!({ "values": [], "total": 0, "hasMore": false }));
    }

    #[test]
    fn of_nothing_that_is_here_is_refused() {
        for reference in [
            json!({ "type": "ref/prompt", "name": "three" }),
            json!({ "type": "ref/resource", "uri": "test://a/b" }),
            json!({ "type": "ref/tool", "name": "two" }),
            json!({ "name": "two" }),
            json!({}),
        ] {
            let params = json!({ "ref": reference, "argument": { "name": "first", "value": "" } });
            assert_eq!(talk().refusal("completion/complete", &params).0, -32602, "{reference}");
        }
    }
}

mod the_signed_in_user {
    use super::*;

    #[derive(Deserialize)]
    struct Profile {
        name: String,
    }

    async fn name(user: User<Profile>) -> String {
        format!("{} is {}", user.id, user.props.name)
    }

    async fn perhaps(user: Option<User<Profile>>) -> String {
        user.map_or("nobody".to_owned(), |user| user.props.name)
    }

    #[test]
    fn is_who_the_request_says() {
        let mut talk = Conversation::with(empty().tool("name", "", name).tool("perhaps", "", perhaps));
        assert_eq!(talk.text("perhaps", &json!({})), "nobody");
        let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
        assert_eq!(code, -32000);
        assert!(message.contains("signed-in"), "{message}");

        talk.caller.subject = Some("u1".to_owned());
        let (code, message) = talk.refusal("tools/call", &json!({ "name": "name" }));
        assert_eq!((code, message.contains("Sign in again")), (-32000, true), "{message}");

        talk.caller.props = json!({ "name": "Ann" });
        assert_eq!(talk.text("name", &json!({})), "u1 is Ann");
        assert_eq!(talk.text("perhaps", &json!({})), "Ann");
    }
}

mod a_prompt {
    use super::*;

    async fn free(Args(given): Args<Map<String, Value>>) -> String {
        Value::Object(given).to_string()
    }

    #[test]
    fn takes_strings_and_names_the_one_that_is_none() {
        let talk = Conversation::with(empty().prompt("echo", "Say a word", echo).prompt("free", "", free));
        let listed = talk.ask("prompts/list", &json!({})).unwrap();
        assert_eq!(listed["prompts"][0]["arguments"], json!([{ "name": "word", "required": true }]));
        let got = talk.ask("prompts/get", &json!({ "name": "echo", "arguments": { "word": "w" } })).unwrap();
        assert_eq!(
            got,
            json!({
                "description": "Say a word",
                "messages": [{ "role": "user", "content": { "type": "text", "text": "w" } }],
            })
        );
        for arguments in [json!({}), json!({ "word": 5 }), json!({ "word": ["w"] })] {
            let (code, message) = talk.refusal("prompts/get", &json!({ "name": "echo", "arguments": arguments }));
            assert_eq!(code, -32602);
            assert!(message.contains("`word`"), "{message}");
        }
        assert_eq!(
            talk.refusal("prompts/get", &json!({ "name": "none" })),
            (-32602, "There is no prompt \"none\".".to_owned())
        );
    }
}
