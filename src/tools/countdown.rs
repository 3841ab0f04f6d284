//! A call that takes its time, reports its progress, and stops when it is cancelled.

use std::time::Duration;

use durable_mcp::prelude::*;

/// Longer waits would keep a connection open for nothing.
const MAX_STEPS: u32 = 60;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Countdown {
    /// How many steps, at most 60
    steps: u32,
    /// Milliseconds between them, at most 10000
    #[serde(default = "second")]
    delay_ms: u32,
}

fn second() -> u32 {
    1000
}

pub(super) async fn countdown(
    clock: Clock,
    progress: Progress,
    Args(args): Args<Countdown>,
) -> Result<String, ToolError> {
    if args.steps > MAX_STEPS || args.delay_ms > 10_000 {
        return Err(ToolError::new(
            "At most 60 `steps` of at most 10000 `delay_ms`.",
        ));
    }
    for step in 1..=args.steps {
        clock
            .sleep(Duration::from_millis(args.delay_ms.into()))
            .await;
        progress.report(step, args.steps, format!("{} to go", args.steps - step));
    }
    Ok("Lift-off!".to_owned())
}

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    #[test]
    fn a_countdown_reports_each_step() {
        let client = TestClient::new(without_bindings());
        assert_eq!(
            client.call("countdown", json!({ "steps": 3 })).text(),
            "Lift-off!"
        );
        let told: Vec<_> = client
            .progress()
            .into_iter()
            .filter_map(|step| step.message)
            .collect();
        assert_eq!(told, ["2 to go", "1 to go", "0 to go"]);
    }

    #[test]
    fn a_countdown_that_would_take_too_long_is_refused() {
        let client = TestClient::new(without_bindings());
        for arguments in [
            json!({ "steps": 61 }),
            json!({ "steps": 1, "delay_ms": 10_001 }),
        ] {
            assert!(
                client.call("countdown", &arguments).is_error(),
                "{arguments}"
            );
        }
        assert_eq!(client.progress(), []);
    }
}
