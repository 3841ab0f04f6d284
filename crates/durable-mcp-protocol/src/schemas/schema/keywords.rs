//! Keywords that allow everything, or `null`.

use serde_json::{Map, Value, json};

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
