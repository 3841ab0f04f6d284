//! Silence of the server: its limits do not count while a question of the server is with the client, and begin anew afterwards.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::calls::{Call, Done};
use crate::message::{Id, Kind, Message};

/// Most questions at the client that are known. A server that asks more has its silence counted.
const MAX_QUESTIONS: usize = 1024;

/// Questions to the client for which a request, or a stream, may be silent.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    questions: watch::Sender<usize>,
}

/// Question that is with the client until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenQuestion(Arc<Silence>);

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        self.0.questions.send_modify(|count| *count -= 1);
    }
}

impl Silence {
    /// Begins a question.
    pub(crate) fn question(self: &Arc<Self>) -> OpenQuestion {
        self.questions.send_modify(|count| *count += 1);
        OpenQuestion(Arc::clone(self))
    }

    /// Waits until `time` has passed without a question.
    pub(crate) async fn lasts(&self, time: Duration) {
        let mut questions = self.questions.subscribe();
        // The channel is open as long as `self`.
        while questions.wait_for(|count| *count == 0).await.is_ok() {
            tokio::select! {
                () = sleep(time) => return,
                _ = questions.changed() => {}
            }
        }
    }
}

/// Questions that the client was given as the server sent them.
#[derive(Debug, Default)]
pub(crate) struct PassedQuestions {
    open: RefCell<HashMap<Id, Passed>>,
    /// Silence of the stream that belongs to no call.
    pub(crate) stream: Arc<Silence>,
}

/// Question that is with the client, and the call that it came with.
#[derive(Debug)]
struct Passed {
    call: Option<Done>,
    /// Dropped with the question.
    _silent: Vec<OpenQuestion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    request_id: Id,
}

impl PassedQuestions {
    /// Notes a message of the server, which may be a question or withdraw one. `calls` are the silences of those that it may belong to
    /// where it came with none.
    pub(crate) fn note(
        &self,
        message: &Message,
        call: Option<&Call>,
        calls: impl FnOnce() -> Vec<Arc<Silence>>,
    ) {
        match &message.kind {
            // Programs answer pings.
            Kind::Request { method, .. } if method == "ping" => {}
            Kind::Request { id, .. } => {
                let mut open = self.open.borrow_mut();
                // Questions of a call that has ended hold off no limit.
                open.retain(|_, passed| !passed.call.as_ref().is_some_and(Done::is_done));
                if open.len() < MAX_QUESTIONS || open.contains_key(id) {
                    let silences = match call {
                        Some(call) => vec![Arc::clone(&call.silence)],
                        None => calls(),
                    };
                    let passed = Passed {
                        call: call.map(|call| call.done.clone()),
                        _silent: silences.iter().map(Silence::question).collect(),
                    };
                    open.insert(id.clone(), passed);
                }
            }
            Kind::Notification { method } if method == "notifications/cancelled" => {
                if let Some(Cancelled { request_id }) = message.params() {
                    self.ended(&request_id);
                }
            }
            _ => {}
        }
    }

    /// Forgets the questions of a session that is gone.
    pub(crate) fn forget(&self) {
        self.open.borrow_mut().clear();
    }

    /// Notes that the client has answered a question.
    pub(crate) fn ended(&self, id: &Id) {
        self.open.borrow_mut().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::calls::Calls;

    const SHORT: Duration = Duration::from_millis(20);

    fn question(id: u32) -> Message {
        let json = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"sampling/createMessage"}}"#);
        Message::written(json).unwrap()
    }

    async fn is_over(silence: &Silence) -> bool {
        tokio::select! {
            biased;
            () = silence.lasts(SHORT) => true,
            () = sleep(3 * SHORT) => false,
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn silence_is_counted_from_the_end_of_a_question() {
        let silence = Arc::new(Silence::default());
        let asking = async {
            let question = silence.question();
            sleep(3 * SHORT / 2).await;
            drop(question);
            Instant::now()
        };
        let silent = async {
            silence.lasts(SHORT).await;
            Instant::now()
        };
        let (ended, over) = tokio::join!(asking, silent);
        assert!(over >= ended + SHORT);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn silence_lasts_while_one_of_several_questions_is_open() {
        let questions = PassedQuestions::default();
        let silence = Arc::new(Silence::default());
        for id in [1, 2] {
            questions.note(&question(id), None, || {
                vec![Arc::clone(&silence), Arc::clone(&questions.stream)]
            });
        }
        questions.ended(&Id::Number("1".to_owned()));
        assert!(!is_over(&silence).await && !is_over(&questions.stream).await);
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#;
        questions.note(
            &Message::written(cancelled.to_owned()).unwrap(),
            None,
            Vec::new,
        );
        assert!(is_over(&silence).await && is_over(&questions.stream).await);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn silence_is_counted_again_once_the_session_of_a_question_is_gone() {
        let questions = PassedQuestions::default();
        questions.note(&question(1), None, || vec![Arc::clone(&questions.stream)]);
        assert!(!is_over(&questions.stream).await);
        questions.forget();
        assert!(is_over(&questions.stream).await);
    }

    #[test]
    fn questions_of_a_call_that_has_ended_are_taken_out() {
        let questions = PassedQuestions::default();
        let calls = Calls::new("bridge".to_owned());
        let id = Id::Number("7".to_owned());
        let call = calls.of_client(&id, "tools/call").unwrap();
        questions.note(&question(1), Some(&call), Vec::new);
        questions.note(&question(2), Some(&call), Vec::new);
        assert_eq!(questions.open.borrow().len(), 2);
        calls.take(&id);
        questions.note(&question(3), None, Vec::new);
        assert_eq!(questions.open.borrow().len(), 1);
    }
}
