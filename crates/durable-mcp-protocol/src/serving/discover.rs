//! The result of `server/discover` (2026-07-28, Discovery), and the members that every result has since that version.

use serde::Serialize;
use serde_json::Value;

use crate::caching::Caching;
use crate::jsonrpc::to_json;
use crate::server::Server;
use crate::version::ProtocolVersion;

/// The method's name.
pub const METHOD: &str = "server/discover";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiscoverResult<'a> {
    supported_versions: [&'static str; ProtocolVersion::STATELESS.len()],
    capabilities: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}

impl Server {
    pub(crate) fn discover(&self, version: ProtocolVersion) -> String {
        to_json(&DiscoverResult {
            supported_versions: ProtocolVersion::STATELESS.map(ProtocolVersion::as_str),
            capabilities: self.capabilities(version),
            instructions: self.instructions.as_deref(),
        })
    }

    /// The JSON of a result with what every result has since 2026-07-28: its type, who gives it, and how long it is good
    /// for.
    pub fn stamp(&self, kind: ResultType, result: &str, caching: Option<Caching>) -> String {
        let (kind, meta) = (kind.as_str(), self.result_meta());
        let caching = caching
            .map(|caching| format!(",{}", caching.members()))
            .unwrap_or_default();
        let rest = result.strip_prefix('{').unwrap_or("}");
        let comma = if rest == "}" { "" } else { "," };
        format!(r#"{{"resultType":"{kind}","_meta":{{{meta}}}{caching}{comma}{rest}"#)
    }

    /// The members of a result's `_meta`.
    pub(crate) fn result_meta(&self) -> &str {
        self.result_meta.get_or_init(|| {
            let (name, version) = (to_json(&self.info.name), to_json(&self.info.version));
            format!(r#""io.modelcontextprotocol/serverInfo":{{"name":{name},"version":{version}}}"#)
        })
    }
}

/// Type of a result: `resultType` (2026-07-28, Basic, "Responses").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// The request's result.
    Complete,
    /// The questions that the client has to answer first.
    InputRequired,
    /// A task that will have the result.
    Task,
}

impl ResultType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::InputRequired => "input_required",
            Self::Task => "task",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stateless_result_begins_with_its_type_and_the_server_info() {
        let server = Server::new("s", "1");
        let read = |json: &str| serde_json::from_str::<Value>(json).unwrap();
        let info = json!({ "io.modelcontextprotocol/serverInfo": { "name": "s", "version": "1" } });
        let empty = server.stamp(ResultType::Complete, "{}", None);
        assert_eq!(
            read(&empty),
            json!({ "resultType": "complete", "_meta": info })
        );
        let listed = server.stamp(
            ResultType::Complete,
            r#"{"tools":[]}"#,
            Some(Caching::default()),
        );
        let expected = json!({ "resultType": "complete", "_meta": info, "ttlMs": 0, "cacheScope": "private", "tools": [] });
        assert_eq!(read(&listed), expected);
    }
}
