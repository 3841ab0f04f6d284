//! A state that counts.

use durable_mcp::prelude::*;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) total: i64,
}

pub(crate) async fn increment(counter: Session<Counter>) -> Result<String, ToolError> {
    Ok(counter.update(|counter| {
        counter.total += 1;
        counter.total.to_string()
    })?)
}
