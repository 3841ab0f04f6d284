//! Every part of a schema made plain: spelled-out types, plain enums, arrays with `items`, objects with `properties`.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

use super::choices::{plain_enum, titled_choice, type_of};
use super::keywords::{allows_everything, drop_null};
use super::one_object::merge_choices;

/// The use of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Arguments, which a model fills in.
    Input,
    /// The answer to a form, whose choices have titles for people.
    Form,
    /// Structured content, which a client checks.
    Output,
}

/// Makes a schema and all in it plain.
pub(super) struct Plain(pub(super) Direction);

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        if schema.as_bool() == Some(true) {
            *schema = Schema::default();
        }
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        if self.0 != Direction::Output {
            drop_null(object);
            without_reference(object);
        }
        if allows_everything(object) {
            return spell_out(object, self.0);
        }
        if self.0 == Direction::Output {
            split_null(object);
        } else if object.contains_key("properties") {
            merge_choices(object, false).unwrap_or_default();
        }
        if self.0 != Direction::Form {
            plain_enum(object);
        } else if titled_choice(object) {
            return;
        }
        one_value(object);
        any_of(object);
        drop_format(object);
        with_items(object);
        with_properties(object);
        transform_subschemas(self, schema);
    }
}

/// A recursive type is any object, or any value, where it holds itself: google-genai fails at a reference to the root, and
/// Anthropic's API refuses every one.
fn without_reference(object: &mut Map<String, Value>) {
    object.remove("$defs");
    if let Some(target) = object.remove("$ref") {
        object
            .entry("description")
            .or_insert_with(|| json!("Of the same kind as what holds it"));
        if target == "#" {
            object.insert("type".to_owned(), json!("object"));
        }
    }
}

/// Any JSON value, spelled out by type: a bare `true` or `{}` is refused or warned of by clients.
fn spell_out(object: &mut Map<String, Value>, direction: Direction) {
    object
        .entry("description")
        .or_insert_with(|| json!("Any JSON value"));
    object.insert("anyOf".to_owned(), any_value(direction));
}

fn any_value(direction: Direction) -> Value {
    let object = || json!({ "type": "object", "properties": {} });
    let (text, number, truth) = (
        json!({"type": "string"}),
        json!({"type": "number"}),
        json!({"type": "boolean"}),
    );
    match direction {
        Direction::Output => {
            // Entries may be anything, and clients warn of a schema without a keyword: this one refuses no value.
            let entry = json!({ "minItems": 0 });
            json!([text, number, truth, object(), {"type": "null"}, {"type": "array", "items": entry}])
        }
        _ => json!([text, number, truth, object(), {"type": "array", "items": object()}]),
    }
}

/// `Option<T>` is a `T` or `null`: a choice of two schemas, where a type array is refused or warned of by clients.
fn split_null(object: &mut Map<String, Value>) {
    let is_null = |name: &Value| name == "null";
    if !object
        .get("type")
        .and_then(Value::as_array)
        .is_some_and(|types| types.iter().any(is_null))
    {
        return;
    }
    let description = object.remove("description");
    let mut present = std::mem::take(object);
    drop_null(&mut present);
    object.extend(description.map(|text| ("description".to_owned(), text)));
    object.insert("anyOf".to_owned(), json!([present, {"type": "null"}]));
}

/// `const` is an `enum` of one: not every provider knows the former.
fn one_value(object: &mut Map<String, Value>) {
    if let Some(value) = object.remove("const") {
        object
            .entry("type")
            .or_insert_with(|| json!(type_of(&value)));
        object.insert("enum".to_owned(), json!([value]));
    }
}

/// `oneOf` is `anyOf`: variants of an enum exclude each other anyway, and providers know the latter only.
fn any_of(object: &mut Map<String, Value>) {
    if !object.contains_key("anyOf")
        && let Some(choices) = object.remove("oneOf")
    {
        object.insert("anyOf".to_owned(), choices);
    }
}

/// `uint32` and the like: JSON has numbers, and `minimum` says the rest.
fn drop_format(object: &mut Map<String, Value>) {
    if matches!(
        object.get("type").and_then(Value::as_str),
        Some("integer" | "number")
    ) {
        object.remove("format");
    }
}

/// A tuple has its entries' types in `prefixItems`, which not every provider knows: `items` says which types there are.
fn with_items(object: &mut Map<String, Value>) {
    if object.get("type").is_none_or(|name| name != "array") || object.contains_key("items") {
        return;
    }
    let mut kinds: Vec<Value> = Vec::new();
    for kind in object
        .get("prefixItems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    let items = match kinds.len() {
        0 => json!({}),
        1 => kinds.swap_remove(0),
        _ => json!({ "anyOf": kinds }),
    };
    object.insert("items".to_owned(), items);
}

/// An object without `properties` has none; OpenAI's API answers 400 to it. `additionalProperties: false` goes, since
/// google-genai fails at it, and the handler refuses what it does not know if it is told to.
fn with_properties(object: &mut Map<String, Value>) {
    if object.get("type").is_some_and(|name| name == "object") {
        object.entry("properties").or_insert_with(|| json!({}));
    }
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        object.remove("additionalProperties");
    }
}
