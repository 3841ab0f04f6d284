//! The questions of a call whose answers come with other requests (2026-07-28, Multi Round-Trip Requests).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, pending, ready};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::fields::Fields;
use crate::jsonrpc::{Params, object_json, to_json};

/// The most answers of one request: far more than anybody asks at once. Each is looked for among the others.
pub const MAX_ANSWERS: usize = 256;

/// Prefix for values of [`Client::once`](crate::client::Client::once), so that their keys never clash with questions.
const ONCE: char = '\u{1}';

/// Answers to a call's questions, and the questions that have none yet.
#[derive(Debug, Default)]
pub struct RoundTrips {
    answers: RefCell<Vec<(String, Box<RawValue>)>>,
    open: RefCell<Vec<Question>>,
    /// The names that questions of this round have, and how often each was used as a key.
    named: RefCell<BTreeMap<String, usize>>,
    detaching: Cell<bool>,
}

/// A question to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Name of the question, under which it is asked and answered.
    pub key: String,
    /// The method of the request.
    pub method: String,
    /// Parameters of the request, as JSON.
    pub params: String,
}

impl Question {
    /// The request that it is, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self { method, params, .. } = self;
        // The parameters of `roots/list` are empty.
        format!(r#"{{"method":"{method}","params":{params}}}"#)
    }
}

impl RoundTrips {
    /// The rounds of a call, with what was answered in earlier ones.
    #[must_use]
    pub fn new(answers: Vec<(String, Box<RawValue>)>) -> Self {
        Self {
            answers: RefCell::new(answers),
            ..Self::default()
        }
    }

    /// The name of the next question of that key: a key that is used again counts up.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        let mut named = self.named.borrow_mut();
        let Some(mut times) = named.get(key).copied() else {
            named.insert(key.to_owned(), 1);
            return key.to_owned();
        };
        let name = loop {
            times += 1;
            let name = format!("{key}-{times}");
            if !named.contains_key(&name) {
                break name;
            }
        };
        named.insert(key.to_owned(), times);
        named.insert(name.clone(), 1);
        name
    }

    /// The answer to a question, if there is one and it is one. What a handler has gone on with stays: a later answer to
    /// the same question is not taken.
    #[must_use]
    pub fn answer(&self, name: &str, method: &str) -> Option<Box<RawValue>> {
        let answers = self.answers.borrow();
        answers
            .iter()
            .find(|(key, answer)| key == name && is_answer(method, answer))
            .map(|(_, raw)| raw.clone())
    }

    /// Answers a handler's question, as [`Peer::request`](crate::peer::Peer::request) has to for a stateless request: at once if
    /// an earlier round has the answer. Otherwise the question is open, and the returned future never resolves.
    #[must_use]
    pub fn request(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        let key = self.name(key);
        if let Some(answer) = self.answer(&key, method) {
            return ready(Ok(answer)).boxed_local();
        }
        self.ask(Question {
            key,
            method: method.to_owned(),
            params,
        });
        pending().boxed_local()
    }

    /// Asks a question.
    pub fn ask(&self, question: Question) {
        self.open.borrow_mut().push(question);
    }

    /// The questions that wait.
    #[must_use]
    pub fn open(&self) -> Vec<Question> {
        self.open.borrow().clone()
    }

    /// The value that was kept under that key.
    #[must_use]
    pub fn recall(&self, key: &str) -> Option<Box<RawValue>> {
        let name = format!("{ONCE}{key}");
        self.answers
            .borrow()
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, raw)| raw.clone())
    }

    /// Stores a value under that key; returns it as it stands among the answers.
    pub fn remember(&self, key: &str, json: String) -> Option<(String, Box<RawValue>)> {
        let kept = (format!("{ONCE}{key}"), RawValue::from_string(json).ok()?);
        self.answers.borrow_mut().push(kept.clone());
        Some(kept)
    }

    /// Marks the call as one that continues elsewhere, as a task.
    pub fn detach(&self) {
        self.detaching.set(true);
    }

    /// True if the call continues elsewhere, as a task.
    #[must_use]
    pub fn is_detaching(&self) -> bool {
        self.detaching.get()
    }

    /// True if this round cannot finish the call: questions are open, or the call continues elsewhere.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.is_detaching() || !self.open.borrow().is_empty()
    }

    /// The answers, as a JSON object.
    #[must_use]
    pub fn answers_json(&self) -> String {
        let answers = self.answers.borrow();
        object_json(answers.iter().map(|(key, raw)| (key.as_str(), raw.get())))
    }

    /// The questions that wait, as the JSON object that clients get.
    #[must_use]
    pub fn requests_json(&self) -> String {
        let open = self.open.borrow();
        let requests: Vec<_> = open.iter().map(Question::to_json).collect();
        object_json(
            open.iter()
                .zip(&requests)
                .map(|(question, json)| (question.key.as_str(), json.as_str())),
        )
    }

    /// The `input_required` result with the questions that wait, as JSON, before
    /// [`Server::stamp`](crate::server::Server::stamp) adds what every result has. `request_state` comes back with the answers.
    #[must_use]
    pub fn input_required(&self, request_state: &str) -> String {
        format!(
            r#"{{"inputRequests":{},"requestState":{}}}"#,
            self.requests_json(),
            to_json(&request_state)
        )
    }
}

/// Reads answers from the JSON object that [`RoundTrips::answers_json`] gives.
///
/// # Errors
/// −32602 when it is none.
pub fn read_answers(json: &str) -> Result<Vec<(String, Box<RawValue>)>, Error> {
    Ok(Fields::parse(json)?.into_owned())
}

/// The answers that a request brings. Those that nobody asked for are no harm.
///
/// # Errors
/// −32602 when they are no answers at all.
pub fn given_answers(params: &Params) -> Result<Vec<(String, Box<RawValue>)>, Error> {
    let fields = params.fields();
    let Some(given) = fields.member("inputResponses") else {
        return Ok(Vec::new());
    };
    let unfit = || {
        Error::invalid_params("`inputResponses` must be an object with an object for each answer.")
    };
    let answers = Fields::parse(given.get()).map_err(|_| unfit())?;
    if answers.iter().count() > MAX_ANSWERS {
        return Err(Error::invalid_params(format!(
            "`inputResponses` may have {MAX_ANSWERS} answers."
        )));
    }
    let fits = |(key, raw): (&str, &RawValue)| raw.get().starts_with('{') && !key.starts_with(ONCE);
    if answers.iter().all(fits) {
        Ok(answers.into_owned())
    } else {
        Err(unfit())
    }
}

/// Checks whether a client's answer has the shape of a result of that method.
fn is_answer(method: &str, answer: &RawValue) -> bool {
    let Ok(fields) = Fields::parse(answer.get()) else {
        return false;
    };
    match method {
        "elicitation/create" => {
            matches!(
                fields.text("action").as_deref(),
                Ok("accept" | "decline" | "cancel")
            )
        }
        "sampling/createMessage" => fields.has("content") && fields.text("role").is_ok(),
        _ => fields
            .raw("roots")
            .is_some_and(|roots| roots.get().starts_with('[')),
    }
}

#[cfg(test)]
mod tests {
    use crate::jsonrpc::{Body, Message, parse};

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn params(json: &str) -> Params {
        match parse(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{json}}}"#
        ))
        .unwrap()
        {
            Body::Single(Message::Request(request)) => request.params,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_repeated_key_gets_a_number() {
        let rounds = RoundTrips::default();
        let names = ["a", "b", "a", "a-2", "a"].map(|key| rounds.name(key));
        assert_eq!(names, ["a", "b", "a-2", "a-2-2", "a-3"]);
    }

    #[test]
    fn a_request_resolves_only_with_an_answer_of_an_earlier_round() {
        let given = r#"{"action":"decline"}"#;
        let rounds = RoundTrips::new(vec![("a".into(), raw(given))]);
        let ask = |key| rounds.request(key, "elicitation/create", "{}".into());
        let answer = ask("a").now_or_never().unwrap().unwrap();
        assert_eq!(answer.get(), given);
        assert!(!rounds.is_suspended());
        assert!(ask("b").now_or_never().is_none());
        assert!(rounds.is_suspended());
        assert_eq!(
            rounds.input_required(r#"a"b"#),
            r#"{"inputRequests":{"b":{"method":"elicitation/create","params":{}}},"requestState":"a\"b"}"#
        );
    }

    #[test]
    fn an_answer_must_fit_the_method_of_its_question() {
        let rounds = RoundTrips::new(vec![(
            "a".into(),
            raw(r#"{"action":"accept","content":{}}"#),
        )]);
        assert!(rounds.answer("a", "elicitation/create").is_some());
        assert!(rounds.answer("a", "roots/list").is_none());
        assert!(rounds.answer("b", "elicitation/create").is_none());
        for (method, fits, other) in [
            (
                "elicitation/create",
                r#"{"action":"decline"}"#,
                r#"{"action":"maybe"}"#,
            ),
            (
                "sampling/createMessage",
                r#"{"role":"assistant","content":{},"model":"m"}"#,
                r#"{"content":{}}"#,
            ),
            ("roots/list", r#"{"roots":[]}"#, r#"{"roots":{}}"#),
        ] {
            assert!(
                is_answer(method, &raw(fits)) && !is_answer(method, &raw(other)),
                "{method}"
            );
        }
    }

    #[test]
    fn input_responses_are_objects_in_an_object() {
        assert_eq!(given_answers(&params("{}")).unwrap().len(), 0);
        assert_eq!(
            given_answers(&params(r#"{"inputResponses":{"a":{},"b":{}}}"#))
                .unwrap()
                .len(),
            2
        );
        for wrong in [
            "null",
            "1",
            "[]",
            r#"{"a":12345}"#,
            r#"{"a":null}"#,
            "{\"\\u0001a\":{}}",
        ] {
            let given = params(&format!(r#"{{"inputResponses":{wrong}}}"#));
            assert_eq!(given_answers(&given).unwrap_err().code.0, -32602, "{wrong}");
        }
    }

    #[test]
    fn a_remembered_result_travels_with_the_answers() {
        let rounds = RoundTrips::new(vec![("a".into(), raw("{}"))]);
        rounds.remember("a", "7".into());
        let next = RoundTrips::new(read_answers(&rounds.answers_json()).unwrap());
        assert_eq!(next.recall("a").unwrap().get(), "7");
        assert_eq!(next.answers_json(), "{\"a\":{},\"\\u0001a\":7}");
    }
}
