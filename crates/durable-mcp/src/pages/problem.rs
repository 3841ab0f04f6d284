//! The page of whatever goes wrong in a browser.

use askama::Template;
use http::StatusCode;

use super::frame::Frame;
use super::person_page;
use crate::wire::Reply;

/// Seconds after which it is worth another try, where this server has trouble.
const RETRY_SECONDS: &str = "2";

/// A way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What it is called.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// The page that says what happened and what to do.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct Problem<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// The cause, and what to do.
    pub text: &'a str,
    /// The ways on, the best first.
    pub ways: &'a [Way],
    /// What the line in the log is found by.
    pub id: &'a str,
}

impl Problem<'_> {
    /// The answer with the page.
    #[must_use]
    pub fn reply(&self, status: u16) -> Reply {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = person_page(status, self, "");
        if status == StatusCode::SERVICE_UNAVAILABLE { reply.header("retry-after", RETRY_SECONDS) } else { reply }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::language::Language;

    #[test]
    fn what_came_from_outside_stays_text() {
        let frame = Frame { server: "<b>", language: Language::English, is_demo: false };
        let ways = [Way { label: "<script>".to_owned(), url: "https://a.example/?\"><script>".to_owned() }];
        let html = Problem { frame, text: "<script>", ways: &ways, id: "<script>" }.render().unwrap();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    }
}
