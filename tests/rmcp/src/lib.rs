//! The demo server, used through the official Rust SDK. `DEMO_URL` says where its `/mcp` is, and `FIXTURE_URL` where that of
//! the conformance fixtures is.
#![cfg(test)]

mod bodies;
mod sessions;
mod sign_in;
mod stateless;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, Implementation, ProgressNotificationParam,
    ReadResourceRequestParams, ResourceContents, ResourceUpdatedNotificationParam,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, RequestContext, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

const COUNTER: &str = "mcp://resource/counter";
const LIMIT: Duration = Duration::from_secs(20);

/// A client that fills in the form for a table, and writes down what it is told.
#[derive(Clone, Default)]
struct Guest {
    knows_tasks: bool,
    progress: Arc<Mutex<Vec<f64>>>,
    updates: Arc<Mutex<Vec<String>>>,
    updated: Arc<Notify>,
}

impl ClientHandler for Guest {
    fn get_info(&self) -> rmcp::model::ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        if self.knows_tasks {
            let tasks = rmcp::model::TASKS_EXTENSION_ID.to_owned();
            capabilities.extensions = Some([(tasks, serde_json::Map::new())].into());
        }
        rmcp::model::ClientConfig::new(capabilities, Implementation::new("rmcp-tests", "1.0.0"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams {
            message,
            requested_schema,
            ..
        } = request
        else {
            panic!("not a form: {request:?}");
        };
        assert_eq!(message, "A table at Luigi's:");
        let schema = serde_json::to_value(requested_schema).unwrap();
        assert_eq!(schema["properties"]["people"]["type"], "integer");
        Ok(ElicitResult::new(ElicitationAction::Accept)
            .with_content(json!({ "people": 3, "outside": true })))
    }

    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.progress.lock().unwrap().push(told.progress);
    }

    async fn on_resource_updated(
        &self,
        told: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.updates.lock().unwrap().push(told.uri);
        self.updated.notify_one();
    }
}

type Connected = RunningService<RoleClient, Guest>;

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("an answer in time")
}

/// Connects to the server whose URL is in that variable.
async fn connect_to(server: &str, guest: Guest, lifecycle: ClientLifecycleMode) -> Connected {
    let url =
        std::env::var(server).unwrap_or_else(|_| panic!("{server} is the URL of a server's /mcp"));
    let transport = StreamableHttpClientTransport::from_uri(url);
    within(guest.serve_with_lifecycle(transport, lifecycle))
        .await
        .expect("a connection")
}

fn call(name: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(arguments.as_object().unwrap().clone())
}

async fn result(client: &Connected, name: &'static str, arguments: Value) -> CallToolResult {
    within(client.call_tool(call(name, &arguments)))
        .await
        .unwrap()
}

fn text_of(result: &CallToolResult) -> &str {
    assert_ne!(result.is_error, Some(true), "{result:?}");
    &result.content[0].as_text().unwrap().text
}

async fn text(client: &Connected, name: &'static str, arguments: Value) -> String {
    let result = result(client, name, arguments).await;
    assert_eq!(result.content.len(), 1, "{result:?}");
    text_of(&result).to_owned()
}

async fn read(client: &Connected, uri: &str) -> String {
    let result = within(client.read_resource(ReadResourceRequestParams::new(uri)))
        .await
        .unwrap();
    match result.contents.as_slice() {
        [ResourceContents::TextResourceContents { text, .. }] => text.clone(),
        other => panic!("{other:?}"),
    }
}
