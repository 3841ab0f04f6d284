//! Messages of the server on their way to the client.

use std::sync::Arc;

use crate::arguments::Protocol;
use crate::bridge::Bridge;
use crate::calls::{Asker, Call, Entry};
use crate::era::Modern;
use crate::message::{Id, Kind, Message, error_response};
use crate::seen::LISTS;
use crate::session::Initialized;
use crate::tools;
use crate::trouble::Trouble;

impl Bridge {
    /// Hands on a message of the server.
    pub(crate) async fn deliver(&self, message: Message) {
        self.deliver_from(message, None).await;
    }

    /// Hands on a message of the server that came with the answer to `call`.
    pub(crate) async fn deliver_from(&self, message: Message, call: Option<&Call>) {
        let Kind::Response { id: Some(id), .. } = &message.kind else {
            return self.deliver_unasked(message, call).await;
        };
        // The server knows a translated request by another id.
        let is_own = call.is_some_and(|call| call.id == *id);
        if self.session.borrow().is_of_bridge && !is_own && self.calls.is_of_client(id) {
            return;
        }
        // Cancelled, answered before, or never asked.
        let Some(entry) = self.calls.take(id) else {
            return;
        };
        match entry.asker {
            Asker::Client => {
                self.note_response(&entry, &message);
                let message = match entry.method.as_str() {
                    "tools/list" => tools::shown(
                        &self.arguments.tools,
                        self.with_callable_tools(message, !entry.is_page),
                    ),
                    _ => message,
                };
                self.output.write(message.bytes).await;
            }
            // The task that asked may have ended.
            Asker::Bridge(asker) => drop(asker.send(message)),
        }
    }

    /// Hands on a question or a notice of the server.
    async fn deliver_unasked(&self, message: Message, call: Option<&Call>) {
        if self.session.borrow().is_of_bridge {
            return self.deliver_stateless(message, call).await;
        }
        if matches!(message.kind, Kind::Response { .. }) {
            return;
        }
        self.note_question(&message, call);
        let is_modern = self.era.borrow().is_some();
        let message = if is_modern {
            Modern::for_client(message)
        } else {
            Some(message)
        };
        if let Some(message) = message {
            self.output.write(message.bytes).await;
        }
    }

    /// Notes a question of the server. One that came with no call may belong to any of them.
    fn note_question(&self, message: &Message, call: Option<&Call>) {
        self.passed_questions.note(message, call, || {
            let mut silences = self.calls.silences();
            silences.push(Arc::clone(&self.passed_questions.stream));
            silences
        });
    }

    fn note_response(&self, entry: &Entry, response: &Message) {
        let method = entry.method.as_str();
        if method == "initialize" {
            self.opened(response);
        } else if !entry.is_page
            && LISTS.iter().any(|(list, _)| *list == method)
            && let Some(list) = response.whole_list()
        {
            self.seen.note_list(method, list);
        }
    }

    fn opened(&self, response: &Message) {
        let Some(initialized) = response.result::<Initialized>() else {
            let (code, message) = response
                .error()
                .map_or((0, String::new()), |error| (error.code, error.message));
            return self.gate.refuse(Trouble::SignIn(format!(
                "the server refused initialize: {message} ({code})"
            )));
        };
        self.note_opened(response);
        let mut session = self.session.borrow_mut();
        session.initialized = Some(initialized);
        session.is_open = true;
        self.gate.open();
    }

    /// Keeps the result of `initialize` for times without the server.
    pub(crate) fn note_opened(&self, response: &Message) {
        if let Some(result) = response.raw_result() {
            self.seen.note_initialize(result);
        }
        self.seen.note_transport(self.transport.get());
        // With `auto` and `modern`, it may have both.
        if self.arguments.protocol == Protocol::Fallback {
            self.seen.note_era(self.era.borrow().is_some());
        }
    }

    /// Answers a request with an error, unless it has an answer.
    pub(crate) async fn fail(&self, id: &Id, trouble: &Trouble) {
        let Some(entry) = self.calls.take(id) else {
            return;
        };
        if !matches!(entry.asker, Asker::Client) {
            return;
        }
        let answer = match trouble {
            Trouble::Refused(refusal) => refusal.error.as_ref().and_then(|error| error.with_id(id)),
            _ => None,
        };
        let (code, reason) = trouble.error();
        self.output
            .write(answer.map_or_else(
                || error_response(Some(id), code, &reason),
                |answer| answer.bytes,
            ))
            .await;
    }
}
