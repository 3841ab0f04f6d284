//! The pages that people see: one struct a template.

mod home;
mod install;
pub mod problem;

use askama::Template;
use http::StatusCode;

use crate::wire::{Body, Reply};

pub use home::Home;

/// The style sheet of every page.
pub const STYLE: &str = include_str!("../templates/style.css");

/// Tells one style sheet from another in its URL, so that browsers may keep it and still never show a page in an old one.
pub const STYLE_TAG: u32 = fnv(STYLE.as_bytes());

/// What a page may load: its own style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// The answer with a page.
#[must_use]
pub fn document(page: &impl Template) -> Reply {
    document_with(StatusCode::OK, page)
}

/// The answer with a page of another status.
#[must_use]
pub fn document_with(status: StatusCode, page: &impl Template) -> Reply {
    match page.render() {
        Ok(html) => Reply { status, headers: Vec::new(), body: Body::Text(html) }
            .header("content-type", "text/html; charset=utf-8")
            .header("content-security-policy", POLICY)
            .header("x-content-type-options", "nosniff")
            .header("referrer-policy", "no-referrer")
            .header("cache-control", "no-cache"),
        Err(_) => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// FNV-1a: it is computed while compiling, and nobody gains by a collision.
const fn fnv(mut bytes: &[u8]) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        bytes = rest;
    }
    hash
}
