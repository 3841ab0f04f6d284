//! JSON Schemas as clients want them.
//!
//! schemars tells everything about a Rust type. Clients and model providers read less: they refuse type arrays, formats
//! of numbers that JSON does not have, schemas that are a bare `true`, choices at the root, objects without `properties`.
//! The handler checks all that is left out here when it reads its arguments.

mod choices;
mod keywords;
mod one_object;
mod plain;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use one_object::one_object;
use plain::{Direction, Plain};

/// The `inputSchema` of a tool that takes nothing (2025-11-25, Tools, "Tool"). It is not closed, since there are clients
/// that fail at a boolean `additionalProperties`, and none that need one.
#[must_use]
pub fn no_arguments() -> Schema {
    Schema::from(Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), json!({})),
    ]))
}

/// The schema of what a handler reads its arguments from.
#[must_use]
pub fn input_schema<T: JsonSchema>() -> Schema {
    portable_input(arguments_schema::<T>()).unwrap_or_else(|_| no_arguments())
}

/// The schema of what a handler gives as structured content. Clients check that against it, so it says where `null` is.
#[must_use]
pub fn output_schema<T: JsonSchema>() -> Schema {
    portable_output(generated::<T>(
        SchemaSettings::draft2020_12().for_serialize(),
    ))
}

/// The schema of a handler's arguments as schemars generates it, which is more than clients are shown.
pub(crate) fn arguments_schema<T: JsonSchema>() -> Schema {
    generated::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

fn generated<T: JsonSchema>(mut settings: SchemaSettings) -> Schema {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(valid_pattern).transform(&mut schema);
    schema
}

/// Rewrites escapes that `contains(..)` makes and ECMAScript's expressions refuse with the flag `u`: `\-` and others.
fn valid_pattern(schema: &mut Schema) {
    let Some(Value::String(pattern)) = schema.get_mut("pattern") else {
        return;
    };
    let mut valid = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' {
            characters.next()
        } else {
            None
        };
        match escaped {
            Some('#') => valid.push_str(r"\x23"),
            Some('&') => valid.push_str(r"\x26"),
            Some('-') => valid.push_str(r"\x2d"),
            Some('~') => valid.push_str(r"\x7e"),
            Some(other) => valid.extend([character, other]),
            None => valid.push(character),
        }
    }
    *pattern = valid;
}

/// The schema of arguments as clients are shown it: one plain object.
///
/// # Errors
/// The part of the arguments that is no object.
pub(crate) fn portable_input(mut schema: Schema) -> Result<Schema, String> {
    let root = schema.ensure_object();
    root.remove("title");
    one_object(root)?;
    Plain(Direction::Input).transform(&mut schema);
    Ok(schema)
}

/// The schema of arguments whose choices keep the titles of their variants, for forms.
pub(crate) fn form_schema(mut schema: Schema) -> Result<Schema, String> {
    let root = schema.ensure_object();
    root.remove("title");
    one_object(root)?;
    Plain(Direction::Form).transform(&mut schema);
    Ok(schema)
}

fn portable_output(mut schema: Schema) -> Schema {
    schema.remove("title");
    Plain(Direction::Output).transform(&mut schema);
    if is_object(&schema) {
        let root = schema.ensure_object();
        root.insert("type".to_owned(), json!("object"));
        root.entry("properties").or_insert_with(|| json!({}));
    }
    schema
}

/// True if every value of that schema is an object.
fn is_object(schema: &Schema) -> bool {
    let all_are = |choices: &Value| {
        let choices = choices.as_array().map(Vec::as_slice).unwrap_or_default();
        !choices.is_empty()
            && choices
                .iter()
                .all(|one| <&Schema>::try_from(one).is_ok_and(is_object))
    };
    schema.get("type").is_some_and(|name| name == "object")
        || schema.get("anyOf").is_some_and(all_are)
}

/// The name under which structured content that is no object is sent to clients that take nothing else.
pub(crate) const RESULT: &str = "result";

/// The schema of structured content inside an object, for the versions before 2026-07-28, which take no other root;
/// `None` if every value is an object already.
pub(crate) fn in_an_object(schema: &Schema) -> Option<Schema> {
    if is_object(schema) {
        return None;
    }
    let mut inner = schema.clone();
    let definitions = inner.remove("$defs");
    let mut inner = inner.to_value();
    point_to(&mut inner, &format!("#/properties/{RESULT}"));
    let mut outer =
        json!({ "type": "object", "properties": { RESULT: inner }, "required": [RESULT] });
    if let (Some(outer), Some(definitions)) = (outer.as_object_mut(), definitions) {
        outer.insert("$defs".to_owned(), definitions);
    }
    Schema::try_from(outer).ok()
}

/// Turns references to the root into references to where the root's schema has gone.
fn point_to(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref")
                && target == "#"
            {
                place.clone_into(target);
            }
            object.values_mut().for_each(|value| point_to(value, place));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| point_to(value, place)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Search {
        /// Text to search for.
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
        assert_eq!(
            property("query"),
            json!({"type": "string", "description": "Text to search for."})
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
    fn an_output_schema_marks_members_that_may_be_null() {
        let schema = serde_json::to_value(output_schema::<Search>()).unwrap();
        let property = |name: &str| schema["properties"][name].clone();
        assert_eq!(
            property("limit"),
            json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]})
        );
        let order = json!({"type": "string", "enum": ["up", "down"]});
        assert_eq!(
            property("order"),
            json!({"anyOf": [order, {"type": "null"}]})
        );
        assert!(
            property("any")["anyOf"]
                .as_array()
                .unwrap()
                .contains(&json!({"type": "null"}))
        );
    }

    #[test]
    fn a_recursive_type_has_a_schema_without_references() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Tree {
            children: Vec<Tree>,
            branch: Option<Branch>,
        }
        #[derive(Deserialize, JsonSchema)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        enum Branch {
            Leaf(u8),
            More(Vec<Branch>),
        }
        let schema = serde_json::to_value(input_schema::<Tree>()).unwrap();
        assert_eq!(schema["type"], "object");
        let inner = &schema["properties"]["children"]["items"];
        assert_eq!(
            (&inner["type"], &inner["properties"]),
            (&json!("object"), &json!({}))
        );
        assert!(!schema.to_string().contains('$'), "{schema}");
    }
}
