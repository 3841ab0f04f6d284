//! Digest of a request's method and parameters: the same however their JSON is written, and computed without a tree of it.
//!
//! The order of members and the escapes of strings make no difference; numbers count as they are written. In memory are 32
//! bytes for each member of the objects that are open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use durable_mcp_protocol::json_tokens::{Token, Tokens};
use durable_mcp_protocol::jsonrpc::to_json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Depth below which JSON counts as it is written: no handler reads so deep, and each level takes some of the stack.
const MAX_DEPTH: usize = 64;

/// A digest.
pub(super) type RequestDigest = [u8; 32];

/// The members of an object by their names, as JSON, each with its digest.
type Members<'a> = BTreeMap<Cow<'a, str>, RequestDigest>;

/// The digest of a method and of those members of its parameters.
pub(super) fn request_digest<'a>(
    method: &str,
    params: impl Iterator<Item = (&'a str, &'a RawValue)>,
) -> RequestDigest {
    let mut members = Members::new();
    for (name, value) in params {
        let mut tokens = Tokens::new(value.get());
        add_member(&mut members, Cow::Owned(to_json(&name)), &mut tokens, 0);
    }
    let mut hash = Sha256::new().chain_update(method).chain_update([0]);
    add_members(&mut hash, &members);
    hash.finalize().into()
}

fn add_members(hash: &mut Sha256, members: &Members<'_>) {
    hash.update("{");
    for (name, digest) in members {
        hash.update(&**name);
        hash.update(digest);
    }
    hash.update("}");
}

/// Reads a member's value. A name that stands there twice counts with both values, in their order.
fn add_member<'a>(
    members: &mut Members<'a>,
    name: Cow<'a, str>,
    tokens: &mut Tokens<'a>,
    depth: usize,
) {
    let mut hash = Sha256::new();
    if let Some(earlier) = members.get(&name) {
        hash.update(earlier);
    }
    if let Some(token) = tokens.next() {
        add_value(&mut hash, token, tokens, depth);
    }
    members.insert(name, hash.finalize().into());
}

/// Adds the value that begins with `token`.
fn add_value<'a>(hash: &mut Sha256, token: Token<'a>, tokens: &mut Tokens<'a>, depth: usize) {
    match token {
        Token::Scalar(text) => hash.update(&*plain(text)),
        Token::Mark(mark) if depth == MAX_DEPTH => {
            hash.update([mark]);
            hash.update(skip_nested(tokens));
        }
        Token::Mark(b'{') => add_object(hash, tokens, depth + 1),
        Token::Mark(mark) => {
            hash.update([mark]);
            for_each_element(hash, tokens, depth + 1);
        }
    }
}

fn for_each_element(hash: &mut Sha256, tokens: &mut Tokens<'_>, depth: usize) {
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(mark @ (b']' | b',')) => {
                hash.update([mark]);
                if mark == b']' {
                    return;
                }
            }
            token => add_value(hash, token, tokens, depth),
        }
    }
}

fn add_object(hash: &mut Sha256, tokens: &mut Tokens<'_>, depth: usize) {
    let mut members = Members::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Scalar(name) => {
                // The colon.
                tokens.next();
                add_member(&mut members, plain(name), tokens, depth);
            }
            Token::Mark(b'}') => break,
            Token::Mark(_) => {}
        }
    }
    add_members(hash, &members);
}

/// The rest of a value whose first mark was read, as it is written.
fn skip_nested<'a>(tokens: &mut Tokens<'a>) -> &'a str {
    let (text, mut depth) = (tokens.rest(), 1_usize);
    for token in tokens.by_ref() {
        match token {
            Token::Mark(b'{' | b'[') => depth += 1,
            Token::Mark(b'}' | b']') => depth -= 1,
            Token::Scalar(_) | Token::Mark(_) => {}
        }
        if depth == 0 {
            break;
        }
    }
    text.strip_suffix(tokens.rest()).unwrap_or(text)
}

/// The canonical form of a scalar: a string has those escapes alone that it needs.
fn plain(scalar: &str) -> Cow<'_, str> {
    if !(scalar.starts_with('"') && scalar.contains('\\')) {
        return Cow::Borrowed(scalar);
    }
    // A lone surrogate is no text, so the string counts as it is written.
    let text: Option<String> = serde_json::from_str(scalar).ok();
    text.map_or(Cow::Borrowed(scalar), |text| Cow::Owned(to_json(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(params: &str) -> RequestDigest {
        let value = RawValue::from_string(params.to_owned()).unwrap();
        request_digest("m", [("arguments", &*value)].into_iter())
    }

    #[test]
    fn member_order_whitespace_and_escapes_do_not_change_the_digest() {
        for (one, same) in [
            (
                r#"{"a":1,"b":{"c":"x","d":[]}}"#,
                " { \"b\" : {\"d\":[ ],\"c\":\"\\u0078\"} , \"\\u0061\":1 }",
            ),
            (r#"["a/b","é\n"]"#, "[ \"a\\/b\" , \"\\u00e9\\u000A\" ]"),
            ("{}", " { } "),
            (
                r#"{"a":{"x":1,"y":2},"b":[{"p":1,"q":2}]}"#,
                r#"{"b":[{"q":2,"p":1}],"a":{"y":2,"x":1}}"#,
            ),
        ] {
            assert_eq!(digest(one), digest(same), "{one}");
        }
    }

    #[test]
    fn different_values_have_different_digests() {
        let all = [
            "1",
            "1.0",
            "\"1\"",
            "[1]",
            "[[1]]",
            "[1,1]",
            "[11]",
            "[]",
            "{}",
            "[{}]",
            "null",
            "\"null\"",
            "\"\"",
            "{\"a\":1}",
            "{\"a\":{\"b\":1}}",
            "{\"a\":1,\"b\":1}",
            "{\"ab\":1}",
            "{\"a\":\"b\"}",
            "[\"a\",\"b\"]",
            "[\"a,b\"]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":2,\"a\":1}",
            "{\"a\":2}",
            r#""\ud800""#,
            r#""\ud801""#,
            "[1,[2]]",
            "[[1],2]",
            "[1,2]",
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(
                all.iter()
                    .skip(at + 1)
                    .all(|other| digest(one) != digest(other)),
                "{one}"
            );
        }
        let empty = || std::iter::empty::<(&str, &RawValue)>();
        assert_ne!(request_digest("a", empty()), request_digest("b", empty()));
    }

    #[test]
    fn values_nested_too_deep_are_digested_as_they_are_written() {
        let nested = |inner: &str| {
            format!(
                "{}{inner}{},7]",
                "[".repeat(MAX_DEPTH + 20),
                "]".repeat(MAX_DEPTH + 19)
            )
        };
        assert_eq!(digest(&nested("1")), digest(&nested("1")));
        assert_ne!(digest(&nested("1")), digest(&nested("2")));
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        assert_ne!(digest(&deep), digest(&format!("[{deep}]")));
    }
}
