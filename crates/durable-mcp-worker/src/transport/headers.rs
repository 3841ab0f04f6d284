//! Headers that repeat what the body says, so that a proxy can route by them (2026-07-28, Streamable HTTP, "Request
//! Metadata"). Whoever reads the body has to hold them against it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable_core::wire::Head;
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::cut::Quoted;
use durable_mcp_protocol::error::Error;

use super::lifecycle::mismatch;

/// Repeats the method.
pub const METHOD: &str = "mcp-method";

/// Repeats what the request is aimed at.
pub const NAME: &str = "mcp-name";

/// The wrapping of values that are not plain header values.
const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// Holds the headers of a request against its body.
///
/// # Errors
/// −32020 when one is missing or says something else.
pub fn check(call: &Call, head: &Head) -> Result<(), Error> {
    let request = &call.request;
    let method = head
        .header(METHOD)
        .ok_or_else(|| missing("Mcp-Method", &request.method))?;
    if method.trim() != request.method {
        return Err(differs("Mcp-Method", method.trim(), &request.method));
    }
    let Some(name) = &call.target_name else {
        return Ok(());
    };
    let value = head
        .raw_header(NAME)
        .ok_or_else(|| missing("Mcp-Name", name))?;
    let value = decode("Mcp-Name", &value)?;
    if value != *name {
        return Err(differs("Mcp-Name", &value, name));
    }
    call.check_header_params(&|header| {
        head.raw_header(header)
            .map(|value| decode(header, &value))
            .transpose()
    })
}

/// The decoded value of a header.
fn decode(header: &str, value: &str) -> Result<String, Error> {
    let value = value.trim();
    let Some(wrapped) = value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    else {
        return Ok(value.to_owned());
    };
    let decoded = STANDARD
        .decode(wrapped)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| {
        mismatch(format!(
            "The header {header} has no base64 of UTF-8 between `{OPEN}` and `{CLOSE}`."
        ))
    })
}

fn missing(header: &str, body: &str) -> Error {
    mismatch(format!(
        "Send the header {header}, as the body has it: {}.",
        Quoted(body)
    ))
}

fn differs(header: &str, value: &str, body: &str) -> Error {
    mismatch(format!(
        "The header {header} is {}, and the body says {}.",
        Quoted(value),
        Quoted(body)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_plain_or_wrapped_in_base64() {
        for (value, meant) in [
            ("add", "add"),
            ("  add\t", "add"),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
            ("=?base64?IHBhZGRlZCA=?=", " padded "),
            ("=?base64?bGluZTEKbGluZTI=?=", "line1\nline2"),
            ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
            ("=?base64??=", ""),
            ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
            ("SGVsbG8=?=", "SGVsbG8=?="),
            ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="),
        ] {
            assert_eq!(decode("Mcp-Name", value).unwrap(), meant, "{value}");
        }
        for value in [
            "=?base64?SGVsbG8?=",
            "=?base64?SGVs!G8=?=",
            "=?base64?/w==?=",
        ] {
            assert_eq!(
                decode("Mcp-Name", value).unwrap_err().code.0,
                -32020,
                "{value}"
            );
        }
    }
}
