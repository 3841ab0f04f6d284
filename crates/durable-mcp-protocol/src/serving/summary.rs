//! Summaries of a server's tools, resources and prompts, for a page about it.

use serde_json::Value;

use crate::caller::Caller;
use crate::server::Server;
use crate::shape::Shape;

/// The most values of an enum that are listed; a page is no reference of long lists.
const MAX_VALUES: usize = 12;

/// The deepest list that is described: beyond it a type is only called a list.
const MAX_DEPTH: usize = 4;

/// Description of a tool, a resource or a prompt for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<'a> {
    /// Identifier for clients: the name of a tool or prompt, the URI or URI template of a resource.
    pub id: &'a str,
    /// A name for people.
    pub title: Option<&'a str>,
    /// The purpose.
    pub description: Option<&'a str>,
    /// The arguments of a tool or prompt.
    pub arguments: Vec<Argument<'a>>,
}

/// Description of an argument for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument<'a> {
    /// Name of the argument.
    pub name: &'a str,
    /// Type of the argument, or the values that it can have.
    pub kind: String,
    /// True if the argument is required.
    pub is_required: bool,
    /// The purpose.
    pub description: Option<&'a str>,
}

impl Server {
    /// The tools that anybody may call.
    pub fn public_tools(&self) -> impl Iterator<Item = Summary<'_>> {
        let nobody = Caller::default();
        let shown = self
            .served_tools()
            .filter(move |tool| tool.is_visible_to(&nobody));
        shown.map(|tool| Summary {
            id: &tool.definition.name,
            title: tool.definition.title.as_deref(),
            description: text(&tool.definition.description),
            arguments: arguments(&tool.shape),
        })
    }

    /// The resources, then the resource templates.
    pub fn all_resources(&self) -> impl Iterator<Item = Summary<'_>> {
        let resources = self.resources.iter().map(|resource| &resource.definition);
        let templates = self.served_templates().map(|template| &template.definition);
        resources.chain(templates).map(|definition| Summary {
            id: definition.address(),
            title: definition.title.as_deref().or(text(&definition.name)),
            description: definition.description.as_deref(),
            arguments: Vec::new(),
        })
    }

    /// The prompts.
    pub fn all_prompts(&self) -> impl Iterator<Item = Summary<'_>> {
        self.served_prompts().map(|prompt| Summary {
            id: &prompt.definition.name,
            title: prompt.definition.title.as_deref(),
            description: text(&prompt.definition.description),
            arguments: arguments(&prompt.shape),
        })
    }
}

fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn arguments(shape: &Shape) -> Vec<Argument<'_>> {
    let required = shape.shown().get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let described = shape.properties().map(|(name, schema)| Argument {
        name,
        kind: kind(schema, MAX_DEPTH),
        is_required: is_required(name),
        description: schema
            .get("description")
            .and_then(Value::as_str)
            .and_then(text),
    });
    described.collect()
}

/// The type of a schema in words.
fn kind(schema: &Value, depth: usize) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let mut words: Vec<_> = values
            .iter()
            .take(MAX_VALUES)
            .map(Value::to_string)
            .collect();
        if values.len() > MAX_VALUES {
            words.push("…".to_owned());
        }
        return words.join(" | ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        // A type with `null` is that of an argument that may be left out.
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or("any"),
        _ => return alternatives(schema, depth),
    };
    match (name, schema.get("items")) {
        ("array", Some(items)) if depth > 0 => format!("list of {}", kind(items, depth - 1)),
        ("array", _) => "list".to_owned(),
        _ => match schema
            .get("format")
            .and_then(Value::as_str)
            .filter(|_| name == "string")
        {
            Some(format) => format!("{name}, {format}"),
            None => name.to_owned(),
        },
    }
}

fn alternatives(schema: &Value, depth: usize) -> String {
    let of = |key| schema.get(key).and_then(Value::as_array);
    let Some(schemas) = of("anyOf").or(of("oneOf")).filter(|_| depth > 0) else {
        return "any".to_owned();
    };
    let mut kinds: Vec<String> = Vec::new();
    for kind in schemas
        .iter()
        .map(|schema| kind(schema, depth - 1))
        .filter(|kind| kind != "null")
    {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        "any".to_owned()
    } else {
        kinds.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::extract::Args;

    fn told(schema: &Value) -> String {
        kind(schema, MAX_DEPTH)
    }

    #[test]
    fn types_are_described_in_words() {
        for (schema, expected) in [
            (json!({ "type": "string" }), "string"),
            (
                json!({ "type": "string", "format": "date" }),
                "string, date",
            ),
            (json!({ "type": "integer", "format": "uint32" }), "integer"),
            (json!({ "type": ["integer", "null"] }), "integer"),
            (
                json!({ "type": "string", "enum": ["a", "b"] }),
                r#""a" | "b""#,
            ),
            (json!({ "const": 5 }), "5"),
            (
                json!({ "type": "array", "items": { "type": "array", "items": { "type": "number" } } }),
                "list of list of number",
            ),
            (json!({ "type": "array" }), "list"),
            (
                json!({ "anyOf": [{ "type": "string" }, { "type": "number" }, { "type": "null" }] }),
                "string or number",
            ),
            (json!({}), "any"),
            (json!(true), "any"),
        ] {
            assert_eq!(told(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn the_description_of_a_long_schema_stays_short() {
        let long = json!({ "enum": (0..1000).collect::<Vec<_>>() });
        assert!(told(&long).ends_with("| 11 | …"), "{}", told(&long));
        let deep = (0..1000).fold(
            json!({}),
            |items, _| json!({ "type": "array", "items": items }),
        );
        assert_eq!(told(&deep), "list of list of list of list of list");
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only the schema is looked at")]
    struct Note {
        /// The text to remember
        text: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[test]
    fn arguments_of_tools_and_prompts_are_described() {
        let note = async |Args(_): Args<Note>| "noted".to_owned();
        let server = Server::new("s", "1")
            .tool("note", "", note)
            .prompt("note", "", note);
        let expected = [
            Argument {
                name: "text",
                kind: "string".to_owned(),
                is_required: true,
                description: Some("The text to remember"),
            },
            Argument {
                name: "tags",
                kind: "list of string".to_owned(),
                is_required: false,
                description: None,
            },
        ];
        for summary in server.public_tools().chain(server.all_prompts()) {
            let mut arguments = summary.arguments;
            arguments.sort_by_key(|argument| argument.name != "text");
            assert_eq!(arguments, expected);
        }
    }
}
