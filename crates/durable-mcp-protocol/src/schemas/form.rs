//! Forms, as the version of a client knows them (2025-06-18 and 2025-11-25, Elicitation, "Requested Schema").

use serde_json::{Map, Value, json};

use crate::version::ProtocolVersion;

/// The keywords that a field of each kind may have; `default` comes on top where the version has it.
const TEXT: [&str; 6] = [
    "type",
    "title",
    "description",
    "minLength",
    "maxLength",
    "format",
];
const NUMBER: [&str; 5] = ["type", "title", "description", "minimum", "maximum"];
const TRUTH: [&str; 4] = ["type", "title", "description", "default"];
const CHOICE: [&str; 5] = ["type", "title", "description", "enum", "enumNames"];
const TITLED: [&str; 4] = ["type", "title", "description", "oneOf"];
const LIST: [&str; 6] = [
    "type",
    "title",
    "description",
    "items",
    "minItems",
    "maxItems",
];

/// The formats that a text of a form may have.
const FORMATS: [&str; 4] = ["date", "date-time", "email", "uri"];

/// Cuts a form's schema to a version: keywords and optional lists that the version lacks are left out, and titles of
/// choices are written in its way. The answer is checked against the whole schema.
///
/// # Errors
/// The field that this version, or every version, cannot show.
pub(crate) fn form(schema: &Value, version: ProtocolVersion) -> Result<Value, String> {
    let fields = schema.get("properties").and_then(Value::as_object);
    let fields = fields.ok_or("a form's schema is an object with `properties`")?;
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut shown = Map::new();
    for (name, field) in fields {
        let is_required = required.iter().any(|other| other == name);
        match cut(field, version) {
            Cut::Shown(field) => drop(shown.insert(name.clone(), Value::Object(field))),
            Cut::Unknown if !is_required => {}
            Cut::Unknown => {
                return Err(format!(
                    "the field `{name}` is a list, which forms have since 2025-11-25, and the client is of {version}; \
                     let it be absent, or ask for one choice"
                ));
            }
            Cut::Never => {
                return Err(format!(
                    "the field `{name}` is none of a form: those are texts, numbers, booleans, one choice and lists \
                     of choices"
                ));
            }
        }
    }
    let required: Vec<_> = required
        .iter()
        .filter(|name| name.as_str().is_some_and(|name| shown.contains_key(name)))
        .collect();
    let mut form = json!({ "type": "object", "properties": shown });
    if !required.is_empty()
        && let Some(form) = form.as_object_mut()
    {
        form.insert("required".to_owned(), json!(required));
    }
    Ok(form)
}

enum Cut {
    Shown(Map<String, Value>),
    /// The version has no such field.
    Unknown,
    /// No version has such a field.
    Never,
}

/// A text without a format that no client knows.
fn with_known_format(mut text: Map<String, Value>) -> Map<String, Value> {
    if text
        .get("format")
        .is_some_and(|format| !FORMATS.iter().any(|known| format == known))
    {
        text.remove("format");
    }
    text
}

fn cut(field: &Value, version: ProtocolVersion) -> Cut {
    let Some(field) = field.as_object() else {
        return Cut::Never;
    };
    let is_new = version >= ProtocolVersion::V2025_11_25;
    let with_default = |keywords: &[&str]| {
        let is_known =
            |keyword: &str| keywords.contains(&keyword) || (is_new && keyword == "default");
        let kept = field.iter().filter(|(keyword, _)| is_known(keyword));
        kept.map(|(keyword, rule)| (keyword.clone(), rule.clone()))
            .collect::<Map<_, _>>()
    };
    match field.get("type").and_then(Value::as_str) {
        Some("string") if field.contains_key("oneOf") && is_new => {
            Cut::Shown(with_default(&TITLED))
        }
        Some("string") if field.contains_key("oneOf") => {
            Cut::Shown(untitled(with_default(&CHOICE), field))
        }
        Some("string") if field.contains_key("enum") => Cut::Shown(with_default(&CHOICE)),
        Some("string") => Cut::Shown(with_known_format(with_default(&TEXT))),
        Some("number" | "integer") => Cut::Shown(with_default(&NUMBER)),
        Some("boolean") => Cut::Shown(with_default(&TRUTH)),
        Some("array") => match field.get("items").and_then(choices) {
            Some(items) if is_new => {
                let mut list = with_default(&LIST);
                list.insert("items".to_owned(), items);
                Cut::Shown(list)
            }
            Some(_) => Cut::Unknown,
            None => Cut::Never,
        },
        _ => Cut::Never,
    }
}

/// A choice with titles as the versions before 2025-11-25 have it.
fn untitled(mut field: Map<String, Value>, titled: &Map<String, Value>) -> Map<String, Value> {
    let choices = titled
        .get("oneOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    // A client pairs values and titles by their places, so a choice without a title has its value for one.
    let pairs = choices.iter().filter_map(|choice| {
        let value = choice.get("const")?;
        Some((value, choice.get("title").unwrap_or(value)))
    });
    let (values, names): (Vec<_>, Vec<_>) = pairs.unzip();
    field.insert("enum".to_owned(), json!(values));
    field.insert("enumNames".to_owned(), json!(names));
    field
}

/// The choices of a list.
fn choices(items: &Value) -> Option<Value> {
    if let Some(titled) = items.get("anyOf").or_else(|| items.get("oneOf")) {
        let is_one = |choice: &Value| choice.get("const").is_some();
        return titled
            .as_array()?
            .iter()
            .all(is_one)
            .then(|| json!({ "anyOf": titled }));
    }
    Some(json!({ "type": "string", "enum": items.get("enum")? }))
}
