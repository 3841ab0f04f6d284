//! Every part of a schema made plain: spelled-out types, plain enums, arrays with `items`, objects with `properties`.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Map, Value, json};

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

/// The keywords that say, alone or with others, what a value is. A schema without one of them allows every value.
const SAYS_A_TYPE: [&str; 14] = [
    "type",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "$ref",
    "$dynamicRef",
    "properties",
    "required",
    "items",
    "prefixItems",
];

/// True if a schema allows every value.
pub(super) fn allows_everything(object: &Map<String, Value>) -> bool {
    !object
        .keys()
        .any(|keyword| SAYS_A_TYPE.contains(&keyword.as_str()) || keyword == "additionalProperties")
}

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

/// `Option<T>` is a `T` that may be left out: `required` says so already.
pub(super) fn drop_null(object: &mut Map<String, Value>) {
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

/// An enum of documented variants is a choice of constants, which google-genai and OpenAI's strict form refuse: it becomes
/// a plain `enum`, and the variants' texts go into the description.
pub(super) fn plain_enum(object: &mut Map<String, Value>) {
    for keyword in ["oneOf", "anyOf"] {
        let Some(choices) = object.get(keyword).and_then(Value::as_array) else {
            continue;
        };
        let Some(constants) = choices.iter().map(constants).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        for (of_one, text) in constants {
            for value in of_one {
                lines.extend(text.map(|text| format!("- {}: {text}", shown(value))));
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
        let kind = values.first().map(type_of);
        if values.iter().any(|value| Some(type_of(value)) != kind) {
            continue;
        }
        object.remove(keyword);
        object.extend(kind.map(|kind| ("type".to_owned(), json!(kind))));
        object.insert("enum".to_owned(), Value::Array(values));
        let own = object.get("description").and_then(Value::as_str);
        let all: Vec<&str> = own
            .into_iter()
            .chain(lines.iter().map(String::as_str))
            .collect();
        if !all.is_empty() {
            let description = json!(all.join("\n"));
            object.insert("description".to_owned(), description);
        }
    }
}

/// A choice of constants with their documentation as titles, as forms have it (2025-11-25, Elicitation, "Requested
/// Schema"); tells whether it is one.
fn titled_choice(object: &mut Map<String, Value>) -> bool {
    let choices = object.get("oneOf").and_then(Value::as_array);
    let Some(constants) =
        choices.and_then(|all| all.iter().map(constants).collect::<Option<Vec<_>>>())
    else {
        return false;
    };
    let mut titled = Vec::new();
    for (values, text) in constants {
        for value in values {
            let title = text.map_or_else(|| shown(value), str::to_owned);
            titled.push(json!({ "const": value, "title": title }));
        }
    }
    object.insert("type".to_owned(), json!("string"));
    object.insert("oneOf".to_owned(), Value::Array(titled));
    true
}

/// The values of a schema that allows constants alone, and what it says of them.
fn constants(choice: &Value) -> Option<(&[Value], Option<&str>)> {
    let choice = choice.as_object()?;
    if choice.keys().any(|keyword| {
        !["type", "enum", "const", "description", "title"].contains(&keyword.as_str())
    }) {
        return None;
    }
    let text = choice.get("description").and_then(Value::as_str);
    match (choice.get("enum"), choice.get("const")) {
        (Some(Value::Array(values)), None) => Some((values, text)),
        (None, Some(value)) => Some((std::slice::from_ref(value), text)),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
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
