//! Envelope of requests of 2026-07-28, which describes their client (Basic, "`_meta`").

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::level::Level;
use super::{INVALID_PARAMS, METHOD_NOT_FOUND, refused};
use crate::era::{CAPABILITIES_KEY, CLIENT_KEY, LEVEL_KEY, MODERN, NEWEST_LEGACY, VERSION_KEY};
use crate::json::Object;
use crate::message::{Id, Kind, Message, quoted};
use crate::trouble::Trouble;

const UNSUPPORTED_VERSION: i64 = -32022;
const TOKEN: &str = "progressToken";
/// Methods that this version does not have, and tasks, which have other messages in sessions.
const REMOVED: [&str; 5] = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// Client of a request, as it describes itself.
pub(super) struct Envelope {
    version: String,
    pub(super) capabilities: Map<String, Value>,
    has_capabilities: bool,
    client_info: Option<Box<RawValue>>,
    level: Result<Option<Level>, String>,
    /// Token that notices of progress name.
    pub(super) token: Option<Id>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: String,
    #[serde(default, borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
    #[serde(default, rename = "io.modelcontextprotocol/clientInfo")]
    client_info: Option<Box<RawValue>>,
    #[serde(default, rename = "io.modelcontextprotocol/logLevel")]
    level: Option<Value>,
    #[serde(default, borrow, rename = "progressToken")]
    token: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ClientInfo {
    name: String,
}

impl Envelope {
    /// Reads the envelope of a request; `None` if it has none.
    pub(super) fn read(request: &Message) -> Option<Self> {
        let Params { meta } = serde_json::from_str(request.params_json()?).ok()?;
        let capabilities = meta
            .capabilities
            .and_then(|json| serde_json::from_str(json.get()).ok());
        let level = match meta.level {
            None | Some(Value::Null) => Ok(None),
            Some(level) => level
                .as_str()
                .and_then(Level::parse)
                .map(Some)
                .ok_or_else(|| level.to_string()),
        };
        Some(Self {
            version: meta.version,
            has_capabilities: capabilities.is_some(),
            capabilities: capabilities.unwrap_or_default(),
            client_info: meta.client_info,
            level,
            token: meta.token.and_then(|json| Id::from_json(json.get())),
        })
    }

    /// Checks that a request can be served in this version.
    ///
    /// # Errors
    ///
    /// The error for the client.
    pub(super) fn check(&self, method: &str) -> Result<(), Trouble> {
        if self.version != MODERN {
            let data = json!({ "supported": [MODERN], "requested": self.version });
            return Err(refused(
                UNSUPPORTED_VERSION,
                "Unsupported protocol version",
                Some(&data),
            ));
        }
        check_method(method)?;
        if !self.has_capabilities {
            return Err(incomplete(CAPABILITIES_KEY));
        }
        self.level().map(drop)
    }

    /// Least severe level of the logs that the request asks for.
    ///
    /// # Errors
    ///
    /// The error for the client.
    pub(super) fn level(&self) -> Result<Option<Level>, Trouble> {
        let unknown = |level| {
            refused(
                INVALID_PARAMS,
                &format!("{LEVEL_KEY} is {level}, which is no level of logs"),
                None,
            )
        };
        self.level.as_ref().copied().map_err(unknown)
    }

    /// Name of the client, if it tells one.
    pub(super) fn client_name(&self) -> Option<String> {
        let info: ClientInfo = serde_json::from_str(self.client_info.as_ref()?.get()).ok()?;
        Some(info.name)
    }

    /// `initialize` for a session of this client.
    pub(super) fn initialize(&self, capabilities: Map<String, Value>) -> Option<Message> {
        let own = || {
            json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") })
                .to_string()
        };
        let client = self
            .client_info
            .as_ref()
            .map_or_else(own, |info| info.get().to_owned());
        let capabilities = Value::Object(capabilities);
        let params = format!(
            r#"{{"protocolVersion":"{NEWEST_LEGACY}","capabilities":{capabilities},"clientInfo":{client}}}"#
        );
        Message::written(format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#
        ))
        .ok()
    }
}

/// Checks that this version has a method, as far as it is known to be one of others.
///
/// # Errors
///
/// The error for the client.
pub(super) fn check_method(method: &str) -> Result<(), Trouble> {
    if REMOVED.contains(&method) || method.starts_with("tasks/") {
        return Err(refused(
            METHOD_NOT_FOUND,
            &format!("Method not found: {method}"),
            None,
        ));
    }
    Ok(())
}

/// Error about a missing key.
pub(super) fn incomplete(key: &str) -> Trouble {
    refused(
        INVALID_PARAMS,
        &format!("Invalid params: {key} is missing in _meta"),
        None,
    )
}

/// Error about a request without an envelope.
pub(super) fn missing() -> Trouble {
    incomplete(VERSION_KEY)
}

/// Params of a request for `server/discover`, with the envelope of another request.
pub(super) fn for_discovery(request: &Message) -> Option<String> {
    let params = request.params_json()?;
    if request.method() == "server/discover" {
        return Some(params.to_owned());
    }
    let mut meta =
        Object::parse(Object::parse(params)?.get("_meta")?).map(|meta| meta.to_string())?;
    let mut own = Object::parse(&meta)?;
    if own.remove(&[TOKEN]) {
        meta = own.to_string();
    }
    Some(format!(r#"{{"_meta":{meta}}}"#))
}

/// A message without the envelope and without answers to questions; a request has another `id`.
pub(super) fn without(message: &Message, id: Option<&Id>) -> Option<Message> {
    let (Kind::Request { method, .. } | Kind::Notification { method }) = &message.kind else {
        return None;
    };
    let mut params = message.params_json().map(Object::parse);
    if let Some(params) = &mut params {
        let params = params.as_mut()?;
        params.remove(&["inputResponses", "requestState"]);
        let meta = params.get("_meta").unwrap_or("{}").to_owned();
        let mut meta = Object::parse(&meta)?;
        meta.remove(&[VERSION_KEY, CLIENT_KEY, CAPABILITIES_KEY, LEVEL_KEY]);
        if meta.0.is_empty() {
            params.remove(&["_meta"]);
        } else {
            params.set("_meta", meta.to_string());
        }
    }
    let id = id.map_or_else(String::new, |id| format!(r#""id":{id},"#));
    let method = quoted(method);
    let json = match params.flatten().filter(|params| !params.0.is_empty()) {
        Some(params) => format!(r#"{{"jsonrpc":"2.0",{id}"method":{method},"params":{params}}}"#),
        None => format!(r#"{{"jsonrpc":"2.0",{id}"method":{method}}}"#),
    };
    Message::written(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> Message {
        Message::written(json.to_owned()).unwrap()
    }

    const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}}"#;

    #[test]
    fn the_envelope_is_removed_and_other_members_stay_unchanged() {
        let request = message(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","arguments":{{"b": 1.0,"b":20000000000000000001}},"_meta":{{{META},"progressToken":7,"traceparent":"t"}},"requestState":"s"}}}}"#
        ));
        let id = Id::Text("own".into());
        assert_eq!(
            without(&request, Some(&id)).unwrap().bytes,
            r#"{"jsonrpc":"2.0","id":"own","method":"tools/call","params":{"name":"a","arguments":{"b": 1.0,"b":20000000000000000001},"_meta":{"progressToken":7,"traceparent":"t"}}}"#
        );
        let list = message(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{{META}}}}}}}"#
        ));
        assert_eq!(
            without(&list, Some(&id)).unwrap().bytes,
            r#"{"jsonrpc":"2.0","id":"own","method":"tools/list"}"#
        );
    }

    #[test]
    fn initialize_carries_the_client_info_of_the_request() {
        let request = message(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{"_meta":{{{META},"io.modelcontextprotocol/clientInfo":{{"name":"n","version":"1.0"}}}}}}}}"#
        ));
        let envelope = Envelope::read(&request).unwrap();
        assert_eq!(envelope.client_name().as_deref(), Some("n"));
        assert_eq!(
            envelope
                .initialize(envelope.capabilities.clone())
                .unwrap()
                .raw_params()
                .unwrap(),
            r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"n","version":"1.0"}}"#
        );
    }

    #[test]
    fn a_request_that_cannot_be_served_is_refused_with_its_code() {
        let code = |method: &str, meta: &str| {
            let request = message(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"_meta":{{{meta}}}}}}}"#
            ));
            Envelope::read(&request)
                .unwrap()
                .check(method)
                .map_err(|trouble| trouble.error().0)
        };
        assert_eq!(code("tools/list", META), Ok(()));
        assert_eq!(
            code(
                "tools/list",
                r#""io.modelcontextprotocol/protocolVersion":"2031-01-01""#
            ),
            Err(-32022)
        );
        assert_eq!(
            code(
                "tools/list",
                r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#
            ),
            Err(-32602)
        );
        for method in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "tasks/get",
        ] {
            assert_eq!(code(method, META), Err(-32601), "{method}");
        }
        assert_eq!(
            code(
                "tools/list",
                &format!(r#"{META},"io.modelcontextprotocol/logLevel":"loud""#)
            ),
            Err(-32602)
        );
    }
}
