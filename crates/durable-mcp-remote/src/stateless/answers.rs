//! Questions of a server as results of the calls that they belong to, and the answers that clients of 2026-07-28 bring to them.

use std::rc::Rc;

use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use super::envelope::Envelope;
use super::requests::{Served, target, unreadable};
use super::server_call::{Question, ServerCall};
use super::server_calls::OwnedCall;
use super::suspended::Suspended;
use super::{INVALID_PARAMS, refused, results};
use crate::bridge::Bridge;
use crate::call::{FIRST_WAIT, LONGEST_WAIT};
use crate::calls::{Call, Done};
use crate::json::Object;
use crate::log::log;
use crate::message::{BRIDGE_ERROR, Message, quoted};
use crate::trouble::Trouble;

impl Bridge {
    /// Answers a request with the questions of the server, and stores it until their answers come.
    pub(super) fn suspend(
        self: &Rc<Self>,
        call: &Call,
        owned: OwnedCall,
        questions: Vec<Question>,
    ) -> Result<Served, Trouble> {
        let state = random_state()?;
        let requests: Vec<String> = questions.iter().map(Question::to_json).collect();
        let requests = format!("{{{}}}", requests.join(","));
        let (open, answered) = Done::pair();
        let forgotten = {
            let suspended = Suspended {
                call: owned,
                questions,
                open,
            };
            self.stateless
                .suspended
                .borrow_mut()
                .insert(state.clone(), suspended)
        };
        if let Some(forgotten) = forgotten {
            give_up(forgotten);
        }
        let server = self.server_info();
        let response = results::input_required(&call.id, requests, &state, server.as_deref());
        let bridge = Rc::clone(self);
        spawn_local(async move {
            tokio::select! {
                () = sleep(bridge.arguments.question_timeout) => {}
                () = answered.done() => return,
            }
            let late = bridge.stateless.suspended.borrow_mut().take(&state);
            if let Some(late) = late {
                give_up(late);
            }
        });
        response.map(Served::Response).ok_or_else(unreadable)
    }

    /// Gives answers to the server, and goes on with the call that they are for.
    pub(super) async fn resume(
        self: &Rc<Self>,
        call: &Call,
        envelope: &Envelope,
        state: &str,
        params: &Object<'_>,
        answers: &str,
    ) -> Result<OwnedCall, Trouble> {
        let (owned, questions) = self.take_suspended(state, call, params)?;
        let Some(answers) = Object::parse(answers) else {
            owned.call.put_again(questions);
            return Err(refused(
                INVALID_PARAMS,
                "Invalid params: inputResponses is no object",
                None,
            ));
        };
        // The server may go on as soon as it has an answer.
        owned.call.resume(self.waiting(envelope)?);
        let mut unanswered = Vec::new();
        for question in questions {
            // Without an answer, it is put again.
            let answer = answers
                .get(&question.key)
                .filter(|answer| answer.starts_with('{') && !call.done.is_done());
            match answer {
                Some(answer) => self.answer(&question, answer, call, &owned.call).await?,
                None => unanswered.push(question),
            }
        }
        owned.call.put_again(unanswered);
        Ok(owned)
    }

    /// Takes the call that a state belongs to, if it is that of the same request.
    fn take_suspended(
        &self,
        state: &str,
        call: &Call,
        params: &Object<'_>,
    ) -> Result<(OwnedCall, Vec<Question>), Trouble> {
        let invalid =
            |reason: &str| refused(INVALID_PARAMS, &format!("Invalid params: {reason}"), None);
        let suspended = self.stateless.suspended.borrow_mut().take(state);
        let Some(Suspended {
            call: owned,
            questions,
            ..
        }) = suspended
        else {
            return Err(invalid(
                "requestState is not known: it was used, or its time is over",
            ));
        };
        if owned.call.method == call.method && owned.call.target == target(params) {
            return Ok((owned, questions));
        }
        owned.call.put_again(questions);
        Err(invalid("requestState is of another request"))
    }

    /// Gives the server the answer to one question, if it waits for it.
    async fn answer(
        self: &Rc<Self>,
        question: &Question,
        answer: &str,
        call: &Call,
        at_server: &ServerCall,
    ) -> Result<(), Trouble> {
        let Some(id) = &question.id else {
            let is_open = Object::parse(answer)
                .is_some_and(|answer| answer.text("action").as_deref() == Some("accept"));
            let reason = "the page that the server needs was not opened";
            return is_open
                .then_some(())
                .ok_or_else(|| refused(BRIDGE_ERROR.into(), reason, None));
        };
        // The server has answered without it.
        if question.is_tied && at_server.has_outcome() {
            return Ok(());
        }
        let json = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{answer}}}"#);
        let answer = Message::written(json).map_err(|_| unreadable())?;
        self.give_answer(answer, question.generation, call, at_server)
            .await
    }

    /// Sends the answer to a question, and waits for its receipt, the outcome of the server's call or the end of the client's.
    async fn give_answer(
        self: &Rc<Self>,
        answer: Message,
        generation: u64,
        call: &Call,
        at_server: &ServerCall,
    ) -> Result<(), Trouble> {
        let (bridge, of_client) = (Rc::clone(self), call.clone());
        // Goes on when the outcome comes before the receipt.
        let mut posted =
            spawn_local(async move { bridge.post_answer(&answer, generation, &of_client).await });
        loop {
            tokio::select! {
                received = &mut posted => match received {
                    Ok(Err(trouble)) if !at_server.has_outcome() => return Err(trouble),
                    _ => return Ok(()),
                },
                () = at_server.changed.notified() => if at_server.has_outcome() { return Ok(()) },
                () = call.done.done() => {
                    posted.abort();
                    return Ok(());
                }
            }
        }
    }

    /// Sends the answer to a question in the session of the question.
    async fn post_answer(
        self: &Rc<Self>,
        answer: &Message,
        generation: u64,
        call: &Call,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.arguments.network.connect_timeout;
        let mut wait = FIRST_WAIT;
        loop {
            // In another session, the id may be that of another question.
            let is_there = {
                let session = self.session.borrow();
                session.generation == generation && session.is_open
            };
            if !is_there {
                return Err(Trouble::SessionLost(
                    "nothing waits for the answer in a new one".to_owned(),
                ));
            }
            match self.post(answer).await {
                Err(Trouble::Unsent(_))
                    if Instant::now() + wait < deadline && !call.done.is_done() => {}
                // The call itself tells what became of it.
                Err(trouble @ (Trouble::Lost(_) | Trouble::Refused(_))) => {
                    log(&trouble.error().1);
                    return Ok(());
                }
                outcome => return outcome,
            }
            sleep(wait).await;
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }
}

impl Question {
    /// Member of `inputRequests`.
    fn to_json(&self) -> String {
        let params = self.params.as_deref().and_then(|params| {
            let mut params = Object::parse(params)?;
            // Notices of progress and of the end of a page have no way to the server.
            params.remove(&["elicitationId", "task"]);
            let meta = params.get("_meta").unwrap_or("{}").to_owned();
            let mut meta = Object::parse(&meta)?;
            if meta.remove(&["progressToken", "io.modelcontextprotocol/related-task"]) {
                if meta.0.is_empty() {
                    params.remove(&["_meta"]);
                } else {
                    params.set("_meta", meta.to_string());
                }
            }
            Some(params.to_string())
        });
        let params = params.map_or_else(String::new, |params| format!(r#","params":{params}"#));
        format!(
            r#"{}:{{"method":{}{params}}}"#,
            quoted(&self.key),
            quoted(&self.method)
        )
    }
}

/// Ends a call whose client did not come back in time. Its questions may be those of other calls.
fn give_up(
    Suspended {
        call, questions, ..
    }: Suspended<OwnedCall>,
) {
    call.call.put_again(questions);
}

fn random_state() -> Result<String, Trouble> {
    let random = || {
        getrandom::u64()
            .map_err(|error| Trouble::Lost(format!("the system gives no random bytes: {error}")))
    };
    Ok(format!("{:016x}{:016x}", random()?, random()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_request_omits_members_outside_the_version() {
        let question = |params: Option<&str>| {
            Question::new(None, "elicitation/create", params.map(str::to_owned))
        };
        assert_eq!(
            question(None).to_json(),
            r#""":{"method":"elicitation/create"}"#
        );
        assert_eq!(
            question(Some(
                r#"{"mode":"url","elicitationId":"e","url":"https://a.example","n": 1.0,"_meta":{"progressToken":1}}"#
            ))
            .to_json(),
            r#""":{"method":"elicitation/create","params":{"mode":"url","url":"https://a.example","n":1.0}}"#
        );
    }
}
