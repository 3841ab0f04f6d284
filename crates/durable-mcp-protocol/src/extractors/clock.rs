//! [`Clock`], the extractor of the time and of timers.

use std::time::Duration;

use crate::context::Context;
use crate::extract::{Extract, Rejection};

/// The clock of a call. In a Worker it is the runtime's; a `TestClient` of `durable-mcp` has one that jumps to the next timer, so a
/// test of a tool that waits is done at once.
///
/// ```
/// use std::time::Duration;
/// # use durable_mcp_protocol::prelude::*;
/// async fn patient(clock: Clock) -> &'static str {
///     clock.sleep(Duration::from_secs(5)).await;
///     "done"
/// }
/// # let _ = Server::new("s", "1").tool("patient", "Wait", patient);
/// ```
#[derive(Debug)]
pub struct Clock(Context);

impl Clock {
    /// Waits, by whole milliseconds and no shorter than for `time`. After no time at all others have run, too.
    pub async fn sleep(&self, time: Duration) {
        let mut left = time.as_nanos().div_ceil(1_000_000);
        loop {
            // The runtime counts in 31 bits: 24 days.
            let part = i32::try_from(left).unwrap_or(i32::MAX).unsigned_abs();
            self.0.peer().sleep(part).await;
            left -= u128::from(part);
            if left == 0 {
                return;
            }
        }
    }

    /// The time in milliseconds since 1970. In a Worker it stands still while nothing is waited for.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.0.peer().now()
    }
}

impl Extract for Clock {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}
