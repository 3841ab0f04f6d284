//! Answers, easy to assert on.

use durable_mcp_protocol::cause::LoggedCause;
use durable_mcp_protocol::error::Error;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The answer to a request: its result, or the protocol error in the place of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    outcome: Result<Value, Error>,
    cause: Option<String>,
}

impl Answer {
    /// The answer to a request, with the one of the logged causes whose id it has.
    pub(super) fn new(outcome: Result<Value, Error>, logged: &[LoggedCause]) -> Self {
        let mut answer = Self {
            outcome,
            cause: None,
        };
        let text = answer.text();
        answer.cause = logged
            .iter()
            .find(|cause| text.contains(&cause.id))
            .map(|cause| cause.text.to_string());
        answer
    }

    /// All texts of the answer, each on a line of its own: those of a tool's content, of a resource's contents, or of a prompt's
    /// messages. For a protocol error its message.
    #[must_use]
    pub fn text(&self) -> String {
        let result = match &self.outcome {
            Ok(result) => result,
            Err(error) => return error.message.clone(),
        };
        let texts: Vec<_> = parts(result)
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect();
        texts.join("\n")
    }

    /// Parts of the answer: blocks of a tool's content, contents of a resource, or the content of a prompt's messages.
    #[must_use]
    pub fn content(&self) -> Vec<Value> {
        self.outcome
            .as_ref()
            .map(|result| parts(result).into_iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The structured content of a tool's result; `null` without one.
    #[must_use]
    pub fn structured(&self) -> Value {
        self.json()
            .get("structuredContent")
            .cloned()
            .unwrap_or_default()
    }

    /// The structured content of a tool's result, read as `T`.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn structured_as<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.structured())
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// True if the request failed, by a protocol error or by a result with `isError`.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.outcome.as_ref().map_or(true, |result| {
            result.get("isError") == Some(&Value::Bool(true))
        })
    }

    /// The protocol error, if there is one. A result with `isError` is not a protocol error.
    #[must_use]
    pub fn protocol_error(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }

    /// The cause of a failure that the client is not told: the text of the error that a handler passed on by `?`, from the log. It is
    /// in the output of a test that fails, too.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The whole result as JSON; `null` in case of a protocol error.
    #[must_use]
    pub fn json(&self) -> &Value {
        self.outcome.as_ref().unwrap_or(&Value::Null)
    }
}

fn parts(result: &Value) -> Vec<&Value> {
    let all = |name: &str| {
        result
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let messages = all("messages").filter_map(|message| message.get("content"));
    all("content")
        .chain(all("contents"))
        .chain(messages)
        .collect()
}
