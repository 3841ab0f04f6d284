//! Which of the transports a request belongs to.

use crate::mcp::version::ProtocolVersion;

/// The header in which a client of 2025-06-18 or newer repeats the negotiated version.
pub const VERSION_HEADER: &str = "mcp-protocol-version";

/// A transport of the `initialize` eras, as the Worker tells it to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP, 2025-03-26 and newer.
    Streamable,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

impl Transport {
    /// Its word in the internal header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Streamable => "streamable",
            Self::Sse => "sse",
        }
    }
}

/// Whether a version header may stay as it is: it is absent, or names a version that is served (2025-11-25,
/// Transports, "Protocol Version Header"). It need not be the session's: clients were seen to send their newest.
#[must_use]
pub fn is_served(version: Option<&str>) -> bool {
    version.is_none_or(|version| ProtocolVersion::parse(version.trim()).is_some())
}
