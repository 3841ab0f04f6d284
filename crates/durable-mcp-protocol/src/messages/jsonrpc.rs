//! JSON-RPC 2.0: reading messages, writing answers.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorCode};
use crate::fields::Fields;
use crate::json_fault::lone_surrogate;
use crate::json_tokens::{has_more_values, scalar_member};
use crate::whole_number::whole;

/// The longest id taken, in bytes of JSON. An id is kept and sent back as it came; real ones are counters and UUIDs.
pub const MAX_ID_BYTES: usize = 1024;

/// The most messages in one batch. They run at the same time, so this bounds what one POST can start.
pub const MAX_BATCH: usize = 100;

/// The most values of one body: members of objects and elements of arrays, at any depth. A table of ten thousand rows by ten
/// columns has as many. Each may cost some 200 bytes once it is taken apart, of the 128 MB that an isolate may use, however
/// few bytes it was written with.
pub const MAX_BODY_VALUES: usize = 100_000;

/// The longest `data` of a client's error that is read, in bytes: it is for programs, and parsed into a tree.
const MAX_ERROR_DATA_BYTES: usize = 64 * 1024;

/// A request's id: an integer or a string, kept as the JSON text that came, so that it goes back exactly. `1.0` is an
/// integer (JSON Schema 2020-12 Validation, section 6.1.1), and the same id as `1`.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// The text by which ids are told apart.
    fn plain(&self) -> Cow<'_, str> {
        whole(&self.0).map_or(Cow::Borrowed(&self.0), Cow::Owned)
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.plain() == other.plain()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.plain().hash(state);
    }
}

impl RequestId {
    fn parse(raw: &RawValue) -> Result<Self, Error> {
        let text = raw.get();
        if text.len() > MAX_ID_BYTES {
            return Err(Error::invalid_request(format!(
                "The id is longer than {MAX_ID_BYTES} bytes."
            )));
        }
        let integer = || {
            text.strip_prefix('-')
                .unwrap_or(text)
                .bytes()
                .all(|b| b.is_ascii_digit())
        };
        if text.starts_with('"') || integer() || whole(text).is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid_request(
                "The id must be a string or an integer.",
            ))
        }
    }

    /// The id as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Reads an id from the JSON that it is.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        Self::parse(serde_json::from_str(json).ok()?).ok()
    }

    /// True if `given` is this id, a number, as it was sent or as text with the same digits.
    #[must_use]
    pub fn is_given_as(&self, given: &Self) -> bool {
        let text = given
            .0
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        self == given || text == Some(self.as_json())
    }

    /// The id of a request that this server sends.
    #[must_use]
    pub fn from_counter(n: u64) -> Self {
        Self(n.to_string())
    }
}

/// The parameters of a request or notification: the members of an object, none of them looked into yet. They are taken apart
/// once, since many ask for one or another of them.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, Box<RawValue>)>);

impl Params {
    fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        raw.map_or_else(
            || Ok(Self::default()),
            |raw| Ok(Self(Fields::parse(raw.get())?.into_owned())),
        )
    }

    /// The members of the parameters; absent parameters have no members.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::Kept(&self.0)
    }

    /// The member of that name, as a request's id.
    #[must_use]
    pub fn request_id(&self, name: &str) -> Option<RequestId> {
        RequestId::parse(self.fields().raw(name)?).ok()
    }

    /// The object that they are, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        object_json(
            self.0
                .iter()
                .map(|(name, value)| (name.as_str(), value.get())),
        )
    }
}

/// The object of those names and of the JSON of their values, in that order.
pub fn object_json<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut json = String::from("{");
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&to_json(&name));
        json.push(':');
        json.push_str(value);
    }
    json.push('}');
    json
}

impl Error {
    /// Reads an error from its JSON.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        let fields = Fields::parse(json).ok()?;
        let code = ErrorCode(fields.raw("code")?.get().parse().ok()?);
        let data = fields
            .raw("data")
            .and_then(|data| serde_json::from_str(data.get()).ok());
        Some(Self {
            code,
            message: fields.text("message").ok()?,
            data,
            cause: None,
        })
    }
}

/// A request: something that gets an answer.
#[derive(Debug, Clone)]
pub struct Request {
    /// Id of the request, which its answer repeats.
    pub id: RequestId,
    /// The method's name.
    pub method: String,
    /// Parameters of the request.
    pub params: Params,
}

impl Request {
    /// A call with those parameters, as JSON, by this server itself.
    #[must_use]
    pub fn call(params: &str) -> Option<Self> {
        let raw = RawValue::from_string(params.to_owned()).ok()?;
        let params = Params::read(Some(&raw)).ok()?;
        Some(Self {
            id: RequestId::from_counter(0),
            method: "tools/call".to_owned(),
            params,
        })
    }
}

/// A notification: something that gets none.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The method's name.
    pub method: String,
    /// Parameters of the notification.
    pub params: Params,
}

/// A client's answer to a request of this server.
#[derive(Debug, Clone)]
pub struct Response {
    /// The id of the request it answers; a client that could not read the request sends none.
    pub id: Option<RequestId>,
    /// The request's result, or its error.
    pub outcome: Result<Box<RawValue>, Error>,
}

/// Any message a client may send.
#[derive(Debug, Clone)]
pub enum Message {
    /// A message that wants an answer.
    Request(Request),
    /// A message that wants no answer.
    Notification(Notification),
    /// An answer to a request of this server.
    Response(Response),
}

/// The body of one POST.
#[derive(Debug)]
pub enum Body {
    /// A single message.
    Single(Message),
    /// An array of messages, each of which may be unreadable by itself.
    Batch(Vec<Result<Message, Unreadable>>),
}

/// A message that could not be read, with its id where that much was legible.
#[derive(Debug)]
pub struct Unreadable {
    /// Id for the error; none if it could not be read.
    pub id: Option<RequestId>,
    /// −32700 or −32600.
    pub error: Error,
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self { id: None, error }
    }
}

/// Reads the body of a POST.
///
/// # Errors
/// −32700 when it is not JSON, −32600 when it is JSON but no JSON-RPC message, an empty or too long array, or has too many
/// values.
pub fn parse(text: &str) -> Result<Body, Unreadable> {
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if has_more_values(text, MAX_BODY_VALUES) {
        let id = scalar_member(text, "id").and_then(RequestId::from_json);
        return Err(Unreadable {
            id,
            error: too_many_values(),
        });
    }
    if !text.trim_start().starts_with('[') {
        return parse_message(text).map(Body::Single);
    }
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    if items.is_empty() {
        return Err(Error::invalid_request("The array holds no message.").into());
    }
    if items.len() > MAX_BATCH {
        return Err(Error::invalid_request(format!(
            "The array holds more than {MAX_BATCH} messages."
        ))
        .into());
    }
    Ok(Body::Batch(
        items
            .into_iter()
            .map(|item| parse_message(item.get()))
            .collect(),
    ))
}

/// Reads a message, or each message of a batch.
#[must_use]
pub fn parse_messages(text: &str) -> Vec<Result<Message, Unreadable>> {
    match parse(text) {
        Ok(Body::Single(message)) => vec![Ok(message)],
        Ok(Body::Batch(messages)) => messages,
        Err(unreadable) => vec![Err(unreadable)],
    }
}

fn too_many_values() -> Error {
    Error::invalid_request(format!(
        "The body holds more than {MAX_BODY_VALUES} values, members and elements together. Send fewer at a time, or many of \
         them as one string."
    ))
}

fn not_json(text: &str, error: &serde_json::Error) -> Error {
    match lone_surrogate(text) {
        Some(fault) => Error::new(
            ErrorCode::PARSE,
            format!("The body cannot be read: {fault}."),
        ),
        None => Error::new(ErrorCode::PARSE, format!("The body is not JSON: {error}.")),
    }
}

fn parse_message(text: &str) -> Result<Message, Unreadable> {
    let members: Fields<'_> =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                Error::invalid_request("The body is no JSON-RPC message.")
            }
            _ => not_json(text, &error),
        })?;
    // The id is null in an error about a request whose id could not be read (JSON-RPC 2.0 section 5).
    let unread = |id: &&RawValue| id.get() == "null" && members.raw("error").is_some();
    let id = members
        .member("id")
        .filter(|id| !unread(id))
        .map(RequestId::parse)
        .transpose()?;
    read_message(&members, id.clone()).map_err(|error| Unreadable { id, error })
}

/// A member of a message, and no parameter.
fn text_member(members: &Fields<'_>, name: &str) -> Result<Option<String>, Error> {
    members.optional_text(name).map_err(|error| {
        Error::invalid_request(error.message.trim_start_matches("Invalid params: "))
    })
}

fn read_message(members: &Fields<'_>, id: Option<RequestId>) -> Result<Message, Error> {
    if text_member(members, "jsonrpc")?.as_deref() != Some("2.0") {
        return Err(Error::invalid_request(
            "A JSON-RPC message has `\"jsonrpc\": \"2.0\"`.",
        ));
    }
    let params = members.raw("params");
    if params.is_some_and(|raw| !raw.get().starts_with('{')) {
        return Err(Error::invalid_request("`params` must be an object."));
    }
    let params = Params::read(params)?;
    match (
        text_member(members, "method")?,
        id,
        members.member("result"),
        members.raw("error"),
    ) {
        (Some(method), Some(id), None, None) => {
            Ok(Message::Request(Request { id, method, params }))
        }
        (Some(method), None, None, None) => {
            Ok(Message::Notification(Notification { method, params }))
        }
        (None, Some(id), Some(result), None) => Ok(Message::Response(Response {
            id: Some(id),
            outcome: Ok(result.to_owned()),
        })),
        (None, id, None, Some(error)) => Ok(Message::Response(Response {
            id,
            outcome: Err(read_error(error)?),
        })),
        _ => Err(Error::invalid_request(
            "A message has a `method`, or an `id` and either a `result` or an `error`.",
        )),
    }
}

fn read_error(raw: &RawValue) -> Result<Error, Error> {
    let unfit = |_| {
        Error::invalid_request("`error` must have a `code` that is an integer and a `message`.")
    };
    let members = Fields::parse(raw.get()).map_err(unfit)?;
    let code = members.raw("code").and_then(|code| integer(code.get()));
    let code = code.ok_or_else(|| unfit(Error::invalid_request("")))?;
    let data = members
        .raw("data")
        .filter(|data| data.get().len() <= MAX_ERROR_DATA_BYTES);
    let data = data.and_then(|data| serde_json::from_str(data.get()).ok());
    Ok(Error {
        data,
        ..Error::new(ErrorCode(code), members.text("message").map_err(unfit)?)
    })
}

fn integer(text: &str) -> Option<i64> {
    whole(text).as_deref().unwrap_or(text).parse().ok()
}

/// The JSON of an answer whose result is the JSON `result`.
#[must_use]
pub fn result_json(id: &RequestId, result: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
        id.as_json()
    )
}

/// The JSON of an error answer; without an id it is `null`, as clients of every version with `initialize` expect.
#[must_use]
pub fn error_json(id: Option<&RequestId>, error: &Error) -> String {
    let id = id.map_or("null", RequestId::as_json);
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{}}}"#,
        to_json(error)
    )
}

/// The JSON of an error answer to a request whose id could not be read, as clients expect it since 2026-07-28.
#[must_use]
pub fn error_json_without_id(error: &Error) -> String {
    format!(r#"{{"jsonrpc":"2.0","error":{}}}"#, to_json(error))
}

/// The JSON of a request that this server sends.
#[must_use]
pub fn request_json(id: &RequestId, method: &str, params: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"method":"{method}","params":{}}}"#,
        id.as_json(),
        params
    )
}

/// The JSON of a notification that this server sends.
#[must_use]
pub fn notification_json(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// Types of this crate are maps with string keys, which always have a JSON form; anything else becomes `null`.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (i64, Option<String>) {
        let unreadable = parse(text).expect_err(text);
        (
            unreadable.error.code.0,
            unreadable.id.map(|id| id.as_json().to_owned()),
        )
    }

    fn request(text: &str) -> Request {
        match parse(text).expect(text) {
            Body::Single(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn request_ids_are_returned_as_they_were_written() {
        for id in [
            "1",
            "-7",
            "\"1\"",
            "\"a\\u0062\"",
            "123456789012345678901234567890",
            "\"\"",
            "1.0",
            "1e3",
            "-0",
        ] {
            let request = request(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
            assert_eq!(
                result_json(&request.id, "{}"),
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
            );
        }
    }

    #[test]
    fn request_ids_are_compared_by_value() {
        let id = |json: &str| RequestId::from_json(json).unwrap();
        assert!(id("1") == id("1.0") && id("100") == id("1e2") && id("7") == id("7"));
        assert!(id("1") != id("\"1\"") && id("1.0") != id("10"));
    }

    #[test]
    fn half_of_a_surrogate_pair_in_any_member_is_reported_as_such() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","\ud800":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"\ud800":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"\udc00x":"ping"}"#,
        ] {
            let told = parse(text).expect_err(text).error.message;
            assert!(told.contains("surrogate pair"), "{text}: {told}");
        }
    }

    #[test]
    fn a_body_may_begin_with_a_byte_order_mark() {
        let message = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(request(&format!("\u{feff}{message}")).method, "ping");
        assert!(
            matches!(parse(&format!("\u{feff} [{message}]")), Ok(Body::Batch(items)) if items.len() == 1)
        );
        assert!(parse(&format!("\u{feff}\u{feff}{message}")).is_err());
    }

    #[test]
    fn a_request_id_must_be_a_short_string_or_an_integer() {
        let long = format!("\"{}\"", "x".repeat(MAX_ID_BYTES));
        for id in ["null", "1.5", "1e-3", "1e999", "true", "{}", "[]", &long] {
            assert_eq!(
                refusal(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)),
                (-32600, None),
                "{id}"
            );
        }
    }

    #[test]
    fn a_text_that_is_no_json_is_a_parse_error() {
        for text in ["", "{", "nope", "{\"jsonrpc\":\"2.0\"", "[1,", "\u{0}"] {
            assert_eq!(refusal(text), (-32700, None), "{text}");
        }
    }

    #[test]
    fn json_that_is_no_message_is_an_invalid_request_with_its_id() {
        for (text, id) in [
            ("1", None),
            ("\"ping\"", None),
            ("{}", None),
            ("[]", None),
            (r#"{"id":3,"method":"ping"}"#, Some("3")),
            (r#"{"jsonrpc":"1.0","id":3,"method":"ping"}"#, Some("3")),
            (r#"{"jsonrpc":"2.0","id":3}"#, Some("3")),
            (r#"{"jsonrpc":"2.0","id":3,"method":5}"#, Some("3")),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"ping","params":[]}"#,
                Some("3"),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"ping","result":{}}"#,
                Some("3"),
            ),
            (r#"{"jsonrpc":"2.0","result":{}}"#, None),
        ] {
            assert_eq!(refusal(text), (-32600, id.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn deep_json_is_an_error_and_not_a_crash() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(matches!(parse(&deep), Ok(Body::Batch(items)) if items.iter().all(Result::is_err)));
        let request = request(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{deep}}}}}"#
        ));
        assert!(serde_json::from_str::<serde_json::Value>(&request.params.to_json()).is_err());
    }

    #[test]
    fn an_error_code_may_be_written_with_fraction_or_exponent() {
        for (code, read) in [
            ("-32000", Some(-32000)),
            ("-32000.0", Some(-32000)),
            ("-32e3", Some(-32000)),
            ("1.5", None),
        ] {
            let body = parse(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"no"}}}}"#
            ));
            let given = match body {
                Ok(Body::Single(Message::Response(Response {
                    outcome: Err(error),
                    ..
                }))) => Some(error.code.0),
                _ => None,
            };
            assert_eq!(given, read, "{code}");
        }
    }

    #[test]
    fn an_error_reply_needs_no_id() {
        for id in ["", r#""id":null,"#] {
            let body = parse(&format!(
                r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32700,"message":"what?"}}}}"#
            ))
            .unwrap();
            assert!(
                matches!(
                    body,
                    Body::Single(Message::Response(Response {
                        id: None,
                        outcome: Err(_)
                    }))
                ),
                "{id}"
            );
        }
    }
}
