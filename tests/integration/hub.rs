//! Listening streams, and the notices that they get.

mod ends;
mod many;
mod quotas;
mod recipients;
mod sessions;
mod subscriptions;

use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_core::wire::ReplyBody;
use durable_mcp::prelude::*;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::jsonrpc::RequestId;
use durable_mcp_worker::hub::{Hub, Listener, QuotaSubject, SubscriptionFilter};
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::testing::doubles::host::{FakeHost, START};
use durable_mcp_worker::testing::doubles::hub_host::FakeHubHost;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::support::front::Front;
use crate::support::json;
use crate::support::object::Exchange;

async fn change(notify: Notify) -> &'static str {
    notify.tools_changed();
    notify.prompts_changed();
    notify.resources_changed();
    notify.resource_updated("test://a");
    "changed"
}

fn quiet() -> Server {
    Server::new("s", "1")
        .tool("plain", "", async || "plain")
        .resource("a", "test://a", async || "a")
}

fn announcing() -> Server {
    quiet()
        .tool("change", "", change)
        .prompt("p", "", async || "said")
}

fn listen(front: &Front, filter: &Value) -> Exchange {
    front.ask("subscriptions/listen", &json!({ "notifications": filter }))
}

/// The filter that a stream acknowledges.
fn acknowledged(stream: &Exchange) -> Value {
    let messages = stream.read().messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(
        messages[0]["method"],
        "notifications/subscriptions/acknowledged"
    );
    messages[0]["params"]["notifications"].clone()
}

fn methods(messages: &[Value]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message["method"].as_str().unwrap())
        .collect()
}

/// The hub by itself, for what takes users and sessions.
struct Rig {
    runtime: Rc<FakeHost>,
    host: Rc<FakeHubHost>,
    hub: Hub,
}

/// A stream, from its client's end.
struct Stream(UnboundedReceiver<String>);

impl Stream {
    /// Messages since the last call, and true if the stream has ended.
    fn read(&mut self) -> (Vec<Value>, bool) {
        let mut messages = Vec::new();
        loop {
            match self.0.try_recv() {
                Ok(frame) => {
                    let data = frame
                        .lines()
                        .find_map(|line| line.strip_prefix("data: "))
                        .expect("an event");
                    messages.push(json::value(data));
                }
                Err(error) => return (messages, error.is_closed()),
            }
        }
    }

    fn heard(&mut self) -> usize {
        self.read().0.len()
    }
}

impl Rig {
    fn new() -> Self {
        let runtime = FakeHost::new("hub".to_owned());
        let host = FakeHubHost::new(&runtime);
        let hub = Hub::new(Rc::clone(&host) as _);
        Self { runtime, host, hub }
    }

    /// Opens a stream; or the status and code of the refusal.
    fn try_open(&self, listener: &Listener) -> Result<Stream, (u16, i64)> {
        match self.hub.open(listener) {
            Ok(greeting) => {
                let mut stream = Stream(self.host.accept(listener, &greeting));
                assert_eq!(
                    stream.read().0[0]["method"],
                    "notifications/subscriptions/acknowledged"
                );
                Ok(stream)
            }
            Err(reply) => {
                assert!(reply.headers.iter().any(|(name, _)| *name == "retry-after"));
                let ReplyBody::Text(text) = &reply.body else {
                    panic!("{reply:?}")
                };
                let json = json::value(text);
                assert_eq!(json["id"], "l");
                Err((
                    reply.status.as_u16(),
                    json["error"]["code"].as_i64().unwrap(),
                ))
            }
        }
    }

    fn open(&self, listener: &Listener) -> Stream {
        self.try_open(listener)
            .unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    fn publish(&self, publication: &Publication) {
        self.host.invoke();
        self.hub
            .publish(publication)
            .now_or_never()
            .expect("nobody has to be waited for")
            .expect("the store works");
    }

    fn join(&self, object: &str, expires: u64) {
        assert_eq!(
            self.hub.join(object, &QuotaSubject::default(), expires),
            Ok(None)
        );
    }

    /// The objects that were notified since the last call.
    fn told(&self) -> Vec<String> {
        self.host
            .told
            .take()
            .into_iter()
            .map(|(object, _)| object)
            .collect()
    }

    fn pass(&self, milliseconds: u64) {
        self.runtime.set_time(self.runtime.now() + milliseconds);
        if self.host.take_due_alarm() {
            self.host.invoke();
            self.hub
                .wake()
                .now_or_never()
                .expect("nobody has to be waited for")
                .expect("the store works");
        }
    }
}

fn listener(user: Option<&str>) -> Listener {
    Listener {
        id: RequestId::from_json("\"l\"").unwrap(),
        grant: None,
        counted: QuotaSubject {
            user: user.map(str::to_owned),
            origin: None,
        },
        ends: None,
        wanted: SubscriptionFilter {
            changes: vec![Change::Tools, Change::Resource("test://a".to_owned())],
            tasks: vec!["t".to_owned()],
        },
    }
}

fn tools() -> Publication {
    Publication::of(&Change::Tools)
}
