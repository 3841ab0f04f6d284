//! State that a session keeps, a resource that shows it, and a hook that tells of its changes.

use durable_mcp::prelude::*;

const URI: &str = "mcp://resource/counter";

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Counter {
    total: i64,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct By {
    /// How much to add
    #[serde(default = "one")]
    by: i64,
}

fn one() -> i64 {
    1
}

pub(super) async fn increment(counter: Session<Counter>, Args(By { by }): Args<By>) -> Result<String, ToolError> {
    let total = counter.update(|counter| {
        counter.total = counter.total.saturating_add(by);
        counter.total
    })?;
    Ok(format!("Added {by}, total is now {total}"))
}

pub(super) async fn counter(counter: Session<Counter>) -> Result<String, ToolError> {
    Ok(counter.get()?.total.to_string())
}

pub(super) async fn announce(notify: Notify) {
    notify.resource_updated(URI);
}
