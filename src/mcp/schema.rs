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
    tidy(SchemaSettings::draft2020_12().for_deserialize(), plain_input, |settings| {
        settings.into_generator().into_root_schema_for::<T>()
    })
}

/// The schema of what a handler gives as structured content. Clients check that against it, so it says where `null` is.
#[must_use]
pub fn output_schema<T: JsonSchema>() -> Schema {
    tidy(SchemaSettings::draft2020_12().for_serialize(), plain_output, |settings| {
        settings.into_generator().into_root_schema_for::<T>()
    })
}

fn tidy(settings: SchemaSettings, plain: fn(&mut Schema), generate: impl FnOnce(SchemaSettings) -> Schema) -> Schema {
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

fn plain_input(schema: &mut Schema) {
    if schema.as_bool() == Some(true) {
        *schema =
            any_json(&["string", "number", "boolean", "object"], json!({"type": "array", "items": {"type": "object"}}));
    }
    if let Some(object) = schema.as_object_mut() {
        drop_null(object);
        drop_format(object);
    }
}

fn plain_output(schema: &mut Schema) {
    if schema.as_bool() == Some(true) {
        *schema = any_json(&["string", "number", "boolean", "object", "null"], json!({"type": "array"}));
    }
    if let Some(object) = schema.as_object_mut() {
        split_null(object);
        drop_format(object);
    }
}

/// `Option<T>` is a `T` or `null`: a choice of two schemas, where a type array is refused or warned of by clients.
fn split_null(object: &mut Map<String, Value>) {
    let is_null = |name: &Value| name == "null";
    if !object.get("type").and_then(Value::as_array).is_some_and(|types| types.iter().any(is_null)) {
        return;
    }
    let description = object.remove("description");
    let mut present = std::mem::take(object);
    drop_null(&mut present);
    object.extend(description.map(|text| ("description".to_owned(), text)));
    object.insert("anyOf".to_owned(), json!([present, {"type": "null"}]));
}

/// `Option<T>` is a `T` that may be left out: `required` says so already.
fn drop_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
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

/// `uint32` and the like: JSON has numbers, and `minimum` says the rest.
fn drop_format(object: &mut Map<String, Value>) {
    if matches!(object.get("type").and_then(Value::as_str), Some("integer" | "number")) {
        object.remove("format");
    }
}

/// Any JSON value, spelled out by type: a bare `true` or `{}` is refused or warned of by clients.
fn any_json(types: &[&str], array: Value) -> Schema {
    let mut choices: Vec<_> = types.iter().map(|name| json!({"type": name})).collect();
    choices.push(array);
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
        assert_eq!(property("query"), json!({"type": "string", "description": "What to look for."}));
        assert_eq!(property("limit"), json!({"type": "integer", "minimum": 0}));
        assert_eq!(property("page"), json!({"type": "integer", "default": 1}));
        assert_eq!(property("order"), json!({"type": "string", "enum": ["up", "down"]}));
        assert_eq!(property("point")["properties"]["x"], json!({"type": "number"}));
        assert!(property("any")["anyOf"].is_array());
        assert!(property("extra")["anyOf"].is_array());
        assert!(schema.get("title").is_none() && schema.get("$schema").is_none());
    }

    #[test]
    fn an_output_schema_says_where_null_is() {
        let schema = serde_json::to_value(output_schema::<Search>()).unwrap();
        let property = |name: &str| schema["properties"][name].clone();
        assert_eq!(property("limit"), json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}));
        let order = json!({"type": "string", "enum": ["up", "down"]});
        assert_eq!(property("order"), json!({"anyOf": [order, {"type": "null"}]}));
        assert!(property("any")["anyOf"].as_array().unwrap().contains(&json!({"type": "null"})));
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
