//! Questions to the client, cut to its version, and the answers to them.

use super::*;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    /// For one
    Small,
    /// For two
    Large,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only what it prints is looked at")]
struct Order {
    /// Number of cups?
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 9))]
    count: u8,
    #[serde(default)]
    gift: bool,
    size: Option<Size>,
    #[serde(default)]
    sizes: Vec<Size>,
    #[schemars(regex(pattern = "^[a-z]+$"), length(min = 2))]
    name: Option<String>,
    #[schemars(email)]
    mail: Option<String>,
    #[schemars(extend("format" = "uuid"))]
    id: Option<String>,
}

fn one() -> u8 {
    1
}

async fn order(client: Client) -> Result<String, ToolError> {
    Ok(format!(
        "{:?}",
        client.elicit::<Order>("order", "Please:").await?
    ))
}

/// The form that a client of that version is asked to show.
fn form(version: ProtocolVersion) -> Value {
    let talk = Conversation::with(empty().tool("order", "", order)).speaking(version);
    talk.will_answer(json!({ "action": "decline" }));
    talk.call("order", &json!({}));
    talk.asked()[0].1["requestedSchema"].clone()
}

#[test]
fn forms_since_2025_11_25_have_titled_choices_lists_and_defaults() {
    for version in [ProtocolVersion::V2025_11_25, ProtocolVersion::V2026_07_28] {
        let form = form(version);
        let field = |name: &str| form["properties"][name].clone();
        let choices = json!([{ "const": "small", "title": "For one" }, { "const": "large", "title": "For two" }]);
        assert_eq!(field("size"), json!({ "type": "string", "oneOf": choices }));
        assert_eq!(
            field("sizes"),
            json!({ "type": "array", "items": { "anyOf": choices } })
        );
        let count = json!({ "type": "integer", "description": "Number of cups?", "default": 1, "minimum": 1, "maximum": 9 });
        assert_eq!(field("count"), count);
        assert_eq!(field("name"), json!({ "type": "string", "minLength": 2 }));
        assert_eq!(
            (field("mail"), field("id")),
            (
                json!({ "type": "string", "format": "email" }),
                json!({ "type": "string" })
            )
        );
    }
}

#[test]
fn forms_of_2025_06_18_leave_out_what_that_version_does_not_know() {
    let form = form(ProtocolVersion::V2025_06_18);
    let field = |name: &str| form["properties"][name].clone();
    let size = json!({ "type": "string", "enum": ["small", "large"], "enumNames": ["For one", "For two"] });
    assert_eq!(field("size"), size);
    assert_eq!(
        form["properties"].get("sizes"),
        None,
        "a list may be absent, so it is"
    );
    assert_eq!(field("count").get("default"), None);
    assert_eq!(
        field("gift"),
        json!({ "type": "boolean", "default": false })
    );
    let keywords: Vec<_> = form.as_object().unwrap().keys().collect();
    assert_eq!(keywords, ["properties", "type"]);
}

#[test]
fn forms_of_2025_06_18_have_a_title_for_every_choice() {
    let server = empty().tool("order", "", async |client: Client| {
        let choices = json!([{ "const": "small" }, { "const": "large", "title": "For two" }]);
        let schema = json!({ "type": "object", "properties": { "size": { "type": "string", "oneOf": choices } } });
        client.elicit_json("order", "Please:", schema).await.map(|_| "asked")
    });
    let talk = Conversation::with(server).speaking(ProtocolVersion::V2025_06_18);
    talk.will_answer(json!({ "action": "decline" }));
    talk.call("order", &json!({}));
    let size =
        json!({ "type": "string", "enum": ["small", "large"], "enumNames": ["small", "For two"] });
    assert_eq!(
        talk.asked()[0].1["requestedSchema"]["properties"]["size"],
        size
    );
}

#[test]
fn a_form_that_a_version_cannot_show_is_refused_with_the_field() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Needed {
        sizes: Vec<Size>,
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Nested {
        inner: Option<Needed>,
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Texts {
        texts: Vec<String>,
    }
    let server = empty()
        .tool("needed", "", async |client: Client| {
            client.elicit::<Needed>("q", "?").await.map(|_| "asked")
        })
        .tool("nested", "", async |client: Client| {
            client.elicit::<Nested>("q", "?").await.map(|_| "asked")
        })
        .tool("texts", "", async |client: Client| {
            client.elicit::<Texts>("q", "?").await.map(|_| "asked")
        })
        .tool("list", "", async |client: Client| {
            client.elicit::<Vec<u8>>("q", "?").await.map(|_| "asked")
        })
        .tool("hand", "", async |client: Client| {
            client
                .elicit_json("q", "?", json!([]))
                .await
                .map(|_| "asked")
        });
    let mut talk = Conversation::with(server).speaking(ProtocolVersion::V2025_06_18);
    assert!(talk.failure("needed", &json!({})).contains("`sizes`"));
    talk.client.version = ProtocolVersion::V2025_11_25;
    for (name, told) in [
        ("nested", "`inner`"),
        ("texts", "`texts`"),
        ("list", "a list"),
        ("hand", "no object"),
    ] {
        let failure = talk.failure(name, &json!({}));
        assert!(
            failure.contains(told) && failure.contains("form"),
            "{failure}"
        );
    }
    assert_eq!(talk.asked(), []);
    talk.will_answer(json!({ "action": "decline" }));
    assert_eq!(talk.text("needed", &json!({})), "asked");
}

#[test]
fn answers_that_are_a_list_or_have_a_map_for_a_choice_are_refused() {
    let talk = Conversation::with(empty().tool("order", "", order));
    for (content, told) in [
        (json!([2]), "must be an object"),
        (
            json!({ "count": 1, "size": { "large": null } }),
            "`size` must be a string",
        ),
        (
            json!({ "count": 1, "sizes": [{ "large": null }] }),
            "`sizes[0]` must be a string",
        ),
    ] {
        talk.will_answer(json!({ "action": "accept", "content": content }));
        let failure = talk.failure("order", &json!({}));
        assert!(failure.contains(told), "{content}: {failure}");
    }
    talk.will_answer(json!(["accept", { "count": 1 }]));
    assert!(
        talk.failure("order", &json!({}))
            .contains("must be an object")
    );
}

#[test]
fn a_list_as_answer_is_refused_by_a_form_without_constraints() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only that it can be read matters")]
    struct Word {
        word: String,
    }
    let asks = async |client: Client| {
        client
            .elicit::<Word>("word", "?")
            .await
            .map(|answer| format!("{answer:?}"))
    };
    let talk = Conversation::with(empty().tool("asks", "", asks));
    talk.will_answer(json!({ "action": "accept", "content": { "word": "a" } }));
    talk.text("asks", &json!({}));
    talk.will_answer(json!({ "action": "accept", "content": ["a"] }));
    assert!(
        talk.failure("asks", &json!({}))
            .contains("must be an object")
    );
}

#[test]
fn answers_are_checked_by_the_constraints_of_the_form() {
    let talk = Conversation::with(empty().tool("order", "", order));
    let answer =
        |content: Value| talk.will_answer(json!({ "action": "accept", "content": content }));
    answer(
        json!({ "count": 2.0, "gift": null, "sizes": ["large"], "name": "ab", "mail": "a@b.c" }),
    );
    let told = talk.text("order", &json!({}));
    assert!(
        told.contains("count: 2") && told.contains("gift: false"),
        "{told}"
    );
    for (content, path) in [
        (json!({ "count": 0 }), "`count`"),
        (json!({ "count": 2.5 }), "`count`"),
        (json!({ "name": "A1" }), "`name`"),
        (json!({ "name": "a" }), "`name`"),
        (json!({ "mail": "nobody" }), "`mail`"),
        (json!({ "id": "1" }), "`id`"),
        (json!({ "sizes": ["huge"] }), "`sizes[0]`"),
    ] {
        answer(content);
        let told = talk.failure("order", &json!({}));
        assert!(
            told.contains(path) && told.contains("elicitation/create"),
            "{told}"
        );
    }
}

#[test]
fn a_handwritten_form_is_cut_and_its_answers_are_checked() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": { "n": { "type": "number", "maximum": 3, "default": 1, "x-own": true } },
        "required": ["n"],
    });
    let asks = move |client: Client| {
        let schema = schema.clone();
        async move {
            client
                .elicit_json("n", "?", schema)
                .await
                .map(|answer| format!("{answer:?}"))
        }
    };
    let talk =
        Conversation::with(empty().tool("asks", "", asks)).speaking(ProtocolVersion::V2025_06_18);
    talk.will_answer(json!({ "action": "accept", "content": { "n": 3 } }));
    talk.text("asks", &json!({}));
    let shown = json!({ "type": "object", "properties": { "n": { "type": "number", "maximum": 3 } }, "required": ["n"] });
    assert_eq!(talk.asked()[0].1["requestedSchema"], shown);
    talk.will_answer(json!({ "action": "accept", "content": { "n": 4 } }));
    assert!(
        talk.failure("asks", &json!({}))
            .contains("`n` must be at most 3")
    );
}

#[test]
fn url_elicitation_and_sampling_tools_need_a_version_that_has_them() {
    let errand = async |client: Client| {
        client
            .elicit_url("e", "m", "https://example.com")
            .await
            .map(|_| "opened")
    };
    let tools = async |client: Client| {
        client
            .sample("s", Sampling::new("?", 10).tools(json!([])))
            .await
            .map(|_| "sampled")
    };
    let can = async |client: Client| format!("{} {}", client.can_elicit(), client.can_open_urls());
    let server = empty()
        .tool("errand", "", errand)
        .tool("tools", "", tools)
        .tool("can", "", can);
    let mut talk = Conversation::with(server).speaking(ProtocolVersion::V2025_06_18);
    assert!(
        talk.failure("errand", &json!({}))
            .contains("elicitation.url")
    );
    assert!(talk.failure("tools", &json!({})).contains("sampling"));
    assert_eq!(talk.text("can", &json!({})), "true false");
    talk.client.version = ProtocolVersion::V2025_03_26;
    assert_eq!(talk.text("can", &json!({})), "true false");
    assert_eq!(talk.asked(), []);
}

#[test]
fn forms_before_2025_06_18_have_the_shape_of_that_version() {
    assert_eq!(
        form(ProtocolVersion::V2025_03_26),
        form(ProtocolVersion::V2025_06_18)
    );
}

#[test]
fn sampling_messages_are_those_of_the_clients_version() {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let blocks = json!([text("a"), text("b")]);
    let sampled = |content: Value| {
        move |client: Client| {
            let message = SamplingMessage {
                role: Role::User,
                content: content.clone(),
            };
            async move {
                client
                    .sample("s", Sampling::new("?", 10).message(message))
                    .await
                    .map(|_| "sampled")
            }
        }
    };
    let hot = async |client: Client| {
        client
            .sample("s", Sampling::new("?", 10).temperature(f64::NAN))
            .await
            .map(|_| "")
    };
    let server = empty()
        .tool("many", "", sampled(blocks))
        .tool("result", "", sampled(json!([{ "type": "tool_result" }])))
        .tool("audio", "", sampled(json!([{ "type": "audio" }])))
        .tool("hot", "", hot);
    let mut talk = Conversation::with(server).speaking(ProtocolVersion::V2025_06_18);
    let said =
        json!({ "role": "assistant", "content": { "type": "text", "text": "ok" }, "model": "m" });
    talk.will_answer(said.clone());
    assert_eq!(talk.text("many", &json!({})), "sampled");
    let user = |content: Value| json!({ "role": "user", "content": content });
    assert_eq!(
        talk.asked()[0].1["messages"],
        json!([user(text("?")), user(text("a")), user(text("b"))])
    );
    assert!(talk.failure("result", &json!({})).contains("`tool_result`"));
    talk.will_answer(said);
    assert_eq!(talk.text("audio", &json!({})), "sampled");
    talk.client.version = ProtocolVersion::V2024_11_05;
    assert!(talk.failure("audio", &json!({})).contains("`audio`"));
    assert!(talk.failure("hot", &json!({})).contains("temperature"));
}
