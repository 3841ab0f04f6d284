//! The header with the version of the protocol.

use durable_mcp_protocol::ProtocolVersion;

/// The header in which a client repeats the version: since 2025-06-18 the one that `initialize` settled, since 2026-07-28
/// the one of the request.
pub const VERSION_HEADER: &str = "mcp-protocol-version";

/// True if a session's request may keep its version header: the header is absent, or names a version that is served
/// (2025-11-25, Transports, "Protocol Version Header"). It need not be the session's: clients were seen to send their newest.
#[must_use]
pub fn is_served(version: Option<&str>) -> bool {
    version.is_none_or(|version| ProtocolVersion::parse(version.trim()).is_some())
}

/// True if the header names a stateless version.
#[must_use]
pub fn names_stateless(version: Option<&str>) -> bool {
    version
        .and_then(|version| ProtocolVersion::parse(version.trim()))
        .is_some_and(ProtocolVersion::is_stateless)
}
