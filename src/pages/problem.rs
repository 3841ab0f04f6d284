//! The page of whatever goes wrong in a browser.

use askama::Template;
use http::StatusCode;

use super::document_with;
use crate::mcp::Server;
use crate::wire::Reply;

#[derive(Debug, Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    server: &'a Server,
    text: &'a str,
}

/// Seconds after which it is worth another try, where this server has trouble.
const RETRY_SECONDS: &str = "2";

/// The page that says what happened and what to do.
#[must_use]
pub fn page(server: &Server, status: u16, text: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reply = document_with(status, &Problem { server, text });
    if status == StatusCode::SERVICE_UNAVAILABLE { reply.header("retry-after", RETRY_SECONDS) } else { reply }
}
