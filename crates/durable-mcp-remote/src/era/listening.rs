//! `subscriptions/listen`: one stream for the notices that a client of an earlier version gets unasked.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::Modern;
use crate::bridge::Bridge;
use crate::calls::Done;
use crate::json::Object;
use crate::log::log;
use crate::message::{Kind, Message, quoted};
use crate::trouble::Trouble;

/// Least time between two openings of the stream.
const BETWEEN_OPENINGS: Duration = Duration::from_secs(2);
/// Longest time between two openings, while each fails.
const LONGEST_BETWEEN_OPENINGS: Duration = Duration::from_mins(1);
pub(crate) const SUBSCRIPTION_KEY: &str = "io.modelcontextprotocol/subscriptionId";
pub(crate) const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

impl Bridge {
    /// Listens for what the server offers and the client has subscribed to, in place of what was listened for before.
    pub(crate) fn listen_modern(self: &Rc<Self>, modern: &Rc<Modern>) {
        let (open, done) = Done::pair();
        let is_first = modern.listening.replace(Some(open)).is_none();
        let (bridge, modern) = (Rc::clone(self), Rc::clone(modern));
        spawn_local(async move {
            if !is_first {
                // Several changes in a row open one stream.
                tokio::select! {
                    () = sleep_until(Instant::now() + BETWEEN_OPENINGS) => {}
                    () = done.done() => return,
                }
            }
            bridge.keep_listening_modern(&modern, &done).await;
        });
    }

    async fn keep_listening_modern(self: Rc<Self>, modern: &Modern, done: &Done) {
        let Some(request) = self.listen_request(modern) else {
            return;
        };
        let mut wait = BETWEEN_OPENINGS;
        loop {
            let opened = Instant::now();
            let (call, _response) = self.calls.of_bridge("subscriptions/listen");
            let _waiting = self.calls.until_dropped(&call.id);
            let Some(message) = modern.request(&request, &call.id, &[]) else {
                return;
            };
            let outcome = tokio::select! {
                outcome = self.exchange_by_http(&call, &message) => outcome,
                () = done.done() => return,
            };
            wait = match outcome {
                Ok(()) => BETWEEN_OPENINGS,
                // The stream of changes alone is no reason to ask a person again.
                Err(Trouble::SignIn(reason)) => {
                    log(&reason);
                    tokio::select! {
                        () = self.remote.sign_in.other_tokens() => wait,
                        () = done.done() => return,
                    }
                }
                Err(trouble) => match refusal_of_stream(&trouble) {
                    Some(reason) => return log(&reason),
                    None => LONGEST_BETWEEN_OPENINGS.min(wait * 2),
                },
            };
            tokio::select! {
                () = sleep_until(opened + wait) => {}
                () = done.done() => return,
            }
        }
    }

    /// `subscriptions/listen`; `None` where there is nothing to listen for.
    fn listen_request(&self, modern: &Modern) -> Option<Message> {
        let filter = self.filter(modern)?;
        let params = format!(r#"{{"notifications":{filter}}}"#);
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"subscriptions/listen","params":{params}}}"#
        );
        Message::written(request).ok()
    }

    fn filter(&self, modern: &Modern) -> Option<String> {
        let mut filter = Object::parse("{}")?;
        for (capability, name) in [
            ("tools", "toolsListChanged"),
            ("prompts", "promptsListChanged"),
            ("resources", "resourcesListChanged"),
        ] {
            if modern.offers(capability, "listChanged") {
                filter.set(name, "true".to_owned());
            }
        }
        let uris: Vec<String> = self
            .session
            .borrow()
            .subscriptions
            .keys()
            .map(|uri| quoted(uri))
            .collect();
        if !uris.is_empty() {
            filter.set("resourceSubscriptions", format!("[{}]", uris.join(",")));
        }
        (!filter.0.is_empty()).then(|| filter.to_string())
    }
}

/// Reason for which the stream is not opened again; `None` for one that passes.
fn refusal_of_stream(trouble: &Trouble) -> Option<String> {
    match trouble {
        Trouble::Barred(reason) => Some(reason.clone()),
        Trouble::Refused(_) if !trouble.is_temporary() => Some(format!(
            "the server tells of no changes: {}",
            trouble.error().1
        )),
        _ => None,
    }
}

impl Modern {
    /// Closes the stream; `true` if there was one.
    pub(crate) fn stop_listening(&self) -> bool {
        self.listening.take().is_some()
    }
}

/// A notice as earlier versions have it; `None` for one that they do not have.
pub(super) fn notice(message: Message) -> Option<Message> {
    let Kind::Notification { method } = &message.kind else {
        return Some(message);
    };
    if method == ACKNOWLEDGED {
        return None;
    }
    let without = || {
        let params = message.raw_params()?;
        let mut params = Object::parse(&params)?;
        let meta = params.get("_meta")?.to_owned();
        let mut meta = Object::parse(&meta)?;
        if !meta.remove(&[SUBSCRIPTION_KEY]) {
            return None;
        }
        if meta.0.is_empty() {
            params.remove(&["_meta"]);
        } else {
            params.set("_meta", meta.to_string());
        }
        let params = if params.0.is_empty() {
            String::new()
        } else {
            format!(r#","params":{params}"#)
        };
        Message::written(format!(
            r#"{{"jsonrpc":"2.0","method":{}{params}}}"#,
            quoted(method)
        ))
        .ok()
    };
    let changed = without();
    Some(changed.unwrap_or(message))
}
