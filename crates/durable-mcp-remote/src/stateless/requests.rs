//! One request of a client without sessions, from its envelope to its response.

use std::ops::ControlFlow;
use std::rc::Rc;

use tokio::sync::{MutexGuard, oneshot};
use tokio::task::spawn_local;

use super::discovery::Found;
use super::envelope::{self, Envelope};
use super::server_call::{ServerCall, Waiting};
use super::server_calls::OwnedCall;
use super::{INVALID_PARAMS, Server, refused, response_in, results};
use crate::bridge::{Bridge, Page};
use crate::calls::{Call, Done};
use crate::era::is_modern;
use crate::json::Object;
use crate::message::Message;
use crate::seen::LISTS;
use crate::tools;
use crate::trouble::Trouble;

/// End of a request that has no error.
pub(super) enum Served {
    Response(Message),
    /// The server is one of 2026-07-28: the message passes as it is.
    Passed,
    /// The request was cancelled, or stays open without a response.
    Unanswered,
}

/// Right to open a session, with the reason why that failed last.
type Opening<'a> = MutexGuard<'a, Option<Trouble>>;

/// Request for the server, not sent yet.
struct Unsent {
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
        // Not left before a session is open or refused, also if the request is cancelled: others wait for it.
        let opening = match self.session_for(call, &envelope, request).await? {
            ControlFlow::Continue(opening) => opening,
            ControlFlow::Break(served) => return Ok(served),
        };
        if call.method == "server/discover" {
            return self
                .discover_response(call)
                .map(Served::Response)
                .ok_or_else(unreadable);
        }
        self.stateless.has_asked.set(true);
        if call.method == "subscriptions/listen" {
            drop(opening);
            return self
                .subscribe(call, request)
                .await
                .map(|()| Served::Unanswered);
        }
        let (owned, unsent) = self
            .begin_or_resume(call, &envelope, request, opening)
            .await?;
        self.adjust_level().await;
        if let Some(unsent) = unsent {
            self.send_to_server(unsent, Rc::clone(&owned.call));
        }
        self.until_served(call, owned).await
    }

    /// Sees to a session with the capabilities of a request. No other is opened while the result is held.
    async fn session_for(
        self: &Rc<Self>,
        call: &Call,
        envelope: &Envelope,
        request: &Message,
    ) -> Result<ControlFlow<Served, Opening<'_>>, Trouble> {
        let failures = self.stateless.failures.get();
        let mut last = self.stateless.opening.lock().await;
        if call.done.is_done() {
            return Ok(ControlFlow::Break(Served::Unanswered));
        }
        // Failed while this one waited for its turn: those that wait share the outcome.
        if self.stateless.failures.get() != failures
            && self.stateless.server.get() == Server::Unknown
            && let Some(trouble) = last.clone()
        {
            return Err(trouble);
        }
        match self.find_server(envelope, request).await {
            Ok(Found::Sessions) => {}
            Ok(Found::Unfit(trouble)) => return Err(trouble),
            Ok(Found::Stateless(Some(result))) if call.method == "server/discover" => {
                let json = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, call.id);
                let served = Message::written(json).map_or(Served::Passed, Served::Response);
                return Ok(ControlFlow::Break(served));
            }
            Ok(Found::Stateless(_)) => return Ok(ControlFlow::Break(Served::Passed)),
            Err(trouble) => {
                self.stateless.failures.set(failures + 1);
                *last = Some(trouble.clone());
                return Err(trouble);
            }
        }
        Ok(if call.done.is_done() {
            ControlFlow::Break(Served::Unanswered)
        } else {
            ControlFlow::Continue(last)
        })
    }

    /// Begins a request at the server, or goes on with the one whose questions it answers.
    async fn begin_or_resume(
        self: &Rc<Self>,
        call: &Call,
        envelope: &Envelope,
        request: &Message,
        opening: Opening<'_>,
    ) -> Result<(OwnedCall, Option<Unsent>), Trouble> {
        let params = request
            .params_json()
            .and_then(Object::parse)
            .ok_or_else(envelope::missing)?;
        match (params.text("requestState"), params.get("inputResponses")) {
            (Some(state), answers) => {
                drop(opening);
                let owned = self
                    .resume(call, envelope, &state, &params, answers.unwrap_or("{}"))
                    .await?;
                if owned.call.is_over() && !owned.call.has_questions() {
                    self.begin(call, envelope, request, &params)
                } else {
                    Ok((owned, None))
                }
            }
            (None, Some(_)) => Err(refused(
                INVALID_PARAMS,
                "Invalid params: inputResponses come with their requestState",
                None,
            )),
            (None, None) => self.begin(call, envelope, request, &params),
        }
    }

    /// Sends a request until it has its outcome, or its client gives it up.
    fn send_to_server(self: &Rc<Self>, unsent: Unsent, at_server: Rc<ServerCall>) {
        let bridge = Rc::clone(self);
        let Unsent {
            own,
            response,
            request,
            ended,
        } = unsent;
        spawn_local(async move {
            let outcome = tokio::select! {
                biased;
                outcome = bridge.response_to(&own, &request, response) => outcome,
                () = ended.done() => return bridge.cancel_at_server(&own).await,
            };
            bridge.stateless.calls.finish(&at_server, outcome);
        });
    }

    /// Puts a request among those in flight.
    fn begin(
        &self,
        call: &Call,
        envelope: &Envelope,
        request: &Message,
        params: &Object<'_>,
    ) -> Result<(OwnedCall, Option<Unsent>), Trouble> {
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
        let unsent = Unsent {
            own,
            response,
            request,
            ended,
        };
        Ok((owned, Some(unsent)))
    }

    pub(super) fn waiting(&self, envelope: &Envelope) -> Result<Waiting, Trouble> {
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
}

/// Name or URI that a request is about.
pub(super) fn target(params: &Object<'_>) -> Option<String> {
    params.text("name").or_else(|| params.text("uri"))
}

pub(super) fn unreadable() -> Trouble {
    Trouble::Lost("the server's answer is no object".to_owned())
}
