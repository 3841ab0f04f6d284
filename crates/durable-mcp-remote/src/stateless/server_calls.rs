//! Requests in flight at a server with sessions, and what of its messages is for which of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::level::Level;
use super::server_call::{Question, ServerCall, size};
use crate::calls::Open;
use crate::message::{Id, Message};
use crate::trouble::Trouble;

/// Bytes of all questions that have no answer. They are stored until the client comes back.
const QUESTION_BYTES: usize = 16 << 20;
/// Bytes of responses that came while their questions are with the client. They are stored until the client comes back.
const MAX_HELD_BYTES: usize = 8 << 20;

/// Requests in flight, oldest first.
pub(super) struct ServerCalls {
    open: RefCell<Vec<Rc<ServerCall>>>,
    /// Room for questions, in bytes.
    room: Arc<Semaphore>,
}

impl Default for ServerCalls {
    fn default() -> Self {
        Self {
            open: RefCell::default(),
            room: Arc::new(Semaphore::new(QUESTION_BYTES)),
        }
    }
}

/// Right to the outcome of a request in flight. Without it, the request is cancelled.
pub(super) struct OwnedCall {
    pub(super) call: Rc<ServerCall>,
    calls: Rc<ServerCalls>,
    _open: Open,
}

impl Drop for OwnedCall {
    fn drop(&mut self) {
        self.calls
            .open
            .borrow_mut()
            .retain(|call| !Rc::ptr_eq(call, &self.call));
        // Another call may wait for the answers to these.
        for question in self.call.leave_untied() {
            self.calls.ask(question, None);
        }
    }
}

impl ServerCalls {
    /// Adds a request, which is cancelled when the result is dropped.
    pub(super) fn add(self: &Rc<Self>, call: ServerCall, open: Open) -> OwnedCall {
        let call = Rc::new(call);
        self.open.borrow_mut().push(Rc::clone(&call));
        OwnedCall {
            call,
            calls: Rc::clone(self),
            _open: open,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.borrow().is_empty()
    }

    /// Most verbose level that a request asks for.
    pub(super) fn most_verbose(&self) -> Option<Level> {
        self.open
            .borrow()
            .iter()
            .filter_map(|call| call.level())
            .min()
    }

    /// Whether a log message is asked for: by the request `from`, or by any where that is not known.
    pub(super) fn wants_log(&self, level: Option<Level>, from: Option<&Id>) -> bool {
        self.open
            .borrow()
            .iter()
            .filter(|call| from.is_none_or(|id| *id == call.id))
            .filter_map(|call| call.level())
            // Levels that are not known are shown to everyone who asks for some.
            .any(|least| level.is_none_or(|level| level >= least))
    }

    /// Token that the client's present request has in place of the one that the server was given.
    pub(super) fn present_token(&self, given: &Id) -> Option<Id> {
        let calls = self.open.borrow();
        let call = calls
            .iter()
            .find(|call| call.given_token() == Some(given))?;
        call.present_token()
    }

    /// Whether a request of the client waits.
    pub(super) fn has_waiting(&self) -> bool {
        self.open.borrow().iter().any(|call| call.has_waiting())
    }

    /// Puts a question to the request `from`, or, where that is not known, to the newest one whose client can answer it; `false` if
    /// there is none.
    pub(super) fn ask(&self, question: Question, from: Option<&Id>) -> bool {
        let room = u32::try_from(question.size())
            .ok()
            .and_then(|size| Arc::clone(&self.room).try_acquire_many_owned(size).ok());
        let Some(room) = room else { return false };
        let calls = self.open.borrow();
        let able = calls
            .iter()
            .filter(|call| from.is_none_or(|id| *id == call.id) && call.can_ask(&question));
        // The last of those that are equal.
        let Some(call) = able.max_by_key(|call| call.readiness()) else {
            return false;
        };
        call.ask(question.in_room(room, from.is_some()));
        true
    }

    /// Takes back a question that no client has seen; the server no longer waits for its answer.
    pub(super) fn withdraw(&self, id: &Id) {
        for call in self.open.borrow().iter() {
            call.withdraw(id);
        }
    }

    /// Notes the outcome of a request.
    pub(super) fn finish(&self, call: &ServerCall, mut outcome: Result<Message, Trouble>) {
        if !call.has_waiting() {
            let held: usize = self
                .open
                .borrow()
                .iter()
                .map(|call| call.outcome_bytes())
                .sum();
            if held + size(&outcome) > MAX_HELD_BYTES {
                let reason = "the result came before the answers to its questions, and is too long to be stored";
                outcome = Err(Trouble::Lost(reason.to_owned()));
            }
        }
        call.finish(outcome);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::server_call::{MAX_QUESTIONS, Waiting};
    use super::*;
    use crate::calls::{Call, Done};

    fn waiting(capabilities: Value, level: Option<Level>, token: Option<&str>) -> Waiting {
        Waiting {
            capabilities: serde_json::from_value(capabilities).unwrap(),
            level,
            token: token.map(|token| Id::Text(token.to_owned())),
        }
    }

    /// A request whose client shows forms.
    fn elicits() -> Waiting {
        waiting(json!({ "elicitation": { "form": {} } }), None, None)
    }

    fn call(calls: &Rc<ServerCalls>, id: &str, method: &str, waiting: Waiting) -> OwnedCall {
        let (open, done) = Done::pair();
        let own = Call {
            id: Id::Text(id.to_owned()),
            method: method.to_owned(),
            done,
            silence: Arc::default(),
        };
        calls.add(
            ServerCall::new(&own, &Arc::default(), None, false, waiting),
            open,
        )
    }

    fn form(id: &str) -> Question {
        Question::new(
            Some(Id::Text(id.to_owned())),
            "elicitation/create",
            Some("{}".to_owned()),
        )
    }

    fn asked(call: &OwnedCall) -> Vec<String> {
        call.call
            .take_questions()
            .into_iter()
            .filter_map(|question| Some(question.id?.to_string()))
            .collect()
    }

    #[test]
    fn a_question_goes_to_its_call_or_to_one_that_can_answer() {
        let calls = Rc::new(ServerCalls::default());
        let first = call(&calls, "1", "tools/call", elicits());
        let second = call(&calls, "2", "prompts/get", elicits());
        let third = call(&calls, "3", "tools/call", waiting(json!({}), None, None));
        let list = call(&calls, "4", "tools/list", elicits());
        assert!(calls.ask(form("a"), Some(&first.call.id)));
        assert!(calls.ask(form("b"), None));
        assert!(!calls.ask(form("c"), Some(&third.call.id)));
        assert!(!calls.ask(form("d"), Some(&list.call.id)));
        assert_eq!(asked(&first), ["\"a\""]);
        assert_eq!(asked(&second), ["\"b\""]);
        // Its own questions are with the client, and it is the only one left.
        drop(second);
        assert!(calls.ask(form("e"), None));
        calls.withdraw(&Id::Text("e".into()));
        assert!(asked(&first).is_empty());
        drop((first, third, list));
        assert!(calls.is_empty());
        assert!(!calls.ask(form("f"), None));
    }

    #[test]
    fn a_question_moves_to_another_call_when_its_call_ends() {
        let calls = Rc::new(ServerCalls::default());
        let [first, second, third] =
            ["1", "2", "3"].map(|id| call(&calls, id, "tools/call", elicits()));
        assert!(calls.ask(form("a"), None));
        assert!(calls.ask(form("b"), Some(&third.call.id)));
        drop(third);
        assert_eq!(asked(&second), ["\"a\""]);
        assert!(
            asked(&first).is_empty(),
            "the other one was the third call's own"
        );
        calls.finish(&first.call, Err(Trouble::Lost(String::new())));
        assert!(calls.ask(form("c"), None));
        assert_eq!(asked(&second), ["\"c\""]);
        drop(second);
        assert!(
            !calls.ask(form("d"), None),
            "the call that is left has its outcome"
        );
    }

    #[test]
    fn a_question_without_a_call_goes_to_the_newest_unasked_call() {
        let calls = Rc::new(ServerCalls::default());
        let older = call(&calls, "1", "tools/call", elicits());
        let newer = call(&calls, "2", "tools/call", elicits());
        assert!(calls.ask(form("a"), None));
        assert!(asked(&older).is_empty());
        assert_eq!(asked(&newer), ["\"a\""]);
    }

    #[test]
    fn questions_of_one_call_are_bounded() {
        let calls = Rc::new(ServerCalls::default());
        let one = call(&calls, "1", "tools/call", elicits());
        for _ in 0..MAX_QUESTIONS {
            assert!(calls.ask(form("q"), None));
        }
        assert!(!calls.ask(form("q"), None));
        assert_eq!(asked(&one).len(), MAX_QUESTIONS);
    }

    #[test]
    fn the_bytes_of_questions_are_bounded_until_they_are_answered() {
        let calls = Rc::new(ServerCalls::default());
        let one = call(&calls, "1", "tools/call", elicits());
        let long = || {
            let params = format!(r#"{{"message":"{}"}}"#, "x".repeat(QUESTION_BYTES / 2));
            Question::new(
                Some(Id::Number("1".to_owned())),
                "elicitation/create",
                Some(params),
            )
        };
        assert!(calls.ask(long(), None));
        let with_client = one.call.take_questions();
        assert!(!calls.ask(long(), None));
        assert!(calls.ask(form("short"), None));
        drop(with_client);
        assert!(calls.ask(long(), None));
    }

    #[test]
    fn url_elicitations_go_to_a_client_that_can_open_them() {
        let calls = Rc::new(ServerCalls::default());
        let page = || vec![r#"{"mode":"url","url":"https://a.example"}"#.to_owned()];
        let forms = call(&calls, "1", "tools/call", elicits());
        assert!(!forms.call.put_pages(page()) && !forms.call.is_over());
        let pages = call(
            &calls,
            "2",
            "tools/call",
            waiting(json!({ "elicitation": { "url": {} } }), None, None),
        );
        assert!(!pages.call.put_pages(Vec::new()));
        assert!(pages.call.put_pages(page()) && pages.call.is_over());
        assert_eq!(pages.call.take_questions().len(), 1);
    }

    #[test]
    fn log_messages_below_the_level_of_their_request_are_dropped() {
        let calls = Rc::new(ServerCalls::default());
        let quiet = call(&calls, "1", "tools/call", waiting(json!({}), None, None));
        assert!(!calls.wants_log(Some(Level::Emergency), None));
        assert_eq!(calls.most_verbose(), None);
        let loud = call(
            &calls,
            "2",
            "tools/call",
            waiting(json!({}), Some(Level::Info), None),
        );
        let other = call(
            &calls,
            "3",
            "tools/call",
            waiting(json!({}), Some(Level::Error), None),
        );
        assert_eq!(calls.most_verbose(), Some(Level::Info));
        for (level, from, wanted) in [
            (Some(Level::Debug), None, false),
            (Some(Level::Info), None, true),
            (None, None, true),
            (Some(Level::Info), Some(&loud), true),
            (Some(Level::Info), Some(&other), false),
            (Some(Level::Emergency), Some(&quiet), false),
        ] {
            assert_eq!(
                calls.wants_log(level, from.map(|call| &call.call.id)),
                wanted,
                "{level:?}"
            );
        }
    }

    #[test]
    fn progress_has_the_token_of_the_waiting_request() {
        let calls = Rc::new(ServerCalls::default());
        let one = call(
            &calls,
            "1",
            "tools/call",
            waiting(json!({ "elicitation": { "form": {} } }), None, Some("t1")),
        );
        let given = Id::Text("t1".into());
        assert_eq!(calls.present_token(&given), Some(given.clone()));
        assert!(calls.ask(form("a"), None));
        assert_eq!(one.call.take_questions().len(), 1);
        assert_eq!(calls.present_token(&given), None);
        one.call.resume(waiting(json!({}), None, Some("t2")));
        assert_eq!(calls.present_token(&given), Some(Id::Text("t2".into())));
    }

    #[test]
    fn a_long_result_is_not_stored_while_a_question_is_open() {
        let calls = Rc::new(ServerCalls::default());
        let result = |bytes: usize| {
            Message::written(format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"text":"{}"}}}}"#,
                "x".repeat(bytes)
            ))
            .unwrap()
        };
        let one = call(&calls, "1", "tools/call", elicits());
        calls.finish(&one.call, Ok(result(MAX_HELD_BYTES)));
        assert!(one.call.take_outcome().unwrap().is_ok());
        assert!(calls.ask(form("a"), None));
        one.call.take_questions();
        calls.finish(&one.call, Ok(result(MAX_HELD_BYTES)));
        assert!(one.call.take_outcome().unwrap().is_err());
        calls.finish(&one.call, Ok(result(10)));
        assert!(one.call.take_outcome().unwrap().is_ok());
    }
}
