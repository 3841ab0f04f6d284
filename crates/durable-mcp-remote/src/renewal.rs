//! New sessions in place of those that a server has lost.

use std::iter;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::bridge::Bridge;
use crate::log::log;
use crate::message::Message;
use crate::session::Initialized;
use crate::stateless::of_resource;
use crate::trouble::Trouble;

/// Lists that a client is told about when they shrink, by the capability that offers them.
const LISTS: [&str; 3] = ["tools", "prompts", "resources"];
/// Longest wait for the answer to a request that a new session has to be told again.
pub(crate) const TIME_FOR_REQUEST: Duration = Duration::from_secs(10);

impl Bridge {
    /// Opens a new session in place of that of `generation`, unless another message had it opened already.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the new `initialize`. The next message tries again.
    pub(crate) async fn renew(self: &Rc<Self>, generation: u64) -> Result<(), Trouble> {
        let failed = self.failed_renewals.get();
        let mut last = self.renewing.lock().await;
        // Failed while this one waited for its turn: those that wait share the outcome.
        if let Some(trouble) = last
            .as_ref()
            .filter(|_| self.failed_renewals.get() != failed)
        {
            return Err(trouble.clone());
        }
        let (initialize, before) = {
            let session = self.session.borrow();
            if session.generation != generation {
                return Ok(());
            }
            (session.initialize.clone(), session.initialized.clone())
        };
        let Some(initialize) = initialize else {
            return Err(Trouble::SessionLost(
                "the client has not sent initialize".to_owned(),
            ));
        };
        let outcome = self
            .renew_now(generation, &initialize, before.as_ref())
            .await;
        if let Err(trouble) = &outcome {
            self.failed_renewals.set(self.failed_renewals.get() + 1);
            *last = Some(trouble.clone());
        }
        outcome
    }

    /// Opens a new session, and the gate with it.
    async fn renew_now(
        self: &Rc<Self>,
        generation: u64,
        initialize: &Message,
        before: Option<&Initialized>,
    ) -> Result<(), Trouble> {
        self.gate.close();
        let time = self.arguments.initialize_deadline;
        // All messages wait for this.
        let reopened = timeout(time, self.reopen(initialize))
            .await
            .unwrap_or_else(|_| Err(self.late(time)));
        let now = match reopened {
            Ok(now) => now,
            Err(trouble) => {
                if self.session.borrow().generation == generation {
                    self.gate.refuse(trouble.clone());
                }
                return Err(trouble);
            }
        };
        self.restore().await;
        // Otherwise the client has begun another one, for which the gate is closed.
        if self.session.borrow().generation == generation + 1 {
            self.gate.open();
            self.tell_changes(before, &now).await;
        }
        Ok(())
    }

    /// Opens a new session in a task of its own, which opens the gate again even when the caller is dropped.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the new `initialize`.
    pub(crate) async fn renew_in_task(self: &Rc<Self>, generation: u64) -> Result<(), Trouble> {
        let bridge = Rc::clone(self);
        let renewal = spawn_local(async move { bridge.renew(generation).await });
        renewal
            .await
            .unwrap_or_else(|error| Err(Trouble::SessionLost(error.to_string())))
    }

    fn late(&self, time: Duration) -> Trouble {
        if let Some(pending) = self.remote.sign_in.pending() {
            return Trouble::SignIn(pending.to_string());
        }
        Trouble::SessionLost(format!(
            "its answer to initialize did not come within {} s",
            time.as_secs_f64()
        ))
    }

    async fn reopen(self: &Rc<Self>, initialize: &Message) -> Result<Initialized, Trouble> {
        let generation = {
            let mut session = self.session.borrow_mut();
            session.id = None;
            session.is_open = false;
            session.has_stream = false;
            session.listening = None;
            session.generation
        };
        self.passed_questions.forget();
        let response = self.ask(initialize).await?;
        let Some(now) = response.result::<Initialized>() else {
            let reason = response.error().map_or_else(String::new, |error| {
                format!("{} ({})", error.message, error.code)
            });
            return Err(Trouble::SessionLost(format!(
                "it refuses a new one: {reason}"
            )));
        };
        if self.session.borrow().generation != generation {
            return Err(Trouble::SessionLost(
                "the client has begun another one".to_owned(),
            ));
        }
        self.note_opened(&response);
        let mut session = self.session.borrow_mut();
        session.generation += 1;
        session.offline = None;
        session.initialized = Some(now.clone());
        session.is_open = true;
        Ok(now)
    }

    /// Sends a request of the client under an id of the bridge, and returns the response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], without a response.
    pub(crate) async fn ask(self: &Rc<Self>, request: &Message) -> Result<Message, Trouble> {
        let (call, response) = self.calls.of_bridge(request.method());
        let Some(request) = request.with_id(&call.id) else {
            return Err(Trouble::SessionLost(
                "the message cannot be written again".to_owned(),
            ));
        };
        // Without a response there is nothing more to wait for, also when this future is dropped.
        let _waiting = self.calls.until_dropped(&call.id);
        if call.method == "initialize" {
            self.open(&call, &request).await?;
        } else {
            self.exchange(&call, &request).await?;
        }
        response
            .await
            .map_err(|_| Trouble::Lost("there is no response".to_owned()))
    }

    /// Tells the new session what the client told the old one: that it is initialized before messages pass, the rest beside them.
    async fn restore(self: &Rc<Self>) {
        let (notification, generation) = {
            let session = self.session.borrow();
            (session.notification.clone(), session.generation)
        };
        // Without it, the client has yet to send it.
        let Some(notification) = notification else {
            return;
        };
        self.post_initialized(notification).await;
        if self.session.borrow().generation != generation {
            return;
        }
        self.listen().await;
        let bridge = Rc::clone(self);
        spawn_local(async move { bridge.restore_requests(generation).await });
    }

    async fn restore_requests(self: &Rc<Self>, generation: u64) {
        let uris: Vec<String> = self
            .session
            .borrow()
            .subscriptions
            .keys()
            .cloned()
            .collect();
        for uri in iter::once(None).chain(uris.iter().map(Some)) {
            let _turn = match uri {
                Some(uri) => Some(self.stateless.turns.turn(uri).await),
                None => None,
            };
            let request = {
                let session = self.session.borrow();
                if session.generation != generation {
                    return;
                }
                // As they are by now: the client may have changed them.
                uri.map_or_else(
                    || session.level.clone(),
                    |uri| session.subscriptions.get(uri).cloned(),
                )
            };
            let Some(request) = request else { continue };
            self.tell_again(&request, uri).await;
            if let Some(uri) = uri {
                self.unsubscribe_if_ended(uri, generation).await;
            }
        }
        self.tell_all_resources().await;
    }

    /// Unsubscribes from a resource that the client has unsubscribed from while the new session was told of it: the server may have
    /// handled that first.
    async fn unsubscribe_if_ended(self: &Rc<Self>, uri: &str, generation: u64) {
        let is_ended = {
            let session = self.session.borrow();
            session.generation == generation
                && !session.is_of_bridge
                && !session.subscriptions.contains_key(uri)
        };
        if is_ended && let Some(request) = of_resource("resources/unsubscribe", uri) {
            self.tell_again(&request, None).await;
        }
    }

    async fn tell_again(self: &Rc<Self>, request: &Message, uri: Option<&String>) {
        let asking = self.ask(request);
        match self.remote.patience.within(TIME_FOR_REQUEST, asking).await {
            Some(Ok(_)) => {}
            Some(Err(trouble)) => {
                // The client's own subscriptions are for the next session, too.
                if let Some(uri) = uri
                    && self.session.borrow().is_of_bridge
                {
                    self.forget_unsent(uri, &trouble);
                }
                log(&trouble.error().1);
            }
            None => log(&format!(
                "the new session has no answer to {}",
                request.method()
            )),
        }
    }

    async fn tell_changes(&self, before: Option<&Initialized>, now: &Initialized) {
        let Some(before) = before else { return };
        let is_other_version = before.protocol_version != now.protocol_version;
        for list in LISTS {
            let had = before.capabilities.get(list);
            if had.is_some() && (is_other_version || !covers(now.capabilities.get(list), had)) {
                self.tell_change(list).await;
            }
        }
    }

    /// Tells the client that a list has changed, as the server does.
    pub(crate) async fn tell_change(&self, list: &str) {
        let notice = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
        if let Ok(notice) = Message::written(notice) {
            self.deliver(notice).await;
        }
    }

    /// Checks that a new session serves a call that was made in the old one.
    ///
    /// # Errors
    ///
    /// [`Trouble`] that names the version or capability that is gone.
    pub(crate) fn still_serves(
        &self,
        method: &str,
        before: Option<&Initialized>,
    ) -> Result<(), Trouble> {
        let session = self.session.borrow();
        let (Some(before), Some(now)) = (before, &session.initialized) else {
            return Ok(());
        };
        // A client without sessions never saw the version.
        if before.protocol_version != now.protocol_version && !session.is_of_bridge {
            let (old, new) = (&before.protocol_version, &now.protocol_version);
            return Err(Trouble::SessionLost(format!(
                "its new one has version {new} instead of {old}; reconnect"
            )));
        }
        let capability = method.split('/').next().unwrap_or_default();
        if before.capabilities.contains_key(capability)
            && !now.capabilities.contains_key(capability)
        {
            return Err(Trouble::SessionLost(format!(
                "its new one does not offer {capability}"
            )));
        }
        Ok(())
    }
}

/// Whether a capability has every member that it had.
fn covers(now: Option<&Value>, before: Option<&Value>) -> bool {
    let (Some(now), Some(before)) = (now, before) else {
        return before.is_none();
    };
    before.as_object().is_none_or(|members| {
        members
            .iter()
            .all(|(name, value)| now.get(name) == Some(value))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::covers;

    #[test]
    fn a_capability_that_lost_a_member_is_no_longer_covered() {
        assert!(covers(
            Some(&json!({"listChanged": true, "more": 1})),
            Some(&json!({"listChanged": true}))
        ));
        assert!(!covers(
            Some(&json!({})),
            Some(&json!({"listChanged": true}))
        ));
        assert!(!covers(None, Some(&json!({}))));
        assert!(covers(Some(&json!({})), None));
    }
}
