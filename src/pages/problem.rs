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

/// The page that says what happened and what to do.
#[must_use]
pub fn page(server: &Server, status: u16, text: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    document_with(status, &Problem { server, text })
}
