//! HTTP requests as an input writes them, one after another:
//!
//! ```text
//! POST /mcp?a=b
//! header: value
//!
//! a body
//! %%
//! GET /
//! ```
//! `{name}` stands for the value that an earlier answer gave under that name, so that an input can use ids and codes that
//! only this deployment can make.

use std::collections::BTreeMap;

use http::Method;

/// More requests would only make each input slower.
const MAX_REQUESTS: usize = 8;

/// The names whose values are carried over, as they stand in JSON, in forms and in URLs.
const CARRIED: [&str; 13] = [
    "requestState",
    "taskId",
    "state_handle",
    "nextCursor",
    "access_token",
    "refresh_token",
    "client_id",
    "client_secret",
    "code",
    "state",
    "flow",
    "csrf",
    "mcp-session-id",
];

pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// Bytes of the request, with what stands around each header in HTTP/1.1: a colon, a space and the end of the line.
    pub(crate) fn length(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        self.target.len() + headers + self.body.len()
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .unwrap_or(("POST", "/mcp"));
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            method: method.parse().unwrap_or(Method::POST),
            target: target.to_owned(),
            // As a runtime hands them on: names in lower case, values trimmed.
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }
}

/// Values that answers gave.
#[derive(Default)]
pub(crate) struct Carried(BTreeMap<&'static str, String>);

impl Carried {
    /// The requests of an input.
    pub(crate) fn texts(input: &str) -> impl Iterator<Item = &str> {
        input.split("\n%%\n").take(MAX_REQUESTS)
    }

    /// The request with what was carried over.
    pub(crate) fn fill(&self, text: &str) -> Request {
        let filled = self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            let place = format!("{{{name}}}");
            // Once: an input of nothing but places would grow with the square of its length.
            text.replacen(&place, value, 1)
        });
        Request::parse(&filled)
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }

    /// Takes the values out of an answer.
    pub(crate) fn note(&mut self, answer: &str) {
        for name in CARRIED {
            let places = [
                (format!("\"{name}\":\""), '"'),
                (format!("name=\"{name}\" value=\""), '"'),
                (format!("?{name}="), '&'),
                (format!("&{name}="), '&'),
            ];
            for (start, end) in places {
                if let Some((_, rest)) = answer.split_once(&start) {
                    self.set(
                        name,
                        rest.split([end, '\n'])
                            .next()
                            .unwrap_or_default()
                            .to_owned(),
                    );
                }
            }
        }
    }
}
