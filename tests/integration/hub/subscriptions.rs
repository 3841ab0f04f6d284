//! Requests that open a stream: their filters, and the changes that reach it.

use durable_mcp::prelude::*;
use serde_json::{Value, json};

use super::{acknowledged, announcing, change, listen, methods, quiet};
use crate::support::front::{Front, refusal};
use crate::support::json;

/// Everything that one can listen for.
fn everything() -> Value {
    json!({
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": ["test://a", "test://b?session=x"],
    })
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
    assert_eq!(
        durable_mcp_worker::hub::HubHost::count(&*front.hub, None),
        0
    );
}
