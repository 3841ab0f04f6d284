//! JSON-RPC messages: bytes as they came, and the few members that the bridge reads.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// JSON is not valid (JSON-RPC 2.0, section 5.1).
pub(crate) const PARSE_ERROR: i32 = -32700;
/// JSON is no request object (JSON-RPC 2.0, section 5.1).
pub(crate) const INVALID_REQUEST: i32 = -32600;
/// Code of errors that only the bridge knows: no connection, connection lost, limits.
pub(crate) const BRIDGE_ERROR: i32 = -32000;

/// Id of a request. Integers are compared as they are written, since 20 digits do not fit any number type; other numbers by
/// value, since a server may answer `1.0` with `1`.
#[derive(Clone, Debug)]
pub(crate) enum Id {
    Number(String),
    Text(String),
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => {
                one == other || shortest(one) == shortest(other)
            }
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Number(digits) => (0, shortest(digits)).hash(state),
            Self::Text(text) => (1, text).hash(state),
        }
    }
}

/// Number in its shortest form: `1.0` and `1e0` as `1`, `-0` as `0`.
fn shortest(number: &str) -> Cow<'_, str> {
    if number != "-0" && !number.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(number);
    }
    match number.parse::<f64>() {
        Ok(0.0) => Cow::Borrowed("0"),
        Ok(value) => Cow::Owned(value.to_string()),
        Err(_) => Cow::Borrowed(number),
    }
}

impl fmt::Display for Id {
    /// Writes the id as JSON.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(digits) => formatter.write_str(digits),
            Self::Text(text) => write!(formatter, "{}", quoted(text)),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Self::from_raw(raw).ok_or_else(|| serde::de::Error::custom("an id is a number or a string"))
    }
}

impl Id {
    fn from_raw(raw: &RawValue) -> Option<Self> {
        match raw.get().as_bytes().first()? {
            b'"' => serde_json::from_str(raw.get()).ok().map(Self::Text),
            b'-' | b'0'..=b'9' => Some(Self::Number(raw.get().to_owned())),
            _ => None,
        }
    }

    /// Parses an id that is written as JSON.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// Kind of a message, with what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request {
        id: Id,
        method: String,
    },
    Notification {
        method: String,
    },
    /// `id` is `None` for an error about a message that could not be read.
    Response {
        id: Option<Id>,
        failed: bool,
    },
}

/// One JSON-RPC message on one line.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) bytes: Bytes,
    pub(crate) kind: Kind,
}

/// Bytes that are no message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) code: i32,
    pub(crate) id: Option<Id>,
    pub(crate) reason: String,
}

/// Error object of a response.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorObject {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: serde_json::Value,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Keeps `null` apart from a missing member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Message {
    /// Reads a message. Line breaks between its tokens become spaces, all else stays.
    ///
    /// # Errors
    ///
    /// [`Malformed`], with the code and id for an answer.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        let bytes = on_one_line(bytes);
        let kind = kind(&bytes)?;
        Ok(Self { bytes, kind })
    }

    /// Reads the messages of a line, of an answer or of an event: one, or those of a batch.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if these are no JSON values; each value has its own result.
    pub(crate) fn parse_all(bytes: Bytes) -> Result<Vec<Result<Self, Malformed>>, Malformed> {
        if !is_batch(&bytes) {
            return Ok(vec![Self::parse(bytes)]);
        }
        let values: Vec<&RawValue> =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
        Ok(values
            .into_iter()
            .map(|value| Self::parse(bytes.slice_ref(value.get().as_bytes())))
            .collect())
    }

    /// Makes a message of JSON that the bridge wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is none.
    pub(crate) fn written(json: String) -> Result<Self, Malformed> {
        Self::parse(Bytes::from(json))
    }

    /// Method of a request or notification; empty for a response.
    pub(crate) fn method(&self) -> &str {
        match &self.kind {
            Kind::Request { method, .. } | Kind::Notification { method } => method,
            Kind::Response { .. } => "",
        }
    }

    /// Parameters of a request or notification, read as `T`.
    pub(crate) fn params<T: DeserializeOwned>(&self) -> Option<T> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        serde_json::from_str(envelope.params?.get()).ok()
    }

    /// Parameters of a request or notification, as they are written.
    pub(crate) fn raw_params(&self) -> Option<String> {
        self.params_json().map(str::to_owned)
    }

    /// The same without a copy.
    pub(crate) fn params_json(&self) -> Option<&str> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        envelope.params.map(RawValue::get)
    }

    /// Result of a response, read as `T`.
    pub(crate) fn result<T: DeserializeOwned>(&self) -> Option<T> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        serde_json::from_str(envelope.result?.get()).ok()
    }

    /// Result of a response, as it is written.
    pub(crate) fn raw_result(&self) -> Option<Box<RawValue>> {
        self.result_json().map(ToOwned::to_owned)
    }

    /// The same without a copy.
    pub(crate) fn result_json(&self) -> Option<&RawValue> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        envelope.result
    }

    /// Result of a list request, if it is not one page of several.
    pub(crate) fn whole_list(&self) -> Option<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default, rename = "nextCursor")]
            next_cursor: Option<serde::de::IgnoredAny>,
        }
        let result = self.raw_result()?;
        let page: Page = serde_json::from_str(result.get()).ok()?;
        page.next_cursor.is_none().then_some(result)
    }

    /// Error of a response.
    pub(crate) fn error(&self) -> Option<ErrorObject> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        serde_json::from_str(envelope.error?.get()).ok()
    }

    /// The same message under another id; the members that are not of JSON-RPC are lost.
    pub(crate) fn with_id(&self, id: &Id) -> Option<Self> {
        let envelope: Envelope = serde_json::from_slice(&self.bytes).ok()?;
        let mut json = format!(r#"{{"jsonrpc":"2.0","id":{id}"#);
        let members = [
            ("method", envelope.method),
            ("params", envelope.params),
            ("result", envelope.result),
            ("error", envelope.error),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                json.extend([",\"", name, "\":", value.get()]);
            }
        }
        json.push('}');
        Self::written(json).ok()
    }
}

/// Whether the first token opens an array.
pub(crate) fn is_batch(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// Error response of the bridge itself; a missing id is written as `null`.
pub(crate) fn error_response(id: Option<&Id>, code: i64, message: &str) -> Bytes {
    let id = id.map_or_else(|| "null".to_owned(), Id::to_string);
    let message = quoted(message);
    Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#
    ))
}

/// Text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

// A JSON string holds no line break of its own, so each one stands between tokens.
fn on_one_line(bytes: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &bytes).is_none() {
        return bytes;
    }
    let spaced = |byte: &u8| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    };
    bytes.iter().map(spaced).collect()
}

fn kind(bytes: &[u8]) -> Result<Kind, Malformed> {
    let envelope: Envelope =
        serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice(bytes) {
            Ok(serde::de::IgnoredAny) => invalid(None, "this is no JSON-RPC message"),
            Err(_) => unreadable(&error),
        })?;
    let id = envelope.id.and_then(Id::from_raw);
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return Err(invalid(id, r#"a message has "jsonrpc": "2.0""#));
    }
    let Some(method) = envelope.method else {
        return response(&envelope, id);
    };
    let Ok(method) = serde_json::from_str(method.get()) else {
        return Err(invalid(id, "method is a string"));
    };
    match (envelope.id, id) {
        (None, _) => Ok(Kind::Notification { method }),
        (Some(_), Some(id)) => Ok(Kind::Request { id, method }),
        (Some(_), None) => Err(invalid(None, "the id of a request is a number or a string")),
    }
}

fn response(envelope: &Envelope<'_>, id: Option<Id>) -> Result<Kind, Malformed> {
    match (envelope.result, envelope.error) {
        (Some(_), None) if id.is_some() => Ok(Kind::Response { id, failed: false }),
        (None, Some(_)) => Ok(Kind::Response { id, failed: true }),
        _ => Err(invalid(id, "a message has a method, a result or an error")),
    }
}

fn unreadable(error: &serde_json::Error) -> Malformed {
    Malformed {
        code: PARSE_ERROR,
        id: None,
        reason: format!("this line is no JSON: {error}"),
    }
}

fn invalid(id: Option<Id>, reason: &str) -> Malformed {
    Malformed {
        code: INVALID_REQUEST,
        id,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &'static str) -> Result<Message, Malformed> {
        Message::parse(Bytes::from_static(json.as_bytes()))
    }

    #[test]
    fn a_parsed_message_keeps_its_bytes() {
        let json = "{\"jsonrpc\":\"2.0\",\"id\":12345678901234567890,\"method\":\"m\",\"params\":{\"a\":1.0,\"a\":2,\"b\":\"\u{2028}\\n\"}}";
        let message = parsed(json).unwrap();
        assert_eq!(message.bytes, json);
        assert_eq!(
            message.kind,
            Kind::Request {
                id: Id::Number("12345678901234567890".into()),
                method: "m".into()
            }
        );
    }

    #[test]
    fn ids_are_equal_in_any_escaping() {
        let escaped = parsed(r#"{"jsonrpc":"2.0","id":"\u0061","result":{}}"#).unwrap();
        assert_eq!(
            escaped.kind,
            Kind::Response {
                id: Some(Id::Text("a".into())),
                failed: false
            }
        );
        assert_eq!(Id::Text("a\"".into()).to_string(), r#""a\"""#);
    }

    #[test]
    fn a_result_of_null_is_a_response() {
        let response = parsed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#).unwrap();
        assert_eq!(
            response.kind,
            Kind::Response {
                id: Some(Id::Number("1".into())),
                failed: false
            }
        );
    }

    #[test]
    fn a_text_that_is_no_message_is_refused_with_its_code() {
        for (json, code) in [
            ("nonsense", PARSE_ERROR),
            ("{\"jsonrpc\":\"2.0\",\"id\":1", PARSE_ERROR),
            ("1", INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, INVALID_REQUEST),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
                INVALID_REQUEST,
            ),
            (r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":2}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
                INVALID_REQUEST,
            ),
        ] {
            assert_eq!(parsed(json).unwrap_err().code, code, "{json}");
        }
    }

    #[test]
    fn line_breaks_between_tokens_become_spaces() {
        let message = parsed("{\"jsonrpc\":\"2.0\",\r\n\"method\":\"m\"}").unwrap();
        assert_eq!(message.bytes, "{\"jsonrpc\":\"2.0\",  \"method\":\"m\"}");
    }

    #[test]
    fn a_batch_is_split_into_its_messages() {
        let batch = Bytes::from_static(br#" [{"jsonrpc":"2.0","method":"m"}, 1]"#);
        let messages = Message::parse_all(batch).unwrap();
        assert_eq!(
            messages[0].as_ref().unwrap().bytes,
            r#"{"jsonrpc":"2.0","method":"m"}"#
        );
        assert_eq!(messages[1].as_ref().unwrap_err().code, INVALID_REQUEST);
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn a_replaced_id_leaves_the_params_unchanged() {
        let message =
            parsed(r#"{"method":"m","id":1,"jsonrpc":"2.0","params":{ "a": 1.0 }}"#).unwrap();
        let renamed = message.with_id(&Id::Text("x".into())).unwrap();
        assert_eq!(
            renamed.bytes,
            r#"{"jsonrpc":"2.0","id":"x","method":"m","params":{ "a": 1.0 }}"#
        );
    }

    #[test]
    fn numeric_ids_are_equal_in_any_notation() {
        let id = |json| Id::from_json(json).unwrap();
        let ids = std::collections::HashSet::from([
            id("1"),
            id("0"),
            id("1000"),
            id("1.5"),
            id("12345678901234567890"),
        ]);
        for same in [
            "1.0",
            "1e0",
            "-0",
            "-0.0",
            "1e3",
            "15e-1",
            "12345678901234567890",
        ] {
            assert!(ids.contains(&id(same)), "{same}");
        }
        for other in ["-1", "\"1\"", "1.25", "12345678901234567891", "1e999"] {
            assert!(!ids.contains(&id(other)), "{other}");
        }
        assert_eq!(id("1.0").to_string(), "1.0");
    }
}
