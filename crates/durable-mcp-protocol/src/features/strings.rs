//! Named strings as JSON: the arguments of a prompt, the variables of a resource template.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::value::RawValue;

use crate::context::Arguments;
use crate::jsonrpc::to_json;
use crate::shape::Shape;

/// The strings as arguments of a handler.
///
/// # Errors
/// The argument that breaks a constraint, and the constraint.
pub(crate) fn to_arguments(
    strings: &BTreeMap<String, String>,
    shape: &Shape,
) -> Result<Arguments, String> {
    let json = to_object(strings, Some(shape.shown()));
    shape.check(json.get())?;
    Ok(Arguments::Json(json))
}

/// The strings as a JSON object. One whose schema asks for a number or a boolean becomes one if it reads as that; else
/// it stays a string, and whoever reads it tells what is wrong.
fn to_object(strings: &BTreeMap<String, String>, schema: Option<&Schema>) -> Box<RawValue> {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let is_literal = |name: &str, value: &str| {
        let kind = properties.and_then(|all| all.get(name)?.get("type")?.as_str());
        match kind {
            Some("boolean") => matches!(value, "true" | "false"),
            Some("integer" | "number") => value.parse::<serde_json::Number>().is_ok(),
            _ => false,
        }
    };
    let fields: Vec<String> = strings
        .iter()
        .map(|(name, value)| {
            let json = if is_literal(name, value) {
                value.clone()
            } else {
                to_json(value)
            };
            format!("{}:{json}", to_json(name))
        })
        .collect();
    RawValue::from_string(format!("{{{}}}", fields.join(","))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::input_schema;
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Everything {
        name: String,
        count: u32,
        ratio: Option<f64>,
        on: bool,
        absent: Option<String>,
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Everything, serde_json::Error> {
        let strings = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        serde_json::from_str(to_object(&strings, Some(&input_schema::<Everything>())).get())
    }

    #[test]
    fn string_arguments_become_the_types_of_the_fields() {
        let read = read(&[
            ("name", "7\"\n"),
            ("count", "7"),
            ("ratio", "-0.5"),
            ("on", "true"),
        ])
        .unwrap();
        let expected = Everything {
            name: "7\"\n".into(),
            count: 7,
            ratio: Some(-0.5),
            on: true,
            absent: None,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_string_that_does_not_fit_the_type_is_refused_and_not_parsed_as_json() {
        for count in ["", "x", "1,\"on\":true", "0x10", "NaN", "01", "{}"] {
            let fault = read(&[("name", "x"), ("count", count), ("on", "true")])
                .unwrap_err()
                .to_string();
            assert!(fault.contains("invalid type: string"), "{count}: {fault}");
        }
    }
}
