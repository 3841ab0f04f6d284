//! The pages that people see: one struct a template.

use askama::Template;
use http::StatusCode;

use crate::mcp::Server;
use crate::wire::{Body, Reply};

/// The style sheet of every page.
pub const STYLE: &str = include_str!("../templates/style.css");

/// What a page may load: its own style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// The page about the server.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    server: &'a Server,
    mcp: String,
    sse: String,
}

impl<'a> Home<'a> {
    /// The page of a server at these URLs.
    #[must_use]
    pub fn new(server: &'a Server, mcp: String, sse: String) -> Self {
        Self { server, mcp, sse }
    }
}

/// The answer with a page.
#[must_use]
pub fn document(page: &impl Template) -> Reply {
    match page.render() {
        Ok(html) => Reply {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: Body::Text(html),
        }
        .header("content-type", "text/html; charset=utf-8")
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-cache"),
        Err(_) => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
