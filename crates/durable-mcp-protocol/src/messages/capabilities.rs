//! The capabilities of a client, as far as this server asks for them.

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorCode};
use crate::fields::Fields;
use crate::version::ProtocolVersion;

/// The names of extensions (2026-07-28, Versioning, "Extension Negotiation").
pub mod extension {
    /// Calls that go on when their request is over.
    pub const TASKS: &str = "io.modelcontextprotocol/tasks";
    /// Tools that have a page of their own in the client.
    pub const UI: &str = "io.modelcontextprotocol/ui";
}

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

    /// The extension `io.modelcontextprotocol/tasks`.
    pub const TASKS: Self = Self(1 << 5);
    /// The extension `io.modelcontextprotocol/ui`.
    pub const UI: Self = Self(1 << 6);

    const ALL: u8 = 0b111_1111;

    /// The bits of one byte; unknown ones are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL)
    }

    /// The set as the bits of one byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The union of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True if every capability of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The capabilities that exist in a version. A client that declares forms before 2025-06-18 gets them in their first
    /// shape; other capabilities do not count before the version that introduced them.
    #[must_use]
    pub fn known_to(self, version: ProtocolVersion) -> Self {
        let later = |since: ProtocolVersion, capability: Self| {
            if version < since { capability.0 } else { 0 }
        };
        let unknown = later(ProtocolVersion::V2025_11_25, Self::ELICITATION_URL)
            | later(ProtocolVersion::V2025_11_25, Self::SAMPLING_TOOLS);
        Self(self.0 & !unknown)
    }

    /// Reads the capabilities that a client declares.
    ///
    /// # Errors
    /// `-32602` for a capability that is no object.
    pub fn read(declared: &Fields<'_>) -> Result<Self, Error> {
        let mut found = Self::default();
        let mut add = |present: bool, capability| {
            if present {
                found = found.and(capability);
            }
        };
        let (elicitation, sampling) = (
            declared.object("elicitation")?,
            declared.object("sampling")?,
        );
        // Before 2025-11-25 there were only forms, and an empty object still means them.
        let form = elicitation.has("form") || !elicitation.has("url");
        add(declared.has("elicitation") && form, Self::ELICITATION_FORM);
        add(elicitation.has("url"), Self::ELICITATION_URL);
        add(declared.has("sampling"), Self::SAMPLING);
        add(sampling.has("tools"), Self::SAMPLING_TOOLS);
        add(declared.has("roots"), Self::ROOTS);
        let extensions = declared.object("extensions")?;
        add(extensions.has(extension::TASKS), Self::TASKS);
        add(extensions.has(extension::UI), Self::UI);
        Ok(found)
    }

    /// The object that declares these capabilities.
    #[must_use]
    pub fn to_json(self) -> Value {
        let mut all = Map::new();
        let mut nest = |capability, path: &[&str]| {
            if self.has(capability) {
                let mut at = &mut all;
                for name in path {
                    let entry = at.entry((*name).to_owned()).or_insert_with(|| json!({}));
                    let Value::Object(object) = entry else { return };
                    at = object;
                }
            }
        };
        nest(Self::ELICITATION_FORM, &["elicitation", "form"]);
        nest(Self::ELICITATION_URL, &["elicitation", "url"]);
        nest(Self::SAMPLING, &["sampling"]);
        nest(Self::SAMPLING_TOOLS, &["sampling", "tools"]);
        nest(Self::ROOTS, &["roots"]);
        nest(Self::TASKS, &["extensions", extension::TASKS]);
        nest(Self::UI, &["extensions", extension::UI]);
        Value::Object(all)
    }
}

impl Error {
    /// The request needs what its client did not declare: −32021, with the capabilities that are missing.
    #[must_use]
    pub fn missing_capability(missing: ClientCapabilities) -> Self {
        let required = missing.to_json();
        let message = format!(
            "This needs a client that declares the capabilities {required}; yours did not."
        );
        let data = serde_json::json!({ "requiredCapabilities": required });
        Self::new(ErrorCode::MISSING_CAPABILITY, message).with_data(data)
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
        assert_eq!(
            read(r#"{"elicitation":{}}"#),
            ClientCapabilities::ELICITATION_FORM
        );
        assert_eq!(
            read(r#"{"elicitation":{"url":{}}}"#),
            ClientCapabilities::ELICITATION_URL
        );
        let both = ClientCapabilities::ELICITATION_FORM.and(ClientCapabilities::ELICITATION_URL);
        assert_eq!(read(r#"{"elicitation":{"form":{},"url":{}}}"#), both);
    }

    #[test]
    fn declared_capabilities_survive_conversion_to_json() {
        for bits in 0..=ClientCapabilities::ALL {
            let all = ClientCapabilities::from_bits(bits);
            let declared = read(&all.to_json().to_string());
            assert!(declared.has(all), "{bits:b}");
        }
        let tasks = ClientCapabilities::TASKS.to_json();
        assert_eq!(
            tasks,
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
        );
    }

    #[test]
    fn capabilities_survive_conversion_to_bits() {
        let all = read(
            r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{},"more":1}"#,
        );
        assert_eq!(ClientCapabilities::from_bits(all.bits()), all);
        assert!(all.has(ClientCapabilities::SAMPLING_TOOLS) && all.has(ClientCapabilities::ROOTS));
        assert!(!read("{}").has(ClientCapabilities::ROOTS));
    }
}
