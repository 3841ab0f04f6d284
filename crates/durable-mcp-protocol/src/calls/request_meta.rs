//! The envelope of every request since 2026-07-28, which describes its client (2026-07-28, Basic, "`_meta`").

use serde_json::json;

use crate::capabilities::ClientCapabilities;
use crate::context::ClientInfo;
use crate::cut::{Cut, Quoted};
use crate::error::{Error, ErrorCode};
use crate::fields::{Fields, may_name};
use crate::jsonrpc::Params;
use crate::log_level::LogLevel;
use crate::version::ProtocolVersion;

/// Prefix of the envelope's keys.
pub const META: &str = "io.modelcontextprotocol";

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The client as a request describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMeta {
    /// The version that the request names; [`RequestMeta::check_version`] says whether that is served.
    pub version: String,
    /// The client's capabilities, for this request.
    pub capabilities: ClientCapabilities,
    /// Name of the client; empty if the request has none.
    pub name: String,
    /// The least severe log messages that the client wants; none if it wants no messages.
    pub log_level: Option<LogLevel>,
}

/// Returns the `_meta` of a message that names its protocol version there, by which it claims to be stateless.
fn claim(params: &Params) -> Option<Fields<'_>> {
    let meta = params
        .fields()
        .raw("_meta")
        .filter(|meta| may_name(meta, "protocolVersion"))?;
    Fields::parse(meta.get())
        .ok()
        .filter(|meta| meta.member(VERSION).is_some())
}

/// True if a message claims to be stateless, by a protocol version in its `_meta`.
#[must_use]
pub fn claims_version(params: &Params) -> bool {
    claim(params).is_some()
}

impl RequestMeta {
    /// Reads the envelope of a message; none if the message does not claim to be stateless.
    ///
    /// # Errors
    /// −32602 when something is missing or wrong.
    pub fn read(params: &Params) -> Result<Option<Self>, Error> {
        let Some(meta) = claim(params) else {
            return Ok(None);
        };
        let version = meta.text(VERSION)?;
        if !meta.has(CAPABILITIES) {
            return Err(Error::invalid_params(format!(
                "Invalid params: `{CAPABILITIES}` is missing in `_meta`."
            )));
        }
        let capabilities = ClientCapabilities::read(&meta.object(CAPABILITIES)?)?;
        let name = meta
            .object(CLIENT)?
            .optional_text("name")?
            .unwrap_or_default();
        let log_level = match meta.optional_text(LOG_LEVEL)? {
            Some(level) => Some(LogLevel::parse(&level).ok_or_else(|| {
                Error::invalid_params(format!(
                    "`{LOG_LEVEL}` is {}, which is no level of a log.",
                    Quoted(&level)
                ))
            })?),
            None => None,
        };
        Ok(Some(Self {
            version,
            capabilities,
            name,
            log_level,
        }))
    }

    /// Checks that requests of the version are served.
    ///
    /// # Errors
    /// −32022 with the versions that are (2026-07-28, Versioning).
    pub fn check_version(&self) -> Result<(), Error> {
        let served = ProtocolVersion::STATELESS.map(ProtocolVersion::as_str);
        if served.contains(&self.version.as_str()) {
            return Ok(());
        }
        let (requested, served_list) = (Quoted(&self.version), served.join(", "));
        let message = format!(
            "Version {requested} is not served without a session. Served are {served_list}."
        );
        let data = json!({ "supported": served, "requested": Cut(&self.version).to_string() });
        Err(Error::new(ErrorCode::UNSUPPORTED_VERSION, message).with_data(data))
    }

    /// The client, of a request whose version is served.
    #[must_use]
    pub fn client(&self) -> ClientInfo {
        let version = ProtocolVersion::parse(&self.version).unwrap_or(ProtocolVersion::V2026_07_28);
        ClientInfo {
            version,
            capabilities: self.capabilities,
            name: self.name.clone(),
        }
    }
}
