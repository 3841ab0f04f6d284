//! Headers that repeat a message's body (2026-07-28, Streamable HTTP, "Request Metadata").

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::VERSION_KEY;
use super::mirrored::Mirrored;
use crate::json::Object;
use crate::message::Message;
use crate::session::PROTOCOL_VERSION;

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Arguments that are repeated in headers, by tool.
pub(crate) type MirroredTools = HashMap<String, Vec<Mirrored>>;

/// Whether a message is of 2026-07-28, with its version in `_meta`.
pub(crate) fn is_of_modern(message: &Message) -> bool {
    let params = message.raw_params();
    let params = params.as_deref().and_then(Object::parse);
    params.is_some_and(|params| version(&params).is_some())
}

fn version(params: &Object<'_>) -> Option<String> {
    Object::parse(params.get("_meta")?)?.text(VERSION_KEY)
}

/// Headers of a message of 2026-07-28; `None` for one of an earlier version.
pub(crate) fn headers(message: &Message, tools: &MirroredTools) -> Option<HeaderMap> {
    let params = message.raw_params()?;
    let params = Object::parse(&params)?;
    let version = version(&params)?;
    let method = message.method();
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, HeaderValue::try_from(version).ok()?);
    headers.insert(METHOD, value(method));
    let named_by = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Some(headers),
    };
    let Some(name) = params.text(named_by) else {
        return Some(headers);
    };
    headers.insert(NAME, value(&name));
    if method == "tools/call"
        && let Some(arguments) = params.get("arguments")
    {
        for mirrored in tools.get(&name).into_iter().flatten() {
            if let Some(argument) = mirrored.argument(arguments) {
                headers.insert(mirrored.header.clone(), value(&argument));
            }
        }
    }
    Some(headers)
}

/// Value of a header; text that cannot stand there as it is, or looks like wrapped text, is wrapped.
fn value(text: &str) -> HeaderValue {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.is_empty()
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let plain = is_plain.then(|| HeaderValue::from_str(text).ok()).flatten();
    plain.unwrap_or_else(|| {
        let wrapped = format!("=?base64?{}?=", STANDARD.encode(text));
        HeaderValue::try_from(wrapped).unwrap_or_else(|_| HeaderValue::from_static(""))
    })
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_text_that_is_no_header_value_is_wrapped_in_base64() {
        for (text, header) in [
            ("us-west1", "us-west1"),
            ("us west 1", "us west 1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", "=?base64??="),
        ] {
            assert_eq!(value(text), header, "{text}");
        }
    }
}
