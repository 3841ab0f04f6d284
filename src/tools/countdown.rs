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

pub(super) async fn countdown(progress: Progress, Args(args): Args<Countdown>) -> Result<String, ToolError> {
    if args.steps > MAX_STEPS || args.delay_ms > 10_000 {
        return Err(ToolError::new("At most 60 `steps` of at most 10000 `delay_ms`."));
    }
    for step in 1..=args.steps {
        worker::Delay::from(Duration::from_millis(args.delay_ms.into())).await;
        progress.report(step, args.steps, format!("{} to go", args.steps - step));
    }
    Ok("Lift-off!".to_owned())
}
