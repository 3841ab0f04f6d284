//! The demo server, used through the official Rust SDK. `DEMO_URL` says where its `/mcp` is.
#![cfg(test)]

mod sign_in;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, GetPromptRequestParams, Implementation, ProgressNotificationParam, ProtocolVersion,
    ReadResourceRequestParams, Request, ResourceContents, ResourceUpdatedNotificationParam, SubscribeRequestParams,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, PeerRequestOptions, RequestContext, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientHandler, ErrorData, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

const COUNTER: &str = "mcp://resource/counter";
const LIMIT: Duration = Duration::from_secs(20);

/// A client that fills in the form for a table, and writes down what it is told.
#[derive(Clone, Default)]
struct Guest {
    progress: Arc<Mutex<Vec<f64>>>,
    updates: Arc<Mutex<Vec<String>>>,
    updated: Arc<Notify>,
}

impl ClientHandler for Guest {
    fn get_info(&self) -> rmcp::model::ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        rmcp::model::ClientConfig::new(capabilities, Implementation::new("rmcp-tests", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } = request else {
            panic!("not a form: {request:?}");
        };
        assert_eq!(message, "A table at Luigi's:");
        let schema = serde_json::to_value(requested_schema).unwrap();
        assert_eq!(schema["properties"]["people"]["type"], "integer");
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "people": 3, "outside": true })))
    }

    async fn on_progress(&self, told: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.lock().unwrap().push(told.progress);
    }

    async fn on_resource_updated(&self, told: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        self.updates.lock().unwrap().push(told.uri);
        self.updated.notify_one();
    }
}

type Connected = RunningService<RoleClient, Guest>;

fn transport() -> StreamableHttpClientTransport<impl rmcp::transport::streamable_http_client::StreamableHttpClient> {
    let url = std::env::var("DEMO_URL").expect("DEMO_URL is the demo server's /mcp");
    StreamableHttpClientTransport::from_uri(url)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("an answer in time")
}

async fn connect() -> Connected {
    within(Guest::default().serve(transport())).await.expect("a session")
}

fn call(name: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(arguments.as_object().unwrap().clone())
}

async fn text(client: &Connected, name: &'static str, arguments: Value) -> String {
    let result = within(client.call_tool(call(name, &arguments))).await.unwrap();
    assert_ne!(result.is_error, Some(true), "{result:?}");
    assert_eq!(result.content.len(), 1);
    result.content[0].as_text().unwrap().text.clone()
}

async fn read(client: &Connected, uri: &str) -> String {
    let result = within(client.read_resource(ReadResourceRequestParams::new(uri))).await.unwrap();
    match result.contents.as_slice() {
        [ResourceContents::TextResourceContents { text, .. }] => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_connects_lists_and_calls() {
    let client = connect().await;
    let server = client.peer_info().expect("the server introduced itself");
    assert_eq!(server.protocol_version, ProtocolVersion::V_2025_11_25);
    assert!(server.capabilities.tools.is_some() && server.capabilities.resources.is_some());

    let tools = within(client.list_all_tools()).await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    for name in ["add", "calculate", "increment", "whoami", "countdown", "book_table"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let add = tools.iter().find(|tool| tool.name == "add").unwrap();
    assert_eq!(add.input_schema["properties"]["a"]["type"], "number");
    assert_eq!(add.annotations.as_ref().and_then(|hints| hints.read_only_hint), Some(true));
    assert_eq!(text(&client, "add", json!({ "a": 2, "b": 3.5 })).await, "5.5");

    let wrong = within(client.call_tool(call("add", &json!({ "a": "two", "b": 3 })))).await.unwrap();
    assert_eq!(wrong.is_error, Some(true));
    assert!(wrong.content[0].as_text().unwrap().text.contains("`a`"), "{wrong:?}");
    assert!(within(client.call_tool(call("no_such_tool", &json!({})))).await.is_err());
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn each_client_has_a_state_of_its_own() {
    let (one, other) = (connect().await, connect().await);
    assert_eq!(text(&one, "increment", json!({ "by": 5 })).await, "Added 5, total is now 5");
    assert_eq!(text(&one, "increment", json!({})).await, "Added 1, total is now 6");
    assert_eq!(read(&one, COUNTER).await, "6");
    assert_eq!(read(&other, COUNTER).await, "0");
    one.cancel().await.unwrap();
    other.cancel().await.unwrap();
}

#[tokio::test]
async fn progress_comes_before_the_result() {
    let client = connect().await;
    let request =
        ClientRequest::CallToolRequest(Request::new(call("countdown", &json!({ "steps": 3, "delay_ms": 30 }))));
    let handle = within(client.send_cancellable_request(request, PeerRequestOptions::no_options())).await.unwrap();
    let answer = within(handle.await_response()).await.unwrap();
    assert!(serde_json::to_string(&answer).unwrap().contains("Lift-off!"), "{answer:?}");
    assert_eq!(*client.service().progress.lock().unwrap(), [1.0, 2.0, 3.0]);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_tool_asks_its_user() {
    let client = connect().await;
    let booked = text(&client, "book_table", json!({ "restaurant": "Luigi's" })).await;
    assert_eq!(booked, "Booked a table outside for 3 at Luigi's.");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn resources_prompts_and_completion_are_there() {
    let client = connect().await;
    assert_eq!(read(&client, "greeting://french/Ren%C3%A9").await, "Bonjour, René!");
    let templates = within(client.list_all_resource_templates()).await.unwrap();
    assert_eq!(templates[0].uri_template, "greeting://{language}/{name}");
    let arguments = json!({ "name": "Ann", "language": "german" }).as_object().unwrap().clone();
    let prompt =
        within(client.get_prompt(GetPromptRequestParams::new("greet").with_arguments(arguments))).await.unwrap();
    assert!(serde_json::to_string(&prompt.messages).unwrap().contains("Hallo"), "{prompt:?}");
    let values = within(client.complete_prompt_simple("greet", "language", "fr")).await.unwrap();
    assert_eq!(values, ["french"]);
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_change_is_told_on_the_sessions_own_stream() {
    let client = connect().await;
    #[expect(deprecated, reason = "this is how sessions of 2025 subscribe")]
    within(client.subscribe(SubscribeRequestParams::new(COUNTER))).await.unwrap();
    // The SDK opens the stream on its own after the handshake, and does not say when it is through.
    for round in 1.. {
        assert!(round < 50, "no change was told");
        text(&client, "increment", json!({})).await;
        if timeout(Duration::from_millis(200), client.service().updated.notified()).await.is_ok() {
            break;
        }
    }
    assert!(client.service().updates.lock().unwrap().iter().all(|uri| uri == COUNTER));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_client_that_tries_the_newest_lifecycle_first_finds_its_way() {
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    let client = within(Guest::default().serve_with_lifecycle(transport(), lifecycle)).await.expect("a session");
    assert_eq!(text(&client, "add", json!({ "a": 1, "b": 1 })).await, "2");
    client.cancel().await.unwrap();
}
