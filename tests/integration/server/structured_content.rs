//! Structured content that is no object: only clients since 2026-07-28 take it as it is.

use super::*;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Running
    On,
    Broken {
        why: &'static str,
    },
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind")]
enum Tagged {
    A { a: u8 },
    B,
}

#[derive(Serialize, JsonSchema)]
struct Tree {
    children: Vec<Tree>,
}

fn talk(version: ProtocolVersion) -> Conversation {
    let server = empty()
        .tool("list", "", async || Json(vec![1, 2]))
        .tool("text", "", async || Json("a".to_owned()))
        .tool("unit", "", async || Json(()))
        .tool("none", "", async || Json(None::<Tagged>))
        .tool("some", "", async || Json(Some(Tagged::A { a: 1 })))
        .tool("unit_variant", "", async || Json(State::On))
        .tool("variant", "", async || Json(State::Broken { why: "old" }))
        .tool("any", "", async || Json(json!({ "a": null })))
        .tool("pair", "", async || Json((1.5, "x")))
        .tool("trees", "", async || Json(vec![Tree { children: vec![] }]));
    Conversation::with(server).speaking(version)
}

/// The value that each of these tools gives.
fn given() -> [(&'static str, Value); 10] {
    [
        ("list", json!([1, 2])),
        ("text", json!("a")),
        ("unit", Value::Null),
        ("none", Value::Null),
        ("some", json!({ "kind": "A", "a": 1 })),
        ("unit_variant", json!("on")),
        ("variant", json!({ "broken": { "why": "old" } })),
        ("any", json!({ "a": null })),
        ("pair", json!([1.5, "x"])),
        ("trees", json!([{ "children": [] }])),
    ]
}

const OBJECTS_ALONE: [ProtocolVersion; 2] =
    [ProtocolVersion::V2025_06_18, ProtocolVersion::V2025_11_25];

fn text(result: &Value) -> Value {
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[test]
fn structured_content_is_wrapped_where_clients_take_only_objects() {
    for version in OBJECTS_ALONE {
        let talk = talk(version);
        let listed = talk.ask("tools/list", &json!({})).unwrap();
        for ((name, value), tool) in given().into_iter().zip(listed["tools"].as_array().unwrap()) {
            let schema = &tool["outputSchema"];
            assert_eq!(
                (&schema["type"], &schema["required"]),
                (&json!("object"), &json!(["result"])),
                "{name}"
            );
            assert!(
                schema["properties"]["result"].is_object(),
                "{name}: {schema}"
            );
            let result = talk.call(name, &json!({}));
            assert_eq!(
                result["structuredContent"],
                json!({ "result": value }),
                "{name}"
            );
            assert_eq!(text(&result), value, "{name}");
            assert_eq!(result.get("isError"), None, "{name}");
        }
        let tree = &listed["tools"][9]["outputSchema"];
        let target = tree.pointer("/properties/result/items/properties/children/items/$ref");
        let target = target.and_then(Value::as_str).unwrap();
        assert!(
            tree.pointer(target.trim_start_matches('#')).is_some(),
            "{target} leads nowhere: {tree}"
        );
    }
}

#[test]
fn structured_content_is_not_wrapped_since_2026_07_28() {
    let talk = talk(ProtocolVersion::V2026_07_28);
    let listed = talk.ask("tools/list", &json!({})).unwrap();
    for ((name, value), tool) in given().into_iter().zip(listed["tools"].as_array().unwrap()) {
        assert!(
            tool["outputSchema"]["properties"].get("result").is_none(),
            "{name}"
        );
        let result = talk.call(name, &json!({}));
        assert_eq!(result.get("structuredContent"), Some(&value), "{name}");
    }
    let schema = |at: usize| listed["tools"][at]["outputSchema"].clone();
    assert_eq!(
        schema(0),
        json!({ "type": "array", "items": { "type": "integer" } })
    );
    assert_eq!(schema(1), json!({ "type": "string" }));
    assert_eq!(schema(2), json!({ "type": "null" }));
}

#[test]
fn variants_that_are_all_objects_are_wrapped_in_no_version() {
    for version in ProtocolVersion::ALL {
        let server = empty()
            .tool("a", "", async || Json(Tagged::A { a: 1 }))
            .tool("b", "", async || Json(Tagged::B));
        let talk = Conversation::with(server).speaking(version);
        let listed = talk.ask("tools/list", &json!({})).unwrap();
        assert_eq!(listed["tools"][0]["outputSchema"]["type"], "object");
        assert_eq!(
            talk.call("a", &json!({}))["structuredContent"],
            json!({ "kind": "A", "a": 1 })
        );
        assert_eq!(
            talk.call("b", &json!({}))["structuredContent"],
            json!({ "kind": "B" })
        );
    }
}

#[test]
fn structured_content_made_by_hand_is_wrapped_too() {
    let by_hand = async || {
        let mut result = ToolResult::default();
        result.structured_content = Some(serde_json::value::to_raw_value(&[1]).unwrap());
        result
    };
    for (version, value) in [
        (ProtocolVersion::V2025_06_18, json!({ "result": [1] })),
        (ProtocolVersion::V2026_07_28, json!([1])),
    ] {
        let talk = Conversation::with(empty().tool("hand", "", by_hand)).speaking(version);
        assert_eq!(talk.call("hand", &json!({}))["structuredContent"], value);
    }
}

#[test]
fn nan_and_infinity_are_errors_that_name_their_place() {
    #[derive(Serialize, JsonSchema)]
    struct Report {
        parts: Vec<Option<f64>>,
    }
    let server = empty()
        .tool("nan", "", async || {
            Json(Report {
                parts: vec![None, Some(f64::NAN)],
            })
        })
        .tool("infinite", "", async || Json(f32::INFINITY))
        .tool("fine", "", async || {
            Json(Report {
                parts: vec![None, Some(0.5)],
            })
        });
    let talk = Conversation::with(server);
    for (name, place) in [("nan", "`parts[1]`"), ("infinite", "a number that JSON")] {
        let told = talk.failure(name, &json!({}));
        assert!(told.contains(place) && told.contains("NaN"), "{told}");
    }
    assert_eq!(
        talk.call("fine", &json!({}))["structuredContent"],
        json!({ "parts": [null, 0.5] })
    );
}
