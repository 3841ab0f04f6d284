//! The handshake of every version before 2026-07-28.

use serde::Serialize;
use serde_json::Value;

use crate::capabilities::ClientCapabilities;
use crate::context::ClientInfo;
use crate::error::Error;
use crate::jsonrpc::{Params, to_json};
use crate::server::{Info, Server};
use crate::version::ProtocolVersion;

/// The method's name.
pub const METHOD: &str = "initialize";

/// The notification with which a client says that it has read the answer.
pub const INITIALIZED: &str = "notifications/initialized";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult<'a> {
    protocol_version: &'static str,
    capabilities: Value,
    server_info: &'a Info,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}

impl Params {
    /// The client's version, as its `initialize` says, for people to read.
    #[must_use]
    pub fn client_version(&self) -> Option<String> {
        self.fields()
            .object("clientInfo")
            .ok()?
            .optional_text("version")
            .ok()?
    }
}

impl Server {
    /// Answers `initialize`: what is known of the client from now on, and the result as JSON. Nothing is kept.
    ///
    /// # Errors
    /// −32602 when the parameters are wrong.
    pub fn initialize(&self, params: &Params) -> Result<(ClientInfo, String), Error> {
        let fields = params.fields();
        let version = ProtocolVersion::negotiate(&fields.text("protocolVersion")?);
        let client = ClientInfo {
            version,
            capabilities: ClientCapabilities::read(&fields.object("capabilities")?)?,
            name: fields
                .object("clientInfo")?
                .optional_text("name")?
                .unwrap_or_default(),
        };
        let result = InitializeResult {
            protocol_version: version.as_str(),
            capabilities: self.capabilities(version),
            server_info: &self.info,
            instructions: self.instructions.as_deref(),
        };
        Ok((client, to_json(&result)))
    }
}
