//! Arguments that clients repeat in headers, so that a proxy can route by them (2026-07-28, Streamable HTTP, "Custom Headers
//! from Tool Parameters").

use schemars::Schema;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::fields::Fields;

/// The keyword of a property's schema that names its header.
const KEYWORD: &str = "x-mcp-header";

/// Prefix of the names of these headers.
const PREFIX: &str = "mcp-param-";

/// An argument that is repeated in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderParam {
    /// The header's name, in lower case.
    pub header: String,
    /// The names of properties that lead to the argument.
    path: Vec<String>,
}

impl HeaderParam {
    /// The argument's value as text, if the call has one: a string's characters, an integer's digits, `true` or `false`.
    ///
    /// # Errors
    /// When what leads to it is no object.
    pub fn value(&self, arguments: &Fields<'_>) -> Result<Option<String>, Error> {
        let Some((last, parents)) = self.path.split_last() else {
            return Ok(None);
        };
        let mut inner = None;
        for name in parents {
            inner = Some(inner.as_ref().unwrap_or(arguments).object(name)?);
        }
        let fields = inner.as_ref().unwrap_or(arguments);
        let Some(raw) = fields.raw(last) else {
            return Ok(None);
        };
        let text = raw.get();
        Ok(Some(if text.starts_with('"') {
            fields.text(last)?
        } else {
            text.to_owned()
        }))
    }
}

/// The arguments that a tool's schema has repeated in headers, in its order.
///
/// # Errors
/// The fault of a header's name, or of the property that has one: clients leave out tools with such a fault.
pub(crate) fn header_params(schema: &Schema) -> Result<Vec<HeaderParam>, String> {
    let mut found: Vec<HeaderParam> = Vec::new();
    if let Some(root) = schema.as_object() {
        if root.contains_key(KEYWORD) {
            return Err(format!(
                "`{KEYWORD}` stands at the schema itself; it belongs to a property"
            ));
        }
        walk(root, &mut Vec::new(), &mut found)?;
    }
    Ok(found)
}

fn walk(
    schema: &Map<String, Value>,
    path: &mut Vec<String>,
    found: &mut Vec<HeaderParam>,
) -> Result<(), String> {
    for (keyword, value) in schema.iter().filter(|(keyword, _)| *keyword != KEYWORD) {
        let properties = value.as_object().filter(|_| keyword == "properties");
        let Some(properties) = properties else {
            if stands_in(value) {
                return Err(format!(
                    "`{KEYWORD}` below `{keyword}` has no value of its own; put it at a plain property"
                ));
            }
            continue;
        };
        for (name, property) in properties {
            path.push(name.clone());
            if let Some(property) = property.as_object() {
                if let Some(given) = property.get(KEYWORD) {
                    found.push(declared(given, property, path, found)?);
                }
                walk(property, path, found)?;
            }
            path.pop();
        }
    }
    Ok(())
}

fn declared(
    given: &Value,
    property: &Map<String, Value>,
    path: &[String],
    others: &[HeaderParam],
) -> Result<HeaderParam, String> {
    let at = path.join(".");
    let name = given.as_str().filter(|name| is_token(name));
    let name =
        name.ok_or_else(|| format!("`{KEYWORD}` of `{at}` is no name of a header: {given}"))?;
    let kind = property.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("string" | "integer" | "boolean")) {
        return Err(format!(
            "`{at}` has `{KEYWORD}`, so it must be a string, an integer or a boolean"
        ));
    }
    let header = format!("{PREFIX}{}", name.to_ascii_lowercase());
    if others.iter().any(|other| other.header == header) {
        return Err(format!("two arguments have the same `{KEYWORD}`: {name:?}"));
    }
    Ok(HeaderParam {
        header,
        path: path.to_vec(),
    })
}

/// A header's name (RFC 9110 section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn stands_in(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.contains_key(KEYWORD) || object.values().any(stands_in),
        Value::Array(items) => items.iter().any(stands_in),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;
    use crate::extract::Args;
    use crate::fields::steps;
    use crate::jsonrpc::Request;
    use crate::schema::input_schema;
    use schemars::{JsonSchema, json_schema};
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Query {
        #[schemars(extend("x-mcp-header" = "Region"))]
        region: String,
        #[schemars(extend("x-mcp-header" = "Shard"))]
        shard: Option<u32>,
        place: Place,
        text: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Place {
        #[schemars(extend("x-mcp-header" = "Dry-Run"))]
        dry: bool,
    }

    #[test]
    fn headers_are_declared_in_the_type_of_the_arguments() {
        let found = header_params(&input_schema::<Query>()).unwrap();
        let mut headers: Vec<_> = found
            .iter()
            .map(|one| (one.header.as_str(), one.path.join(".")))
            .collect();
        headers.sort_unstable();
        let expected = [
            ("mcp-param-dry-run", "place.dry"),
            ("mcp-param-region", "region"),
            ("mcp-param-shard", "shard"),
        ];
        assert_eq!(
            headers,
            expected.map(|(header, path)| (header, path.to_owned()))
        );
        let value = |header: &str, arguments: &str| {
            found
                .iter()
                .find(|one| one.header == header)
                .unwrap()
                .value(&Fields::parse(arguments).unwrap())
                .unwrap()
        };
        let arguments = r#"{"region":"K\u00f6ln","shard":7,"place":{"dry":false}}"#;
        assert_eq!(
            value("mcp-param-region", arguments).as_deref(),
            Some("Köln")
        );
        assert_eq!(value("mcp-param-shard", arguments).as_deref(), Some("7"));
        assert_eq!(
            value("mcp-param-dry-run", arguments).as_deref(),
            Some("false")
        );
        assert_eq!(value("mcp-param-shard", r#"{"shard":null}"#), None);
        assert_eq!(value("mcp-param-dry-run", "{}"), None);
    }

    #[test]
    fn twice_as_many_arguments_are_compared_with_headers_in_twice_as_many_steps() {
        let server = Server::new("s", "1").tool("query", "", async |_: Args<Query>| "");
        let header = |name: &str| {
            let values = [("mcp-param-region", "x"), ("mcp-param-dry-run", "true")];
            Ok(values
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned()))
        };
        let steps = |count: usize| {
            let others = (0..count)
                .map(|at| format!(r#""a{at}":0"#))
                .collect::<Vec<_>>()
                .join(",");
            let arguments = format!(r#"{{{others},"region":"x","place":{{{others},"dry":true}}}}"#);
            let params = format!(r#"{{"name":"query","arguments":{arguments}}}"#);
            let call = server.resolve(Request::call(&params).unwrap());
            steps::take();
            call.check_header_params(&header).unwrap();
            steps::take()
        };
        assert!(steps(1000) > 1000 && steps(2000) <= 2 * steps(1000));
    }

    #[test]
    fn an_invalid_header_annotation_is_a_fault() {
        let property =
            |property: Value| json_schema!({ "type": "object", "properties": { "a": property } });
        for (schema, fault) in [
            (
                property(serde_json::json!({ "type": "string", "x-mcp-header": "" })),
                "no name",
            ),
            (
                property(serde_json::json!({ "type": "string", "x-mcp-header": "a b" })),
                "no name",
            ),
            (
                property(serde_json::json!({ "type": "string", "x-mcp-header": 1 })),
                "no name",
            ),
            (
                property(serde_json::json!({ "type": "number", "x-mcp-header": "A" })),
                "must be a string",
            ),
            (
                property(serde_json::json!({ "x-mcp-header": "A" })),
                "must be a string",
            ),
            (
                property(
                    serde_json::json!({ "type": "array", "items": { "type": "string", "x-mcp-header": "A" } }),
                ),
                "below `items`",
            ),
            (
                property(
                    serde_json::json!({ "anyOf": [{ "type": "string", "x-mcp-header": "A" }] }),
                ),
                "below `anyOf`",
            ),
            (
                json_schema!({ "$defs": { "d": { "type": "string", "x-mcp-header": "A" } } }),
                "below `$defs`",
            ),
            (
                json_schema!({ "type": "object", "x-mcp-header": "A" }),
                "itself",
            ),
            (
                json_schema!({ "properties": {
                    "a": { "type": "string", "x-mcp-header": "Same" },
                    "b": { "type": "string", "x-mcp-header": "same" },
                } }),
                "two arguments",
            ),
        ] {
            let told = header_params(&schema).unwrap_err();
            assert!(told.contains(fault), "{told}");
        }
    }
}
