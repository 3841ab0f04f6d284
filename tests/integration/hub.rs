//! Listening streams, and the notices that they get.

mod many;
mod quotas;

use std::rc::Rc;

use durable_mcp::hub::{
    ASK_AGAIN_MS, ClientNetwork, Hub, JOINED_MS, Listener, MAX_LISTENERS, MAX_LISTENERS_A_NETWORK,
    MAX_LISTENERS_A_SITE, MAX_LISTENERS_A_USER, MAX_STRANGERS, QuotaExceeded, QuotaSubject,
    SESSIONS_A_TURN, SubscriptionFilter, user_tag,
};
use durable_mcp::keys::Keys;
use durable_mcp::mcp::change::Change;
use durable_mcp::mcp::jsonrpc::RequestId;
use durable_mcp::prelude::*;
use durable_mcp::runtime::Runtime;
use durable_mcp::session::notice::Notice;
use durable_mcp::wire::{ReplyBody, RuntimeError};
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::support::front::{Front, refusal};
use crate::support::json;
use crate::support::object::Exchange;
use durable_mcp::testing::doubles::host::{FakeHost, START};
use durable_mcp::testing::doubles::hub_host::FakeHubHost;

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

/// Everything that one can listen for.
fn everything() -> Value {
    json!({
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": ["test://a", "test://b?session=x"],
    })
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

#[test]
fn a_subscription_stream_begins_with_the_honoured_filter() {
    let all = everything();
    for (server, wanted, honoured) in [
        (announcing(), all.clone(), all.clone()),
        (
            announcing(),
            json!({ "toolsListChanged": true }),
            json!({ "toolsListChanged": true }),
        ),
        (
            announcing(),
            json!({ "toolsListChanged": false, "resourceSubscriptions": [], "more": true }),
            json!({}),
        ),
        (announcing(), json!({ "toolsListChanged": null }), json!({})),
        (announcing(), json!({}), json!({})),
        (quiet(), all.clone(), json!({})),
        (
            Server::new("s", "1").tool("change", "", change),
            all,
            json!({ "toolsListChanged": true }),
        ),
    ] {
        let front = Front::new(server);
        assert_eq!(acknowledged(&listen(&front, &wanted)), honoured, "{wanted}");
    }
}

#[test]
fn a_subscription_without_a_valid_filter_is_refused() {
    let front = Front::new(announcing());
    for params in [
        json!({}),
        json!({ "notifications": null }),
        json!({ "notifications": true }),
        json!({ "notifications": { "resourceSubscriptions": "test://a" } }),
        json!({ "notifications": { "resourceSubscriptions": [1] } }),
        json!({ "notifications": { "resourceSubscriptions": ["test://a\nresource test://b"] } }),
        json!({ "notifications": { "taskIds": {} } }),
        json!({ "notifications": { "toolsListChanged": "yes" } }),
        json!({ "notifications": { "promptsListChanged": "true" } }),
        json!({ "notifications": { "resourcesListChanged": 1 } }),
        json!({ "notifications": { "toolsListChanged": true, "promptsListChanged": [] } }),
        json!({ "notifications": { "resourceSubscriptions": ["x".repeat(20_000)] } }),
    ] {
        let (status, code, _) = refusal(&front.ask("subscriptions/listen", &params).answer());
        assert_eq!((status, code), (400, -32602), "{params}");
    }
    let tasks = front
        .ask(
            "subscriptions/listen",
            &json!({ "notifications": { "taskIds": ["t"] } }),
        )
        .answer();
    let (status, code, _) = refusal(&tasks);
    assert_eq!((status, code), (400, -32021));
    let required = json!({ "requiredCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } } });
    assert_eq!(tasks.json()["error"]["data"], required);
}

#[test]
fn a_change_reaches_the_streams_that_subscribed_to_it() {
    let front = Front::new(announcing());
    let streams = [
        (
            json!({ "toolsListChanged": true }),
            vec!["notifications/tools/list_changed"],
        ),
        (
            json!({ "promptsListChanged": true }),
            vec!["notifications/prompts/list_changed"],
        ),
        (
            json!({ "resourcesListChanged": true }),
            vec!["notifications/resources/list_changed"],
        ),
        (
            json!({ "resourceSubscriptions": ["test://a", "test://b"] }),
            vec!["notifications/resources/updated"],
        ),
        (
            json!({ "resourceSubscriptions": ["test://b", "test://a/b", "test://"] }),
            vec![],
        ),
        (json!({}), vec![]),
    ];
    let open: Vec<_> = streams
        .iter()
        .map(|(filter, _)| listen(&front, filter))
        .collect();
    for stream in &open {
        acknowledged(stream);
    }
    assert_eq!(front.text("change", &json!({})), "changed");
    front.deliver();
    for (stream, (filter, expected)) in open.iter().zip(&streams) {
        let read = stream.read();
        assert_eq!(
            (methods(&read.messages()), read.ended),
            (expected.clone(), false),
            "{filter}"
        );
    }
}

#[test]
fn every_message_of_a_stream_carries_the_id_of_its_request() {
    let front = Front::new(announcing());
    let (headers, body) = front.written(
        "subscriptions/listen",
        &json!({ "notifications": everything() }),
    );
    for id in [json!(1), json!("1"), json!("listen:\n0"), json!(-7)] {
        let body = json::value(&body).as_object().map(|body| {
            let mut body = body.clone();
            body.insert("id".to_owned(), id.clone());
            Value::Object(body).to_string()
        });
        let stream = front.send(http::Method::POST, &headers, body.unwrap());
        front.text("change", &json!({}));
        front.deliver();
        let messages = stream.read().messages();
        assert_eq!(messages.len(), 5);
        for message in messages {
            assert_eq!(
                message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id,
                "{message}"
            );
        }
    }
}

#[test]
fn a_stream_whose_client_hung_up_is_no_longer_counted() {
    let front = Front::new(announcing());
    let stream = listen(&front, &everything());
    acknowledged(&stream);
    stream.hang_up();
    front.text("change", &json!({}));
    front.deliver();
    assert_eq!(front.hub.alarm(), None);
    assert_eq!(durable_mcp::hub::HubHost::count(&*front.hub, None), 0);
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

    fn publish(&self, notice: &Notice) {
        self.host.invoke();
        self.hub
            .publish(notice)
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

fn tools() -> Notice {
    Notice::of(&Change::Tools)
}

fn of_task(id: &str, user: Option<&str>) -> Notice {
    Notice {
        about: format!("task {id}"),
        method: "notifications/tasks".to_owned(),
        params: json!({ "taskId": id }).to_string(),
        user: user.map(str::to_owned),
        except: None,
    }
}

#[test]
fn a_change_for_one_user_reaches_the_streams_of_that_user_alone() {
    let rig = Rig::new();
    let [mut ann, mut windows, mut bob, mut nobody] =
        [Some("ann"), Some("ann"), Some("bob"), None].map(|user| rig.open(&listener(user)));
    let own = Notice {
        user: Some("ann".to_owned()),
        ..Notice::of(&Change::Resource("test://a".to_owned()))
    };
    rig.publish(&own);
    assert_eq!(
        [&mut ann, &mut windows, &mut bob, &mut nobody].map(Stream::heard),
        [1, 1, 0, 0]
    );
    rig.publish(&tools());
    assert_eq!(
        [&mut ann, &mut windows, &mut bob, &mut nobody].map(Stream::heard),
        [1, 1, 1, 1]
    );
}

#[test]
fn a_user_tag_reveals_nothing_of_the_user() {
    let tag = |subject: &str| {
        user_tag(&Caller {
            subject: Some(subject.to_owned()),
            ..Caller::default()
        })
        .unwrap()
    };
    assert_eq!(tag("ann"), tag("ann"));
    assert_ne!(tag("ann"), tag("bob"));
    assert!(tag("ann").len() == 22 && !tag("ann@example.com").contains("ann"));
    assert_eq!(user_tag(&Caller::default()), None);
}

#[test]
fn the_status_of_a_task_reaches_its_subscribers() {
    let rig = Rig::new();
    let [mut ann, mut bob] = [Some("ann"), Some("bob")].map(|user| rig.open(&listener(user)));
    rig.host
        .sessions
        .borrow_mut()
        .insert("s".to_owned(), START + 1);
    rig.publish(&of_task("t", Some("ann")));
    rig.publish(&of_task("u", Some("ann")));
    let (messages, _) = ann.read();
    assert_eq!(methods(&messages), ["notifications/tasks"]);
    assert_eq!(messages[0]["params"]["taskId"], "t");
    assert_eq!(bob.heard(), 0);
    rig.publish(&of_task("t", None));
    assert_eq!((ann.heard(), bob.heard()), (1, 1));
    assert_eq!(rig.told(), [""; 0], "sessions know no tasks");
}

#[test]
fn a_session_without_a_stream_is_notified_while_its_client_may_resume() {
    let rig = Rig::new();
    rig.join("a", START + 100_000);
    rig.hub.leave("a", START + 1_000).unwrap();
    rig.hub.leave("unknown", START + 1_000).unwrap();
    rig.publish(&tools());
    assert_eq!(rig.told(), ["a"]);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("a".to_owned(), Ok(false));
    rig.pass(1_000);
    assert!(rig.host.sessions.borrow().is_empty());
}

#[test]
fn a_session_is_checked_after_a_day_and_again_if_it_cannot_answer() {
    let rig = Rig::new();
    for object in ["cut off", "failing", "here"] {
        rig.join(object, START + 30 * JOINED_MS);
    }
    let outcomes = [
        ("cut off", Ok(false)),
        ("failing", Err(RuntimeError("overloaded".to_owned()))),
    ];
    rig.host
        .outcomes
        .borrow_mut()
        .extend(outcomes.map(|(object, outcome)| (object.to_owned(), outcome)));
    rig.pass(JOINED_MS);
    assert!(
        rig.host
            .told
            .take()
            .iter()
            .all(|(_, notice)| Notice::is_question(&notice.about))
    );
    assert_eq!(
        rig.host
            .sessions
            .borrow()
            .keys()
            .cloned()
            .collect::<Vec<_>>(),
        ["failing", "here"]
    );
    assert_eq!(*rig.runtime.warnings.borrow(), ["overloaded"]);
    assert_eq!(rig.host.alarm(), Some(rig.runtime.now() + ASK_AGAIN_MS));
    rig.host
        .outcomes
        .borrow_mut()
        .insert("failing".to_owned(), Ok(false));
    rig.pass(ASK_AGAIN_MS);
    assert_eq!(
        rig.host
            .sessions
            .borrow()
            .keys()
            .cloned()
            .collect::<Vec<_>>(),
        ["here"]
    );
}

#[test]
fn a_change_of_a_stateless_state_reaches_streams_and_no_session() {
    let rig = Rig::new();
    rig.join("s", START + 1000);
    let mut stream = rig.open(&listener(None));
    rig.publish(&Notice::of(&Change::Resource("test://a".to_owned())).for_no_session());
    assert_eq!((stream.heard(), rig.told()), (1, Vec::new()));
}

#[test]
fn a_stream_ends_with_the_token_of_its_client_and_says_so() {
    let rig = Rig::new();
    let [mut first, mut second, mut endless] =
        [Some(START + 1000), Some(START + 3000), None].map(|ends| {
            rig.open(&Listener {
                ends,
                ..listener(Some("ann"))
            })
        });
    assert_eq!(rig.host.alarm(), Some(START + 1000));
    rig.pass(999);
    rig.publish(&tools());
    assert_eq!(
        [&mut first, &mut second, &mut endless].map(Stream::heard),
        [1, 1, 1]
    );
    rig.pass(1);
    let meta = json!({ "io.modelcontextprotocol/subscriptionId": "l" });
    let (messages, ended) = first.read();
    assert!(ended);
    assert_eq!(methods(&messages[..1]), ["notifications/cancelled"]);
    assert_eq!(
        (
            &messages[0]["params"]["requestId"],
            &messages[0]["params"]["_meta"]
        ),
        (&json!("l"), &meta)
    );
    assert_eq!(
        messages[1],
        json!({ "jsonrpc": "2.0", "id": "l", "result": { "resultType": "complete", "_meta": meta } })
    );
    assert_eq!(messages.len(), 2);
    rig.publish(&tools());
    assert_eq!([&mut second, &mut endless].map(Stream::heard), [1, 1]);
    assert_eq!(rig.host.alarm(), Some(START + 3000));
    rig.pass(2000);
    assert!(second.read().1 && !endless.read().1);
    assert_eq!(rig.host.alarm(), None);
}

#[test]
fn streams_of_an_ended_grant_are_closed_and_new_ones_refused() {
    let rig = Rig::new();
    let of = |grant: Option<&str>| Listener {
        grant: grant.map(str::to_owned),
        ..listener(Some("ann"))
    };
    let [mut first, mut second, mut other, mut none] =
        [Some("g"), Some("g"), Some("h"), None].map(|grant| rig.open(&of(grant)));
    rig.hub.end_grant("g", START + 1000).unwrap();
    for stream in [&mut first, &mut second] {
        let (messages, ended) = stream.read();
        assert_eq!(
            (methods(&messages[..1]), messages.len(), ended),
            (vec!["notifications/cancelled"], 2, true)
        );
    }
    rig.publish(&tools());
    assert_eq!((other.heard(), none.heard()), (1, 1));
    let Err(refused) = rig.hub.open(&of(Some("g"))) else {
        panic!("a stream of an ended grant was opened")
    };
    assert_eq!(refused.status.as_u16(), 401);
    assert!(
        refused
            .headers
            .iter()
            .any(|(name, value)| *name == "www-authenticate" && value.contains("invalid_token"))
    );
    assert_eq!(rig.host.alarm(), Some(START + 1000));
    rig.pass(1000);
    assert_eq!(
        (rig.host.alarm(), rig.host.notes()),
        (None, 0),
        "nothing is kept of it"
    );
}

#[test]
fn a_failed_lookup_of_a_grant_refuses_the_stream_as_unavailable() {
    let rig = Rig::new();
    rig.host
        .fault
        .replace(Some(RuntimeError("storage fails".to_owned())));
    let Err(refused) = rig.hub.open(&Listener {
        grant: Some("g".to_owned()),
        ..listener(Some("ann"))
    }) else {
        panic!("a stream was opened")
    };
    assert_eq!(refused.status.as_u16(), 503);
    let ReplyBody::Text(json) = &refused.body else {
        panic!("{refused:?}")
    };
    assert!(
        json.contains("could not look up the access") && json.contains("-32603"),
        "{json}"
    );
    assert_eq!(*rig.runtime.warnings.borrow(), ["storage fails"]);
}

#[test]
fn a_change_reaches_all_joined_sessions_but_its_origin() {
    let rig = Rig::new();
    for object in ["a", "b", "c"] {
        rig.join(object, START + 1000);
    }
    rig.join("a", START + 1000);
    rig.publish(&Notice {
        except: Some("b".to_owned()),
        ..tools()
    });
    assert_eq!(rig.told(), ["a", "c"]);
    rig.publish(&Notice {
        user: Some("ann".to_owned()),
        ..tools()
    });
    assert_eq!(
        rig.told(),
        [""; 0],
        "what concerns a user concerns no session"
    );
}

#[test]
fn sessions_without_listeners_are_forgotten_unreachable_ones_kept() {
    let rig = Rig::new();
    for object in ["away", "failing", "here"] {
        rig.join(object, START + 1000);
    }
    let outcomes = [
        ("away", Ok(false)),
        ("failing", Err(RuntimeError("overloaded".to_owned()))),
    ];
    rig.host
        .outcomes
        .borrow_mut()
        .extend(outcomes.map(|(object, outcome)| (object.to_owned(), outcome)));
    let mut stream = rig.open(&listener(None));
    rig.publish(&tools());
    assert_eq!(rig.told(), ["away", "failing", "here"]);
    rig.publish(&tools());
    assert_eq!(rig.told(), ["failing", "here"]);
    assert_eq!(stream.heard(), 2);
    assert_eq!(*rig.runtime.warnings.borrow(), ["overloaded", "overloaded"]);
}

#[test]
fn an_expired_session_without_listeners_is_forgotten() {
    let rig = Rig::new();
    rig.join("a", START + 1000);
    rig.join("b", START + 2000);
    rig.join("a", START + 3000);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("b".to_owned(), Ok(false));
    rig.pass(2000);
    assert_eq!(rig.told(), ["b"]);
    rig.publish(&tools());
    assert_eq!(rig.told(), ["a"]);
    rig.pass(999);
    assert_eq!(rig.host.sessions.borrow().len(), 1);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("a".to_owned(), Ok(false));
    rig.pass(1);
    assert_eq!(rig.told(), ["a"]);
    assert!(rig.host.sessions.borrow().is_empty());
    assert_eq!(rig.host.alarm(), None);
}

#[test]
fn a_stream_of_another_version_is_closed_without_a_message() {
    for remembered in [
        "",
        "\"l\"",
        "\"l\"\n- never\ntools",
        "\"l\"\n- 0\ntools\nonly me",
    ] {
        let rig = Rig::new();
        let mut stream = rig.open(&listener(None));
        rig.host.rewrite(remembered);
        rig.publish(&tools());
        assert_eq!(stream.read(), (Vec::new(), true), "{remembered}");
        let mut stream = rig.open(&Listener {
            ends: Some(START + 1),
            ..listener(None)
        });
        rig.host.rewrite(remembered);
        rig.pass(1);
        assert_eq!(stream.read(), (Vec::new(), true), "{remembered}");
    }
}
