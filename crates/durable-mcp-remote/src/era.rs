//! Clients of versions up to 2025-11-25 before servers of 2026-07-28, which have no sessions. The other direction is `stateless`.

mod discovery;
mod headers;
mod listening;
mod mirrored;
mod passing;
mod questions;
mod rounds;

use std::cell::RefCell;

use serde_json::{Map, Value};

use crate::calls::Open;
use crate::json::Object;
use crate::message::{Id, Message, quoted};

pub(crate) use discovery::{LEGACY_VERSIONS, NEWEST_LEGACY, is_modern, supported};
pub(crate) use headers::{MirroredTools, headers, is_of_modern};
pub(crate) use listening::{ACKNOWLEDGED, SUBSCRIPTION_KEY};
pub(crate) use questions::Questions;

/// Version without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

pub(crate) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

/// Server of 2026-07-28, as a client of an earlier version sees it.
pub(crate) struct Modern {
    /// JSON of the client's `clientInfo` and `capabilities`.
    client_info: String,
    client_capabilities: Map<String, Value>,
    /// Version that the client was answered with.
    version: String,
    /// JSON of the result of `server/discover`.
    discovered: String,
    /// JSON of the level that the client has set.
    level: RefCell<Option<String>>,
    listening: RefCell<Option<Open>>,
}

impl Modern {
    /// Request for the server: with an id of the bridge, the client's identity in `_meta`, and what answers a question.
    pub(crate) fn request(
        &self,
        message: &Message,
        id: &Id,
        answers: &[(&'static str, String)],
    ) -> Option<Message> {
        let params = message.raw_params();
        let mut params = Object::parse(params.as_deref().unwrap_or("{}"))?;
        let meta = params.get("_meta").unwrap_or("{}").to_owned();
        let mut meta = Object::parse(&meta)?;
        // Keys that the client sent keep their values.
        for (key, value) in self.identity() {
            if meta.get(key).is_none() {
                meta.set(key, value);
            }
        }
        params.set("_meta", meta.to_string());
        for (name, value) in answers {
            params.set(name, value.clone());
        }
        let method = quoted(message.method());
        Message::written(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#
        ))
        .ok()
    }

    /// A message of the server as earlier versions have it; `None` for one that they do not have.
    pub(crate) fn for_client(message: Message) -> Option<Message> {
        listening::notice(message)
    }

    fn identity(&self) -> Vec<(&'static str, String)> {
        let mut identity = vec![
            (VERSION_KEY, quoted(MODERN)),
            (CLIENT_KEY, self.client_info.clone()),
            (
                CAPABILITIES_KEY,
                Value::Object(self.client_capabilities.clone()).to_string(),
            ),
        ];
        if let Some(level) = self.level.borrow().clone() {
            identity.push((LEVEL_KEY, level));
        }
        identity
    }
}
