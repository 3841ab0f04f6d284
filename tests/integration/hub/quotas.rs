//! Limits of listening streams, per user, per network and in total.

use durable_core::keys::Keys;
use durable_mcp_worker::hub::{
    ClientNetwork, MAX_LISTENERS, MAX_LISTENERS_A_NETWORK, MAX_LISTENERS_A_SITE,
    MAX_LISTENERS_A_USER, MAX_STRANGERS, QuotaExceeded,
};

use super::*;
use crate::support::front::refusal;

#[test]
fn the_number_of_streams_is_limited_with_a_reserve_for_users() {
    let rig = Rig::new();
    let mut strangers: Vec<_> = (1..MAX_STRANGERS)
        .map(|_| rig.host.accept(&listener(None), "{}"))
        .collect();
    strangers.push(rig.open(&listener(None)).0);
    assert_eq!(rig.try_open(&listener(None)).err(), Some((503, -32603)));
    let user = |number: usize| listener(Some(&format!("user {}", number / MAX_LISTENERS_A_USER)));
    let mut users: Vec<_> = (1..MAX_LISTENERS - MAX_STRANGERS)
        .map(|number| rig.host.accept(&user(number), "{}"))
        .collect();
    users.push(rig.open(&listener(Some("ann"))).0);
    assert_eq!(
        rig.try_open(&listener(Some("bob"))).err(),
        Some((503, -32603))
    );
    strangers.pop();
    rig.open(&listener(Some("bob")));
}

#[test]
fn streams_of_one_user_are_limited_without_affecting_others() {
    let rig = Rig::new();
    let mut open: Vec<_> = (0..MAX_LISTENERS_A_USER)
        .map(|_| rig.open(&listener(Some("ann"))))
        .collect();
    assert_eq!(
        rig.try_open(&listener(Some("ann"))).err(),
        Some((429, -32000))
    );
    let more: Vec<_> = [Some("bob"), None]
        .into_iter()
        .map(|user| rig.open(&listener(user)))
        .collect();
    let anonymous: Vec<_> = (0..=MAX_LISTENERS_A_USER)
        .map(|_| rig.open(&listener(None)))
        .collect();
    open.pop();
    rig.open(&listener(Some("ann")));
    drop((more, anonymous));
}

/// A client at that address, without a user.
fn from(address: &str) -> QuotaSubject {
    QuotaSubject {
        user: None,
        origin: Some(ClientNetwork::of(&Keys::from_secret("k"), address).expect("an address")),
    }
}

fn listener_from(address: &str) -> Listener {
    Listener {
        counted: from(address),
        ..listener(None)
    }
}

#[test]
fn streams_of_one_address_are_limited_without_affecting_others() {
    let rig = Rig::new();
    let mut open: Vec<_> = (0..MAX_LISTENERS_A_NETWORK)
        .map(|_| rig.open(&listener_from("192.0.2.1")))
        .collect();
    for _ in 0..5 {
        assert_eq!(
            rig.try_open(&listener_from("192.0.2.1")).err(),
            Some((429, -32000))
        );
    }
    let more: Vec<_> = ["192.0.2.2", "2001:db8::1"]
        .map(|address| rig.open(&listener_from(address)))
        .into();
    rig.open(&listener(Some("ann")));
    open.pop();
    rig.open(&listener_from("192.0.2.1"));
    drop(more);
}

#[test]
fn streams_of_one_ipv6_subnet_and_of_one_site_are_limited() {
    let rig = Rig::new();
    let mut open = Vec::new();
    for subnet in 0..MAX_LISTENERS_A_SITE / MAX_LISTENERS_A_NETWORK {
        for host in 0..MAX_LISTENERS_A_NETWORK {
            open.push(rig.open(&listener_from(&format!("2001:db8:0:{subnet:x}::{host:x}"))));
        }
        let one_more = listener_from(&format!("2001:db8:0:{subnet:x}::ffff"));
        assert_eq!(rig.try_open(&one_more).err(), Some((429, -32000)));
    }
    assert_eq!(
        rig.try_open(&listener_from("2001:db8:0:ffff::1")).err(),
        Some((429, -32000))
    );
    rig.open(&listener_from("2001:db8:1::1"));
}

#[test]
fn joined_sessions_of_one_address_are_limited_until_they_leave() {
    let rig = Rig::new();
    let join = |number: usize, address: &str| {
        rig.hub
            .join(&format!("{number:03}"), &from(address), START + 1000)
    };
    for number in 0..MAX_LISTENERS_A_NETWORK {
        assert_eq!(join(number, "192.0.2.1"), Ok(None));
    }
    assert_eq!(join(900, "192.0.2.1"), Ok(Some(QuotaExceeded::Own)));
    assert_eq!(
        join(7, "192.0.2.1"),
        Ok(None),
        "one that is told already stays so"
    );
    assert_eq!(join(901, "192.0.2.2"), Ok(None));
    rig.hub.leave("007", 0).unwrap();
    assert_eq!(join(900, "192.0.2.1"), Ok(None));
    assert_eq!(
        rig.host.sessions.borrow().len(),
        MAX_LISTENERS_A_NETWORK + 1
    );
}

/// A request to listen, from a client at that address.
fn listen_from(front: &Front, address: &str) -> Exchange {
    let (mut headers, body) =
        front.written("subscriptions/listen", &json!({ "notifications": {} }));
    headers.push(("cf-connecting-ip", address.to_owned()));
    front.send(http::Method::POST, &headers, body)
}

#[test]
fn stateless_streams_are_counted_by_the_address_that_the_worker_sees() {
    let front = Front::new(announcing());
    let mut open: Vec<_> = (0..MAX_LISTENERS_A_NETWORK)
        .map(|_| listen_from(&front, "192.0.2.1"))
        .collect();
    assert_eq!(acknowledged(open.last().unwrap()), json!({}));
    let (status, code, _) = refusal(&listen_from(&front, "192.0.2.1").answer());
    assert_eq!((status, code), (429, -32000));
    let elsewhere = listen_from(&front, "192.0.2.2");
    assert_eq!(acknowledged(&elsewhere), json!({}));
    open.pop().unwrap().hang_up();
    assert_eq!(acknowledged(&listen_from(&front, "192.0.2.1")), json!({}));
}

#[test]
fn uris_and_tasks_of_one_stream_are_limited() {
    const MOST: usize = 256;
    let front = Front::new(announcing()).knowing_tasks();
    for kind in ["resourceSubscriptions", "taskIds"] {
        let filter = |count: usize| json!({ kind: (0..count).map(|at| format!("test://{at}")).collect::<Vec<_>>() });
        let heard = acknowledged(&listen(&front, &filter(MOST)));
        assert_eq!(
            heard["resourceSubscriptions"]
                .as_array()
                .map_or(MOST, Vec::len),
            MOST
        );
        let refused = listen(&front, &filter(MOST + 1)).answer();
        assert_eq!(
            refusal(&refused),
            (400, -32602, refused.json()["id"].clone()),
            "{kind}"
        );
        assert!(
            refused.text.contains("256 URIs and 256 task ids"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_filter_is_limited_by_its_length_with_repetitions() {
    let front = Front::new(announcing());
    let filter = |count: usize| json!({ "resourceSubscriptions": vec!["test://a"; count] });
    assert_eq!(
        acknowledged(&listen(&front, &filter(5_000))),
        json!({ "resourceSubscriptions": ["test://a"] })
    );
    let (status, code, _) = refusal(&listen(&front, &filter(10_000)).answer());
    assert_eq!((status, code), (400, -32602));
}
