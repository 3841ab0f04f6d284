//! Log messages to the client (2025-11-25, Logging).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;
use super::extract::{Extract, Rejection, Signature};
use super::peer::About;

/// Severity, by RFC 5424, least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For whoever debugs the server.
    Debug,
    /// What goes on.
    Info,
    /// Worth a look.
    Notice,
    /// Something looks wrong.
    Warning,
    /// Something failed.
    Error,
    /// Something that others need failed.
    Critical,
    /// Somebody has to act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// What a client gets that never set a level.
    pub const DEFAULT: Self = Self::Info;
}

/// Sends log messages to the client, next to the call they belong to.
///
/// A server with a handler that takes `Log` declares the `logging` capability; messages below the level that the client
/// set are not sent.
///
/// ```
/// use durable_mcp::prelude::*;
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
        if level < peer.log_level() {
            return;
        }
        let data = serde_json::to_value(data).unwrap_or(Value::Null);
        let params = serde_json::json!({ "level": level, "data": data });
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
