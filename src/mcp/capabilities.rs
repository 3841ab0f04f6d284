//! What a client can do, as far as this server asks.

use super::error::Error;
use super::fields::Fields;

/// The parts of a client's capabilities that decide what may be asked of it (2025-11-25, Lifecycle, "Capability
/// Negotiation"). They travel inside the session id, which is why they are bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientCapabilities(u8);

impl ClientCapabilities {
    /// `elicitation`, by a form.
    pub const ELICITATION_FORM: Self = Self(1);
    /// `elicitation.url`.
    pub const ELICITATION_URL: Self = Self(1 << 1);
    /// `sampling`.
    pub const SAMPLING: Self = Self(1 << 2);
    /// `sampling.tools`.
    pub const SAMPLING_TOOLS: Self = Self(1 << 3);
    /// `roots`.
    pub const ROOTS: Self = Self(1 << 4);

    const ALL: u8 = 0b1_1111;

    /// The bits of one byte; unknown ones are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL)
    }

    /// All of them as one byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every capability of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads the capabilities that a client declares.
    pub(crate) fn read(declared: &Fields<'_>) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut add = |present: bool, capability| {
            if present {
                found = found.and(capability);
            }
        };
        let (elicitation, sampling) = (declared.object("elicitation")?, declared.object("sampling")?);
        // Before 2025-11-25 there were only forms, and an empty object still means them.
        let form = elicitation.has("form") || !elicitation.has("url");
        add(declared.has("elicitation") && form, Self::ELICITATION_FORM);
        add(elicitation.has("url"), Self::ELICITATION_URL);
        add(declared.has("sampling"), Self::SAMPLING);
        add(sampling.has("tools"), Self::SAMPLING_TOOLS);
        add(declared.has("roots"), Self::ROOTS);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> ClientCapabilities {
        ClientCapabilities::read(&Fields::parse(json).unwrap()).unwrap()
    }

    #[test]
    fn an_empty_elicitation_means_forms() {
        assert_eq!(read(r#"{"elicitation":{}}"#), ClientCapabilities::ELICITATION_FORM);
        assert_eq!(read(r#"{"elicitation":{"url":{}}}"#), ClientCapabilities::ELICITATION_URL);
        let both = ClientCapabilities::ELICITATION_FORM.and(ClientCapabilities::ELICITATION_URL);
        assert_eq!(read(r#"{"elicitation":{"form":{},"url":{}}}"#), both);
    }

    #[test]
    fn capabilities_survive_the_byte_they_travel_in() {
        let all = read(r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{},"more":1}"#);
        assert_eq!(ClientCapabilities::from_bits(all.bits()), all);
        assert!(all.has(ClientCapabilities::SAMPLING_TOOLS) && all.has(ClientCapabilities::ROOTS));
        assert!(!read("{}").has(ClientCapabilities::ROOTS));
    }
}
