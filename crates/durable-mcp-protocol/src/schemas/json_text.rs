//! Reading of JSON as a Rust type, such as a call's arguments: errors name the field, and text that serde refuses although its
//! schema allows it is rewritten.
//!
//! A number without a fraction is an integer however it is written (JSON Schema 2020-12 Validation, section 6.1.1), and
//! many clients send `null` for a member that they leave out. serde refuses both. Only text
//! that serde could not read is rewritten here, once, and read again.

use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::enum_faults::misfit;
use crate::json_fault::describe_at;
use crate::reference::referred;
use crate::whole_number::whole;

/// Depth to which serde reads; it refuses deeper text in any case.
const MAX_DEPTH: usize = 128;

/// The most alternatives of one schema that are followed. A schema of a Rust type has a few.
const MAX_ALTERNATIVES: usize = 256;

/// Reads JSON as `T`; `schema` is called only if the first attempt fails.
///
/// # Errors
/// The path of the fault and what is wrong there.
pub(crate) fn read<T: DeserializeOwned>(
    json: &str,
    schema: impl FnOnce() -> Schema,
) -> Result<T, String> {
    let error = match serde_json::from_str(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let schema = schema();
    match mended(json, schema.as_value()) {
        Some(text) => {
            serde_json::from_str(&text).map_err(|error| told(&text, &error, schema.as_value()))
        }
        None => Err(told(json, &error, schema.as_value())),
    }
}

/// The words for a fault, at the place that the schema tells where serde only knows of the enum around it.
fn told(json: &str, error: &serde_json::Error, schema: &Value) -> String {
    let inside = if error.is_data() {
        misfit(json, schema)
    } else {
        None
    };
    in_plain_words(describe_at(json, error, inside.as_deref()))
}

/// Words for the numbers that a type of Rust holds: models and people read them. `usize` has 32 bits in a Worker.
const NUMBERS: [(&str, &str); 12] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("usize", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number of 0 or more"),
    ("i8", "a whole number from -128 to 127"),
    ("i16", "a whole number from -32768 to 32767"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("isize", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number"),
    ("f32", "a number"),
    ("f64", "a number"),
];

/// A fault with the type of Rust at its end in words.
fn in_plain_words(fault: String) -> String {
    let Some((start, name)) = fault.rsplit_once("expected ") else {
        return fault;
    };
    match NUMBERS.iter().find(|(known, _)| *known == name) {
        Some((_, words)) => format!("{start}expected {words}"),
        None => fault,
    }
}

/// The text with integers written as such, and without the members that are `null` where they may be absent and may not
/// be `null`; `None` if nothing changes.
fn mended(json: &str, schema: &Value) -> Option<String> {
    let mut mender = Mender {
        json,
        at: 0,
        text: String::with_capacity(json.len()),
        root: schema,
        changed: false,
    };
    mender.value(&[schema], 0)?;
    mender.changed.then_some(mender.text)
}

struct Mender<'a> {
    json: &'a str,
    at: usize,
    text: String,
    root: &'a Value,
    changed: bool,
}

impl<'a> Mender<'a> {
    fn value(&mut self, schemas: &[&'a Value], depth: usize) -> Option<()> {
        match self.next()? {
            b'{' | b'[' if depth >= MAX_DEPTH => None,
            b'{' => self.object(&self.alternatives(schemas), depth),
            b'[' => self.array(&self.alternatives(schemas), depth),
            b'"' => {
                let text = self.string()?;
                self.text.push_str(text);
                Some(())
            }
            _ => {
                let literal = self.literal();
                let integer = whole(literal);
                self.changed |= integer.is_some();
                self.text.push_str(integer.as_deref().unwrap_or(literal));
                (!literal.is_empty()).then_some(())
            }
        }
    }

    fn object(&mut self, schemas: &[&'a Value], depth: usize) -> Option<()> {
        self.open('{');
        let mut is_first = true;
        while self.next()? != b'}' {
            let written = self.string()?;
            self.skip(b':')?;
            let name: String = serde_json::from_str(written).ok()?;
            if self.next()? == b'n' && may_be_left_out(schemas, &name) {
                self.literal();
                self.changed = true;
            } else {
                if !std::mem::take(&mut is_first) {
                    self.text.push(',');
                }
                self.text.push_str(written);
                self.text.push(':');
                self.value(&members(schemas, &name), depth + 1)?;
            }
            self.separator(b'}')?;
        }
        self.open('}');
        Some(())
    }

    fn array(&mut self, schemas: &[&'a Value], depth: usize) -> Option<()> {
        self.open('[');
        let mut index = 0;
        while self.next()? != b']' {
            if index > 0 {
                self.text.push(',');
            }
            self.value(&entries(schemas, index), depth + 1)?;
            index += 1;
            self.separator(b']')?;
        }
        self.open(']');
        Some(())
    }

    /// Copies a bracket.
    fn open(&mut self, bracket: char) {
        self.at += 1;
        self.text.push(bracket);
    }

    fn rest(&self) -> &'a str {
        self.json.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_ascii_start().len();
        self.json.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    fn separator(&mut self, end: u8) -> Option<()> {
        match self.next()? {
            b',' => self.skip(b','),
            byte => (byte == end).then_some(()),
        }
    }

    /// A string as it is written, with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })? + 2;
        self.at += end;
        rest.get(..end)
    }

    /// A number, or `true`, `false`, `null`.
    fn literal(&mut self) -> &'a str {
        let rest = self.rest();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let end = rest
            .bytes()
            .position(|byte| !is_part(byte))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Every schema that a value may be of, by reference or alternative.
    fn alternatives(&self, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let mut all: Vec<&Value> = schemas.to_vec();
        let mut next = 0;
        while let Some(schema) = all.get(next).copied().filter(|_| next < MAX_ALTERNATIVES) {
            let lists = ["allOf", "anyOf", "oneOf"]
                .into_iter()
                .filter_map(|keyword| schema.get(keyword)?.as_array());
            let found = lists.flatten().chain(referred(self.root, schema));
            let new: Vec<_> = found
                .filter(|one| !all.iter().any(|other| std::ptr::eq(*other, *one)))
                .collect();
            all.extend(new);
            next += 1;
        }
        all
    }
}

/// True if a member that is `null` counts as absent: no schema needs it, and none allows `null`.
fn may_be_left_out(schemas: &[&Value], name: &str) -> bool {
    let needs = |schema: &Value| {
        let required = schema.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|other| other == name))
    };
    let own: Vec<_> = schemas
        .iter()
        .filter_map(|schema| schema.get("properties")?.get(name))
        .collect();
    !own.is_empty()
        && !own.into_iter().any(allows_null)
        && !schemas.iter().any(|schema| needs(schema))
}

fn allows_null(schema: &Value) -> bool {
    let any = |choices: &Value| {
        choices
            .as_array()
            .is_some_and(|choices| choices.iter().any(allows_null))
    };
    match (
        schema.get("type"),
        schema.get("anyOf").or_else(|| schema.get("oneOf")),
    ) {
        (Some(Value::Array(names)), _) => names.iter().any(|name| name == "null"),
        (Some(name), _) => name == "null",
        (None, Some(choices)) => any(choices),
        (None, None) => {
            schema.get("enum").is_none()
                && schema.get("const").is_none()
                && schema.get("$ref").is_none()
        }
    }
}

fn members<'a>(schemas: &[&'a Value], name: &str) -> Vec<&'a Value> {
    let member = |schema: &&'a Value| {
        schema
            .get("properties")
            .and_then(|own| own.get(name))
            .or_else(|| schema.get("additionalProperties"))
    };
    schemas.iter().filter_map(member).collect()
}

fn entries<'a>(schemas: &[&'a Value], index: usize) -> Vec<&'a Value> {
    let entry = |schema: &&'a Value| {
        schema
            .get("prefixItems")
            .and_then(|own| own.get(index))
            .or_else(|| schema.get("items"))
    };
    schemas.iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::schema::arguments_schema;

    #[test]
    fn a_fault_of_a_number_names_no_type_of_rust() {
        let fault = |json: &str| read::<u8>(json, || schemars::schema_for!(u8)).unwrap_err();
        for json in ["-1", "300", "\"x\""] {
            let fault = fault(json);
            assert!(
                fault.ends_with("expected a whole number from 0 to 255"),
                "{fault}"
            );
        }
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Page {
        #[serde(default = "ten")]
        limit: u32,
        any: Value,
        #[serde(default = "some")]
        maybe: Option<i8>,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        by_name: BTreeMap<String, Option<u8>>,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    struct Inner {
        #[serde(default)]
        pair: (i8, f64),
        #[serde(default)]
        on: bool,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(tag = "is")]
    enum Kind {
        Deep {
            #[serde(default)]
            by: i64,
            next: Option<Box<Kind>>,
        },
    }

    impl Default for Kind {
        fn default() -> Self {
            Self::Deep { by: 0, next: None }
        }
    }

    fn ten() -> u32 {
        10
    }

    #[expect(clippy::unnecessary_wraps, reason = "a field's default")]
    fn some() -> Option<i8> {
        Some(1)
    }

    fn page(json: &str) -> Result<Page, String> {
        read(json, arguments_schema::<Page>)
    }

    #[test]
    fn integers_are_normalised_at_any_depth() {
        let read = page(
            r#"{"limit": 1e1, "any": [2.0, "2.0\"1e2"], "maybe": -3.0,
                "inner": [ {"pair": [1.0, 1.5]} , {"pair":[-1e1,2.0]}],
                "by_name": {"a\"b": 2.50e1, "c": null}, "kind": {"by": 4.0, "is": "Deep", "next": {"is":"Deep","by":5e0}}}"#,
        );
        let read = read.unwrap();
        assert_eq!((read.limit, read.maybe), (10, Some(-3)));
        assert_eq!(read.any.get(1).unwrap(), "2.0\"1e2");
        assert_eq!(
            read.inner.iter().map(|one| one.pair).collect::<Vec<_>>(),
            [(1, 1.5), (-10, 2.0)]
        );
        assert_eq!(read.by_name.get("a\"b"), Some(&Some(25)));
        let next = Some(Box::new(Kind::Deep { by: 5, next: None }));
        assert_eq!(read.kind, Kind::Deep { by: 4, next });
    }

    #[test]
    fn a_fraction_or_number_out_of_range_is_refused_with_its_path() {
        for (json, path) in [
            (r#"{"any":1,"limit":2.5}"#, "`limit`"),
            (r#"{"any":1,"limit":-1.0}"#, "`limit`"),
            (r#"{"any":1,"limit":1e10}"#, "`limit`"),
            (r#"{"any":1,"limit":3.0,"maybe":1e3}"#, "`maybe`"),
            (
                r#"{"any":1,"limit":3.0,"inner":[{"pair":[1.0,1]},{"pair":[0.5,1]}]}"#,
                "`inner[1].pair[0]`",
            ),
        ] {
            assert!(
                page(json).unwrap_err().contains(path),
                "{json}: {:?}",
                page(json)
            );
        }
    }

    #[test]
    fn null_becomes_the_default_where_null_has_no_meaning_of_its_own() {
        let read = page(
            r#"{"limit":null,"any":null,"maybe":null,"inner":[{"pair":null,"on":null},{"on":true}],"by_name":{"a":null},
                "kind":{"is":"Deep","by":null,"next":null}}"#,
        );
        let read = read.unwrap();
        assert_eq!(
            (read.limit, &read.any, read.maybe),
            (10, &Value::Null, None)
        );
        assert_eq!(
            read.inner,
            [
                Inner {
                    pair: (0, 0.0),
                    on: false
                },
                Inner {
                    pair: (0, 0.0),
                    on: true
                }
            ]
        );
        assert_eq!(read.by_name.get("a"), Some(&None));
        assert_eq!(
            page(r#"{"any":1,"inner":null,"by_name":null,"kind":null}"#)
                .unwrap()
                .inner,
            []
        );
    }

    #[test]
    fn null_for_a_required_member_is_refused() {
        #[derive(Debug, Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only faults are looked at")]
        struct Name {
            name: String,
        }
        #[derive(Debug, Deserialize, JsonSchema)]
        enum Colour {
            Red,
        }
        #[derive(Debug, Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only faults are looked at")]
        struct Paint {
            colour: Colour,
        }
        let fault = read::<Name>(r#"{"name":null}"#, arguments_schema::<Name>).unwrap_err();
        assert_eq!(fault, "`name`: invalid type: null, expected a string");
        for json in [r#"{"colour":null}"#, "{\n \"colour\": null\n}"] {
            let fault = read::<Paint>(json, arguments_schema::<Paint>).unwrap_err();
            assert_eq!(fault, "`colour`: null is not allowed", "{json}");
        }
        let twice = read::<Page>(
            r#"{"any":1,"limit":1.0,"limit":2}"#,
            arguments_schema::<Page>,
        )
        .unwrap_err();
        assert!(twice.contains("duplicate"), "{twice}");
    }

    #[test]
    fn a_text_that_is_too_deep_or_malformed_is_left_unchanged() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for json in [
            deep.as_str(),
            "{\"a\":1.0",
            "{\"a\" 1.0}",
            "[1.0 2.0]",
            "",
            "\"",
            "{\"a\":}",
            "[1.0,",
        ] {
            assert_eq!(
                mended(json, &Value::Null),
                None,
                "{}",
                json.get(..8).unwrap_or(json)
            );
        }
    }
}
