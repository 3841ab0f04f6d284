//! Clients of 2025-11-25, in a session.

use std::time::Duration;

use rmcp::model::{ProtocolVersion, SubscribeRequestParams};
use rmcp::service::ClientLifecycleMode;
use serde_json::json;
use tokio::time::timeout;

use crate::{COUNTER, Connected, Guest, bodies, connect_to, read, text, within};

async fn connect() -> Connected {
    connect_to(
        "DEMO_URL",
        Guest::default(),
        ClientLifecycleMode::Initialize,
    )
    .await
}

#[tokio::test]
async fn rmcp_connects_lists_and_calls_in_a_session() {
    bodies::list_and_call(connect().await, ProtocolVersion::V_2025_11_25).await;
}

#[tokio::test]
async fn progress_comes_before_the_result() {
    bodies::get_progress_before_the_result(connect().await).await;
}

#[tokio::test]
async fn a_tool_asks_its_user() {
    bodies::answer_what_a_tool_asks(connect().await).await;
}

#[tokio::test]
async fn resources_prompts_and_completion_work() {
    bodies::read_complete_and_prompt(connect().await).await;
}

#[tokio::test]
async fn each_client_has_a_state_of_its_own() {
    let (one, other) = (connect().await, connect().await);
    assert_eq!(
        text(&one, "increment", json!({ "by": 5 })).await,
        "Added 5, total is now 5"
    );
    assert_eq!(
        text(&one, "increment", json!({})).await,
        "Added 1, total is now 6"
    );
    assert_eq!(read(&one, COUNTER).await, "6");
    assert_eq!(read(&other, COUNTER).await, "0");
    one.cancel().await.unwrap();
    other.cancel().await.unwrap();
}

#[tokio::test]
async fn a_change_arrives_on_the_get_stream_of_the_session() {
    let client = connect().await;
    #[expect(deprecated, reason = "this is how sessions of 2025 subscribe")]
    within(client.subscribe(SubscribeRequestParams::new(COUNTER)))
        .await
        .unwrap();
    // The SDK opens the stream on its own after the handshake, and does not say when it is through.
    for round in 1.. {
        assert!(round < 50, "no change was told");
        text(&client, "increment", json!({})).await;
        if timeout(
            Duration::from_millis(200),
            client.service().updated.notified(),
        )
        .await
        .is_ok()
        {
            break;
        }
    }
    assert!(
        client
            .service()
            .updates
            .lock()
            .unwrap()
            .iter()
            .all(|uri| uri == COUNTER)
    );
    client.cancel().await.unwrap();
}
