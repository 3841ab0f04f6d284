//! Answers to browsers.

use reqwest::Url;

use crate::sign_in::page::{Language, Outcome};

/// Answer to a browser.
pub(super) struct Answer {
    status: u16,
    content_type: &'static str,
    location: Option<String>,
    body: String,
}

impl Answer {
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            location: None,
            body: body.to_owned(),
        }
    }

    pub(super) fn json(value: &serde_json::Value) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            location: None,
            body: value.to_string(),
        }
    }

    pub(super) fn page(status: u16, outcome: &Outcome, language: Language) -> Self {
        Self {
            status,
            content_type: "text/html; charset=utf-8",
            location: None,
            body: outcome.page(language),
        }
    }

    pub(super) fn see_other(url: &Url) -> Self {
        Self {
            location: Some(url.to_string()),
            ..Self::text(303, "")
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            202 => "Accepted",
            303 => "See Other",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Misdirected Request",
        };
        let location = self
            .location
            .as_ref()
            .map(|location| format!("location: {location}\r\n"))
            .unwrap_or_default();
        format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: {}\r\ncontent-length: {}\r\n{location}{HEADERS}\r\n{}",
            self.status,
            self.content_type,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }
}

/// Headers of every answer. The URL of the page has a code in it, so no referrer, cache, frame or remote content is allowed.
const HEADERS: &str = "cache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
    x-frame-options: DENY\r\ncontent-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n\
    connection: close\r\n";
