//! Reading and writing JSON.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Parses JSON; `None` if it is not of type `T`.
///
/// All JSON is read from text: with a second source, every type's reader would be in the upload twice.
#[must_use]
pub fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let text = str::from_utf8(bytes).ok()?;
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}

/// Parses an object from an untrusted source; `None` if it is not a JSON object. A lone surrogate, which JSON can write and no
/// text can hold, becomes U+FFFD, and a number that is too large `null`: either, in a member that is not even used, is no
/// reason to reject the others.
#[must_use]
pub fn read_loose_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let text = str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&loosened(text)))
        .ok()
}

/// Replaces halves of surrogate pairs, and numbers that are too large.
fn loosened(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut rest, mut in_string) = (json, false);
    while let Some(first) = rest.chars().next() {
        let (length, instead) = match first {
            '\\' if in_string => escape(rest),
            '-' | '0'..='9' if !in_string => number(rest),
            _ => (first.len_utf8(), None),
        };
        in_string ^= first == '"';
        let (written, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        text.push_str(instead.unwrap_or(written));
        rest = behind;
    }
    text
}

/// Bytes of the escape that a text begins with, and what stands for it if it is half of a surrogate pair.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    match (code_unit(text, 0), code_unit(text, 6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, None),
        (Some(0xD800..=0xDFFF), _) => (6, Some("\\ufffd")),
        // The backslash, and what it escapes.
        _ => (1 + text.chars().nth(1).map_or(0, char::len_utf8), None),
    }
}

fn code_unit(text: &str, at: usize) -> Option<u16> {
    u16::from_str_radix(text.get(at..)?.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// Bytes of the number that a text begins with, and what stands for it if it is too large.
fn number(text: &str) -> (usize, Option<&'static str>) {
    let length = text
        .find(|character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character))
        .unwrap_or(text.len());
    let number = text.get(..length).unwrap_or(text);
    // By serde_json, which is linked anyway: the parser of the standard library has large tables.
    let is_number = serde_json::from_str::<IgnoredAny>(number).is_ok();
    let is_too_large = is_number && serde_json::from_str::<f64>(number).is_err();
    (length, is_too_large.then_some("null"))
}

/// Text of a member; none if the member is absent or no text.
#[must_use]
pub fn text_member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// True if a field has its default, and may be omitted: a missing field is parsed as the default.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert_eq!(read_json::<u8>(b"\xef\xbb\xbf 7"), Some(7));
        assert_eq!(read_json::<u8>(b"\xef\xbb\xbf\xef\xbb\xbf7"), None);
        assert!(read_loose_object(b"\xef\xbb\xbf{}").is_some());
    }

    #[test]
    fn a_lone_surrogate_or_too_large_number_spoils_no_other_member() {
        let read = |json: &str| {
            read_loose_object(json.as_bytes()).map(|members| Value::Object(members).to_string())
        };
        for (json, as_if) in [
            (
                r#"{"a":"Caf\ud83d","b":1}"#,
                "{\"a\":\"Caf\u{fffd}\",\"b\":1}",
            ),
            (
                r#"{"\udc00":[{"x":"\\\uDBFF\""}]}"#,
                "{\"\u{fffd}\":[{\"x\":\"\\\\\u{fffd}\\\"\"}]}",
            ),
            (
                r#"{"a":"\ud83d\ud83d\ude00"}"#,
                "{\"a\":\"\u{fffd}\u{1f600}\"}",
            ),
            (
                r#"{"a":1e400,"b":[-1E+999,2],"c":"1e400"}"#,
                r#"{"a":null,"b":[null,2],"c":"1e400"}"#,
            ),
            (r#"{"a":"\\ud83d"}"#, r#"{"a":"\\ud83d"}"#),
        ] {
            assert_eq!(read(json).as_deref(), Some(as_if), "{json}");
        }
        for broken in [
            "[]",
            "7",
            "",
            "{\"a\":\"\\ud83d}",
            "{\"a\":\"\\",
            "{\"a\":1e}",
            "{\"a\":\"\\ud83é\"}",
        ] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
