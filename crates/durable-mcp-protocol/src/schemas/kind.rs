//! Kinds of JSON values that serde reads in place of the kind that a schema names: a list as a struct, a map as a variant
//! without data, a number as a tag.

use serde_json::{Map, Value};

type Rules = Map<String, Value>;

/// Checks that JSON is an object, as arguments and the contents of forms are. serde would read a struct from a list, too.
///
/// # Errors
/// The kind of value that it is.
pub fn check_object(json: &str) -> Result<(), String> {
    match json.trim_ascii_start().bytes().next() {
        Some(b'{') => Ok(()),
        Some(b'[') => Err("the value must be an object, and is a list".to_owned()),
        _ => Err("the value must be an object".to_owned()),
    }
}

/// The kinds that a schema names. A schema with `properties` is of objects, one whose constants are texts is of strings.
pub(crate) fn kinds(rules: &Rules) -> Vec<&str> {
    match rules.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(name) => name.as_str().into_iter().collect(),
        None if rules.contains_key("properties") => vec!["object"],
        None if has_texts(rules) => vec!["string"],
        None => Vec::new(),
    }
}

/// True if a schema has only texts, or `null`, as the values of its `enum` or `const`.
pub(crate) fn has_texts(rules: &Rules) -> bool {
    let all = rules.get("enum").and_then(Value::as_array);
    let all_texts = all.is_some_and(|all| {
        !all.is_empty() && all.iter().all(|one| one.is_string() || one.is_null())
    });
    all_texts || rules.get("const").is_some_and(Value::is_string)
}

/// True if a value is of another kind than its schema names: an object or a list, or a number or boolean in place of one of
/// some texts. Other scalars are for serde to refuse.
pub(crate) fn is_other_kind(rules: &Rules, value: &Value) -> bool {
    let name = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::Number(_) if has_texts(rules) => "number",
        Value::Bool(_) if has_texts(rules) => "boolean",
        _ => return false,
    };
    let kinds = kinds(rules);
    !kinds.is_empty() && !kinds.contains(&name)
}

/// True if serde may read a value of another kind nevertheless, and would check no constraint in it.
pub(crate) fn may_be_misread(rules: &Rules, value: &Value) -> bool {
    match value {
        Value::Array(_) => kinds(rules).contains(&"object"),
        Value::Object(members) => {
            let mut members = members.iter();
            let only = members.next().filter(|_| members.next().is_none());
            only.is_some_and(|(name, data)| data.is_null() && names_text(rules, name))
        }
        _ => true,
    }
}

fn names_text(rules: &Rules, text: &str) -> bool {
    let all = rules.get("enum").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .chain(rules.get("const"))
        .any(|one| one == text)
}

/// Error text for a value whose kind is not among `kinds`.
pub(crate) fn told(kinds: &[&str], value: &Value) -> String {
    let wanted: Vec<_> = kinds.iter().map(|kind| noun(kind)).collect();
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match wanted.as_slice() {
        [] => format!("must not be {}", noun(given)),
        wanted => format!("must be {}, and is {}", wanted.join(" or "), noun(given)),
    }
}

fn noun(kind: &str) -> &'static str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "a boolean",
        _ => "null",
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use crate::constraints::Constraints;
    use crate::schema::arguments_schema;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Drawing {
        colour: Colour,
        titled: Option<Titled>,
        place: Option<Place>,
        places: Vec<Place>,
        shape: Option<Shape>,
        figure: Option<Figure>,
        nothing: Option<Nothing>,
        free: Option<Free>,
        by_name: Option<std::collections::BTreeMap<String, Place>>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        #[serde(alias = "verde")]
        Green,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    enum Titled {
        /// The first
        One,
        /// The second
        Two,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Place {
        #[schemars(range(min = 0, max = 9))]
        x: i32,
        y: i32,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Shape {
        Circle { radius: f64 },
        Point,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Figure {
        Dot,
        Line { colour: Colour },
        Pair(i32, Place),
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Nothing {}

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Free {
        Named(Colour),
        Loose(std::collections::BTreeMap<String, Option<u8>>),
        List(Vec<u8>),
    }

    fn check<T: JsonSchema>(json: &str) -> Result<(), String> {
        Constraints::of(&arguments_schema::<T>())
            .unwrap()
            .unwrap()
            .check(json)
    }

    #[test]
    fn a_value_that_only_serde_would_accept_is_refused_at_any_depth() {
        for (member, path) in [
            (
                r#""colour":{"red":null}"#,
                "`colour` must be a string, and is an object",
            ),
            (
                r#""colour":{"verde":null}"#,
                "`colour` must be a string, and is an object",
            ),
            (r#""titled":{"One":null}"#, "`titled` must be a string"),
            (r#""place":[1,2]"#, "`place` must be an object"),
            (r#""place":[99,2]"#, "`place` must be an object"),
            (
                r#""places":[{"x":1,"y":2},[1,2]]"#,
                "`places[1]` must be an object, and is a list",
            ),
            (r#""shape":["circle",1]"#, "`shape` must be an object"),
            (
                r#""shape":{"kind":0,"radius":1}"#,
                "`shape.kind` must be a string, and is a number",
            ),
            (r#""figure":{"Dot":null}"#, "`figure` must be a string"),
            (
                r#""figure":{"Line":["red"]}"#,
                "`figure.Line` must be an object",
            ),
            (
                r#""figure":{"Line":{"colour":{"red":null}}}"#,
                "`figure.Line.colour` must be a string",
            ),
            (
                r#""figure":{"Pair":[1,[2,3]]}"#,
                "`figure.Pair[1]` must be an object",
            ),
            (r#""nothing":[]"#, "`nothing` must be an object"),
            (r#""by_name":{"a":[1,2]}"#, "`by_name.a` must be an object"),
        ] {
            let told = check::<Drawing>(&format!("{{{member}}}")).unwrap_err();
            assert!(told.starts_with(path), "{member}: {told}");
        }
        assert!(
            check::<Drawing>(r#"{"place":{"x":99,"y":1}}"#)
                .unwrap_err()
                .contains("at most 9")
        );
    }

    #[test]
    fn a_value_of_the_type_that_its_schema_names_is_accepted() {
        for json in [
            r#"{"colour":"red","titled":"One","place":{"x":1,"y":2},"places":[{"x":1,"y":2}]}"#,
            r#"{"colour":"verde","titled":null,"place":null,"shape":null,"figure":null,"nothing":null}"#,
            r#"{"shape":{"kind":"circle","radius":1},"figure":"Dot","nothing":{},"free":"red"}"#,
            r#"{"shape":{"kind":"point"},"figure":{"Line":{"colour":"green"}},"free":{"red":null}}"#,
            r#"{"figure":{"Pair":[1,{"x":1,"y":2}]},"free":[1],"by_name":{"a":{"x":1,"y":2}}}"#,
        ] {
            assert_eq!(check::<Drawing>(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn schemas_with_structs_or_enums_are_checked_without_constraints() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Flat {
            text: String,
            count: Option<u8>,
            words: Vec<String>,
        }
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Painted {
            text: String,
            colour: Colour,
        }
        assert!(
            Constraints::of(&arguments_schema::<Flat>())
                .unwrap()
                .is_none()
        );
        assert!(check::<Painted>(r#"{"text":"a","colour":{"red":null}}"#).is_err());
        assert_eq!(check::<Painted>(r#"{"text":"a","colour":"red"}"#), Ok(()));
        assert!(
            check::<Shape>(r#"{"kind":1}"#).is_err() && check::<Shape>(r#"["circle",1]"#).is_err()
        );
    }
}
