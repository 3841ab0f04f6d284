//! `subscriptions/listen` before a server with sessions, which sends notices of changed lists unasked and those of resources after
//! `resources/subscribe`.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::task::spawn_local;

use super::{INVALID_PARAMS, refused};
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::era::{ACKNOWLEDGED, SUBSCRIPTION_KEY};
use crate::json::Object;
use crate::log::log;
use crate::message::{Id, Message, quoted};
use crate::session::MAX_SUBSCRIPTIONS;
use crate::trouble::Trouble;

/// Most subscriptions at once. A client needs one.
const MAX_LISTENING: usize = 64;
/// Lists by their capability, and the member of a filter that asks for their notices.
const LISTS: [(&str, &str); 3] = [
    ("tools", "toolsListChanged"),
    ("prompts", "promptsListChanged"),
    ("resources", "resourcesListChanged"),
];

/// `subscriptions/listen` of the client.
pub(super) struct Subscription {
    id: Id,
    /// Notices of lists that it is given.
    methods: Vec<String>,
    uris: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Params {
    notifications: Map<String, Value>,
}

#[derive(Deserialize)]
struct Updated {
    uri: String,
}

impl Bridge {
    /// Acknowledges a subscription and keeps it until the client cancels it.
    ///
    /// # Errors
    ///
    /// The error for the client.
    pub(super) async fn subscribe(
        self: &Rc<Self>,
        call: &Call,
        request: &Message,
    ) -> Result<(), Trouble> {
        let Some(Params {
            notifications: asked,
        }) = request.params()
        else {
            return Err(refused(
                INVALID_PARAMS,
                "Invalid params: notifications is missing",
                None,
            ));
        };
        if self.stateless.subscriptions.borrow().len() >= MAX_LISTENING {
            return Err(refused(
                INVALID_PARAMS,
                "too many subscriptions: cancel one",
                None,
            ));
        }
        let (subscription, honoured) = self.honoured(&call.id, &asked);
        let id = &call.id;
        let acknowledged = format!(
            r#"{{"jsonrpc":"2.0","method":"{ACKNOWLEDGED}","params":{{"_meta":{{"{SUBSCRIPTION_KEY}":{id}}},"notifications":{honoured}}}}}"#
        );
        self.output.write(acknowledged.into()).await;
        let uris = subscription.uris.clone();
        self.stateless.subscriptions.borrow_mut().push(subscription);
        let (bridge, call) = (Rc::clone(self), call.clone());
        // The end of the program does not wait for it.
        spawn_local(async move {
            tokio::select! {
                () = bridge.tell_resources("resources/subscribe", uris.iter()) => {}
                () = call.done.done() => {}
            }
            call.done.done().await;
            bridge.unsubscribe(&call.id).await;
        });
        Ok(())
    }

    /// Part of a filter that the server declares, as a subscription and as JSON.
    fn honoured(&self, id: &Id, asked: &Map<String, Value>) -> (Subscription, Value) {
        let session = self.session.borrow();
        let declares = |capability: &str, member: &str| {
            let capability = session
                .initialized
                .as_ref()
                .and_then(|server| server.capabilities.get(capability));
            capability.and_then(|capability| capability.get(member)) == Some(&Value::Bool(true))
        };
        let mut honoured = Map::new();
        let mut methods = Vec::new();
        for (capability, member) in LISTS {
            if asked.get(member) == Some(&Value::Bool(true)) && declares(capability, "listChanged")
            {
                honoured.insert(member.to_owned(), Value::Bool(true));
                methods.push(format!("notifications/{capability}/list_changed"));
            }
        }
        let mut uris = BTreeSet::new();
        if let Some(Value::Array(asked)) = asked.get("resourceSubscriptions")
            && declares("resources", "subscribe")
        {
            let room = MAX_SUBSCRIPTIONS.saturating_sub(session.subscriptions.len());
            uris.extend(
                asked
                    .iter()
                    .filter_map(Value::as_str)
                    .take(room)
                    .map(str::to_owned),
            );
            let uris = uris.iter().cloned().map(Value::String).collect();
            honoured.insert("resourceSubscriptions".to_owned(), Value::Array(uris));
        }
        (
            Subscription {
                id: id.clone(),
                methods,
                uris,
            },
            Value::Object(honoured),
        )
    }

    /// Ends a subscription, and those of resources that no other one has.
    async fn unsubscribe(self: &Rc<Self>, id: &Id) {
        let uris = {
            let mut subscriptions = self.stateless.subscriptions.borrow_mut();
            let Some(index) = subscriptions
                .iter()
                .position(|subscription| subscription.id == *id)
            else {
                return;
            };
            let ended = subscriptions.remove(index);
            let is_left =
                |uri: &String| !subscriptions.iter().any(|other| other.uris.contains(uri));
            ended.uris.into_iter().filter(is_left).collect::<Vec<_>>()
        };
        self.tell_resources("resources/unsubscribe", uris.iter())
            .await;
    }

    /// Tells the server of resources, and each new session, too.
    async fn tell_resources(self: &Rc<Self>, method: &str, uris: impl Iterator<Item = &String>) {
        for uri in uris {
            let json = format!(
                r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{{"uri":{}}}}}"#,
                quoted(uri)
            );
            let Ok(request) = Message::written(json) else {
                continue;
            };
            let is_known = method == "resources/subscribe"
                && self.session.borrow().subscriptions.contains_key(uri);
            if is_known {
                continue;
            }
            self.session.borrow_mut().note(method, &request);
            // A session that is lost, or not there yet, is told when it is opened.
            match self.ask(&request).await {
                Err(Trouble::SessionLost(_)) => {}
                Err(trouble) => log(&trouble.error().1),
                Ok(response) => {
                    if let Some(error) = response.error() {
                        log(&format!("the server refuses {method}: {}", error.message));
                    }
                }
            }
        }
    }

    /// Hands a notice on to the subscriptions that ask for it; `false` if it is none of those.
    pub(super) async fn tell_subscribers(&self, notice: &Message, method: &str) -> bool {
        let updated = (method == "notifications/resources/updated")
            .then(|| notice.params::<Updated>())
            .flatten();
        if updated.is_none() && !method.ends_with("/list_changed") {
            return false;
        }
        let ids: Vec<Id> = {
            let subscriptions = self.stateless.subscriptions.borrow();
            let asks = |subscription: &&Subscription| match &updated {
                Some(Updated { uri }) => subscription.covers(uri),
                None => subscription.methods.iter().any(|own| own == method),
            };
            subscriptions
                .iter()
                .filter(asks)
                .map(|subscription| subscription.id.clone())
                .collect()
        };
        for id in ids {
            if let Some(tagged) = tagged(notice, method, &id) {
                self.output.write(tagged.bytes).await;
            }
        }
        true
    }
}

impl Subscription {
    /// Whether it is of a resource, or of one that this is a part of (2025-11-25, Resources, "Subscriptions").
    fn covers(&self, uri: &str) -> bool {
        self.uris.iter().any(|own| {
            uri.strip_prefix(own.as_str()).is_some_and(|rest| {
                rest.is_empty() || own.ends_with('/') || rest.starts_with(['/', '#', '?'])
            })
        })
    }
}

fn tagged(notice: &Message, method: &str, id: &Id) -> Option<Message> {
    let params = notice.raw_params().unwrap_or_else(|| "{}".to_owned());
    let mut params = Object::parse(&params)?;
    let meta = params.get("_meta").unwrap_or("{}").to_owned();
    let mut meta = Object::parse(&meta)?;
    meta.set(SUBSCRIPTION_KEY, id.to_string());
    params.set("_meta", meta.to_string());
    Message::written(format!(
        r#"{{"jsonrpc":"2.0","method":{},"params":{params}}}"#,
        quoted(method)
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_carries_the_id_of_its_subscription() {
        let notice = |json: &str| Message::written(json.to_owned()).unwrap();
        let changed = notice(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        assert_eq!(
            tagged(
                &changed,
                "notifications/tools/list_changed",
                &Id::Number("7".into())
            )
            .unwrap()
            .bytes,
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}"#
        );
        let updated = notice(
            r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b","_meta":{"x":1}}}"#,
        );
        assert_eq!(
            tagged(
                &updated,
                "notifications/resources/updated",
                &Id::Text("l".into())
            )
            .unwrap()
            .bytes,
            r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b","_meta":{"x":1,"io.modelcontextprotocol/subscriptionId":"l"}}}"#
        );
    }

    #[test]
    fn a_subscription_covers_a_resource_and_its_parts() {
        let uris = BTreeSet::from(["file:///a".to_owned(), "file:///dir/".to_owned()]);
        let subscription = Subscription {
            id: Id::Number("1".into()),
            methods: Vec::new(),
            uris,
        };
        for (uri, is_covered) in [
            ("file:///a", true),
            ("file:///a/b", true),
            ("file:///ab", false),
            ("file:///dir/x", true),
            ("file:///", false),
        ] {
            assert_eq!(subscription.covers(uri), is_covered, "{uri}");
        }
    }
}
