//! The port of sign-in to the runtime: the provider over the web, and signatures.

use std::fmt;
use std::time::Duration;

use durable_core::wire::{RuntimeError, read_json};
use futures_util::future::LocalBoxFuture;
use http::header::{ACCEPT, USER_AGENT as USER_AGENT_HEADER};
use http::request::Builder;
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use super::IdentityError;
use super::jwt::Algorithm;

/// Timeout of a request to a provider: a person waits for it.
pub const TIMEOUT: Duration = Duration::from_secs(8);

/// Timeouts within a renewal: of the token request, and of every other request. A renewal sends one token
/// request and up to two others in sequence, and has [10 seconds](oauth_server::hooks::HOOK_MS): if it were cut off after the
/// provider issued new tokens, they would be lost and the old ones used up.
pub const RENEWAL_TIMEOUTS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(2));

/// Bytes of an answer: a set of keys with certificates has some 10 KiB, a list of accounts may have more.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The outcome of an operation of the runtime.
pub type UpstreamFuture<'a, T> = LocalBoxFuture<'a, Result<T, RuntimeError>>;

/// A signature that is not verified yet.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedSignature<'a> {
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The key, a JSON Web Key (RFC 7517).
    pub key: &'a Value,
    /// The signed bytes.
    pub signed: &'a [u8],
    /// The signature itself.
    pub bytes: &'a [u8],
}

/// An identity provider, as the runtime reaches it.
pub trait Upstream {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Sends a request without following redirects. Of the answer's body no more than `limit` bytes are read, and one more
    /// to show that it is longer. What takes longer than `timeout`, body included, is a fault.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        limit: usize,
        timeout: Duration,
    ) -> UpstreamFuture<'_, Response<Vec<u8>>>;

    /// Verifies a signature. It is false for a key that does not fit the algorithm.
    fn verify<'a>(&'a self, signature: UnverifiedSignature<'a>) -> UpstreamFuture<'a, bool>;
}

/// A provider that is asked inside a renewal.
pub(super) struct RenewalUpstream<'a>(pub(super) &'a dyn Upstream);

impl Upstream for RenewalUpstream<'_> {
    fn now(&self) -> u64 {
        self.0.now()
    }

    fn send(
        &self,
        request: Request<Vec<u8>>,
        limit: usize,
        timeout: Duration,
    ) -> UpstreamFuture<'_, Response<Vec<u8>>> {
        let (tokens, others) = RENEWAL_TIMEOUTS;
        let most = if request.method() == Method::POST {
            tokens
        } else {
            others
        };
        self.0.send(request, limit, timeout.min(most))
    }

    fn verify<'a>(&'a self, signature: UnverifiedSignature<'a>) -> UpstreamFuture<'a, bool> {
        self.0.verify(signature)
    }
}

/// The `User-Agent` of this server: some providers refuse requests without one.
const USER_AGENT: &str = "durable-mcp";

/// An answer that is JSON.
pub struct JsonResponse {
    /// The status of the answer.
    pub status: u16,
    /// True if the provider limits the rate: status 429, `Retry-After`, or `X-RateLimit-Remaining: 0`.
    pub is_throttled: bool,
    /// The parsed body; null if it is not JSON.
    pub body: Value,
}

impl fmt::Debug for JsonResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl JsonResponse {
    /// The error for an unexpected answer; `what` names the request.
    #[must_use]
    pub fn unexpected(&self, what: &str) -> IdentityError {
        let text = format!("{what}: the answer is {}", self.status);
        match self.status {
            401 | 403 if !self.is_throttled => IdentityError::Refused(text),
            _ => IdentityError::Unavailable(text),
        }
    }
}

/// Asks a provider's API for JSON.
///
/// # Errors
/// When the provider does not answer. An answer with any status is one.
pub async fn get_json(web: &dyn Upstream, request: Builder) -> Result<JsonResponse, IdentityError> {
    let request = request.header(USER_AGENT_HEADER, USER_AGENT);
    let has_accept = request
        .headers_ref()
        .is_some_and(|headers| headers.contains_key(ACCEPT));
    let request = if has_accept {
        request
    } else {
        request.header(ACCEPT, "application/json")
    };
    let request = request
        .body(Vec::new())
        .map_err(|error| IdentityError::Unavailable(error.to_string()))?;
    let answer = send(web, request).await?;
    let header = |name| {
        answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_throttled = answer.status() == StatusCode::TOO_MANY_REQUESTS
        || header("retry-after").is_some()
        || header("x-ratelimit-remaining") == Some("0");
    let body = read_json(answer.body()).unwrap_or_default();
    Ok(JsonResponse {
        status: answer.status().as_u16(),
        is_throttled,
        body,
    })
}

/// Sends a request; an answer that is too long is a fault.
pub(super) async fn send(
    web: &dyn Upstream,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, RuntimeError> {
    let answer = web.send(request, MAX_ANSWER_BYTES, TIMEOUT).await?;
    if answer.body().len() > MAX_ANSWER_BYTES {
        return Err(RuntimeError("the answer is too long".to_owned()));
    }
    // A byte order mark may be ignored (RFC 8259 section 8.1), and serde_json rejects it.
    Ok(answer.map(|body| {
        body.strip_prefix(b"\xef\xbb\xbf")
            .map(<[u8]>::to_vec)
            .unwrap_or(body)
    }))
}

/// Accepts a provider's URL: `https`, or `http` on loopback.
#[must_use]
pub fn is_trustworthy(url: &str) -> bool {
    let is_clean = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>'));
    let is_url = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['),
        (_, Some(rest)) => is_on_loopback(rest),
        _ => false,
    };
    is_clean && is_url
}

/// Checks a URL without its scheme.
fn is_on_loopback(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    matches!(
        name.map_or(host, |(name, _)| name),
        "localhost" | "127.0.0.1" | "[::1]"
    )
}

/// True if the URL is that of a stand-in for a provider: one [without TLS](is_trustworthy) is on loopback.
#[must_use]
pub fn is_stand_in(url: &str) -> bool {
    url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use oauth_server::hooks::HOOK_MS;

    use super::*;

    #[test]
    fn a_renewal_times_out_before_its_hook_does() {
        let (tokens, others) = RENEWAL_TIMEOUTS;
        assert!(tokens + 2 * others < Duration::from_millis(HOOK_MS.into()));
    }

    #[test]
    fn a_provider_is_reached_by_https_or_on_this_machine() {
        for url in [
            "https://id.example",
            "https://id.example:8443/a?b",
            "http://localhost:3000",
            "http://127.0.0.1/x",
            "http://[::1]:80/",
            "http://localhost",
        ] {
            assert!(is_trustworthy(url), "{url}");
        }
        for url in [
            "",
            "id.example",
            "http://id.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://localhost:80@evil.example",
            "https://",
            "https:///x",
            "javascript:alert(1)",
            "ftp://localhost",
            "HTTPS://id.example",
            "https://id.example/a b",
            "https://id.example\\@x",
        ] {
            assert!(!is_trustworthy(url), "{url}");
        }
    }
}
