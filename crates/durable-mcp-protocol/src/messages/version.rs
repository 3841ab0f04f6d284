//! Protocol versions, oldest first.

use std::fmt;

/// A version of the protocol.
///
/// The variants are ordered, so that a feature is asked for by comparison:
///
/// ```
/// use durable_mcp_protocol::ProtocolVersion;
/// assert!(ProtocolVersion::V2025_06_18 > ProtocolVersion::V2025_03_26);
/// ```
///
/// Versions have one of two lifecycles. Up to 2025-11-25 a client opens with `initialize`, which settles the version for a session.
/// Since 2026-07-28 there is neither `initialize` nor a session: each request names its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// HTTP+SSE; no audio, no annotations of tools.
    V2024_11_05,
    /// Streamable HTTP and JSON-RPC batches.
    V2025_03_26,
    /// Structured output, elicitation, resource links, titles; batches are gone.
    V2025_06_18,
    /// Icons, elicitation by URL, priming events on streams.
    V2025_11_25,
    /// Stateless: no sessions.
    V2026_07_28,
}

impl ProtocolVersion {
    /// Every version served, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The versions without sessions, oldest first.
    pub const STATELESS: [Self; 1] = [Self::V2026_07_28];

    /// The version that `initialize` offers a client that asks for one without sessions, or for one unknown here.
    pub const LATEST_WITH_SESSIONS: Self = Self::V2025_11_25;

    /// The version's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The version of that name, if it is served.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    /// The answer to a client that asks for `requested` (2025-11-25, Lifecycle, "Version Negotiation"): the same if it
    /// is served with sessions, else the newest of those.
    #[must_use]
    pub fn negotiate(requested: &str) -> Self {
        Self::parse(requested)
            .filter(|version| !version.is_stateless())
            .unwrap_or(Self::LATEST_WITH_SESSIONS)
    }

    /// True if this version is stateless.
    #[must_use]
    pub fn is_stateless(self) -> bool {
        self >= Self::V2026_07_28
    }

    /// True if a POST may hold an array of messages. Only 2025-03-26 has them: HTTP+SSE never did, and 2025-06-18 took them
    /// back.
    #[must_use]
    pub fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }

    /// True if a stream opens with an event that has an id and no data (SEP-1699). Older clients try to read it as JSON.
    #[must_use]
    pub fn primes_streams(self) -> bool {
        self == Self::V2025_11_25
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_version_is_echoed_and_an_unknown_one_becomes_the_newest() {
        for version in ProtocolVersion::ALL
            .into_iter()
            .filter(|version| !version.is_stateless())
        {
            assert_eq!(ProtocolVersion::negotiate(version.as_str()), version);
        }
        for other in ["2026-07-28", "1999-01-01", "", "2025-11-25 "] {
            assert_eq!(
                ProtocolVersion::negotiate(other),
                ProtocolVersion::V2025_11_25
            );
        }
    }

    #[test]
    fn protocol_versions_are_ordered_by_date() {
        assert!(ProtocolVersion::ALL.is_sorted());
        assert!(
            ProtocolVersion::ALL
                .map(ProtocolVersion::as_str)
                .is_sorted()
        );
    }
}
