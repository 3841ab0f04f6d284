//! A request of the client, and the messages that come back.

use std::collections::BTreeMap;

use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::fields::Fields;
use http::Method;
use serde_json::{Value, json};

use super::client::{TestClient, to_value};
use super::patience::Patience;
use super::wire::{Replied, header_value, send};
use crate::task::POLL_MS;
use crate::transport::{headers, internal_headers, version_header};

impl TestClient {
    /// Waits for a task, and answers its questions.
    pub(super) fn task(&self, id: &Value) -> Result<Value, Error> {
        let mut last = None;
        let mut patience = Patience::new("The task", &self.deployment);
        loop {
            let mut task = self.post("tasks/get", json!({ "taskId": id }))?;
            let status = task["status"].as_str().unwrap_or_default();
            // The message of a failure is in its error.
            if status != "failed" {
                self.seen
                    .take_status(task["statusMessage"].as_str(), &mut last);
            }
            match status {
                "completed" => return Ok(task["result"].take()),
                "failed" => {
                    let error = task["error"].to_string();
                    return Err(Error::parse(&error).unwrap_or_else(|| Error::internal(error)));
                }
                "input_required" => {
                    patience.count_round();
                    let answers = self.questions.round(&task["inputRequests"]);
                    self.post(
                        "tasks/update",
                        json!({ "taskId": id, "inputResponses": answers }),
                    )?;
                }
                // Sooner than a client asks, so that no status is missed.
                "working" => {
                    patience.step(&self.deployment, POLL_MS);
                }
                other => {
                    return Err(Error::new(
                        ErrorCode::REFUSED,
                        format!("The task is {other}."),
                    ));
                }
            }
        }
    }

    /// The session's id. The session begins with the first request.
    pub(super) fn session(&self) -> &str {
        self.session.get_or_init(|| {
            let client = json!({ "name": "test", "version": "1" });
            let params = json!({
                "protocolVersion": self.version.as_str(), "capabilities": self.declared(), "clientInfo": client,
            });
            let mut begun = self.exchange(&message(0, "initialize", &params), BTreeMap::new());
            let told = begun.messages();
            let id = begun.header(internal_headers::SESSION).unwrap_or_else(|| panic!("no session begins: {told:?}")).to_owned();
            let of_session = self.of_session(&id);
            let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            self.exchange(&ready, of_session.clone());
            let opened = send(
                &self.deployment,
                &self.caller,
                Method::GET,
                self.all(of_session.clone()),
                String::new(),
                Patience::new("GET", &self.deployment),
            );
            self.listening.open(opened.reply());
            if self.deployment.app.server.logs() {
                let level = message(1, "logging/setLevel", &json!({ "level": "debug" }));
                self.exchange(&level, of_session);
            }
            self.last_id.set(1);
            id
        })
    }

    fn of_session(&self, id: &str) -> BTreeMap<String, String> {
        let version = self.version.as_str();
        [
            (internal_headers::SESSION, id),
            (version_header::VERSION_HEADER, version),
        ]
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .into()
    }

    /// The capabilities that the client declares.
    fn declared(&self) -> Value {
        let tasks = if self.knows_tasks {
            ClientCapabilities::TASKS
        } else {
            ClientCapabilities::default()
        };
        self.questions
            .capabilities()
            .and(tasks)
            .and(ClientCapabilities::UI)
            .to_json()
    }

    /// Listens for changes, without a session.
    pub(super) fn listen(&self) {
        let params = json!({ "notifications": {
            "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
            "resourceSubscriptions": *self.listening.resources.borrow(),
        } });
        let (headers, body) = self.stateless_request("subscriptions/listen", params);
        self.listening.open(self.exchange(&body, headers));
    }

    /// Sends one request, and reads its messages until the answer is there.
    pub(super) fn post(&self, method: &str, mut params: Value) -> Result<Value, Error> {
        let (headers, body) = if self.version.is_stateless() {
            self.stateless_request(method, params)
        } else {
            let id = self.next_id();
            params["_meta"]["progressToken"] = id.into();
            (
                self.of_session(self.session()),
                message(id, method, &params),
            )
        };
        let mut replied = self.exchange(&body, headers);
        loop {
            for mut message in replied.messages() {
                match (message["method"].take(), message["id"].take()) {
                    (Value::String(method), Value::Null) => {
                        self.seen.take(&method, &message["params"]);
                    }
                    (Value::String(method), id) => {
                        replied.patience.count_question();
                        self.settle(&method, &message["params"], &id);
                    }
                    _ if message["error"].is_object() => {
                        let error = message["error"].to_string();
                        return Err(Error::parse(&error).unwrap_or_else(|| Error::internal(error)));
                    }
                    _ => return Ok(message["result"].take()),
                }
            }
            replied.wait();
        }
    }

    /// Answers a question of a call in a session.
    fn settle(&self, method: &str, params: &Value, id: &Value) {
        let mut answer = json!({ "jsonrpc": "2.0", "id": id });
        match self.questions.answer(method, params) {
            Ok(result) => answer["result"] = result,
            Err(error) => answer["error"] = to_value(error),
        }
        self.exchange(&answer, self.of_session(self.session()));
    }

    fn next_id(&self) -> u64 {
        self.last_id.set(self.last_id.get() + 1);
        self.last_id.get()
    }

    /// A request of 2026-07-28, with the headers that repeat what it says.
    fn stateless_request(
        &self,
        method: &str,
        mut params: Value,
    ) -> (BTreeMap<String, String>, Value) {
        let id = self.next_id();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": self.version.as_str(),
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": self.declared(),
            "io.modelcontextprotocol/logLevel": "debug",
            "progressToken": id,
        });
        let mut repeated = BTreeMap::from([
            (
                version_header::VERSION_HEADER.to_ascii_lowercase(),
                self.version.as_str().to_owned(),
            ),
            (headers::METHOD.to_owned(), method.to_owned()),
        ]);
        let name = ["name", "uri", "taskId"]
            .into_iter()
            .find_map(|name| params[name].as_str());
        repeated.extend(name.map(|name| (headers::NAME.to_owned(), header_value(name))));
        let tool = name
            .filter(|_| method == "tools/call")
            .and_then(|name| self.deployment.app.server.tool_named(name));
        let arguments = params["arguments"].to_string();
        for param in tool.map(|tool| tool.header_params()).unwrap_or_default() {
            let value = Fields::parse(&arguments)
                .and_then(|fields| param.value(&fields))
                .ok()
                .flatten();
            repeated.extend(value.map(|value| (param.header.clone(), header_value(&value))));
        }
        (repeated, message(id, method, &params))
    }

    /// Sends a message.
    fn exchange(&self, message: &Value, headers: BTreeMap<String, String>) -> Replied {
        let method = message["method"].as_str().unwrap_or("An answer");
        let patience = Patience::new(method, &self.deployment);
        send(
            &self.deployment,
            &self.caller,
            Method::POST,
            self.all(headers),
            message.to_string(),
            patience,
        )
        .reply()
    }

    /// All headers of a request.
    fn all(&self, more: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let usual = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let mut all: BTreeMap<_, _> = usual
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        all.extend(self.headers.clone());
        all.extend(more);
        all
    }
}

fn message(id: u64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}
