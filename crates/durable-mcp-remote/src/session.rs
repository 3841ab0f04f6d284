//! Session with the server: what opened it, and what a new one has to be told.

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::calls::Open;
use crate::message::Message;
use crate::trouble::Trouble;

/// Header of the session id (Streamable HTTP, "Session Management").
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// Header of the negotiated version.
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// Most resource subscriptions that a new session is told of.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1024;

/// Session with the server.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) id: Option<HeaderValue>,
    /// Counts the sessions, so that a failure is not blamed on a later one.
    pub(crate) generation: u64,
    /// The client's `initialize`, or that which the bridge made for a client without sessions.
    pub(crate) initialize: Option<Message>,
    /// Result of `initialize`, once there was one.
    pub(crate) initialized: Option<Initialized>,
    /// Whether the server has answered `initialize` in this generation.
    pub(crate) is_open: bool,
    /// Why the server cannot be reached, while the client is answered from memory.
    pub(crate) offline: Option<Trouble>,
    /// Whether a GET has opened a stream in this generation. Until then, a refusal of it says nothing about the session.
    pub(crate) has_stream: bool,
    /// The stream of GET, which is closed when this is dropped.
    pub(crate) listening: Option<Open>,
    /// Whether the client is one of 2026-07-28, for which the bridge holds this session.
    pub(crate) is_of_bridge: bool,
    /// The client's `notifications/initialized`.
    pub(crate) notification: Option<Message>,
    /// The client's last `logging/setLevel`.
    pub(crate) level: Option<Message>,
    /// The client's `resources/subscribe` requests, by URI.
    pub(crate) subscriptions: BTreeMap<String, Message>,
}

/// Result of `initialize`.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Initialized {
    pub(crate) protocol_version: String,
    pub(crate) capabilities: Map<String, Value>,
}

#[derive(Deserialize)]
struct Subscription {
    uri: String,
}

impl Session {
    /// Whether the server has declared a capability with this member.
    pub(crate) fn declares(&self, capability: &str, member: &str) -> bool {
        let capability = self
            .initialized
            .as_ref()
            .and_then(|server| server.capabilities.get(capability));
        capability.and_then(|capability| capability.get(member)) == Some(&Value::Bool(true))
    }

    /// Begins anew with the client's `initialize`.
    pub(crate) fn begin(&mut self, initialize: Message) {
        *self = Self {
            initialize: Some(initialize),
            generation: self.generation + 1,
            ..Self::default()
        };
    }

    /// Headers of each request in this session.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(id) = &self.id {
            headers.insert(SESSION_ID, id.clone());
        }
        let version = self
            .initialized
            .as_ref()
            .filter(|_| self.is_open)
            .map(|initialized| &initialized.protocol_version);
        // 2025-03-26 and before know no such header.
        let version = version.filter(|version| version.as_str() > "2025-03-26");
        if let Some(value) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(PROTOCOL_VERSION, value);
        }
        headers
    }

    /// Whether lines of the client may be batches.
    pub(crate) fn allows_batches(&self) -> bool {
        !self.is_of_bridge
            && self
                .initialized
                .as_ref()
                .is_some_and(|initialized| initialized.protocol_version == "2025-03-26")
    }

    /// Notes requests that a new session has to repeat.
    pub(crate) fn note(&mut self, method: &str, request: &Message) {
        match method {
            "logging/setLevel" => self.level = Some(request.clone()),
            "resources/subscribe" if self.subscriptions.len() < MAX_SUBSCRIPTIONS => {
                if let Some(Subscription { uri }) = request.params() {
                    self.subscriptions.insert(uri, request.clone());
                }
            }
            "resources/unsubscribe" => {
                if let Some(Subscription { uri }) = request.params() {
                    self.subscriptions.remove(&uri);
                }
            }
            _ => {}
        }
    }
}
