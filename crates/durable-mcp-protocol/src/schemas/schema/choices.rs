//! Choices of constants: plain enums, and titled ones in forms.

use serde_json::{Map, Value, json};

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
pub(super) fn titled_choice(object: &mut Map<String, Value>) -> bool {
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

pub(super) fn type_of(value: &Value) -> &'static str {
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
