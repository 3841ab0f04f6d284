//! Error page in a browser.

use askama::Template;
use durable_core::wire::Reply;
use http::StatusCode;

use super::frame::Frame;
use super::person_page;

/// Seconds of `Retry-After`, where this server has trouble: with status 503.
const RETRY_SECONDS: &str = "2";

/// Link to a page at which the person can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Label of the link.
    pub label: String,
    /// URL that the link leads to.
    pub url: String,
}

/// The page that says what happened and what to do.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage<'a> {
    /// Frame of the page.
    pub frame: Frame<'a>,
    /// The cause, and what to do.
    pub text: &'a str,
    /// Links at which the person can go on, the best first.
    pub ways: &'a [Link],
    /// Id of the problem, by which its line in the log is found.
    pub id: &'a str,
}

impl ProblemPage<'_> {
    /// The answer with the page.
    #[must_use]
    pub fn reply(&self, status: u16) -> Reply {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = person_page(status, self, "");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            reply.header("retry-after", RETRY_SECONDS)
        } else {
            reply
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::language::Language;

    #[test]
    fn markup_from_outside_stays_text_on_the_error_page() {
        let frame = Frame {
            server: "<b>",
            language: Language::English,
            is_demo: false,
        };
        let ways = [Link {
            label: "<script>".to_owned(),
            url: "https://a.example/?\"><script>".to_owned(),
        }];
        let html = ProblemPage {
            frame,
            text: "<script>",
            ways: &ways,
            id: "<script>",
        }
        .render()
        .unwrap();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    }
}
