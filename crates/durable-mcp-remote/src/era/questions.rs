//! Questions of a server of 2026-07-28, put to the client as requests.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinSet, spawn_local};

use super::Modern;
use super::rounds::untranslatable;
use crate::bridge::Bridge;
use crate::json::Object;
use crate::message::{Id, Message, quoted};
use crate::trouble::Trouble;

/// Questions that a client has before it at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// Questions that the client has not answered.
#[derive(Default)]
pub(crate) struct Questions {
    open: RefCell<HashMap<Id, oneshot::Sender<Message>>>,
    counter: Cell<u64>,
}

impl Questions {
    /// Takes a response of the client, if it answers a question.
    pub(crate) fn answered(&self, id: &Id, response: &Message) -> bool {
        let asker = self.open.borrow_mut().remove(id);
        // A question that was withdrawn meanwhile has no one who waits.
        asker
            .map(|asker| drop(asker.send(response.clone())))
            .is_some()
    }
}

/// Question under way; dropped without an answer, it is withdrawn.
struct Asked {
    bridge: Rc<Bridge>,
    id: Id,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self
            .bridge
            .questions
            .open
            .borrow_mut()
            .remove(&self.id)
            .is_none()
        {
            return;
        }
        let notice = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
            self.id
        );
        let bridge = Rc::clone(&self.bridge);
        spawn_local(async move { bridge.output.write(notice.into()).await });
    }
}

impl Bridge {
    /// Asks the client all `questions`, an object by key, and returns the object of its answers.
    ///
    /// # Errors
    ///
    /// [`Trouble`] about a question that the client did not declare, or refuses.
    pub(super) async fn ask_client(
        self: &Rc<Self>,
        modern: &Modern,
        questions: &str,
    ) -> Result<String, Trouble> {
        let questions = Object::parse(questions)
            .ok_or_else(|| untranslatable("its questions are no object"))?;
        let room = Rc::new(Semaphore::new(QUESTIONS_AT_ONCE));
        let mut asked = JoinSet::new();
        for (key, question) in &questions.0 {
            let question =
                Object::parse(question).ok_or_else(|| untranslatable("a question is no object"))?;
            let method = question.text("method").unwrap_or_default();
            let params = question.get("params").unwrap_or("{}").to_owned();
            modern.check_declared(&method, &params)?;
            let (key, bridge, room) = (key.to_string(), Rc::clone(self), Rc::clone(&room));
            asked.spawn_local(async move {
                let _place = room.acquire().await;
                bridge
                    .ask_one(&method, &params)
                    .await
                    .map(|answer| (key, answer))
            });
        }
        let mut answers = Vec::new();
        while let Some(answer) = asked.join_next().await {
            let (key, answer) = answer.map_err(|error| untranslatable(&error.to_string()))??;
            answers.push((key.into(), answer.into()));
        }
        Ok(Object(answers).to_string())
    }

    async fn ask_one(self: Rc<Self>, method: &str, params: &str) -> Result<String, Trouble> {
        let number = self.questions.counter.get() + 1;
        self.questions.counter.set(number);
        let id = Id::Text(format!("{}-question-{number}", self.calls.prefix()));
        let (sender, answer) = oneshot::channel();
        self.questions.open.borrow_mut().insert(id.clone(), sender);
        let json = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":{},"params":{params}}}"#,
            quoted(method)
        );
        let _asked = Asked {
            bridge: Rc::clone(&self),
            id,
        };
        self.output.write(json.into()).await;
        let answer = answer
            .await
            .map_err(|_| untranslatable("a question was withdrawn"))?;
        match answer.raw_result() {
            Some(result) => Ok(result.get().to_owned()),
            // A form can be left; nothing else has such an answer.
            None if method == "elicitation/create" => Ok(r#"{"action":"cancel"}"#.to_owned()),
            None => {
                let reason = answer
                    .error()
                    .map_or_else(String::new, |error| error.message);
                Err(untranslatable(&format!(
                    "the client refuses {method}: {reason}"
                )))
            }
        }
    }
}

impl Modern {
    /// Checks that the client can be asked.
    fn check_declared(&self, method: &str, params: &str) -> Result<(), Trouble> {
        let capability = match method {
            "elicitation/create" => "elicitation",
            "sampling/createMessage" => "sampling",
            "roots/list" => "roots",
            other => return Err(untranslatable(&format!("it asks {other}"))),
        };
        let declared = self.client_capabilities.get(capability);
        let is_url = Object::parse(params)
            .and_then(|params| params.text("mode"))
            .as_deref()
            == Some("url");
        if is_url && declared.is_some_and(|declared| declared.get("url").is_none()) {
            return Err(untranslatable(
                "it asks for elicitation.url, which the client did not declare",
            ));
        }
        match declared {
            Some(_) => Ok(()),
            None => Err(untranslatable(&format!(
                "it asks for {capability}, which the client did not declare"
            ))),
        }
    }
}
