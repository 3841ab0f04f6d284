//! Calls that go on when their request is over (extension `io.modelcontextprotocol/tasks`).

use crate::context::Context;
use crate::error::Error;
use crate::extract::{Extract, Rejection, Signature};

/// Cases in which a tool runs as a task (2025-11-25, Tasks, `execution.taskSupport`). A client that does not declare the extension
/// waits for the result of a tool for which tasks are optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskSupport {
    /// Never.
    #[default]
    Forbidden,
    /// For clients that know tasks.
    Optional,
    /// Always: clients that do not know tasks are refused.
    Required,
}

/// Default lifetime of a task and its result from its beginning on, in seconds: long enough for a client that was closed over
/// lunch.
pub const DEFAULT_TTL_SECONDS: u64 = 2 * 3600;

/// Has the rest of a call run as a task.
///
/// A tool that is [registered as one](crate::tool::Tool::task_optional) runs as a task from its beginning, and its questions are the
/// task's. One that takes `Task` begins in the ordinary way, can ask the client what it needs to know, and becomes a task
/// where it says so: there the request is answered, and the handler runs **once more from its beginning** where it can go
/// on. See [`Client`](crate::client::Client#what-runs-twice) for what that means.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Deserialize, JsonSchema)]
/// struct Sure { sure: bool }
///
/// async fn rebuild(client: Client, task: Task) -> Result<String, ToolError> {
///     let answer = client.elicit::<Sure>("sure", "Rebuild all of it?").await?;
///     if !matches!(answer, Elicited::Accepted(Sure { sure: true })) {
///         return Ok("Nothing was rebuilt.".into());
///     }
///     task.begin().await?;
///     // What takes long.
///     Ok("Rebuilt.".into())
/// }
/// # let _ = Server::new("s", "1").tool("rebuild", "Rebuild the index", rebuild);
/// ```
#[derive(Debug)]
pub struct Task(Context);

impl Task {
    /// From here on the call is a task, if its client knows tasks.
    ///
    /// # Errors
    /// When it cannot become one.
    pub async fn begin(&self) -> Result<(), Error> {
        self.0.peer().detach().await
    }
}

impl Extract for Task {
    fn describe(signature: &mut Signature) {
        signature.becomes_task = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}
