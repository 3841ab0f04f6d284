//! The pages that people see: one struct a template.

pub mod account;
pub mod consent;
pub mod frame;
mod home;
mod install;
pub mod language;
pub mod problem;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable_core::wire::{Reply, ReplyBody};
use http::StatusCode;
use sha2::{Digest, Sha256};

pub use home::HomePage;

/// The script of the page at `/`, which works without it too.
const SCRIPT: &str = include_str!("../templates/home.js");

/// The style sheet of every page.
pub const STYLE: &str = concat!(
    include_str!("../templates/colours.css"),
    include_str!("../templates/style.css")
);

/// Tells one style sheet from another in its URL, so that browsers may keep it and still never show a page in an old one.
pub const STYLE_TAG: u32 = fnv(STYLE.as_bytes());

/// The content security policy of a page: its own style sheet and nothing else. A source for forms can follow.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
     frame-ancestors 'none'; form-action 'self'";

/// The answer with the page at `/`. Of all scripts its policy lets its own run, by the hash.
#[must_use]
pub fn document(page: &HomePage<'_>) -> Reply {
    html(StatusCode::OK, page)
        .header(
            "content-security-policy",
            format!("{POLICY}; script-src 'sha256-{}'", script_hash()),
        )
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-cache")
}

/// The answer with a page that is one person's: not cached, and not shown in a frame. Its forms lead here, and from
/// here to `onward`, sources of a content security policy: browsers hold a form to the policy through every redirect.
fn person_page(status: StatusCode, page: &impl Template, onward: &str) -> Reply {
    let policy = format!("{POLICY} {onward}");
    html(status, page)
        .header("content-security-policy", policy.trim_end().to_owned())
        .header("x-frame-options", "DENY")
        // With `no-referrer` a form would come from the origin `null`, which is let in nowhere.
        .header("referrer-policy", "same-origin")
        .header("cache-control", "no-store")
}

/// The hash of the script, as a content security policy has it (CSP Level 3 section 2.3.1).
fn script_hash() -> String {
    STANDARD.encode(Sha256::digest(SCRIPT))
}

fn html(status: StatusCode, page: &impl Template) -> Reply {
    match page.render() {
        Ok(html) => Reply {
            status,
            body: ReplyBody::Text(html),
            ..Reply::default()
        }
        .header("content-type", "text/html; charset=utf-8")
        .header("x-content-type-options", "nosniff"),
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
