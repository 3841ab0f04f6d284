//! JSON Schemas as clients want them.
//!
//! schemars tells everything about a Rust type. Clients and model providers read less: they refuse type arrays, formats
//! of numbers that JSON does not have, schemas that are a bare `true`. What is left out here loses nothing that the
//! handler does not check again when it reads its arguments.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The `inputSchema` of a tool that takes nothing (2025-11-25, Tools, "Tool").
#[must_use]
pub fn no_arguments() -> Schema {
    Schema::from(Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("additionalProperties".to_owned(), json!(false)),
    ]))
}

/// The schema of what a handler reads its arguments from.
#[must_use]
pub fn input_schema<T: JsonSchema>() -> Schema {
    tidy(
        SchemaSettings::draft2020_12().for_deserialize(),
        |settings| settings.into_generator().into_root_schema_for::<T>(),
    )
}

/// The schema of what a handler gives as structured content.
#[must_use]
pub fn output_schema<T: JsonSchema>() -> Schema {
    tidy(SchemaSettings::draft2020_12().for_serialize(), |settings| {
        settings.into_generator().into_root_schema_for::<T>()
    })
}

fn tidy(settings: SchemaSettings, generate: impl FnOnce(SchemaSettings) -> Schema) -> Schema {
    let mut settings = settings;
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = generate(settings);
    RecursiveTransform(plain).transform(&mut schema);
    schema.remove("title");
    if let Some(object) = schema.as_object_mut() {
        object.entry("type").or_insert_with(|| json!("object"));
    }
    schema
}

/// One schema in its plain form.
fn plain(schema: &mut Schema) {
    if schema.as_bool() == Some(true) {
        *schema = any_json();
    }
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    drop_null(object);
    let numeric = matches!(
        object.get("type").and_then(Value::as_str),
        Some("integer" | "number")
    );
    if numeric {
        object.remove("format");
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
}

/// `Option<T>` is a `T` that may be left out: `required` says so already.
fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| *choice != json!({"type": "null"}));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// Any JSON value, spelled out by type: a bare `true` or `{}` is refused or warned of by clients.
fn any_json() -> Schema {
    let types = ["string", "number", "boolean", "object", "array"];
    let choices: Vec<Value> = types
        .into_iter()
        .map(|name| {
            if name == "array" {
                json!({"type": name, "items": {"type": "object"}})
            } else {
                json!({"type": name})
            }
        })
        .collect();
    Schema::from(Map::from_iter([
        ("description".to_owned(), json!("Any JSON value")),
        ("anyOf".to_owned(), Value::Array(choices)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Search {
        /// What to look for.
        query: String,
        limit: Option<u32>,
        #[serde(default = "one")]
        page: i64,
        order: Option<Order>,
        extra: Option<Value>,
        any: Value,
        point: Option<Point>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Order {
        Up,
        Down,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Point {
        x: f64,
    }

    fn one() -> i64 {
        1
    }

    #[test]
    fn a_schema_has_what_clients_read_and_nothing_they_refuse() {
        let schema = serde_json::to_value(input_schema::<Search>()).unwrap();
        let property = |name: &str| schema["properties"][name].clone();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["required"], json!(["query", "any"]));
        assert_eq!(
            property("query"),
            json!({"type": "string", "description": "What to look for."})
        );
        assert_eq!(property("limit"), json!({"type": "integer", "minimum": 0}));
        assert_eq!(property("page"), json!({"type": "integer", "default": 1}));
        assert_eq!(
            property("order"),
            json!({"type": "string", "enum": ["up", "down"]})
        );
        assert_eq!(
            property("point")["properties"]["x"],
            json!({"type": "number"})
        );
        assert!(property("any")["anyOf"].is_array());
        assert!(property("extra")["anyOf"].is_array());
        assert!(schema.get("title").is_none() && schema.get("$schema").is_none());
    }

    #[test]
    fn a_recursive_type_still_has_a_schema() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Tree {
            children: Vec<Tree>,
        }
        let schema = serde_json::to_value(input_schema::<Tree>()).unwrap();
        assert_eq!(schema["type"], "object");
        assert!(schema.to_string().contains("$ref"));
    }
}
