//! The client's answers to questions.

use std::cell::RefCell;

use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::client::Elicited;
use durable_mcp_protocol::error::Error;
use serde_json::{Map, Value, json};

/// A question to the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The text above the form.
    pub message: String,
    /// The schema of the answer; `null` for a question that is answered on a page.
    pub schema: Value,
    /// The page on which the question is answered, if it is one of that kind.
    pub url: Option<String>,
}

/// A user.
pub(super) type Elicit = dyn FnMut(&Form) -> Elicited<Value>;
/// A model.
pub(super) type Sample = dyn FnMut(&Value) -> String;

/// Capabilities of the client, with the answers to questions of each kind.
#[derive(Default)]
pub(super) struct Questions {
    pub(super) elicit: Option<RefCell<Box<Elicit>>>,
    pub(super) sample: Option<RefCell<Box<Sample>>>,
    pub(super) roots: Option<Vec<String>>,
}

impl Questions {
    /// The capabilities that the client declares: no more than it has answers for.
    pub(super) fn capabilities(&self) -> ClientCapabilities {
        let all = [
            (
                self.elicit.is_some(),
                ClientCapabilities::ELICITATION_FORM.and(ClientCapabilities::ELICITATION_URL),
            ),
            (
                self.sample.is_some(),
                ClientCapabilities::SAMPLING.and(ClientCapabilities::SAMPLING_TOOLS),
            ),
            (self.roots.is_some(), ClientCapabilities::ROOTS),
        ];
        let declared = all
            .into_iter()
            .filter(|(has, _)| *has)
            .map(|(_, capability)| capability);
        declared.fold(ClientCapabilities::default(), ClientCapabilities::and)
    }

    /// The client's answer to a question.
    pub(super) fn answer(&self, method: &str, params: &Value) -> Result<Value, Error> {
        match (method, &self.elicit, &self.sample, &self.roots) {
            ("elicitation/create", Some(elicit), ..) => {
                let answer = (elicit.borrow_mut())(&form(params));
                Ok(match answer {
                    // The answer to a question on a page has no content.
                    Elicited::Accepted(_) if params.get("url").is_some() => {
                        json!({ "action": "accept" })
                    }
                    Elicited::Accepted(content) => {
                        json!({ "action": "accept", "content": content })
                    }
                    Elicited::Declined => json!({ "action": "decline" }),
                    Elicited::Cancelled => json!({ "action": "cancel" }),
                })
            }
            ("sampling/createMessage", _, Some(sample), _) => {
                let text = (sample.borrow_mut())(params);
                let content = json!({ "type": "text", "text": text });
                Ok(
                    json!({ "role": "assistant", "content": content, "model": "test", "stopReason": "endTurn" }),
                )
            }
            ("roots/list", _, _, Some(roots)) => {
                let roots: Vec<_> = roots.iter().map(|uri| json!({ "uri": uri })).collect();
                Ok(json!({ "roots": roots }))
            }
            _ => Err(Error::method_not_found(method)),
        }
    }

    /// Answers to all questions of a round, by their names.
    pub(super) fn round(&self, asked: &Value) -> Value {
        let asked = asked.as_object().into_iter().flatten();
        let answers: Map<_, _> = asked
            .map(|(key, question)| {
                let method = question["method"].as_str().unwrap_or_default();
                let answer = self.answer(method, &question["params"]);
                (
                    key.clone(),
                    answer.unwrap_or_else(|error| {
                        panic!("The client cannot answer `{key}`: {error}")
                    }),
                )
            })
            .collect();
        Value::Object(answers)
    }
}

fn form(params: &Value) -> Form {
    let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
    Form {
        message: text("message").unwrap_or_default(),
        schema: params.get("requestedSchema").cloned().unwrap_or_default(),
        url: text("url"),
    }
}
