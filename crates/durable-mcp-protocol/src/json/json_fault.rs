//! Faults of JSON in words, with the path of the field.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::cut::Cut;
use crate::json_path::path_at;

/// Reads JSON and tells a fault with the path of the field it is in.
pub(crate) fn parse_at<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| describe(json, &error))
}

/// "`a.b`: invalid type ..." without `serde_json`'s line and column, which mean nothing to whoever sent the object.
pub(crate) fn describe(json: &str, error: &serde_json::Error) -> String {
    describe_at(json, error, None)
}

/// Describes the fault like [`describe`], but at the place `inside` if that is within the value where the fault was met.
pub(crate) fn describe_at(json: &str, error: &serde_json::Error, inside: Option<&str>) -> String {
    let text = error.to_string();
    let fault = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(fault, _)| fault);
    // To serde_json a lone surrogate is an error of syntax, or an early end.
    let fault = if error.is_data() {
        fault
    } else {
        lone_surrogate(json).unwrap_or(fault)
    };
    // serde_json has no words for what it expects in place of a variant.
    let is_null = fault == "expected value" && null_at(json, error.line(), error.column());
    let fault = if is_null {
        "null is not allowed"
    } else {
        fault
    };
    let path = path_at(json, error.line(), error.column());
    let path = inside
        .filter(|inside| is_inside(inside, &path))
        .unwrap_or(&path);
    let (path, fault) = counted(path, fault);
    match path {
        "" => Cut(&fault).to_string(),
        path => format!("`{}`: {}", Cut(path), Cut(&fault)),
    }
}

/// True if a path leads to something inside of the value at `outer`.
fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| !rest.is_empty() && (outer.is_empty() || rest.starts_with(['.', '['])))
}

/// The fault of a list that has more entries than the type, such as a tuple, at the list itself. `serde_json` meets it behind
/// the last entry of the type, and calls the rest trailing characters.
fn counted<'a>(path: &'a str, fault: &'a str) -> (&'a str, Cow<'a, str>) {
    let in_list = path
        .strip_suffix(']')
        .and_then(|path| path.rsplit_once('['));
    match in_list.filter(|_| fault == "trailing characters") {
        Some((list, most)) => (
            list,
            format!("must have at most {most} entries, and has more").into(),
        ),
        None => (path, fault.into()),
    }
}

/// True if a fault at that line and column is met at `null`.
fn null_at(json: &str, line: usize, column: usize) -> bool {
    let line = json
        .split('\n')
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    line.get(column.saturating_sub(1)..)
        .is_some_and(|rest| rest.starts_with("null"))
}

/// The fault of JSON that holds half of a surrogate pair, which no Rust text can hold, if it does.
#[must_use]
pub fn lone_surrogate(json: &str) -> Option<&'static str> {
    let bytes = json.as_bytes();
    let unit = |at: usize| {
        let escape = bytes
            .get(at..at + 6)
            .filter(|escape| escape.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(escape.get(2..)?).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += match (byte, unit(at)) {
            (_, Some(0xD800..=0xDBFF)) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            (_, Some(0xD800..=0xDFFF)) => return Some(LONE_SURROGATE),
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    None
}

const LONE_SURROGATE: &str = "half of a surrogate pair (such as \\ud83d) is no character; send both halves, or the \
     character itself";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_surrogate_pair_is_reported_as_such() {
        for json in [
            r#""\ud800""#,
            r#""a\udc00b""#,
            r#""\uD83Dx""#,
            r#""\ud83d\n""#,
            r#""\ud83d\ud83d\ude00""#,
        ] {
            assert!(lone_surrogate(json).is_some(), "{json}");
            let fault = parse_at::<String>(json).unwrap_err();
            assert!(fault.contains("surrogate pair"), "{json}: {fault}");
        }
        for json in [
            r#""\ud83d\ude00""#,
            r#""\\ud800""#,
            r#""\u00e9""#,
            r#""\\\\udc00""#,
        ] {
            assert_eq!(lone_surrogate(json), None, "{json}");
        }
    }
}
