//! Life of a bridge: from the first line of the client to the end of the session.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::bridge::Bridge;
use crate::ending::{Signals, parent_ended};
use crate::event_loop::event_loop;
use crate::log::log_error;

/// Time for calls in flight after the client has gone. Hosts kill what is left after some seconds.
const TIME_FOR_CALLS: Duration = Duration::from_millis(1900);
/// Time for the DELETE of the session after that.
const TIME_FOR_DELETE: Duration = Duration::from_millis(800);
/// Time for all of that, and for a client that still reads: it has what is left.
const TIME_TO_END: Duration = Duration::from_millis(2900);

/// Runs a bridge until its client goes.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let Some(runtime) = event_loop() else {
        return ExitCode::FAILURE;
    };
    // Not dropped before the end: its tasks would end in the middle.
    let tasks = LocalSet::new();
    let outcome = tasks.block_on(&runtime, relay(arguments));
    if let Err(reason) = &outcome {
        log_error(reason);
    }
    // The thread of stdin waits for a line that may never come.
    std::process::exit(i32::from(outcome.is_err()));
}

/// Relays until the client goes: by the end of stdin, a signal, or its own end.
async fn relay(arguments: Arguments) -> Result<(), String> {
    let mut signals =
        Signals::listen().map_err(|error| format!("signals cannot be waited for: {error}"))?;
    let (bridge, lines) = Bridge::start(arguments)?;
    tokio::select! {
        () = Rc::clone(&bridge).relay(lines) => {}
        () = signals.next() => {}
        () = parent_ended() => {}
        () = bridge.output.closed() => {
            tokio::time::timeout(TIME_FOR_CALLS, bridge.remote.sign_in.settled()).await.ok();
            return Ok(());
        }
    }
    tokio::select! {
        () = end(&bridge) => {}
        () = signals.next() => {}
    }
    Ok(())
}

async fn end(bridge: &Bridge) {
    let until = Instant::now() + TIME_TO_END;
    let settled = tokio::time::timeout(TIME_FOR_CALLS, bridge.remote.sign_in.settled());
    let (_, ()) = tokio::join!(settled, bridge.finish(TIME_FOR_CALLS));
    // A server that does not answer keeps its session.
    tokio::time::timeout(TIME_FOR_DELETE, bridge.delete_session())
        .await
        .ok();
    let rest = async {
        tokio::join!(
            bridge.output.flush(),
            bridge.seen.saved(),
            bridge.remote.sign_in.settled()
        )
    };
    tokio::time::timeout_at(until, rest).await.ok();
}
