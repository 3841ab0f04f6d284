//! New sessions in place of those that a server has lost.

use std::rc::Rc;

use serde_json::Value;

use crate::bridge::Bridge;
use crate::log::log;
use crate::message::Message;
use crate::session::Initialized;
use crate::trouble::Trouble;

/// Lists that a client is told about when they shrink, by the capability that offers them.
const LISTS: [&str; 3] = ["tools", "prompts", "resources"];

impl Bridge {
    /// Opens a new session in place of that of `generation`, unless another message had it opened already.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the new `initialize`. The next message tries again.
    pub(crate) async fn renew(self: &Rc<Self>, generation: u64) -> Result<(), Trouble> {
        let _turn = self.renewing.lock().await;
        let (initialize, before) = {
            let session = self.session.borrow();
            if session.generation != generation {
                return Ok(());
            }
            (session.initialize.clone(), session.initialized.clone())
        };
        let Some(initialize) = initialize else {
            return Err(Trouble::SessionLost("the client has not sent initialize".to_owned()));
        };
        self.gate.close();
        match self.reopen(&initialize).await {
            Ok(now) => {
                self.restore().await;
                self.gate.open();
                self.tell_changes(before.as_ref(), &now).await;
                Ok(())
            }
            Err(trouble) => {
                self.gate.refuse(trouble.clone());
                Err(trouble)
            }
        }
    }

    async fn reopen(self: &Rc<Self>, initialize: &Message) -> Result<Initialized, Trouble> {
        {
            let mut session = self.session.borrow_mut();
            session.id = None;
            session.is_open = false;
            session.has_stream = false;
            session.listening = None;
        }
        let response = self.ask(initialize).await?;
        let Some(now) = response.result::<Initialized>() else {
            let reason =
                response.error().map_or_else(String::new, |error| format!("{} ({})", error.message, error.code));
            return Err(Trouble::SessionLost(format!("it refuses a new one: {reason}")));
        };
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
            return Err(Trouble::SessionLost("the message cannot be written again".to_owned()));
        };
        // Without a response there is nothing more to wait for, also when this future is dropped.
        let _waiting = self.calls.until_dropped(&call.id);
        if call.method == "initialize" {
            self.open(&call, &request).await?;
        } else {
            self.exchange(&call, &request).await?;
        }
        response.await.map_err(|_| Trouble::Lost("there is no response".to_owned()))
    }

    /// Tells the new session what the client told the old one.
    async fn restore(self: &Rc<Self>) {
        let (notification, requests) = {
            let session = self.session.borrow();
            let requests: Vec<Message> = session.level.iter().chain(session.subscriptions.values()).cloned().collect();
            (session.notification.clone(), requests)
        };
        // Without it, the client has yet to send it.
        let Some(notification) = notification else { return };
        if let Err(trouble) = self.post(&notification).await {
            log(&trouble.error().1);
        }
        for request in requests {
            if let Err(trouble) = self.ask(&request).await {
                log(&trouble.error().1);
            }
        }
        self.listen().await;
    }

    async fn tell_changes(&self, before: Option<&Initialized>, now: &Initialized) {
        let Some(before) = before else { return };
        let is_other_version = before.protocol_version != now.protocol_version;
        for list in LISTS {
            let had = before.capabilities.get(list);
            if had.is_some() && (is_other_version || !covers(now.capabilities.get(list), had)) {
                let notice = format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
                self.output.write(notice.into()).await;
            }
        }
    }

    /// Checks that a new session serves a call that was made in the old one.
    ///
    /// # Errors
    ///
    /// [`Trouble`] that names the version or capability that is gone.
    pub(crate) fn still_serves(&self, method: &str, before: Option<&Initialized>) -> Result<(), Trouble> {
        let session = self.session.borrow();
        let (Some(before), Some(now)) = (before, &session.initialized) else { return Ok(()) };
        if before.protocol_version != now.protocol_version {
            let (old, new) = (&before.protocol_version, &now.protocol_version);
            return Err(Trouble::SessionLost(format!("its new one has version {new} instead of {old}; reconnect")));
        }
        let capability = method.split('/').next().unwrap_or_default();
        if before.capabilities.contains_key(capability) && !now.capabilities.contains_key(capability) {
            return Err(Trouble::SessionLost(format!("its new one does not offer {capability}")));
        }
        Ok(())
    }
}

/// Whether a capability has every member that it had.
fn covers(now: Option<&Value>, before: Option<&Value>) -> bool {
    let (Some(now), Some(before)) = (now, before) else { return before.is_none() };
    before.as_object().is_none_or(|members| members.iter().all(|(name, value)| now.get(name) == Some(value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::covers;

    #[test]
    fn a_capability_that_lost_a_member_is_smaller() {
        assert!(covers(Some(&json!({"listChanged": true, "more": 1})), Some(&json!({"listChanged": true}))));
        assert!(!covers(Some(&json!({})), Some(&json!({"listChanged": true}))));
        assert!(!covers(None, Some(&json!({}))));
        assert!(covers(Some(&json!({})), None));
    }
}
