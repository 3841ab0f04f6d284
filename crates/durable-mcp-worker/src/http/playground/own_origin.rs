//! Origins of this Worker, by their texts.

use super::source::{SourceKind, is_source};

/// An origin of this Worker, as `https://play.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnOrigin(String);

impl OwnOrigin {
    /// Reads an origin; `None` if the text is none.
    pub(in crate::http) fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let usual = if text.starts_with("https:") {
            ":443"
        } else {
            ":80"
        };
        let origin = text.strip_suffix(usual).unwrap_or(text);
        is_origin(origin).then(|| Self(origin.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }

    /// Whether that is its host.
    pub(super) fn is_at(&self, host: &str) -> bool {
        without_usual_port(self.host()).eq_ignore_ascii_case(without_usual_port(host))
    }
}

/// Whether a text is an origin in lower case.
pub(super) fn is_origin(text: &str) -> bool {
    is_source(text, SourceKind::Document) && !text.contains('*')
}

fn without_usual_port(host: &str) -> &str {
    host.strip_suffix(":443")
        .or_else(|| host.strip_suffix(":80"))
        .unwrap_or(host)
}
