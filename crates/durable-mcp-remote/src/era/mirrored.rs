//! Arguments that are repeated in headers (2026-07-28, Streamable HTTP, "Custom Headers from Tool Parameters").

use reqwest::header::HeaderName;
use serde_json::{Map, Value};

use crate::json::Object;

const KEYWORD: &str = "x-mcp-header";

/// Argument of a tool that is repeated in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirrored {
    pub(super) header: HeaderName,
    /// Names of properties that lead to it.
    path: Vec<String>,
}

impl Mirrored {
    /// Value in the JSON of a call's arguments, as text; `None` if it is absent or null.
    pub(super) fn argument(&self, arguments: &str) -> Option<String> {
        let mut json = arguments.to_owned();
        for name in &self.path {
            json = Object::parse(&json)?.get(name)?.into();
        }
        match json.as_bytes().first()? {
            b'"' => serde_json::from_str(&json).ok(),
            b'n' | b'{' | b'[' => None,
            _ => Some(json),
        }
    }
}

/// Arguments that a tool's schema has repeated in headers.
///
/// # Errors
///
/// The name of the property whose annotation is wrong: the tool is left out.
pub(super) fn mirrored(schema: &Value) -> Result<Vec<Mirrored>, String> {
    let mut found = Vec::new();
    if let Some(schema) = schema.as_object() {
        walk(schema, &mut Vec::new(), &mut found)?;
    }
    Ok(found)
}

fn walk(
    schema: &Map<String, Value>,
    path: &mut Vec<String>,
    found: &mut Vec<Mirrored>,
) -> Result<(), String> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    for (name, property) in properties {
        let Some(property) = property.as_object() else {
            continue;
        };
        path.push(name.clone());
        if let Some(annotation) = property.get(KEYWORD) {
            let header = header(annotation, property).ok_or_else(|| path.join("."))?;
            if found.iter().any(|other| other.header == header) {
                return Err(path.join("."));
            }
            found.push(Mirrored {
                header,
                path: path.clone(),
            });
        }
        walk(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// Header of an annotation that names one, at a property of a type that has one text for each value.
fn header(annotation: &Value, property: &Map<String, Value>) -> Option<HeaderName> {
    let name = annotation.as_str().filter(|name| !name.is_empty())?;
    let kind = property.get("type")?.as_str()?;
    if !matches!(kind, "string" | "integer" | "boolean") {
        return None;
    }
    HeaderName::try_from(format!("mcp-param-{name}")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mirrored;

    #[test]
    fn marked_arguments_are_found_at_any_depth_and_null_has_no_header() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "where": { "type": "object", "properties": { "shard": { "type": "integer", "x-mcp-header": "Shard" } } },
        }});
        let found = mirrored(&schema).unwrap();
        let values = |arguments: &str| -> Vec<(String, Option<String>)> {
            found
                .iter()
                .map(|one| (one.header.to_string(), one.argument(arguments)))
                .collect()
        };
        let expected = [
            ("mcp-param-region".to_owned(), Some("a".to_owned())),
            ("mcp-param-shard".to_owned(), Some("7".to_owned())),
        ];
        assert_eq!(
            values(r#"{"region":"\u0061","where":{"shard":7}}"#),
            expected
        );
        assert!(
            values(r#"{"region":null,"where":{}}"#)
                .iter()
                .all(|(_, value)| value.is_none())
        );
    }

    #[test]
    fn wrong_header_annotations_are_refused() {
        for property in [
            json!({ "type": "string", "x-mcp-header": "" }),
            json!({ "type": "string", "x-mcp-header": "a b" }),
            json!({ "type": "string", "x-mcp-header": "a:b" }),
            json!({ "type": "string", "x-mcp-header": "é" }),
            json!({ "type": "string", "x-mcp-header": 1 }),
            json!({ "type": "number", "x-mcp-header": "A" }),
            json!({ "type": "object", "x-mcp-header": "A" }),
            json!({ "x-mcp-header": "A" }),
        ] {
            assert!(
                mirrored(&json!({ "properties": { "one": property } })).is_err(),
                "{property}"
            );
        }
        let twice = json!({ "properties": {
            "a": { "type": "string", "x-mcp-header": "Same" }, "b": { "type": "string", "x-mcp-header": "same" },
        }});
        assert!(mirrored(&twice).is_err());
    }
}
