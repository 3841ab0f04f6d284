//! Bounds, lengths, patterns and formats of arguments, which are checked before a handler runs.

use std::collections::BTreeMap;

use super::*;

#[derive(Debug, Deserialize, JsonSchema)]
struct Query {
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100))]
    limit: i64,
    #[schemars(regex(pattern = r"^[a-z0-9._-]+$"), length(max = 8))]
    file: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 2), inner(length(min = 2)))]
    tags: Option<Vec<String>>,
    #[serde(default)]
    #[schemars(email)]
    mail: Option<String>,
    #[serde(default)]
    #[schemars(url)]
    page: Option<String>,
    #[serde(default)]
    within: BTreeMap<String, Range>,
    #[serde(default)]
    pair: Option<(Range, u8)>,
    #[serde(default)]
    #[schemars(extend("format" = "uuid"))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(contains(pattern = "a-b"))]
    part: Option<String>,
    #[serde(default)]
    #[schemars(length(equal = 2))]
    two: Option<Vec<u8>>,
    #[serde(default)]
    #[schemars(extend("exclusiveMinimum" = 0, "multipleOf" = 0.25))]
    step: Option<f64>,
}

fn ten() -> i64 {
    10
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Range {
    #[schemars(range(min = -1.5, max = 1.5))]
    at: f64,
}

async fn query(Args(query): Args<Query>) -> String {
    let parts = (
        query.file, query.tags, query.mail, query.page, query.id, query.step, query.pair,
        query.part, query.two,
    );
    format!(
        "{} {:?} {:?}",
        query.limit,
        query
            .within
            .values()
            .map(|range| range.at)
            .collect::<Vec<_>>(),
        parts
    )
}

#[test]
fn arguments_that_break_a_constraint_never_reach_the_handler() {
    let talk = Conversation::with(empty().tool("query", "", query));
    for right in [
        json!({}),
        json!({ "limit": 100, "file": "a.txt", "tags": ["ab"], "mail": "a@b.c", "page": "https://a.b/c" }),
        json!({ "limit": 1.0, "within": { "x": { "at": -1.5 } }, "pair": [{ "at": 1.5 }, 255], "step": 0.75 }),
        json!({ "part": "xa-bx", "two": [1, 2] }),
        json!({ "limit": null, "file": null, "id": "123e4567-e89b-12d3-a456-426614174000" }),
        json!({ "file": "ab-c_d.e" }),
    ] {
        talk.text("query", &right);
    }
    for (wrong, path, rule) in [
        (json!({ "limit": 0 }), "`limit`", "at least 1"),
        (json!({ "limit": -1.0 }), "`limit`", "at least 1"),
        (json!({ "limit": 101 }), "`limit`", "at most 100"),
        (json!({ "file": "../../etc/passwd" }), "`file`", "at most 8"),
        (json!({ "file": "../a" }), "`file`", "pattern"),
        (json!({ "file": "a\nb" }), "`file`", "pattern"),
        (json!({ "tags": [] }), "`tags`", "at least 1"),
        (json!({ "tags": ["ab", "ab", "ab"] }), "`tags`", "at most 2"),
        (json!({ "tags": ["ab", "c"] }), "`tags[1]`", "at least 2"),
        (json!({ "mail": "nobody" }), "`mail`", "email"),
        (json!({ "page": "no page" }), "`page`", "uri"),
        (
            json!({ "within": { "x": { "at": 0 }, "y": { "at": 1.6 } } }),
            "`within.y.at`",
            "at most 1.5",
        ),
        (json!({ "within": { "y": [1.6] } }), "`within.y`", "object"),
        (
            json!({ "pair": [{ "at": -2 }, 1] }),
            "`pair[0].at`",
            "at least -1.5",
        ),
        (json!({ "pair": [[2], 1] }), "`pair[0]`", "object"),
        (json!({ "part": "ab" }), "`part`", "pattern"),
        (json!({ "two": [1] }), "`two`", "at least 2"),
        (json!({ "id": "1" }), "`id`", "uuid"),
        (json!({ "step": 0 }), "`step`", "more than 0"),
        (json!({ "step": 0.3 }), "`step`", "multiple of 0.25"),
        (json!([-1]), "value", "object"),
    ] {
        let told = talk.failure("query", &wrong);
        assert!(
            told.contains(path) && told.contains(rule) && told.contains("`query`"),
            "{wrong}: {told}"
        );
    }
    // Members that the handler does not know do not turn the checks off.
    let params = r#"{"name":"query","arguments":{"limit":-1,"junk":1e999}}"#;
    let params: Box<serde_json::value::RawValue> = serde_json::from_str(params).unwrap();
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    let told = talk.ask_text(&body).unwrap()["content"][0]["text"].to_string();
    assert!(told.contains("out of range"), "{told}");
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "only that they can be read matters")]
enum Bounded {
    Circle {
        #[schemars(range(min = 1.0))]
        size: f64,
    },
    Square {
        #[schemars(range(max = 5.0))]
        size: f64,
    },
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only that they can be read matters")]
enum Loose {
    Text {
        #[schemars(regex(pattern = "^a"))]
        x: String,
    },
    Number {
        x: u8,
    },
    Deep {
        next: Box<Loose>,
        other: Option<Box<Loose>>,
    },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only that they can be read matters")]
enum Outside {
    Range(Range),
    Named {
        #[schemars(range(min = 1))]
        by: i8,
        #[serde(alias = "called")]
        name: String,
    },
    Stop,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only that they can be read matters")]
struct Tree {
    #[schemars(range(min = 1))]
    weight: u32,
    #[serde(default)]
    children: Vec<Tree>,
}

#[test]
fn several_faults_are_reported_at_once_up_to_a_bound() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only faults are looked at")]
    struct Order {
        #[schemars(length(min = 1))]
        name: String,
        #[schemars(range(max = 9))]
        count: u32,
        #[schemars(inner(range(max = 3)))]
        sizes: Option<Vec<u8>>,
    }
    async fn order(_: Args<Order>) -> String {
        String::new()
    }
    let talk = Conversation::with(empty().tool("order", "", order));
    let told = talk.failure(
        "order",
        &json!({ "name": "", "count": 99, "sizes": [1, 7] }),
    );
    for fault in [
        "`name` must have at least 1",
        "`count` must be at most 9, and is 99",
        "`sizes[1]` must be at most 3",
    ] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    let told = talk.failure(
        "order",
        &json!({ "name": "", "count": 99, "sizes": vec![7; 1000] }),
    );
    assert_eq!(told.matches(" must ").count(), 8, "{told}");
}

#[test]
fn arguments_without_constraints_must_still_be_an_object() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Word {
        word: String,
    }
    let talk =
        Conversation::with(empty().tool("word", "", async |Args(Word { word }): Args<Word>| word));
    assert_eq!(talk.text("word", &json!({ "word": "a" })), "a");
    let told = talk.failure("word", &json!(["a"]));
    assert!(told.contains("must be an object, and is a list"), "{told}");
}

#[test]
fn enums_and_recursive_types_are_checked_against_their_constraints() {
    let server = empty()
        .tool("bounded", "", async |_: Args<Bounded>| "ok")
        .tool("loose", "", async |_: Args<Loose>| "ok")
        .tool("outside", "", async |_: Args<Outside>| "ok")
        .tool("tree", "", async |_: Args<Tree>| "ok");
    let talk = Conversation::with(server);
    for (name, right) in [
        ("bounded", json!({ "kind": "circle", "size": 9 })),
        ("bounded", json!({ "kind": "square", "size": -9 })),
        ("loose", json!({ "x": "ab" })),
        ("loose", json!({ "x": 7 })),
        (
            "loose",
            json!({ "next": { "x": "ab" }, "other": { "x": 1 } }),
        ),
        ("outside", json!({ "Range": { "at": 1 } })),
        ("outside", json!({ "Named": { "by": 1, "called": "n" } })),
        ("outside", json!({ "Stop": null })),
        (
            "tree",
            json!({ "weight": 1, "children": [{ "weight": 2 }] }),
        ),
    ] {
        assert_eq!(talk.text(name, &right), "ok", "{right}");
    }
    for (name, wrong, path) in [
        ("bounded", json!({ "kind": "circle", "size": 0 }), "`size`"),
        ("bounded", json!({ "kind": "square", "size": 9 }), "`size`"),
        ("loose", json!({ "x": "b" }), "`x`"),
        (
            "loose",
            json!({ "next": { "x": "ab" }, "other": { "x": "b" } }),
            "`other.x`",
        ),
        ("loose", json!(["b"]), "value"),
        ("outside", json!({ "Range": { "at": 9 } }), "`Range.at`"),
        ("outside", json!({ "Range": [9] }), "`Range`"),
        (
            "outside",
            json!({ "Named": { "by": 0, "called": "n" } }),
            "`Named.by`",
        ),
        ("outside", json!({ "Named": [0, "n"] }), "`Named`"),
        (
            "tree",
            json!({ "weight": 1, "children": [{ "weight": 1, "children": [{ "weight": 0 }] }] }),
            "`children[0].children[0].weight`",
        ),
    ] {
        let told = talk.failure(name, &wrong);
        assert!(told.contains(path), "{wrong}: {told}");
    }
}

#[test]
fn nested_alternatives_are_checked_in_a_bounded_number_of_steps() {
    let talk = Conversation::with(empty().tool("loose", "", async |_: Args<Loose>| "ok"));
    let mut deep = json!({ "x": "b" });
    for _ in 0..40 {
        deep = json!({ "next": deep });
    }
    talk.failure("loose", &deep);
    let long = json!({ "x": "a".repeat(20_000) });
    assert!(
        talk.failure("loose", &long).contains("10000"),
        "a pattern is not tried on a text of any length"
    );
}

#[test]
fn arguments_of_prompts_and_templates_are_checked() {
    let server = empty().prompt("query", "", query).resource_template(
        "query",
        "test://{limit}/{file}",
        async |args: Args<Query>| query(args).await,
    );
    let talk = Conversation::with(server);
    talk.ask(
        "prompts/get",
        &json!({ "name": "query", "arguments": { "limit": "2.0", "file": "a" } }),
    )
    .unwrap();
    talk.ask(
        "prompts/get",
        &json!({ "name": "query", "arguments": { "limit": null, "file": "a" } }),
    )
    .unwrap();
    talk.ask("resources/read", &json!({ "uri": "test://1e1/a" }))
        .unwrap();
    for (method, params, path) in [
        (
            "prompts/get",
            json!({ "name": "query", "arguments": { "limit": "0", "file": "a" } }),
            "`limit`",
        ),
        (
            "prompts/get",
            json!({ "name": "query", "arguments": { "file": "A" } }),
            "`file`",
        ),
        (
            "resources/read",
            json!({ "uri": "test://101/a" }),
            "`limit`",
        ),
        (
            "resources/read",
            json!({ "uri": "test://1/%2e%2e%2fa" }),
            "`file`",
        ),
    ] {
        let (code, told) = talk.refusal(method, &params);
        assert!(code == -32602 && told.contains(path), "{params}: {told}");
    }
}

#[test]
fn an_invalid_pattern_is_a_problem_that_quotes_it() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Wrong {
        #[schemars(regex(pattern = "^(a"))]
        a: String,
    }
    let told = empty()
        .tool("wrong", "", async |_: Args<Wrong>| "done")
        .problems()
        .join(" ");
    assert!(told.contains("`wrong`") && told.contains("^(a"), "{told}");
    let server = empty()
        .prompt("p", "", async |_: Args<Wrong>| "done")
        .resource_template("r", "test://{a}", async |_: Args<Wrong>| "done");
    assert_eq!(server.problems().len(), 2, "{:?}", server.problems());
}

#[test]
fn arguments_are_checked_against_a_handwritten_schema() {
    let schema = schemars::json_schema!({
        "type": "object",
        "properties": { "n": { "$ref": "#/$defs/small" }, "s": { "allOf": [{ "maxLength": 2 }] } },
        "$defs": { "small": { "type": "integer", "maximum": 3 } },
    });
    let any = async |Args(given): Args<Map<String, Value>>| Value::Object(given).to_string();
    let talk = Conversation::with(empty().with(Tool::new("hand", "", any).input_schema(schema)));
    talk.text("hand", &json!({ "n": 3, "s": "ab", "more": 4 }));
    assert!(
        talk.failure("hand", &json!({ "n": 4 }))
            .contains("`n` must be at most 3")
    );
    assert!(
        talk.failure("hand", &json!({ "s": "abc" }))
            .contains("`s` must have at most 2 characters")
    );
}

#[test]
fn a_repeated_entry_is_refused_where_entries_must_be_unique() {
    let schema = schemars::json_schema!({
        "type": "object",
        "properties": { "tags": { "type": "array", "items": { "type": "string" }, "uniqueItems": true } },
    });
    let any = async |Args(given): Args<Map<String, Value>>| Value::Object(given).to_string();
    let talk = Conversation::with(empty().with(Tool::new("tag", "", any).input_schema(schema)));
    talk.text("tag", &json!({ "tags": ["a", "b"] }));
    assert!(
        talk.failure("tag", &json!({ "tags": ["a", "b", "a"] }))
            .contains("`tags` must not have an entry twice")
    );
}

#[test]
fn nested_alternatives_are_refused_without_trying_every_combination() {
    let next = json!({ "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } }, "required": ["next"] });
    let end =
        json!({ "type": "object", "properties": { "x": { "maximum": 3 } }, "required": ["x"] });
    let schema = schemars::json_schema!({
        "type": "object",
        "properties": { "node": { "$ref": "#/$defs/node" } },
        "$defs": { "node": { "anyOf": [next.clone(), next, end] } },
    });
    let any = async |Args(given): Args<Map<String, Value>>| Value::Object(given).to_string();
    let talk = Conversation::with(empty().with(Tool::new("nested", "", any).input_schema(schema)));
    // Each level has two alternatives to try: with every combination this would not end.
    let deep = (0..40).fold(json!({ "x": 4 }), |node, _| json!({ "next": node }));
    assert!(
        talk.failure("nested", &json!({ "node": deep }))
            .contains("must be at most 3")
    );
}

#[test]
fn the_number_of_members_is_checked() {
    let schema = schemars::json_schema!({
        "type": "object",
        "properties": { "labels": { "type": "object", "minProperties": 1, "maxProperties": 2 } },
    });
    let any = async |Args(given): Args<Map<String, Value>>| Value::Object(given).to_string();
    let talk = Conversation::with(empty().with(Tool::new("label", "", any).input_schema(schema)));
    talk.text("label", &json!({ "labels": { "a": 1, "b": 2 } }));
    assert!(
        talk.failure("label", &json!({ "labels": {} }))
            .contains("`labels` must have at least 1 members")
    );
    let many = json!({ "labels": { "a": 1, "b": 2, "c": 3 } });
    assert!(
        talk.failure("label", &many)
            .contains("`labels` must have at most 2 members")
    );
}

#[test]
fn the_number_of_entries_is_checked_without_other_constraints() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only that they can be read matters")]
    struct Two {
        #[schemars(length(equal = 2))]
        two: Vec<u8>,
    }
    let talk = Conversation::with(empty().tool("two", "", async |_: Args<Two>| "ok"));
    assert_eq!(talk.text("two", &json!({ "two": [1, 2] })), "ok");
    assert!(
        talk.failure("two", &json!({ "two": [1] }))
            .contains("`two` must have at least 2 entries")
    );
}
