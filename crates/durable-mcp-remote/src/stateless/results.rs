//! Results and errors of servers with sessions, as 2026-07-28 has them.

use serde_json::{Value, json};

use super::INVALID_PARAMS;
use crate::json::Object;
use crate::message::{Id, Message, quoted};

/// Results that say for how long they are good (2026-07-28, Caching).
const CACHEABLE: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];
/// Codes that this version does not have: a resource that is not there, a page that has to be opened first.
const RESOURCE_NOT_FOUND: i64 = -32002;
const URL_ELICITATION_REQUIRED: i64 = -32042;
/// A capability is needed that the client does not declare.
const MISSING_CAPABILITY: i64 = -32021;
const SERVER_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// Response with the JSON of a result; `server` is the JSON of the server's name and version.
pub(super) fn complete(
    id: &Id,
    method: &str,
    result: &str,
    server: Option<&str>,
) -> Option<Message> {
    let mut result = Object::parse(result)?;
    result.set("resultType", quoted("complete"));
    // A session's lists change with notices, which a client need not listen for.
    if CACHEABLE.contains(&method) {
        result.set("ttlMs", "0".to_owned());
        result.set("cacheScope", quoted("private"));
    }
    response(id, result, server)
}

/// Response with the JSON of questions, an object by key.
pub(super) fn input_required(
    id: &Id,
    questions: String,
    state: &str,
    server: Option<&str>,
) -> Option<Message> {
    let mut result = Object::parse("{}")?;
    result.set("resultType", quoted("input_required"));
    result.set("inputRequests", questions);
    result.set("requestState", quoted(state));
    response(id, result, server)
}

fn response(id: &Id, mut result: Object<'_>, server: Option<&str>) -> Option<Message> {
    if let Some(server) = server {
        let meta = result.get("_meta").unwrap_or("{}").to_owned();
        let mut meta = Object::parse(&meta)?;
        if meta.get(SERVER_KEY).is_none() {
            meta.set(SERVER_KEY, server.to_owned());
            result.set("_meta", meta.to_string());
        }
    }
    Message::written(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
    ))
    .ok()
}

/// Params of the questions of an error that asks to open pages before another call (2025-11-25, Elicitation, "URL Mode").
pub(super) fn pages(response: &Message) -> Option<Vec<String>> {
    let error = response
        .error()
        .filter(|error| error.code == URL_ELICITATION_REQUIRED)?;
    let pages = error.data.get("elicitations")?.as_array()?;
    Some(pages.iter().map(Value::to_string).collect())
}

/// Error of the server, with the code that this version has for it. `target` is the URI of what was asked for.
pub(super) fn error(
    id: &Id,
    method: &str,
    target: Option<&str>,
    response: &Message,
) -> Option<Message> {
    let error = response.error()?;
    let (code, data) = match error.code {
        RESOURCE_NOT_FOUND if method == "resources/read" => {
            let mut data = error.data;
            if data.get("uri").is_none() {
                data = json!({ "uri": target });
            }
            (INVALID_PARAMS, data)
        }
        URL_ELICITATION_REQUIRED => (
            MISSING_CAPABILITY,
            json!({ "requiredCapabilities": { "elicitation": { "url": {} } } }),
        ),
        _ => return response.with_id(id),
    };
    let message = quoted(&error.message);
    let data: Value = data;
    let json = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message},"data":{data}}}}}"#
    );
    Message::written(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Id {
        Id::Number("7".to_owned())
    }

    #[test]
    fn results_get_a_type_and_lists_a_lifetime() {
        let server = Some(r#"{"name":"s","version":"1"}"#);
        assert_eq!(
            complete(&id(), "tools/call", r#"{"content":[ 1.0 ]}"#, None)
                .unwrap()
                .bytes,
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ 1.0 ],"resultType":"complete"}}"#
        );
        assert_eq!(
            complete(
                &id(),
                "tools/list",
                r#"{"tools":[],"_meta":{"a":1}}"#,
                server
            )
            .unwrap()
            .bytes,
            r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[],"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#
        );
    }

    #[test]
    fn error_codes_outside_the_version_are_replaced() {
        let error = |method: &str, code: i64, data: &str| {
            let json = format!(
                r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":"no"{data}}}}}"#
            );
            let error = super::error(
                &id(),
                method,
                Some("file:///a"),
                &Message::written(json).unwrap(),
            )
            .unwrap();
            (error.error().unwrap().code, error.error().unwrap().data)
        };
        assert_eq!(
            error("resources/read", -32002, ""),
            (-32602, json!({ "uri": "file:///a" }))
        );
        let data = json!({ "uri": "file:///b" });
        assert_eq!(
            error("resources/read", -32002, r#","data":{"uri":"file:///b"}"#),
            (-32602, data)
        );
        assert_eq!(error("tools/call", -32002, ""), (-32002, Value::Null));
        assert_eq!(error("tools/call", -32042, "").0, -32021);
        let required = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"no","data":{"elicitations":[{"mode":"url"}]}}}"#;
        assert_eq!(
            pages(&Message::written(required.to_owned()).unwrap()).unwrap(),
            [r#"{"mode":"url"}"#]
        );
        assert_eq!(error("tools/call", -32000, ""), (-32000, Value::Null));
    }
}
