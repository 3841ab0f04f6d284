//! Notices from the hub to a session, and from a session to all.

use durable_core::keys::Keys;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_worker::hub::{ClientNetwork, QuotaSubject, user_tag};
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::transport::internal_headers;

use super::*;
use crate::support::object::Answer;

async fn change(notify: Notify) {
    notify.tools_changed();
    notify.resource_updated("test://plain");
    notify.resource_updated("test://total");
}

fn announcing() -> Server {
    server()
        .tool("change", "", change)
        .prompt("p", "", async || "said")
        .resource("plain", "test://plain", async || "plain")
}

fn subscribe(rig: &Rig, uri: &str) {
    assert_eq!(
        rig.post(request(1, "resources/subscribe", &json!({ "uri": uri })))
            .answer()
            .status,
        200
    );
}

/// The hub tells the object that something was published.
fn tell(rig: &Rig, about: &str) -> u16 {
    let answer: Answer = rig
        .send(
            Method::POST,
            &[(internal_headers::TRANSPORT, "notice")],
            Ok(about.to_owned()),
        )
        .answer();
    assert_eq!(answer.text, "");
    answer.status
}

/// The methods and URIs of what came on a stream.
fn heard(rig: &Rig, tag: &str) -> Vec<String> {
    let said = |message: Value| {
        let uri = message["params"]["uri"]
            .as_str()
            .map(|uri| format!(" {uri}"))
            .unwrap_or_default();
        assert_eq!(message.get("id"), None, "{message}");
        format!("{}{uri}", message["method"].as_str().unwrap())
    };
    rig.messages(tag).into_iter().map(said).collect()
}

const ALL: [&str; 4] = ["tools", "prompts", "resources", "resource test://plain"];

#[test]
fn a_published_change_reaches_the_stream_of_a_listening_client() {
    let rig = Rig::new(announcing());
    let stream = rig.get(None);
    heard(&rig, &stream);
    for about in ALL {
        assert_eq!(tell(&rig, about), 202, "{about}");
    }
    let lists =
        ["tools", "prompts", "resources"].map(|list| format!("notifications/{list}/list_changed"));
    assert_eq!(
        heard(&rig, &stream),
        lists,
        "nobody subscribed to the resource"
    );
    subscribe(&rig, "test://plain");
    assert_eq!(tell(&rig, "resource test://plain"), 202);
    assert_eq!(tell(&rig, "resource test://other"), 202);
    assert_eq!(
        heard(&rig, &stream),
        ["notifications/resources/updated test://plain"]
    );
}

#[test]
fn a_published_change_reaches_the_stream_of_http_with_sse() {
    let rig = Rig::over_sse(announcing());
    let stream = rig.get(None);
    let hello = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" } });
    assert_eq!(
        rig.post(request(0, "initialize", &hello)).answer().status,
        202
    );
    assert_eq!(
        rig.post(request(
            1,
            "resources/subscribe",
            &json!({ "uri": "test://plain" })
        ))
        .answer()
        .status,
        202
    );
    rig.messages(&stream);
    for about in ["tools", "resource test://plain", "resource test://other"] {
        assert_eq!(tell(&rig, about), 202, "{about}");
    }
    let expected = [
        "notifications/tools/list_changed",
        "notifications/resources/updated test://plain",
    ];
    assert_eq!(heard(&rig, &stream), expected);
    rig.hang_up(&stream);
    assert_eq!(tell(&rig, "tools"), 410);
}

#[test]
fn a_published_change_is_answered_410_where_nobody_listens() {
    let rig = Rig::new(announcing());
    for about in ALL {
        assert_eq!(tell(&rig, about), 410, "{about}");
    }
    assert!(rig.host.memory().is_empty(), "it is not kept");
    let stream = rig.get(None);
    assert_eq!(tell(&rig, "tools"), 202);
    assert_eq!(rig.delete().status, 204);
    assert!(rig.is_closed(&stream));
    assert_eq!(tell(&rig, "tools"), 410);
}

#[test]
fn a_published_change_waits_for_a_client_that_lost_its_stream() {
    let rig = Rig::new(announcing());
    let stream = rig.get(None);
    assert_eq!(tell(&rig, "tools"), 202);
    let (text, _) = rig.host.read(&stream);
    let last = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .next_back()
        .unwrap()
        .to_owned();
    rig.hang_up(&stream);
    assert_eq!(tell(&rig, "prompts"), 202);
    let again = rig.get(Some(&last));
    assert_eq!(heard(&rig, &again), ["notifications/prompts/list_changed"]);
}

#[test]
fn a_session_joins_the_hub_once_a_stream_if_its_server_publishes() {
    let rig = Rig::new(announcing());
    rig.ping();
    assert_eq!(
        rig.host.listens_until.take(),
        None,
        "without a stream there is nobody to tell"
    );
    rig.get(None);
    assert_eq!(rig.host.listens_until.take(), Some(rig.now() + MAX_AGE_MS));
    rig.get(None);
    assert_eq!(rig.host.listens_until.take(), None);
    rig.restart();
    let stream = rig.get(None);
    assert!(rig.host.listens_until.take().is_some());
    rig.hang_up(&stream);
    rig.get(None);
    assert!(rig.host.listens_until.take().is_some());
    let over_sse = Rig::over_sse(announcing());
    over_sse.get(None);
    assert!(over_sse.host.listens_until.take().is_some());
    for quiet in [Rig::new(server()), Rig::over_sse(server())] {
        quiet.get(None);
        assert_eq!(quiet.host.listens_until.take(), None);
    }
}

#[test]
fn a_session_leaves_the_hub_when_its_client_can_no_longer_resume() {
    let rig = Rig::new(announcing());
    let stream = rig.get(None);
    assert_eq!(tell(&rig, "?"), 202, "somebody listens");
    rig.hang_up(&stream);
    assert_eq!(rig.host.left.take(), Some(rig.now() + RESUME_MS));
    assert_eq!(tell(&rig, "?"), 410);
    rig.get(None);
    assert_eq!(rig.delete().status, 204);
    assert_eq!(rig.host.left.take(), Some(0));
    let over_sse = Rig::over_sse(announcing());
    let stream = over_sse.get(None);
    over_sse.hang_up(&stream);
    assert_eq!(over_sse.host.left.take(), Some(0));
    let idle = Rig::new(announcing());
    idle.text("increment", &json!({ "by": 1 }));
    idle.get(None);
    idle.advance(IDLE_MS + 1);
    assert_eq!(
        idle.host.left.take(),
        Some(0),
        "it ends with an idle session"
    );
    let quiet = Rig::new(server());
    let stream = quiet.get(None);
    quiet.hang_up(&stream);
    assert_eq!(quiet.host.left.take(), None);
}

#[test]
fn a_listening_session_is_counted_by_network_or_by_user() {
    let rig = Rig::new(announcing());
    rig.send(
        Method::GET,
        &[("cf-connecting-ip", "192.0.2.1")],
        Ok(String::new()),
    )
    .opens_socket();
    let counted = rig.host.counted.take();
    let origin = ClientNetwork::of(&Keys::from_secret("k"), "192.0.2.1");
    assert_eq!(
        QuotaSubject::parse(&counted),
        Some(QuotaSubject { user: None, origin })
    );
    let ann = Caller {
        subject: Some("ann".to_owned()),
        ..Caller::default()
    };
    let rig = Rig::new(announcing());
    let headers = [
        ("cf-connecting-ip", "192.0.2.1"),
        (
            internal_headers::CALLER,
            &*internal_headers::encode(&ann).unwrap(),
        ),
    ];
    rig.send(Method::GET, &headers, Ok(String::new()))
        .opens_socket();
    let counted = rig.host.counted.take();
    assert_eq!(
        QuotaSubject::parse(&counted),
        Some(QuotaSubject {
            user: user_tag(&ann),
            origin: None
        })
    );
}

#[test]
fn a_stream_is_refused_by_a_full_hub_and_not_by_an_absent_one() {
    for (joined, expected) in [
        (Ok(Some(429)), Some((429, -32000))),
        (Ok(Some(503)), Some((503, -32603))),
    ] {
        let rig = Rig::new(announcing());
        let open = rig.get(None);
        rig.hang_up(&open);
        *rig.host.joined.borrow_mut() = joined;
        let refused = rig.try_get(None).unwrap_err();
        assert!(
            refused
                .headers
                .iter()
                .any(|(name, value)| *name == "retry-after" && value == "60")
        );
        let (status, code) = expected.unwrap();
        refused.refuses(status, code, Value::Null);
        let over_sse = Rig::over_sse(announcing());
        *over_sse.host.joined.borrow_mut() = rig.host.joined.borrow().clone();
        assert_eq!(over_sse.try_get(None).unwrap_err().status, status);
    }
    let rig = Rig::new(announcing());
    *rig.host.joined.borrow_mut() = Err(RuntimeError("the hub is away".to_owned()));
    rig.get(None);
    assert_eq!(rig.host.warnings.borrow().len(), 1);
}

#[test]
fn a_sessions_change_reaches_its_client_once_and_others_by_the_hub() {
    let rig = Rig::new(announcing());
    let stream = rig.get(None);
    heard(&rig, &stream);
    for uri in ["test://plain", "test://total"] {
        subscribe(&rig, uri);
    }
    rig.post(call(2, "change", &none())).answer();
    let own = [
        "notifications/tools/list_changed",
        "notifications/resources/updated test://plain",
        "notifications/resources/updated test://total",
    ];
    assert_eq!(heard(&rig, &stream), own);
    let published = rig.host.published.take();
    let about: Vec<_> = published
        .iter()
        .map(|publication| publication.about.as_str())
        .collect();
    assert_eq!(
        about,
        ["tools", "resource test://plain"],
        "a session's state is nobody else's business"
    );
    for Publication { user, except, .. } in &published {
        assert_eq!(
            (user, except.as_deref()),
            (&None, Some("a1".repeat(32).as_str()))
        );
    }
}

#[test]
fn a_sessions_change_is_published_even_if_its_client_does_not_listen() {
    let rig = Rig::new(announcing());
    rig.post(call(2, "change", &none())).answer();
    assert_eq!(rig.host.published.borrow().len(), 2);
}
