//! Messages that a server with sessions sends by itself: questions become results of the calls that they belong to, notices reach the
//! requests that asked for them.

use serde::Deserialize;

use super::METHOD_NOT_FOUND;
use super::level::Level;
use super::server_call::Question;
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::json::Object;
use crate::message::{Id, Kind, Message, error_response, quoted};

#[derive(Deserialize)]
struct Log {
    level: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    progress_token: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    request_id: Id,
}

impl Bridge {
    /// Hands on a message of the server that is no response; `call` is the one with whose answer it came.
    pub(crate) async fn deliver_stateless(&self, message: Message, call: Option<&Call>) {
        match message.kind.clone() {
            Kind::Request { id, method } => self.take_request(&message, id, &method, call).await,
            Kind::Notification { method } => self.take_notice(message, &method, call).await,
            Kind::Response { .. } => {}
        }
    }

    async fn take_request(&self, message: &Message, id: Id, method: &str, call: Option<&Call>) {
        let response = if method == "ping" {
            Message::written(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
        } else {
            let generation = self.session.borrow().generation;
            let question = Question::new(Some(id.clone()), method, message.raw_params())
                .of_session(generation);
            if self
                .stateless
                .calls
                .ask(question, call.map(|call| &call.id))
            {
                return;
            }
            let reason = format!("no call is in flight whose client can answer {method} now");
            Message::parse(error_response(Some(&id), METHOD_NOT_FOUND, &reason))
        };
        if let Ok(response) = response {
            self.send_in_order(response).await;
        }
    }

    async fn take_notice(&self, message: Message, method: &str, call: Option<&Call>) {
        let calls = &self.stateless.calls;
        match method {
            "notifications/cancelled" => {
                if let Some(Cancelled { request_id }) = message.params() {
                    calls.withdraw(&request_id);
                    self.stateless.suspended.borrow_mut().withdraw(&request_id);
                }
            }
            "notifications/message" => {
                let level = message
                    .params()
                    .and_then(|Log { level }| Level::parse(&level));
                if calls.wants_log(level, call.map(|call| &call.id)) {
                    self.output.write(message.bytes).await;
                }
            }
            "notifications/progress" => {
                let given = message
                    .params()
                    .map(|Progress { progress_token }| progress_token);
                let present = given.as_ref().and_then(|given| calls.present_token(given));
                let Some(present) = present else { return };
                let message = if given.as_ref() == Some(&present) {
                    Some(message)
                } else {
                    with_token(&message, &present)
                };
                if let Some(message) = message {
                    self.output.write(message.bytes).await;
                }
            }
            // Of forms and tasks that this version has in other ways.
            "notifications/elicitation/complete" | "notifications/tasks/status" => {}
            _ if self.tell_subscribers(&message, method).await => {}
            // Unknown notifications are passed on while a request of the client waits.
            _ if calls.has_waiting() => self.output.write(message.bytes).await,
            _ => {}
        }
    }
}

fn with_token(progress: &Message, token: &Id) -> Option<Message> {
    let params = progress.raw_params()?;
    let mut params = Object::parse(&params)?;
    params.set("progressToken", token.to_string());
    Message::written(format!(
        r#"{{"jsonrpc":"2.0","method":{},"params":{params}}}"#,
        quoted(progress.method())
    ))
    .ok()
}
