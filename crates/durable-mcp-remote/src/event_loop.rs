//! The event loop of a command.

use tokio::runtime::{Builder, Runtime};

use crate::log::log_error;

/// An event loop on this thread. Where the system gives none, the log says so.
pub(crate) fn event_loop() -> Option<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .inspect_err(|error| log_error(&format!("the system gives no event loop: {error}")))
        .ok()
}
