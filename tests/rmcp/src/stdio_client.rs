//! A client of the official Rust SDK that starts a local program and speaks to it over stdio. Its argument is JSON; it prints what it
//! saw as JSON.

use std::collections::HashMap;
use std::error::Error;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, Implementation, ProgressNotificationParam,
    ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, NotificationContext, RequestContext};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::process::Command;

#[derive(Deserialize)]
struct Task {
    command: String,
    args: Vec<String>,
    env: HashMap<String, String>,
    mode: Mode,
    calls: Vec<Call>,
    /// Content for every form.
    answer: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Legacy,
    Auto,
}

#[derive(Deserialize)]
struct Call {
    name: String,
    arguments: Map<String, Value>,
}

struct Person {
    answer: Value,
    progress: Arc<Mutex<Vec<f64>>>,
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        ClientConfig::new(
            capabilities,
            Implementation::new("rmcp-stdio-client", "1.0.0"),
        )
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(self.answer.clone()))
    }

    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.progress.lock().unwrap().push(told.progress);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let task: Task = serde_json::from_str(&std::env::args().nth(1).ok_or("a task is missing")?)?;
    let mut command = Command::new(task.command);
    command.args(task.args).envs(task.env);
    let (program, _) = TokioChildProcess::builder(command)
        .stderr(Stdio::null())
        .spawn()?;
    let lifecycle = match task.mode {
        Mode::Legacy => ClientLifecycleMode::Initialize,
        Mode::Auto => ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::V_2025_11_25),
        },
    };
    let progress = Arc::<Mutex<Vec<f64>>>::default();
    let person = Person {
        answer: task.answer,
        progress: progress.clone(),
    };
    let client = person.serve_with_lifecycle(program, lifecycle).await?;
    let version = client
        .peer_info()
        .ok_or("the server did not introduce itself")?
        .protocol_version
        .clone();
    let tools: Vec<_> = client
        .list_all_tools()
        .await?
        .into_iter()
        .map(|tool| tool.name)
        .collect();
    let mut results = Vec::new();
    for Call { name, arguments } in task.calls {
        let result = client
            .call_tool(CallToolRequestParams::new(name).with_arguments(arguments))
            .await?;
        let texts = result.content.iter().filter_map(|block| block.as_text());
        results.push(texts.map(|block| block.text.clone()).collect::<Vec<_>>());
    }
    client.cancel().await?;
    let progress = progress.lock().unwrap().clone();
    println!(
        "{}",
        json!({ "version": version, "tools": tools, "results": results, "progress": progress })
    );
    Ok(())
}
