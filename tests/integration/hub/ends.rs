//! Ends of streams: with the token of their client, with its grant, or with the version that opened them.

use durable_core::wire::{ReplyBody, RuntimeError};
use durable_mcp_worker::hub::Listener;
use durable_mcp_worker::testing::doubles::host::START;
use serde_json::json;

use super::{Rig, Stream, listener, methods, tools};

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
