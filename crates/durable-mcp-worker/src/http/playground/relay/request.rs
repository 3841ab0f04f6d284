//! A request of the page that is to be sent on: method, headers and body, and nothing that the target need not see.

use durable_core::wire::Head;
use http::Method;
use oauth_server::params::RequestParams;
use serde::Deserialize;

use crate::http::request_runtime::RequestRuntime;

/// Header with the address that is sent to.
pub(super) const URL: &str = "x-target-url";

/// Header with the method that is sent.
const METHOD: &str = "x-target-method";

/// Begins the names of headers that are for the target, and that are from it.
const HEADER: &str = "x-target-header-";

/// Header by which a relay knows requests of relays.
pub(super) const MARK: &str = "x-playground-relay";

/// Method of a request for notifications.
const SUBSCRIBE: &str = "subscriptions/listen";

/// Bytes of a body.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Headers that are sent.
const MAX_HEADERS: usize = 40;

/// Characters of a header's value.
const MAX_VALUE_CHARS: usize = 16 * 1024;

/// Headers that are not sent, whoever typed them: those of the browser and of what stands between, and those that would have the target
/// take the request for another.
const NEVER: [&str; 34] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "cdn-loop",
    "client-ip",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-rewrite-url",
];

/// Beginnings of such names.
const NEVER_BEGINNINGS: [&str; 8] = [
    "cf-",
    "fly-",
    "proxy-",
    "sec-",
    "x-forwarded",
    "x-original-",
    "x-playground",
    "x-target-",
];

/// Reason for which a request is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RelayRequestError {
    /// The body is longer than [`MAX_BODY_BYTES`].
    TooLarge,
    /// Anything else.
    Wrong(&'static str),
}

/// The part of a request that is sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PassedRequest {
    pub(super) method: Method,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    /// Whether the answer stays open as a stream of notifications.
    pub(super) stays_open: bool,
}

impl PassedRequest {
    /// Reads the request.
    pub(super) async fn from_request(
        head: &Head,
        runtime: &dyn RequestRuntime,
    ) -> Result<Self, RelayRequestError> {
        let method = method(head)?;
        let mut headers = headers(head)?;
        let text = body(head, runtime).await?;
        if method != Method::POST {
            if !text.is_empty() {
                return Err(RelayRequestError::Wrong("Only POST has a body."));
            }
            let stays_open = method == Method::GET && accepts_events(&headers);
            return Ok(Self {
                method,
                headers,
                body: None,
                stays_open,
            });
        }
        let kind = kind(head, &text).ok_or(RelayRequestError::Wrong(
            "The body must be a JSON-RPC message, a registration, or the form of a token request.",
        ))?;
        headers.push(("content-type".to_owned(), kind.to_owned()));
        Ok(Self {
            method,
            headers,
            stays_open: is_subscription(&text),
            body: Some(text),
        })
    }
}

fn method(head: &Head) -> Result<Method, RelayRequestError> {
    match head.header(METHOD).as_deref() {
        Some("GET") => Ok(Method::GET),
        Some("POST") => Ok(Method::POST),
        Some("DELETE") => Ok(Method::DELETE),
        _ => Err(RelayRequestError::Wrong(
            "The method must be GET, POST or DELETE.",
        )),
    }
}

/// The text of the body, which is within [`MAX_BODY_BYTES`].
async fn body(head: &Head, runtime: &dyn RequestRuntime) -> Result<String, RelayRequestError> {
    if head.is_coded() {
        return Err(RelayRequestError::Wrong("The body must not be compressed."));
    }
    if head
        .declared_length()
        .is_some_and(|length| length > MAX_BODY_BYTES)
    {
        return Err(RelayRequestError::TooLarge);
    }
    let text = runtime
        .read_body()
        .await
        .map_err(|_| RelayRequestError::Wrong("The body cannot be read."))?;
    if text.len() > MAX_BODY_BYTES {
        return Err(RelayRequestError::TooLarge);
    }
    Ok(text)
}

/// The headers for the target, with the relay's own mark.
fn headers(head: &Head) -> Result<Vec<(String, String)>, RelayRequestError> {
    let mut headers = vec![(MARK.to_owned(), "1".to_owned())];
    for (name, value) in head.headers.all() {
        let name = name.to_ascii_lowercase();
        let Some(name) = name.strip_prefix(HEADER) else {
            continue;
        };
        // CGI and WSGI read an underscore as they read a dash.
        let dashed = name.replace('_', "-");
        if NEVER.contains(&dashed.as_str())
            || NEVER_BEGINNINGS
                .iter()
                .any(|beginning| dashed.starts_with(beginning))
        {
            return Err(RelayRequestError::Wrong(
                "One of the headers is not sent by the relay.",
            ));
        }
        if value.len() > MAX_VALUE_CHARS || headers.len() >= MAX_HEADERS {
            return Err(RelayRequestError::Wrong(
                "The headers are too long or too many.",
            ));
        }
        headers.push((name.to_owned(), value));
    }
    Ok(headers)
}

/// The media type of a body that may be sent; none of any other.
fn kind(head: &Head, text: &str) -> Option<&'static str> {
    if head.has_type("application/json") {
        return is_message(text).then_some("application/json");
    }
    let is_form = head.has_type("application/x-www-form-urlencoded") && is_token_form(text);
    is_form.then_some("application/x-www-form-urlencoded")
}

/// The form of a request for tokens (RFC 6749 section 4), or for their end (RFC 7009).
fn is_token_form(text: &str) -> bool {
    RequestParams::parse(text)
        .is_ok_and(|form| form.get("grant_type").is_some() || form.get("token").is_some())
}

fn accepts_events(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .any(|(name, value)| name == "accept" && value.contains("text/event-stream"))
}

#[derive(Deserialize)]
struct Call {
    method: String,
}

/// A request for notifications, whose answer is a stream of them (MCP 2026-07-28).
fn is_subscription(text: &str) -> bool {
    text.contains(SUBSCRIBE)
        && serde_json::from_str::<Call>(text).is_ok_and(|call| call.method == SUBSCRIBE)
}

/// Members of a JSON body that tell its kind.
#[derive(Deserialize)]
struct Members {
    jsonrpc: Option<String>,
    redirect_uris: Option<Vec<String>>,
}

impl Members {
    fn is_rpc(&self) -> bool {
        self.jsonrpc.as_deref() == Some("2.0")
    }

    /// A registration of a client (RFC 7591).
    fn is_registration(&self) -> bool {
        self.jsonrpc.is_none() && self.redirect_uris.is_some()
    }
}

/// Whether a text is a message of JSON-RPC, several of them, or a registration.
fn is_message(text: &str) -> bool {
    if text.trim_start().starts_with('[') {
        let all = serde_json::from_str::<Vec<Members>>(text).unwrap_or_default();
        return !all.is_empty() && all.iter().all(Members::is_rpc);
    }
    serde_json::from_str::<Members>(text)
        .is_ok_and(|members| members.is_rpc() || members.is_registration())
}

/// The name that a header of the target goes out by.
pub(super) const ANSWERED: [(&str, &str); 4] = [
    ("mcp-session-id", "x-target-header-mcp-session-id"),
    (
        "mcp-protocol-version",
        "x-target-header-mcp-protocol-version",
    ),
    ("www-authenticate", "x-target-header-www-authenticate"),
    ("retry-after", "x-target-header-retry-after"),
];
