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

pub(super) async fn increment(
    counter: Session<Counter>,
    Args(By { by }): Args<By>,
) -> Result<String, ToolError> {
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

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{Change, TestClient, json};

    use super::URI;
    use crate::tools::without_bindings;

    #[test]
    fn a_counter_keeps_its_total_between_calls() {
        for client in [
            TestClient::new(without_bindings()),
            TestClient::new(without_bindings()).stateless(),
        ] {
            let client = client.signed_in("ann", json!({}));
            assert_eq!(
                client.call("increment", json!({})).text(),
                "Added 1, total is now 1"
            );
            assert_eq!(
                client.call("increment", json!({ "by": 41 })).text(),
                "Added 41, total is now 42"
            );
            assert_eq!(client.read(URI).text(), "42");
        }
    }

    #[test]
    fn subscribers_of_the_counter_are_notified_of_changes() {
        for client in [
            TestClient::new(without_bindings()),
            TestClient::new(without_bindings()).stateless(),
        ] {
            let client = client.signed_in("ann", json!({}));
            client.call("increment", json!({}));
            assert_eq!(client.changes(), []);
            client.subscribe(URI);
            client.call("increment", json!({}));
            assert_eq!(client.changes(), [Change::Resource(URI.to_owned())]);
        }
    }
}
