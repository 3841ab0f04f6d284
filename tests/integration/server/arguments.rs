//! The arguments of tools, prompts and templates: the schema that clients get, and how they are read.

use std::collections::BTreeMap;

use super::*;

/// The input schema of a tool with those arguments.
fn shown<T: for<'de> Deserialize<'de> + JsonSchema + 'static>() -> Value {
    let talk = Conversation::with(empty().tool("t", "", async |_: Args<T>| "done"));
    talk.ask("tools/list", &json!({})).unwrap()["tools"][0]["inputSchema"].take()
}

/// The problem of a server that has a tool with those arguments.
fn problem<T: for<'de> Deserialize<'de> + JsonSchema + 'static>() -> String {
    let server = empty()
        .tool("wrong", "", async |_: Args<T>| "done")
        .tool("right", "", hello);
    assert_eq!(server.problems().len(), 1, "{:?}", server.problems());
    server.problems()[0].clone()
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Tagged {
    /// A round one
    Circle {
        /// From the middle
        radius: f64,
        name: String,
    },
    Square {
        side: u32,
        name: String,
    },
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Untagged {
    ById { id: u32 },
    ByName { name: String, exact: Option<bool> },
}

#[derive(Deserialize, JsonSchema)]
enum External {
    Move { by: f64 },
    Turn(i32),
    Stop,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Flattened {
    page: u32,
    #[serde(flatten)]
    shape: Tagged,
    #[serde(flatten)]
    who: Option<Untagged>,
}

#[test]
fn an_enum_has_one_object_schema_with_the_properties_of_all_variants() {
    let tag = json!({ "type": "string", "enum": ["circle", "square"], "description": "- circle: A round one" });
    let text = json!({ "type": "string" });
    let radius = json!({ "type": "number", "description": "From the middle" });
    let side = json!({ "type": "integer", "minimum": 0 });
    let own = json!({ "kind": tag, "radius": radius, "side": side, "name": text });
    let tagged = json!({ "type": "object", "properties": own, "required": ["kind", "name"] });
    assert_eq!(shown::<Tagged>(), tagged);
    assert_eq!(shown::<Option<Tagged>>(), tagged);

    let untagged = json!({ "id": { "type": "integer", "minimum": 0 }, "name": text, "exact": { "type": "boolean" } });
    assert_eq!(
        shown::<Untagged>(),
        json!({ "type": "object", "properties": untagged })
    );

    let turn = json!({ "type": "integer" });
    let by = json!({ "type": "object", "properties": { "by": { "type": "number" } }, "required": ["by"] });
    let external = json!({ "Move": by, "Turn": turn, "Stop": { "type": "null" } });
    assert_eq!(
        shown::<External>(),
        json!({ "type": "object", "properties": external })
    );

    let flattened = shown::<Flattened>();
    let names: Vec<_> = flattened["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        ["exact", "id", "kind", "name", "page", "radius", "side"]
    );
    assert_eq!(flattened["required"], json!(["page", "kind", "name"]));
}

#[test]
fn arguments_must_fit_one_variant_of_their_enum() {
    let moved = async |Args(how): Args<External>| match how {
        External::Move { by } => format!("moved by {by}"),
        External::Turn(degrees) => format!("turned by {degrees}"),
        External::Stop => "stopped".to_owned(),
    };
    let talk = Conversation::with(empty().tool("move", "", moved).tool(
        "tagged",
        "",
        async |_: Args<Tagged>| "ok",
    ));
    assert_eq!(
        talk.text("move", &json!({ "Move": { "by": 1.5 } })),
        "moved by 1.5"
    );
    assert_eq!(talk.text("move", &json!({ "Turn": 90 })), "turned by 90");
    assert_eq!(talk.text("move", &json!({ "Stop": null })), "stopped");
    talk.failure("move", &json!({ "Turn": 90, "Stop": null }));
    assert!(
        talk.failure(
            "tagged",
            &json!({ "kind": "square", "name": "n", "radius": 1 })
        )
        .contains("side")
    );
}

#[test]
fn arguments_that_are_no_object_are_a_problem_that_names_the_tool() {
    #[derive(Deserialize, JsonSchema)]
    struct Unit;
    #[derive(Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Mixed {
        Object { a: u8 },
        List(Vec<u8>),
    }
    #[derive(Deserialize, JsonSchema)]
    enum Words {
        /// The first
        One,
        Two,
    }
    let all = [
        problem::<Vec<i32>>(),
        problem::<String>(),
        problem::<u8>(),
        problem::<()>(),
        problem::<Unit>(),
        problem::<(u8, u8)>(),
        problem::<Mixed>(),
        problem::<Words>(),
    ];
    for told in all {
        assert!(
            told.contains("`wrong`") && told.contains("struct"),
            "{told}"
        );
    }
    let server = empty()
        .prompt("p", "", async |_: Args<Vec<u8>>| "done")
        .resource_template("r", "test://{a}", async |_: Args<u8>| "done")
        .with(Tool::new("hand", "", hello).input_schema(schemars::json_schema!({ "oneOf": [] })));
    assert_eq!(server.problems().len(), 3, "{:?}", server.problems());
    for (told, name) in
        server
            .problems()
            .iter()
            .zip(["tool `hand`", "resource template `r`", "prompt `p`"])
    {
        assert!(told.starts_with(name), "{told}");
    }
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Closed {
    inner: Option<Nothing>,
    list: Vec<Nothing>,
    map: BTreeMap<String, u8>,
    unit: Deep,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deep {}

#[test]
fn empty_arguments_have_an_open_object_schema_at_any_depth() {
    let nothing = json!({ "type": "object", "properties": {} });
    let talk = Conversation::with(empty().tool("t", "", hello));
    assert_eq!(
        talk.ask("tools/list", &json!({})).unwrap()["tools"][0]["inputSchema"],
        nothing
    );
    assert_eq!(shown::<Nothing>(), nothing);
    assert_eq!(shown::<Deep>(), nothing);
    assert_eq!(shown::<Value>(), nothing);
    let closed = shown::<Closed>();
    assert_eq!(closed["properties"]["inner"], nothing);
    assert_eq!(closed["properties"]["list"]["items"], nothing);
    assert_eq!(closed["properties"]["unit"], nothing);
    assert_eq!(closed["properties"]["map"]["properties"], json!({}));
    assert!(!closed.to_string().contains("false"), "{closed}");
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Odd {
    /// A point
    pair: (f64, String),
    pairs: Vec<(u8, u8)>,
    /// Whatever there is
    any: Value,
    #[schemars(extend("examples" = [1]))]
    example: Value,
    plain: Value,
    size: Size,
    sizes: Option<Vec<Size>>,
}

/// Size of the pot
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    /// For one
    Small,
    /// For two
    Large,
    Huge,
}

#[test]
fn schemas_have_items_in_lists_types_in_fields_and_plain_enums() {
    let schema = shown::<Odd>();
    let property = |name: &str| schema["properties"][name].clone();
    assert_eq!(
        property("pair")["items"],
        json!({ "anyOf": [{ "type": "number" }, { "type": "string" }] })
    );
    assert_eq!(
        property("pair")["prefixItems"][1],
        json!({ "type": "string" })
    );
    let byte = json!({ "type": "integer", "minimum": 0, "maximum": 255 });
    assert_eq!(property("pairs")["items"]["items"], byte);
    assert_eq!(property("any")["anyOf"], property("plain")["anyOf"]);
    assert_eq!(property("example")["anyOf"], property("plain")["anyOf"]);
    assert_eq!(property("any")["description"], "Whatever there is");
    assert_eq!(property("example")["examples"], json!([1]));
    let size = json!({
        "type": "string", "enum": ["huge", "small", "large"],
        "description": "Size of the pot\n- small: For one\n- large: For two",
    });
    assert_eq!(property("size"), size);
    assert_eq!(property("sizes")["items"], size);
}

#[test]
fn integers_may_be_written_with_a_fraction_or_an_exponent() {
    #[derive(Deserialize, JsonSchema)]
    struct Deep {
        by: i64,
        list: Vec<u8>,
        maybe: Option<u16>,
        #[serde(default)]
        place: Option<(i8, f64)>,
    }
    let sum = async |Args(deep): Args<Deep>| {
        let place = deep.place.map_or(0, |(first, _)| i64::from(first));
        (deep.by
            + deep.list.iter().map(|n| i64::from(*n)).sum::<i64>()
            + i64::from(deep.maybe.unwrap_or(0))
            + place)
            .to_string()
    };
    let talk = Conversation::with(empty().tool("sum", "", sum).tool(
        "maybe",
        "",
        async |args: Option<Args<Deep>>| {
            if args.is_some() { "read" } else { "not read" }
        },
    ));
    let call = |name: &str, arguments: &str| {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        talk.ask_text(&format!(
            r#"{{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{params}}}"#
        ))
        .unwrap()
    };
    for (arguments, sum) in [
        (r#"{"by": 2.0, "list": []}"#, "2"),
        (r#"{"by": 1e2, "list": [1.0, 2e0], "maybe": 5.0}"#, "108"),
        (
            r#"{"by": -0.0, "list": [], "maybe": null, "place": [1e1, 2.5]}"#,
            "10",
        ),
    ] {
        assert_eq!(
            call("sum", arguments)["content"][0]["text"],
            sum,
            "{arguments}"
        );
    }
    assert_eq!(
        call("maybe", r#"{"by": 2.0, "list": []}"#)["content"][0]["text"],
        "read"
    );
    for (arguments, path) in [
        (r#"{"by": 2.5, "list": []}"#, "`by`"),
        (r#"{"by": 1e30, "list": []}"#, "`by`"),
        (r#"{"by": 1.0, "list": [1.0, 256.0]}"#, "`list[1]`"),
    ] {
        let result = call("sum", arguments);
        assert!(
            result["isError"] == true
                && result["content"][0]["text"]
                    .as_str()
                    .unwrap()
                    .contains(path),
            "{result}"
        );
    }
}

fn ten() -> i64 {
    10
}

#[test]
fn a_null_argument_becomes_its_default() {
    #[derive(Deserialize, JsonSchema)]
    struct Outer {
        #[serde(default = "ten")]
        by: i64,
        #[serde(default)]
        inner: Inner,
        list: Vec<Inner>,
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(default)]
    struct Inner {
        by: i64,
    }
    impl Default for Inner {
        fn default() -> Self {
            Self { by: 3 }
        }
    }
    let sum = async |Args(outer): Args<Outer>| {
        (outer.by + outer.inner.by + outer.list.iter().map(|inner| inner.by).sum::<i64>())
            .to_string()
    };
    let talk = Conversation::with(empty().tool("sum", "", sum));
    assert_eq!(
        talk.text("sum", &json!({ "by": null, "inner": null, "list": [] })),
        "13"
    );
    assert_eq!(
        talk.text(
            "sum",
            &json!({ "inner": { "by": null }, "list": [{ "by": null }, { "by": 1 }] })
        ),
        "17"
    );
    assert!(
        talk.failure("sum", &json!({ "list": null }))
            .contains("`list`: invalid type: null")
    );
}

#[test]
fn a_list_of_the_wrong_length_is_refused_with_field_and_count() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only faults are looked at")]
    struct Place {
        at: (i8, f64),
        corners: Option<Vec<(u8, u8, u8)>>,
    }
    let talk = Conversation::with(empty().tool("t", "", async |_: Args<Place>| ""));
    for (arguments, told) in [
        (
            json!({ "at": [1, 2, 3] }),
            "`at`: must have at most 2 entries, and has more.",
        ),
        (
            json!({ "at": [1] }),
            "`at`: invalid length 1, expected a tuple of size 2.",
        ),
        (
            json!({ "at": [1, 2], "corners": [[1, 2, 3], [1, 2, 3, 4]] }),
            "`corners[1]`: must have at most 3 entries, and has more.",
        ),
        (
            json!({ "at": [1, 2], "corners": [[]] }),
            "`corners[0]`: invalid length 0, expected a tuple of size 3.",
        ),
    ] {
        let refused = talk.failure("t", &arguments);
        assert!(refused.contains(told), "{refused}");
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only faults are looked at")]
enum Shape {
    Circle { radius: f64, center: Point },
    Line { ends: Vec<Point> },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only faults are looked at")]
struct Point {
    x: u8,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only faults are looked at")]
enum Extent {
    One { width: u8 },
    Two { height: u8 },
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only faults are looked at")]
struct Drawing {
    shape: Option<Shape>,
    size: Option<Extent>,
}

#[test]
fn a_fault_inside_an_enum_is_refused_with_its_path() {
    let talk = Conversation::with(empty().tool("t", "", async |_: Args<Drawing>| "").tool(
        "s",
        "",
        async |_: Args<Shape>| "",
    ));
    for (shape, path) in [
        (
            json!({ "kind": "circle", "radius": "x", "center": { "x": 1 } }),
            "radius",
        ),
        (
            json!({ "kind": "circle", "radius": 1, "center": { "x": 300 } }),
            "center.x",
        ),
        (
            json!({ "kind": "line", "ends": [{ "x": 1 }, { "x": "y" }] }),
            "ends[1].x",
        ),
    ] {
        let told = talk.failure("t", &json!({ "shape": shape }));
        assert!(told.contains(&format!("`shape.{path}`")), "{told}");
        let told = talk.failure("s", &shape);
        assert!(told.contains(&format!("`{path}`")), "{told}");
    }
    let told = talk.failure("t", &json!({ "size": { "height": "x" } }));
    assert!(told.contains("`size.height`"), "{told}");
}

#[test]
fn half_of_a_surrogate_pair_is_reported_as_such() {
    let talk = Conversation::with(empty().tool("echo", "", echo).prompt("echo", "", echo));
    for (method, params) in [
        (
            "tools/call",
            r#"{"name":"echo","arguments":{"word":"\ud83d"}}"#,
        ),
        (
            "tools/call",
            r#"{"name":"echo","arguments":{"word":"\ude00x"}}"#,
        ),
        (
            "tools/call",
            r#"{"name":"echo","arguments":{"word":"a","\ud83d":1}}"#,
        ),
        ("tools/call", r#"{"name":"\ud83d","arguments":{}}"#),
        (
            "prompts/get",
            r#"{"name":"echo","arguments":{"word":"\ud83d\n"}}"#,
        ),
    ] {
        let told = match talk.ask_text(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#
        )) {
            Ok(result) => result["content"][0]["text"].to_string(),
            Err(error) => error.message,
        };
        assert!(told.contains("surrogate pair"), "{params}: {told}");
    }
}
