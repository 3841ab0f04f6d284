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
use crate::renewal::TIME_FOR_REQUEST;
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
        self.keep_subscription(call, Rc::new(subscription));
        Ok(())
    }

    /// Keeps a subscription until the client cancels it. The end of the program waits for none.
    fn keep_subscription(self: &Rc<Self>, call: &Call, subscription: Rc<Subscription>) {
        self.stateless
            .subscriptions
            .borrow_mut()
            .push(Rc::clone(&subscription));
        let (bridge, opened) = (Rc::clone(self), Rc::clone(&subscription));
        spawn_local(async move { bridge.tell_resources(&opened).await });
        let (bridge, done) = (Rc::clone(self), call.done.clone());
        spawn_local(async move {
            done.done().await;
            bridge
                .stateless
                .subscriptions
                .borrow_mut()
                .retain(|other| !Rc::ptr_eq(other, &subscription));
            bridge.tell_resources(&subscription).await;
        });
    }

    /// Part of a filter that the server declares, as a subscription and as JSON.
    fn honoured(&self, id: &Id, asked: &Map<String, Value>) -> (Subscription, Value) {
        let session = self.session.borrow();
        let mut honoured = Map::new();
        let mut methods = Vec::new();
        for (capability, member) in LISTS {
            let is_asked = asked.get(member) == Some(&Value::Bool(true));
            if is_asked && session.declares(capability, "listChanged") {
                honoured.insert(member.to_owned(), Value::Bool(true));
                methods.push(format!("notifications/{capability}/list_changed"));
            }
        }
        let mut uris = BTreeSet::new();
        if let Some(Value::Array(asked)) = asked.get("resourceSubscriptions")
            && session.declares("resources", "subscribe")
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

    /// Tells the server of the resources of a subscription that has begun or ended, and each new session, too.
    async fn tell_resources(self: &Rc<Self>, subscription: &Subscription) {
        for uri in &subscription.uris {
            self.tell_resource(uri).await;
        }
    }

    /// Subscribes to a resource if a subscription has it by now, or unsubscribes from it if none has.
    async fn tell_resource(self: &Rc<Self>, uri: &str) {
        let _turn = self.stateless.turns.turn(uri).await;
        let is_wanted = self
            .stateless
            .subscriptions
            .borrow()
            .iter()
            .any(|subscription| subscription.uris.contains(uri));
        let is_known = self.session.borrow().subscriptions.contains_key(uri);
        let method = match (is_wanted, is_known) {
            (true, false) => "resources/subscribe",
            (false, true) => "resources/unsubscribe",
            _ => return,
        };
        let Some(request) = of_resource(method, uri) else {
            return;
        };
        self.session.borrow_mut().note(method, &request);
        let asking = self.ask(&request);
        match self.remote.patience.within(TIME_FOR_REQUEST, asking).await {
            // A session that is lost, or not there yet, is told when it is opened.
            Some(Err(Trouble::SessionLost(_))) => {}
            Some(Err(trouble)) => {
                self.forget_unsent(uri, &trouble);
                log(&trouble.error().1);
            }
            None => log(&format!("the server has no answer to {method}")),
            Some(Ok(response)) => {
                if let Some(error) = response.error() {
                    log(&format!("the server refuses {method}: {}", error.message));
                }
            }
        }
    }

    /// Forgets that the server has a resource if it was not told, so that the next subscription tells it.
    pub(crate) fn forget_unsent(&self, uri: &str, trouble: &Trouble) {
        if matches!(trouble, Trouble::Unsent(_) | Trouble::SignIn(_)) {
            self.session.borrow_mut().subscriptions.remove(uri);
        }
    }

    /// Tells the server of the resources of all subscriptions that it does not have.
    pub(crate) async fn tell_all_resources(self: &Rc<Self>) {
        let subscriptions = self.stateless.subscriptions.borrow().clone();
        for subscription in subscriptions {
            self.tell_resources(&subscription).await;
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
            let asks = |subscription: &&Rc<Subscription>| match &updated {
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

/// Request about a resource.
pub(crate) fn of_resource(method: &str, uri: &str) -> Option<Message> {
    let uri = quoted(uri);
    let json =
        format!(r#"{{"jsonrpc":"2.0","id":0,"method":"{method}","params":{{"uri":{uri}}}}}"#);
    Message::written(json).ok()
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
    fn a_notification_carries_the_id_of_its_subscription() {
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
