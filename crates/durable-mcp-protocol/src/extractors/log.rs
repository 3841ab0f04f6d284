//! Log messages to the client (2025-11-25, Logging).

use serde::Serialize;

use crate::context::Context;
use crate::extract::{Extract, Rejection, Signature};
use crate::jsonrpc::to_json;
use crate::log_level::LogLevel;
use crate::peer::About;

/// Sends log messages to the client, next to the call they belong to.
///
/// A server with a handler that takes `Log` declares the `logging` capability; messages below the level that the client
/// set are not sent, and none is since 2026-07-28 to a client that names no level with its request.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// async fn import(log: Log) -> &'static str {
///     log.warning("two rows were skipped");
///     "done"
/// }
/// # let _ = Server::new("s", "1").tool("import", "Import", import);
/// ```
#[derive(Debug)]
pub struct Log(Context);

impl Log {
    /// Sends `data`, any JSON, at `level`.
    pub fn send(&self, level: LogLevel, data: impl Serialize) {
        let peer = self.0.peer();
        if peer.log_level().is_none_or(|wanted| level < wanted) {
            return;
        }
        let params = format!(
            r#"{{"level":"{}","data":{}}}"#,
            level.as_str(),
            to_json(&data)
        );
        peer.notify(About::Call, "notifications/message", params);
    }

    /// Sends at level `debug`.
    pub fn debug(&self, data: impl Serialize) {
        self.send(LogLevel::Debug, data);
    }

    /// Sends at level `info`.
    pub fn info(&self, data: impl Serialize) {
        self.send(LogLevel::Info, data);
    }

    /// Sends at level `warning`.
    pub fn warning(&self, data: impl Serialize) {
        self.send(LogLevel::Warning, data);
    }

    /// Sends at level `error`.
    pub fn error(&self, data: impl Serialize) {
        self.send(LogLevel::Error, data);
    }
}

impl Extract for Log {
    fn describe(signature: &mut Signature) {
        signature.logs = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}
