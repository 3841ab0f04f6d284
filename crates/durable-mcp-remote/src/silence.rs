//! Silence of the server: its limits do not count while a question of the server is with the client, and begin anew afterwards.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::sleep;

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
    open: RefCell<HashMap<Id, Vec<OpenQuestion>>>,
    /// Silence of the stream that belongs to no call.
    pub(crate) stream: Arc<Silence>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    request_id: Id,
}

impl PassedQuestions {
    /// Notes a message of the server, which may be a question or withdraw one. `calls` are those that it may belong to.
    pub(crate) fn note(&self, message: &Message, calls: impl FnOnce() -> Vec<Arc<Silence>>) {
        match &message.kind {
            // Programs answer pings.
            Kind::Request { method, .. } if method == "ping" => {}
            Kind::Request { id, .. } => {
                let mut open = self.open.borrow_mut();
                if open.len() < MAX_QUESTIONS || open.contains_key(id) {
                    open.insert(id.clone(), calls().iter().map(Silence::question).collect());
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

    /// Notes that the client has answered a question.
    pub(crate) fn ended(&self, id: &Id) {
        self.open.borrow_mut().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

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
            let json =
                format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"sampling/createMessage"}}"#);
            questions.note(&Message::written(json).unwrap(), || {
                vec![Arc::clone(&silence), Arc::clone(&questions.stream)]
            });
        }
        let is_over = async |silence: &Silence| {
            let waited = async {
                sleep(3 * SHORT).await;
            };
            tokio::select! {
                biased;
                () = silence.lasts(SHORT) => true,
                () = waited => false,
            }
        };
        questions.ended(&Id::Number("1".to_owned()));
        assert!(!is_over(&silence).await && !is_over(&questions.stream).await);
        let cancelled =
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#;
        questions.note(&Message::written(cancelled.to_owned()).unwrap(), Vec::new);
        assert!(is_over(&silence).await && is_over(&questions.stream).await);
    }
}
