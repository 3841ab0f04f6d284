//! Log messages to the client (2025-11-25, Logging).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::extract::{Extract, Rejection, Signature};
use crate::jsonrpc::to_json;
use crate::peer::About;

/// Severity, by RFC 5424, least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Details for debugging.
    Debug,
    /// Normal operation.
    Info,
    /// Normal, but significant.
    Notice,
    /// Warning conditions.
    Warning,
    /// Error conditions.
    Error,
    /// Critical conditions, such as the failure of a component.
    Critical,
    /// Action must be taken immediately.
    Alert,
    /// The system is unusable.
    Emergency,
}

impl LogLevel {
    /// Level of a client that never set one.
    pub const DEFAULT: Self = Self::Info;

    const ALL: [(Self, &str); 8] = [
        (Self::Debug, "debug"),
        (Self::Info, "info"),
        (Self::Notice, "notice"),
        (Self::Warning, "warning"),
        (Self::Error, "error"),
        (Self::Critical, "critical"),
        (Self::Alert, "alert"),
        (Self::Emergency, "emergency"),
    ];

    /// The level of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, own)| *own == name)
            .map(|(level, _)| level)
    }

    /// The level's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(level, _)| *level == self)
            .map_or("info", |(_, name)| name)
    }
}

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
