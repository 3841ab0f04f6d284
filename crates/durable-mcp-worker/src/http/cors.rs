//! Cross-origin headers: every answer has them, so that a page that calls can also read why it failed.
//!
//! The headers open nothing: [`Policy`](super::policy::Policy) has decided before who is answered, and no cookie is ever taken
//! for a credential of an MCP endpoint.

use std::borrow::Cow;

use durable_core::wire::{Head, Reply};
use http::StatusCode;

use super::provider::Provider;
use crate::transport::internal_headers::NEEDED_SCOPES;

/// Headers that a browser client may send. A `*` would not cover `Authorization`.
const REQUEST_HEADERS: &str = "authorization, content-type, accept, last-event-id, mcp-session-id, \
     mcp-protocol-version, mcp-method, mcp-name";

/// Headers of answers that a browser client may read.
const EXPOSED: &str = "mcp-session-id, www-authenticate, retry-after";

const METHODS: &str = "GET, POST, DELETE, OPTIONS";

/// The longest list of header names that is looked at, in bytes: many times what a tool's arguments need, and what browsers
/// send of it goes back.
const MAX_ASKED_BYTES: usize = 4096;

/// Value of `Access-Control-Max-Age`, in seconds. Browsers cap it at between ten minutes and a day.
const MAX_AGE: &str = "86400";

/// Adds the headers that every answer has.
#[must_use]
pub fn allow(reply: Reply, origin: Option<&str>) -> Reply {
    reply
        .header(
            "access-control-allow-origin",
            origin.map_or(Cow::Borrowed("*"), |origin| origin.to_owned().into()),
        )
        .header("access-control-expose-headers", EXPOSED)
        .header("vary", "origin")
}

/// Finishes an object's answer: where it says which scopes are missing, a challenge tells the client how to get them
/// (RFC 6750 section 3).
#[must_use]
pub fn finish(reply: Reply, head: &Head, provider: Option<&dyn Provider>) -> Reply {
    allow(
        challenged(reply, head, provider),
        head.raw_header("origin").as_deref(),
    )
}

/// Puts a challenge in the place of the scopes that an answer says are missing.
#[must_use]
pub fn challenged(mut reply: Reply, head: &Head, provider: Option<&dyn Provider>) -> Reply {
    if let Some(at) = reply
        .headers
        .iter()
        .position(|(name, _)| *name == NEEDED_SCOPES)
    {
        let (_, needed) = reply.headers.remove(at);
        if let Some(provider) = provider {
            reply = reply.header("www-authenticate", provider.challenge(head, &needed));
        }
    }
    reply
}

/// Answers a preflight (Fetch standard, "CORS-preflight fetch").
#[must_use]
pub fn preflight(head: &Head) -> Reply {
    // Tools with `x-mcp-header` arguments have header names of their own.
    let asked = head
        .header("access-control-request-headers")
        .filter(|asked| asked.len() <= MAX_ASKED_BYTES);
    let asked = asked.unwrap_or_default();
    let own = asked.split(',').map(str::trim).filter(|name| {
        let name = name.to_ascii_lowercase();
        name.strip_prefix("mcp-param-").is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
    });
    let headers: String = std::iter::once(REQUEST_HEADERS)
        .chain(own.flat_map(|name| [", ", name]))
        .collect();
    Reply::empty(StatusCode::NO_CONTENT)
        .header("access-control-allow-methods", METHODS)
        .header("access-control-allow-headers", headers)
        .header("access-control-max-age", MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::EXPOSED;
    use crate::http::router::HTTPS_ONLY;

    #[test]
    fn responses_to_a_crash_have_the_headers_of_every_response() {
        let crash = include_str!("../platform/crash.js");
        for header in [EXPOSED, HTTPS_ONLY] {
            assert!(crash.contains(&format!("\"{header}\"")), "{header}");
        }
    }
}
