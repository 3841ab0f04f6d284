//! One request of a client without sessions, from its envelope to its response.

use std::rc::Rc;

use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use super::discovery::Found;
use super::envelope::{self, Envelope};
use super::server_call::{OwnedCall, Question, ServerCall, Waiting};
use super::suspended::Suspended;
use super::{INVALID_PARAMS, Server, refused, response_in, results};
use crate::bridge::{Bridge, Page};
use crate::call::{FIRST_WAIT, LONGEST_WAIT};
use crate::calls::{Call, Done};
use crate::era::is_modern;
use crate::json::Object;
use crate::log::log;
use crate::message::{BRIDGE_ERROR, Message, quoted};
use crate::seen::LISTS;
use crate::tools;
use crate::trouble::Trouble;

/// End of a request that has no error.
enum Served {
    Response(Message),
    /// The server is one of 2026-07-28: the message passes as it is.
    Passed,
    /// The request was cancelled, or stays open without a response.
    Unanswered,
}

/// Request at the server, not sent yet.
struct Begun {
    owned: OwnedCall,
    own: Call,
    response: oneshot::Receiver<Message>,
    request: Message,
    ended: Done,
}

impl Bridge {
    /// Serves a request of a client of 2026-07-28 and sees to it that it is answered.
    pub(crate) async fn call_stateless(self: Rc<Self>, call: Call, request: Message) {
        let mut served = self.serve(&call, &request).await;
        if served
            .as_ref()
            .is_err_and(|trouble| self.was_replaced(trouble))
        {
            served = self.serve(&call, &request).await;
        }
        match served {
            Ok(Served::Response(response)) => {
                if self.calls.take(&call.id).is_some() {
                    self.output.write(response.bytes).await;
                }
            }
            Ok(Served::Passed) => self.call(call, request).await,
            Ok(Served::Unanswered) => {}
            Err(trouble) => self.fail(&call.id, &trouble).await,
        }
    }

    /// Whether a request was not sent, since a server of the client's version has taken the place of that with sessions.
    fn was_replaced(&self, trouble: &Trouble) -> bool {
        self.stateless.server.get() == Server::Unknown
            && matches!(trouble, Trouble::Refused(refusal) if is_modern(refusal))
            && self.stateless.has_asked.get()
    }

    async fn serve(self: &Rc<Self>, call: &Call, request: &Message) -> Result<Served, Trouble> {
        let Some(envelope) = Envelope::read(request) else {
            envelope::check_method(&call.method)?;
            return Err(envelope::missing());
        };
        let failures = self.stateless.failures.get();
        // Not left before a session is open or refused, also if the request is cancelled: others wait for it.
        let mut last = self.stateless.opening.lock().await;
        if call.done.is_done() {
            return Ok(Served::Unanswered);
        }
        // Failed while this one waited for its turn: those that wait share the outcome.
        if self.stateless.failures.get() != failures
            && self.stateless.server.get() == Server::Unknown
            && let Some(trouble) = last.clone()
        {
            return Err(trouble);
        }
        match self.find_server(&envelope, request).await {
            Ok(Found::Sessions) => {}
            Ok(Found::Unfit(trouble)) => return Err(trouble),
            Ok(Found::Stateless(Some(result))) if call.method == "server/discover" => {
                let json = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, call.id);
                return Ok(Message::written(json).map_or(Served::Passed, Served::Response));
            }
            Ok(Found::Stateless(_)) => return Ok(Served::Passed),
            Err(trouble) => {
                self.stateless.failures.set(failures + 1);
                *last = Some(trouble.clone());
                return Err(trouble);
            }
        }
        if call.done.is_done() {
            return Ok(Served::Unanswered);
        }
        if call.method == "server/discover" {
            return self
                .discover_response(call)
                .map(Served::Response)
                .ok_or_else(unreadable);
        }
        self.stateless.has_asked.set(true);
        if call.method == "subscriptions/listen" {
            drop(last);
            return self
                .subscribe(call, request)
                .await
                .map(|()| Served::Unanswered);
        }
        let params = request
            .params_json()
            .and_then(Object::parse)
            .ok_or_else(envelope::missing)?;
        let (owned, call_at_server) =
            match (params.text("requestState"), params.get("inputResponses")) {
                (Some(state), answers) => {
                    drop(last);
                    let owned = self
                        .resume(call, &envelope, &state, &params, answers.unwrap_or("{}"))
                        .await?;
                    if owned.call.is_over() && !owned.call.has_questions() {
                        let begun = self.begin(call, &envelope, request, &params)?;
                        (
                            begun.owned,
                            Some((begun.own, begun.response, begun.request, begun.ended)),
                        )
                    } else {
                        (owned, None)
                    }
                }
                (None, Some(_)) => {
                    return Err(refused(
                        INVALID_PARAMS,
                        "Invalid params: inputResponses come with their requestState",
                        None,
                    ));
                }
                (None, None) => {
                    let begun = self.begin(call, &envelope, request, &params)?;
                    drop(last);
                    (
                        begun.owned,
                        Some((begun.own, begun.response, begun.request, begun.ended)),
                    )
                }
            };
        self.adjust_level().await;
        if let Some((own, response, request, ended)) = call_at_server {
            let (bridge, at_server) = (Rc::clone(self), Rc::clone(&owned.call));
            spawn_local(async move {
                let outcome = tokio::select! {
                    biased;
                    outcome = bridge.response_to(&own, &request, response) => outcome,
                    () = ended.done() => return bridge.cancel_at_server(&own).await,
                };
                bridge.stateless.calls.finish(&at_server, outcome);
            });
        }
        self.until_served(call, owned).await
    }

    /// Puts a request among those in flight.
    fn begin(
        &self,
        call: &Call,
        envelope: &Envelope,
        request: &Message,
        params: &Object<'_>,
    ) -> Result<Begun, Trouble> {
        let waiting = self.waiting(envelope)?;
        let (own, response) = self.calls.of_bridge(&call.method);
        let Some(request) = envelope::without(request, Some(&own.id)) else {
            drop(self.calls.take(&own.id));
            return Err(refused(
                INVALID_PARAMS,
                "Invalid params: they are no object",
                None,
            ));
        };
        let is_page = request
            .params::<Page>()
            .is_some_and(|page| page.cursor.is_some());
        let (open, ended) = Done::pair();
        let at_server = ServerCall::new(
            &own,
            &self.passed_questions.stream,
            target(params),
            is_page,
            waiting,
        );
        let owned = self.stateless.calls.add(at_server, open);
        Ok(Begun {
            owned,
            own,
            response,
            request,
            ended,
        })
    }

    fn waiting(&self, envelope: &Envelope) -> Result<Waiting, Trouble> {
        let level = envelope.level()?;
        Ok(Waiting {
            capabilities: self.declared(envelope),
            level,
            token: envelope.token.clone(),
        })
    }

    async fn response_to(
        self: &Rc<Self>,
        own: &Call,
        request: &Message,
        response: oneshot::Receiver<Message>,
    ) -> Result<Message, Trouble> {
        let _waiting = self.calls.until_dropped(&own.id);
        self.answered(own, request).await?;
        response
            .await
            .map_err(|_| Trouble::Lost("there is no response".to_owned()))
    }

    async fn cancel_at_server(self: &Rc<Self>, own: &Call) {
        if !self.session.borrow().is_open {
            return;
        }
        let json = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
            own.id
        );
        if let Ok(notice) = Message::written(json) {
            // A session that is lost has no calls.
            self.post(&notice).await.ok();
        }
    }

    /// Waits until a request in flight has its response, or questions for the client.
    async fn until_served(
        self: &Rc<Self>,
        call: &Call,
        owned: OwnedCall,
    ) -> Result<Served, Trouble> {
        loop {
            if let Some(outcome) = owned.call.take_outcome() {
                if let Err(trouble) = &outcome
                    && self.was_replaced(trouble)
                {
                    return Err(trouble.clone());
                }
                let response = response_in(outcome)?;
                if !results::pages(&response).is_some_and(|pages| owned.call.put_pages(pages)) {
                    return self.finished(call, &owned.call, &response);
                }
            }
            // The client brings no answers to a request that it has cancelled.
            if call.done.is_done() {
                return Ok(Served::Unanswered);
            }
            let questions = owned.call.take_questions();
            if !questions.is_empty() {
                return self.suspend(call, owned, questions);
            }
            tokio::select! {
                () = owned.call.changed.notified() => {}
                // The server is told as `owned` is dropped.
                () = call.done.done() => return Ok(Served::Unanswered),
            }
        }
    }

    fn finished(
        &self,
        call: &Call,
        at_server: &ServerCall,
        response: &Message,
    ) -> Result<Served, Trouble> {
        let method = at_server.method.as_str();
        if response.result_json().is_none() {
            let error = results::error(&call.id, method, at_server.target.as_deref(), response);
            return error.map(Served::Response).ok_or_else(unreadable);
        }
        if !at_server.is_page
            && LISTS.iter().any(|(list, _)| *list == method)
            && let Some(list) = response.whole_list()
        {
            self.seen.note_list(method, list);
        }
        let shown =
            (method == "tools/list").then(|| tools::shown(&self.arguments.tools, response.clone()));
        let result = shown
            .as_ref()
            .unwrap_or(response)
            .result_json()
            .ok_or_else(unreadable)?;
        let server = self.server_info();
        results::complete(&call.id, method, result.get(), server.as_deref())
            .map(Served::Response)
            .ok_or_else(unreadable)
    }

    /// Answers a request with the questions of the server, and stores it until their answers come.
    fn suspend(
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
    async fn resume(
        self: &Rc<Self>,
        call: &Call,
        envelope: &Envelope,
        state: &str,
        params: &Object<'_>,
        answers: &str,
    ) -> Result<OwnedCall, Trouble> {
        let suspended = self.stateless.suspended.borrow_mut().take(state);
        let Some(Suspended {
            call: owned,
            questions,
            ..
        }) = suspended
        else {
            let reason =
                "Invalid params: requestState is not known: it was used, or its time is over";
            return Err(refused(INVALID_PARAMS, reason, None));
        };
        if owned.call.method != call.method || owned.call.target != target(params) {
            owned.call.put_again(questions);
            return Err(refused(
                INVALID_PARAMS,
                "Invalid params: requestState is of another request",
                None,
            ));
        }
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
                .filter(|answer| answer.starts_with('{'));
            let Some(answer) = answer.filter(|_| !call.done.is_done()) else {
                unanswered.push(question);
                continue;
            };
            let Some(id) = &question.id else {
                let is_open = Object::parse(answer)
                    .is_some_and(|answer| answer.text("action").as_deref() == Some("accept"));
                if !is_open {
                    return Err(refused(
                        BRIDGE_ERROR.into(),
                        "the page that the server needs was not opened",
                        None,
                    ));
                }
                continue;
            };
            // The server has answered without it.
            if question.is_tied && owned.call.has_outcome() {
                continue;
            }
            let json = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{answer}}}"#);
            let answer = Message::written(json).map_err(|_| unreadable())?;
            self.give_answer(answer, question.generation, call, &owned.call)
                .await?;
        }
        owned.call.put_again(unanswered);
        Ok(owned)
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

/// Name or URI that a request is about.
fn target(params: &Object<'_>) -> Option<String> {
    params.text("name").or_else(|| params.text("uri"))
}

fn random_state() -> Result<String, Trouble> {
    let random = || {
        getrandom::u64()
            .map_err(|error| Trouble::Lost(format!("the system gives no random bytes: {error}")))
    };
    Ok(format!("{:016x}{:016x}", random()?, random()?))
}

fn unreadable() -> Trouble {
    Trouble::Lost("the server's answer is no object".to_owned())
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
