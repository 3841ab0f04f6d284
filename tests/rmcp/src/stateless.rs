//! Clients of 2026-07-28, without sessions.

use std::time::Duration;

use rmcp::model::{
    CallToolResponse, CallToolResult, CancelTaskParams, ClientRequest, CreateTaskResult,
    GetTaskParams, InputRequest, ProtocolVersion, Request, ServerNotification, SubscriptionFilter,
    TaskPayload, UpdateTaskParams,
};
use rmcp::service::{ClientLifecycleMode, PeerRequestOptions, ServiceError, SubscriptionEnd};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    COUNTER, Connected, Guest, bodies, call, connect_to, read, result, text, text_of, within,
};

fn discover() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    }
}

async fn connect() -> Connected {
    connect_to("DEMO_URL", Guest::default(), discover()).await
}

#[tokio::test]
async fn rmcp_connects_lists_and_calls_without_a_session() {
    bodies::list_and_call(connect().await, ProtocolVersion::V_2026_07_28).await;
}

#[tokio::test]
async fn a_client_that_tries_the_newest_lifecycle_first_uses_it() {
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    let client = connect_to("DEMO_URL", Guest::default(), lifecycle).await;
    assert_eq!(
        client.peer_info().unwrap().protocol_version,
        ProtocolVersion::V_2026_07_28
    );
    assert_eq!(text(&client, "add", json!({ "a": 1, "b": 1 })).await, "2");
    client.cancel().await.unwrap();
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

/// The name that an answer gives to the state it began.
fn begun(result: &CallToolResult) -> String {
    let told = &result.content.last().unwrap().as_text().unwrap().text;
    told.split('"')
        .nth(1)
        .unwrap_or_else(|| panic!("no session in {told}"))
        .to_owned()
}

#[tokio::test]
async fn a_state_continues_in_another_client_by_its_name() {
    let client = connect().await;
    let first = result(&client, "increment", json!({ "by": 5 })).await;
    assert_eq!(text_of(&first), "Added 5, total is now 5");
    let session = begun(&first);
    client.cancel().await.unwrap();
    let later = connect().await;
    assert_eq!(
        text(&later, "increment", json!({ "session": session })).await,
        "Added 1, total is now 6"
    );
    assert_eq!(
        read(&later, &format!("{COUNTER}?session={session}")).await,
        "6"
    );
    assert_eq!(
        text_of(&result(&later, "increment", json!({})).await),
        "Added 1, total is now 1"
    );
    later.cancel().await.unwrap();
}

#[tokio::test]
async fn a_change_reaches_a_subscription() {
    let client = connect().await;
    let session = begun(&result(&client, "increment", json!({})).await);
    let uri = format!("{COUNTER}?session={session}");
    let wanted = SubscriptionFilter::builder()
        .resource_subscription(&uri)
        .build();
    let mut subscription = within(client.listen(wanted.clone())).await.unwrap();
    assert_eq!(*subscription.acknowledged(), wanted);
    text(&client, "increment", json!({ "session": session })).await;
    match within(subscription.next()).await.unwrap() {
        Some(ServerNotification::ResourceUpdatedNotification(told)) => {
            assert_eq!(told.params.uri, uri)
        }
        other => panic!("{other:?}"),
    }
    within(subscription.cancel()).await.unwrap();
    assert!(matches!(
        subscription.end(),
        Some(SubscriptionEnd::Cancelled)
    ));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn marked_arguments_are_repeated_in_headers() {
    let client = connect_to("FIXTURE_URL", Guest::default(), discover()).await;
    // Only of tools whose schemas it has seen. Without the headers the server would refuse the call.
    within(client.list_all_tools()).await.unwrap();
    let given = json!({ "region": "Köln", "shard": 7, "dry_run": true, "text": null });
    let got: Value =
        serde_json::from_str(&text(&client, "test_x_mcp_header", given.clone()).await).unwrap();
    assert_eq!(got, given);
    client.cancel().await.unwrap();
}

/// That the server notices is seen in its log.
#[tokio::test]
async fn a_call_can_be_cancelled() {
    let client = connect().await;
    let request = Request::new(call("countdown", &json!({ "steps": 60, "delay_ms": 250 })));
    let options = PeerRequestOptions::no_options();
    let handle =
        within(client.send_cancellable_request(ClientRequest::CallToolRequest(request), options))
            .await;
    sleep(Duration::from_millis(300)).await;
    within(handle.unwrap().cancel(Some("enough".to_owned())))
        .await
        .unwrap();
    client.cancel().await.unwrap();
}

async fn begin(client: &Connected, name: &'static str, arguments: Value) -> CreateTaskResult {
    match within(client.call_tool_once(call(name, &arguments)))
        .await
        .unwrap()
    {
        CallToolResponse::Task(created) => created,
        other => panic!("no task: {other:?}"),
    }
}

/// Outcome of a task, with every question answered by the same form.
async fn outcome(client: &Connected, created: &CreateTaskResult, form: Value) -> TaskPayload {
    let id = &created.task.task_id;
    for _ in 0..20 {
        let told = within(client.get_task(GetTaskParams::new(id)))
            .await
            .unwrap()
            .task;
        if told.status().is_terminal() {
            return told.payload;
        }
        if let TaskPayload::InputRequired { input_requests } = told.payload {
            assert!(
                input_requests
                    .values()
                    .all(|request| matches!(request, InputRequest::Elicitation(_)))
            );
            let answer = json!({ "action": "accept", "content": form });
            let answers = input_requests
                .into_keys()
                .map(|key| (key, answer.clone()))
                .collect();
            within(client.update_task(UpdateTaskParams::new(id, answers)))
                .await
                .unwrap();
        }
        sleep(Duration::from_millis(
            created.task.poll_interval_ms.unwrap_or(100),
        ))
        .await;
    }
    panic!("the task does not end");
}

fn completed(payload: TaskPayload) -> CallToolResult {
    let TaskPayload::Completed { result } = payload else {
        panic!("{payload:?}")
    };
    serde_json::from_value(Value::Object(result)).unwrap()
}

#[tokio::test]
async fn a_report_is_written_as_a_task() {
    let client = connect_to(
        "DEMO_URL",
        Guest {
            knows_tasks: true,
            ..Guest::default()
        },
        discover(),
    )
    .await;
    let created = begin(&client, "write_report", json!({ "topic": "tea" })).await;
    let payload = outcome(&client, &created, json!({ "pages": 2 })).await;
    assert_eq!(text_of(&completed(payload)), "A report about tea, 2 pages.");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_task_ends_as_its_tool_fails_or_is_cancelled() {
    let client = connect_to(
        "FIXTURE_URL",
        Guest {
            knows_tasks: true,
            ..Guest::default()
        },
        discover(),
    )
    .await;
    let created = begin(&client, "failing_job", json!({})).await;
    assert_eq!(
        completed(outcome(&client, &created, json!({})).await).is_error,
        Some(true)
    );
    let created = begin(&client, "protocol_error_job", json!({})).await;
    match outcome(&client, &created, json!({})).await {
        TaskPayload::Failed { error } => assert_eq!(error["code"], -32603),
        other => panic!("{other:?}"),
    }
    let created = begin(&client, "slow_compute", json!({ "seconds": 60 })).await;
    within(client.cancel_task(CancelTaskParams::new(&created.task.task_id)))
        .await
        .unwrap();
    assert_eq!(
        outcome(&client, &created, json!({})).await,
        TaskPayload::Cancelled
    );
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_tool_available_only_as_a_task_needs_a_client_with_tasks() {
    let client = connect_to("FIXTURE_URL", Guest::default(), discover()).await;
    match within(client.call_tool(call("failing_job", &json!({})))).await {
        Err(ServiceError::McpError(error)) => assert_eq!(error.code.0, -32021, "{error:?}"),
        other => panic!("{other:?}"),
    }
    client.cancel().await.unwrap();
}
