//! The client's `initialize`: sent until the server answers, or answered from memory when the server cannot be reached in time.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::bridge::Bridge;
use crate::calls::Call;
use crate::log::log;
use crate::message::{Id, Message};
use crate::seen::LISTS;
use crate::session::Initialized;
use crate::trouble::Trouble;

/// Waits between attempts to reach a server that is down: the first, and the longest.
pub(crate) const FIRST_RETRY: Duration = Duration::from_secs(1);
pub(crate) const LONGEST_RETRY: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialize {
    client_info: ClientInfo,
}

#[derive(Deserialize)]
struct ClientInfo {
    name: String,
}

impl Bridge {
    /// Sends the client's `initialize` and sees to it that it is answered by the deadline.
    pub(crate) async fn initialize(self: Rc<Self>, call: Call, message: Message) {
        if let Some(initialize) = message.params::<Initialize>() {
            self.remote
                .sign_in
                .set_client_name(&initialize.client_info.name);
        }
        let generation = self.session.borrow().generation;
        let deadline = Instant::now() + self.arguments.initialize_deadline;
        let mut wait = FIRST_RETRY;
        let mut last = Trouble::Lost("initialize has no answer".to_owned());
        loop {
            let attempt = timeout_at(deadline, self.open(&call, &message)).await;
            if call.done.is_done() {
                return self.release_waiting(generation);
            }
            match attempt {
                Ok(Ok(())) => return,
                Ok(Err(trouble)) if trouble.is_temporary() => last = trouble,
                Ok(Err(trouble)) => {
                    self.gate.refuse(trouble.clone());
                    return self.fail(&call.id, &trouble).await;
                }
                Err(_) => {
                    last = self.remote.pending_sign_in().unwrap_or(last);
                    return self.answer_offline(&call, last).await;
                }
            }
            log(&last.error().1);
            sleep_until(deadline.min(Instant::now() + wait)).await;
            if Instant::now() >= deadline {
                return self.answer_offline(&call, last).await;
            }
            wait = LONGEST_RETRY.min(wait * 2);
        }
    }

    /// Refuses the messages that wait for an `initialize` which the client has cancelled: no answer opens the gate.
    fn release_waiting(&self, generation: u64) {
        let is_waiting = {
            let session = self.session.borrow();
            session.generation == generation && !session.is_open
        };
        if is_waiting {
            self.gate
                .refuse(Trouble::Lost("initialize was cancelled".to_owned()));
        }
    }

    async fn answer_offline(self: Rc<Self>, call: &Call, trouble: Trouble) {
        let remembered = self.serve_from_memory(&trouble);
        let Some(response) = remembered.and_then(|result| result_message(&call.id, result.get()))
        else {
            return self.fail(&call.id, &trouble).await;
        };
        if self.calls.take(&call.id).is_some() {
            self.output.write(response.bytes).await;
        }
    }

    /// Answers from memory until the server can be reached, and returns the last result of `initialize`; `None` if there is none.
    pub(crate) fn serve_from_memory(self: &Rc<Self>, trouble: &Trouble) -> Option<Box<RawValue>> {
        let result = self.seen.initialize();
        let initialized = result
            .as_ref()
            .and_then(|result| serde_json::from_str::<Initialized>(result.get()).ok());
        let (Some(result), Some(initialized)) = (result, initialized) else {
            self.gate.refuse(trouble.clone());
            return None;
        };
        {
            let mut session = self.session.borrow_mut();
            session.initialized = Some(initialized);
            session.offline = Some(trouble.clone());
        }
        self.gate.open();
        spawn_local(Rc::clone(self).reconnect());
        Some(result)
    }

    /// Tries to reach the server until it is there, then tells the client which lists differ from those it was given.
    async fn reconnect(self: Rc<Self>) {
        let mut wait = FIRST_RETRY;
        loop {
            sleep(wait).await;
            let (generation, is_offline) = {
                let session = self.session.borrow();
                (session.generation, session.offline.is_some())
            };
            if !is_offline {
                return;
            }
            let trouble = match self.renew(generation).await {
                Ok(()) => return self.tell_lists().await,
                Err(trouble) => trouble,
            };
            log(&trouble.error().1);
            let needs_person = matches!(trouble, Trouble::SignIn(_));
            {
                let mut session = self.session.borrow_mut();
                if session.generation == generation {
                    session.offline = Some(trouble);
                }
            }
            // A window opens again for somebody who is there, and not all night.
            if needs_person {
                tokio::select! {
                    () = self.remote.sign_in.other_tokens() => {}
                    () = self.unanswered_offline.notified() => {}
                }
            }
            wait = LONGEST_RETRY.min(wait * 2);
        }
    }

    async fn tell_lists(self: &Rc<Self>) {
        let mut told = None;
        for (method, capability) in LISTS {
            let is_offered = self
                .session
                .borrow()
                .initialized
                .as_ref()
                .is_some_and(|initialized| initialized.capabilities.contains_key(capability));
            if !is_offered || self.seen.list(method).is_none() {
                continue;
            }
            let request =
                Message::written(format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}"}}"#));
            let Ok(request) = request else { continue };
            let Ok(response) = self.ask(&request).await else {
                continue;
            };
            let Some(result) = response.whole_list() else {
                continue;
            };
            if self.seen.note_list(method, result) && told != Some(capability) {
                told = Some(capability);
                self.tell_change(capability).await;
            }
        }
    }

    /// Answers a request while the server cannot be reached; `None` if it can.
    pub(crate) async fn call_offline(&self, call: &Call) -> Option<Result<(), Trouble>> {
        let trouble = self.session.borrow().offline.clone()?;
        let result = match call.method.as_str() {
            // The new session is told of these.
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
                Some("{}".to_owned())
            }
            method => self.seen.list(method).map(|result| result.get().to_owned()),
        };
        let Some(response) = result.and_then(|result| result_message(&call.id, &result)) else {
            self.unanswered_offline.notify_one();
            return Some(Err(trouble));
        };
        self.deliver_from(response, Some(call)).await;
        Some(Ok(()))
    }
}

fn result_message(id: &Id, result: &str) -> Option<Message> {
    Message::written(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
    ))
    .ok()
}
