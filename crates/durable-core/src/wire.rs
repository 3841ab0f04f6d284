//! HTTP requests and answers as values: what the runtime's own types are turned into before anything is decided.

mod address;
mod json;
mod quality;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use futures_util::stream::LocalBoxStream;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};

pub use address::{ADDRESS_HEADER, Networks};
pub use json::{is_default, read_json, read_loose_object, text_member};
pub use quality::quality;

/// A call on the runtime failed. The log has the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeError(pub String);

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RuntimeError {}

/// The headers of a request. Names are matched whatever their case.
pub trait Headers {
    /// The header's value; several lines of one name come joined by a comma.
    fn get(&self, name: &str) -> Option<Cow<'_, str>>;

    /// Every header.
    fn all(&self) -> Vec<(String, String)>;
}

impl Headers for HeaderMap {
    /// Lines that are no UTF-8 text are left out.
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let lines = self.get_all(name).into_iter();
        let mut lines = lines.filter_map(|line| std::str::from_utf8(line.as_bytes()).ok());
        let first = lines.next()?;
        Some(lines.fold(Cow::Borrowed(first), |all, line| {
            Cow::Owned(format!("{all}, {line}"))
        }))
    }

    fn all(&self) -> Vec<(String, String)> {
        let names = self.keys().map(HeaderName::as_str);
        names
            .filter_map(|name| Some((name.to_owned(), Headers::get(self, name)?.into_owned())))
            .collect()
    }
}

/// A request without its body.
#[derive(Clone)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// True if the request came by `https`.
    pub secure: bool,
    /// Host and port, as the client named them.
    pub host: String,
    /// The path, percent-encoded, with its leading slash.
    pub path: String,
    /// The query, percent-encoded, without its question mark.
    pub query: String,
    /// The headers.
    pub headers: Rc<dyn Headers>,
}

impl Head {
    /// The head of a request that came by `https`, or not. Its host is that of the `Host` header, or else of the URL (HTTP/2).
    #[must_use]
    pub fn of<T>(request: &Request<T>, secure: bool) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let named = Headers::get(headers, "host").map(Cow::into_owned);
        let host = named.or_else(|| Some(uri.authority()?.as_str().to_owned()));
        Self {
            method: request.method().clone(),
            secure,
            host: host.unwrap_or_default(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: Rc::new(headers.clone()),
        }
    }

    /// A header's value. An empty header counts as absent, since programs write headers for values that they do not have.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers
            .get(name)
            .filter(|value| !value.trim_ascii().is_empty())
    }

    /// A header's value as it came, also an empty one: for the server's internal headers, in which an empty value is wrong.
    #[must_use]
    pub fn raw_header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name)
    }

    /// True if the body is compressed or otherwise coded (RFC 9110 section 8.4).
    #[must_use]
    pub fn is_coded(&self) -> bool {
        self.header("content-encoding")
            .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
    }

    /// The body's length in bytes, by `Content-Length` (RFC 9110 section 8.6).
    #[must_use]
    pub fn declared_length(&self) -> Option<usize> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// Compares `Content-Type` with a media type, without its parameters.
    #[must_use]
    pub fn has_type(&self, media_type: &str) -> bool {
        let given = self.header("content-type").unwrap_or_default();
        given
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(media_type)
    }

    /// Scheme and host, as they stand in URLs of this server.
    #[must_use]
    pub fn origin(&self) -> String {
        format!(
            "{}://{}",
            if self.secure { "https" } else { "http" },
            self.host
        )
    }

    /// The value of a query parameter that needs no decoding.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The body of an answer.
#[derive(Default)]
pub enum ReplyBody {
    /// No body.
    #[default]
    Empty,
    /// The whole body.
    Text(String),
    /// Piece by piece, as there is something to send.
    Stream(LocalBoxStream<'static, String>),
    /// A WebSocket that the object keeps while it sleeps.
    Socket(Socket),
    /// An answer of the runtime's own, passed on as it is.
    Native(Box<dyn Any>),
    /// A stream of the runtime's own.
    NativeStream(Box<dyn Any>),
}

/// A WebSocket between an object and the Worker in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// The name under which the object finds it again.
    pub tag: String,
    /// The text that the socket remembers while the object sleeps.
    pub attachment: String,
    /// Frames sent as soon as the socket is open.
    pub greeting: Vec<String>,
    /// True if the socket is closed after the greeting.
    pub closes: bool,
}

/// An answer.
#[derive(Default)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The headers, by lower-case name.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: ReplyBody,
    /// True if the log line of the request is already written, or deliberately left out.
    pub logged: bool,
}

impl Reply {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// A JSON answer, with `Cache-Control: no-store`, since answers depend on the caller.
    #[must_use]
    pub fn json(status: StatusCode, json: String) -> Self {
        Self {
            status,
            headers: Vec::with_capacity(6),
            body: ReplyBody::Text(json),
            logged: false,
        }
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
    }

    /// An event stream. No proxy may store, change or gather it.
    #[must_use]
    pub fn events(body: ReplyBody) -> Self {
        Self {
            status: StatusCode::OK,
            headers: Vec::with_capacity(6),
            body,
            logged: false,
        }
        .header("content-type", "text/event-stream")
        .header("cache-control", "no-cache, no-transform")
        .header("x-accel-buffering", "no")
    }

    /// A text, such as a page, with `Cache-Control: no-store`.
    #[must_use]
    pub fn text(status: StatusCode, media_type: &'static str, text: String) -> Self {
        Self {
            status,
            body: ReplyBody::Text(text),
            ..Self::default()
        }
        .header("content-type", media_type)
        .header("cache-control", "no-store")
    }

    /// The answer as a response whose body is text; none if its body is a stream or a socket.
    #[must_use]
    pub fn into_response(self) -> Option<Response<String>> {
        let body = match self.body {
            ReplyBody::Empty => String::new(),
            ReplyBody::Text(text) => text,
            _ => return None,
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value.as_ref());
        }
        response.body(body).ok()
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match &self.body {
            ReplyBody::Empty => "empty",
            ReplyBody::Text(text) => text,
            ReplyBody::Stream(_) => "stream",
            ReplyBody::Socket(_) => "socket",
            ReplyBody::Native(_) => "native",
            ReplyBody::NativeStream(_) => "native stream",
        };
        write!(f, "{} {:?} {body}", self.status, self.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Typed(&'static str);

    impl Headers for Typed {
        fn get(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "content-type" && !self.0.is_empty()).then_some(Cow::Borrowed(self.0))
        }

        fn all(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    fn typed(content_type: &'static str) -> Head {
        Head {
            method: Method::POST,
            secure: true,
            host: String::new(),
            path: String::new(),
            query: String::new(),
            headers: Rc::new(Typed(content_type)),
        }
    }

    #[test]
    fn a_header_without_a_value_is_absent() {
        for (value, read) in [("", None), (" \t", None), ("x", Some("x"))] {
            assert_eq!(
                typed(value).header("content-type").as_deref(),
                read,
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_head_has_the_parts_of_its_request() {
        let request = Request::get("http://b.example/a?q=1")
            .header("host", "a.example")
            .header("accept", "a")
            .header("accept", "b")
            .header("x", [0xff].as_slice())
            .body(())
            .unwrap();
        let head = Head::of(&request, true);
        assert_eq!(head.origin(), "https://a.example");
        assert_eq!((head.path.as_str(), head.query.as_str()), ("/a", "q=1"));
        assert_eq!(head.header("Accept").as_deref(), Some("a, b"));
        let all = [("host", "a.example"), ("accept", "a, b")];
        assert_eq!(
            head.headers.all(),
            all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let request = Request::get("http://b.example/").body(()).unwrap();
        assert_eq!(Head::of(&request, false).origin(), "http://b.example");
    }

    #[test]
    fn a_reply_of_text_becomes_a_response() {
        let reply = Reply::text(StatusCode::NOT_FOUND, "text/plain", "x".to_owned());
        let response = reply.into_response().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.body(), "x");
        let stream = ReplyBody::Stream(Box::pin(futures_util::stream::empty()));
        assert!(Reply::events(stream).into_response().is_none());
    }

    #[test]
    fn a_media_type_is_compared_without_parameters_and_case() {
        let has = |given| typed(given).has_type("application/json");
        assert!(has("application/json; charset=utf-8") && has("Application/JSON"));
        assert!(!has("") && !has("text/plain") && !has("application/json-seq"));
    }
}
