//! The line that a request leaves in the operators' log. Notifications and a client's answers leave none.

use serde::Serialize;

/// One request. There are no arguments in it, no session id, nothing of the user's and no secret.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogLine {
    /// The kind of line.
    pub event: &'static str,
    /// The JSON-RPC method, `?` if there is none such; or the HTTP one and the path, where no message was read.
    pub method: String,
    /// The tool, prompt or resource that was asked for, if the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The negotiated protocol version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<&'static str>,
    /// `ok`, `tool_error`, `error`, `panic`, `cancelled` or `refused`.
    pub outcome: &'static str,
    /// The JSON-RPC error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Milliseconds. On Cloudflare the clock stands still while a Worker computes, so this is time spent waiting.
    pub ms: u64,
    /// Rows that this session wrote meanwhile.
    pub rows: u64,
}

impl LogLine {
    /// The line as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::mcp::jsonrpc::to_json(self)
    }
}
