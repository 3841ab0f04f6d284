//! Variables of a deployment, and the problems found in them.

use durable_mcp_protocol::cut::Quoted;

use super::playground::own_origin::OwnOrigin;
use crate::session::log_line::RequestLog;

/// The variables of a deployment.
pub(super) struct Variables<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    /// Problems to log for operators.
    pub(super) problems: Vec<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(read: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            read,
            problems: Vec::new(),
        }
    }

    /// A variable of any text; `None` if it is empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.read)(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// A number of seconds, in milliseconds.
    pub(super) fn seconds(&mut self, name: &str, default: u64) -> u64 {
        let seconds = match self.text(name) {
            None => default,
            Some(text) => text.parse().unwrap_or_else(|_| {
                self.expected(
                    name,
                    &text,
                    &format!("a number of seconds; {default} it is"),
                );
                default
            }),
        };
        seconds.saturating_mul(1000)
    }

    /// A variable that must be one of `words`; any other text is an error that lists them.
    pub(super) fn word(&mut self, name: &str, words: &[&str]) -> Result<Option<String>, String> {
        match self.text(name) {
            Some(text) if !words.contains(&text.as_str()) => {
                Err(self.expected(name, &text, &words.join(" or ")))
            }
            text => Ok(text),
        }
    }

    /// The requests to log; the default for any text that is not among [`RequestLog::WORDS`].
    pub(super) fn request_log(&mut self, name: &str) -> RequestLog {
        let word = self.word(name, &RequestLog::WORDS).unwrap_or_default();
        word.as_deref()
            .and_then(RequestLog::parse)
            .unwrap_or_default()
    }

    /// A variable that is one of `words`, alone or followed by a hyphen and more; `None` for any other text.
    pub(super) fn hint(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        if words.iter().any(|word| {
            text.strip_prefix(word)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        }) {
            return Some(text);
        }
        self.expected(
            name,
            &text,
            &format!("{}; there is no hint now", words.join(" or ")),
        );
        None
    }

    /// Port numbers, separated by commas; an empty list if one of them is invalid.
    pub(super) fn ports(&mut self, name: &str) -> Vec<u16> {
        let Some(text) = self.text(name) else {
            return Vec::new();
        };
        let ports: Option<Vec<u16>> = text
            .split(',')
            .map(|port| port.trim().parse().ok().filter(|port| *port > 0))
            .collect();
        ports.unwrap_or_else(|| {
            self.expected(
                name,
                &text,
                "port numbers, separated by commas; no port besides 443 is used",
            );
            Vec::new()
        })
    }

    /// A variable that must be an origin of this Worker; any other text is an error that says so.
    pub(super) fn origin(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<OwnOrigin>, String> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let own = OwnOrigin::parse(&text);
        own.map(Some)
            .ok_or_else(|| self.expected(name, &text, &format!("an origin, as in {example}")))
    }

    fn expected(&mut self, name: &str, text: &str, expected: &str) -> String {
        let problem = format!("{name} is {}; expected is {expected}.", Quoted(text));
        self.problems.push(problem.clone());
        problem
    }
}
