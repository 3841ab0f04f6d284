//! A public deployment without a runtime: its front door, the objects of states and tasks behind it, and its hub.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_core::wire::{Head, Reply, ReplyBody};
use durable_mcp::{App, Server};
use durable_mcp_worker::http::router;
use durable_mcp_worker::session::host::CallRuntime;
use durable_mcp_worker::testing::doubles::deployment::Deployment;
use durable_mcp_worker::testing::doubles::headers::HeaderMap;
use durable_mcp_worker::testing::doubles::host::FakeHost;
use durable_mcp_worker::testing::doubles::hub_host::FakeHubHost;
use durable_mcp_worker::testing::doubles::task_host::FakeTaskHost;
use durable_mcp_worker::testing::doubles::visit::Visit;
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::Method;
use oauth_server::testing::Invocation;
use serde_json::{Map as Members, Value, json};

use super::json;
use super::object::{Answer, Exchange, IDLE_MS, MAX_AGE_MS, RESUME_MS, Sleep};

pub(crate) const VERSION: &str = "2026-07-28";

/// Everything that a client can declare, but for tasks.
pub(crate) fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": {} })
}

/// A client of the deployment, which says with each request what it can do.
pub(crate) struct Front {
    deployment: Rc<Deployment>,
    pub(crate) host: Rc<FakeHost>,
    pub(crate) hub: Rc<FakeHubHost>,
    declared: Value,
    last_id: Cell<u64>,
    /// The host that the client names.
    address: String,
}

impl Front {
    /// The client can be asked for everything, and knows no tasks.
    pub(crate) fn new(server: Server) -> Self {
        assert_eq!(server.problems(), [""; 0]);
        let app = App::new(server).with_variables(&|name| match name {
            "SESSION_IDLE_SECONDS" => Some((IDLE_MS / 1000).to_string()),
            "SESSION_MAX_AGE_SECONDS" => Some((MAX_AGE_MS / 1000).to_string()),
            "SESSION_RESUME_SECONDS" => Some((RESUME_MS / 1000).to_string()),
            "LOG_REQUESTS" => Some("all".to_owned()),
            _ => None,
        });
        Self::of(app)
    }

    /// The same of an application as it is.
    pub(crate) fn of(app: App) -> Self {
        let host = FakeHost::new("worker".to_owned());
        Sleep::on(&host);
        let deployment = Deployment::new(app, &host);
        let hub = Rc::clone(&deployment.hub_host);
        Self {
            deployment,
            host,
            hub,
            declared: everything(),
            last_id: Cell::new(0),
            address: "mcp.example.com".to_owned(),
        }
    }

    /// The same with a client that names another host.
    pub(crate) fn at(mut self, host: &str) -> Self {
        host.clone_into(&mut self.address);
        self
    }

    /// The same with a client that declares only that.
    pub(crate) fn declaring(mut self, capabilities: Value) -> Self {
        self.declared = capabilities;
        self
    }

    /// The same with a client that knows tasks besides.
    pub(crate) fn knowing_tasks(mut self) -> Self {
        self.declared["extensions"] = json!({ "io.modelcontextprotocol/tasks": {} });
        self
    }

    /// The `_meta` of every request.
    pub(crate) fn envelope(&self) -> Members<String, Value> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": self.declared,
        });
        meta.as_object().unwrap().clone()
    }

    /// The headers and the body of a request. Members of `params._meta` stay.
    pub(crate) fn written(
        &self,
        method: &str,
        params: &Value,
    ) -> (Vec<(&'static str, String)>, String) {
        self.last_id.set(self.last_id.get() + 1);
        let mut params = params.clone();
        let mut meta = self.envelope();
        meta.extend(params["_meta"].as_object().cloned().unwrap_or_default());
        params["_meta"] = Value::Object(meta);
        let mut headers = vec![
            ("mcp-protocol-version", VERSION.to_owned()),
            ("mcp-method", method.to_owned()),
        ];
        let name = ["name", "uri", "taskId"]
            .into_iter()
            .find_map(|name| params[name].as_str());
        headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
        (headers, json::request(self.last_id.get(), method, &params))
    }

    /// Sends anything. It runs as far as it goes without time passing.
    pub(crate) fn send(
        &self,
        method: Method,
        headers: &[(&str, String)],
        body: String,
    ) -> Exchange {
        self.send_to("/mcp", method, headers, body)
    }

    /// The same to another path, which may have a query.
    pub(crate) fn send_to(
        &self,
        path: &str,
        method: Method,
        headers: &[(&str, String)],
        body: String,
    ) -> Exchange {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut all = BTreeMap::from([
            ("content-type".to_owned(), "application/json".to_owned()),
            (
                "accept".to_owned(),
                "application/json, text/event-stream".to_owned(),
            ),
        ]);
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone())),
        );
        let head = Head {
            method,
            secure: true,
            host: self.address.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Rc::new(HeaderMap(all)),
        };
        let (connection, gone) = oneshot::channel();
        let deployment = Rc::clone(&self.deployment);
        let gone = Rc::new(Cell::new(Some(gone)));
        let (done, reply) = oneshot::channel();
        self.host.spawn(
            async move {
                let app = deployment.app.clone();
                let visit = Visit {
                    deployment,
                    head: head.clone(),
                    body,
                    gone,
                    invocation: Invocation::default(),
                };
                let mut reply = router::handle(&app, &head, &visit).await;
                if let ReplyBody::Native(answer) = reply.body {
                    let answer = answer
                        .downcast::<LocalBoxFuture<'static, Reply>>()
                        .expect("an object answers");
                    reply = answer.await;
                }
                // The client may have hung up.
                let _ = done.send(reply);
            }
            .boxed_local(),
        );
        self.host.run();
        Exchange::new(&self.host, reply, Some(connection))
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Exchange {
        let (headers, body) = self.written(method, params);
        self.send(Method::POST, &headers, body)
    }

    /// A call of a tool.
    pub(crate) fn call(&self, name: &str, arguments: &Value) -> Exchange {
        self.ask(
            "tools/call",
            &json!({ "name": name, "arguments": arguments }),
        )
    }

    /// The result of a request that is answered at once.
    pub(crate) fn result(&self, method: &str, params: &Value) -> Value {
        let answer = self.ask(method, params).answer();
        assert_eq!(answer.status, 200, "{answer:?}");
        let result = answer.json()["result"].take();
        assert!(result["resultType"].is_string(), "{answer:?}");
        assert_eq!(
            result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "s",
            "{answer:?}"
        );
        result
    }

    /// A tool's text, from a call that is answered at once.
    pub(crate) fn text(&self, name: &str, arguments: &Value) -> String {
        text(&self.result(
            "tools/call",
            &json!({ "name": name, "arguments": arguments }),
        ))
    }

    /// The request again with the state of an answer to it, and with answers to its questions.
    pub(crate) fn again(
        &self,
        method: &str,
        params: &Value,
        asked: &Value,
        answers: &Value,
    ) -> Value {
        let mut params = params.clone();
        params["requestState"] = asked["requestState"].clone();
        params["inputResponses"] = answers.clone();
        self.result(method, &params)
    }

    /// Delivers all notices that were published since the last call.
    pub(crate) fn deliver(&self) {
        self.deployment.deliver();
    }

    /// Moves the clock forward, from one timer or alarm to the next.
    pub(crate) fn advance(&self, milliseconds: u64) {
        self.deployment.advance(milliseconds);
    }

    /// Sets the records of all tasks, as another version may have written them.
    pub(crate) fn set_task_records(&self, text: &str) {
        for host in self.deployment.task_hosts() {
            host.store.set_record(text);
        }
    }

    /// The records of all tasks.
    pub(crate) fn task_records(&self) -> Vec<String> {
        self.deployment
            .task_hosts()
            .iter()
            .filter_map(|host| host.store.record())
            .collect()
    }

    /// All objects wake anew: what was only in memory is gone.
    pub(crate) fn restart(&self) {
        self.deployment.restart();
    }

    /// Number of objects that store a state.
    pub(crate) fn states(&self) -> usize {
        self.deployment.state_hosts().len()
    }

    /// The runtime around the newest task.
    pub(crate) fn task(&self) -> Rc<FakeTaskHost> {
        self.deployment
            .task_hosts()
            .pop()
            .expect("a task was begun")
    }

    /// Number of tasks' objects that store something.
    pub(crate) fn kept_tasks(&self) -> usize {
        self.deployment
            .task_hosts()
            .iter()
            .filter(|host| !host.store.is_empty())
            .count()
    }

    /// The runtime around the task that was begun after so many others.
    pub(crate) fn task_numbered(&self, number: usize) -> Rc<FakeTaskHost> {
        self.deployment.task_hosts().swap_remove(number)
    }

    /// Number of tasks' objects that were reached.
    pub(crate) fn tasks(&self) -> usize {
        self.deployment.task_hosts().len()
    }

    /// The runtime around the newest state's object.
    pub(crate) fn state(&self) -> Rc<FakeHost> {
        self.deployment
            .state_hosts()
            .pop()
            .expect("a state was begun")
    }

    /// The lines of the log since this was asked last, without times.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.host
            .logs
            .take()
            .iter()
            .map(|line| json::value(line))
            .collect()
    }
}

/// The text of a tool's result that is no failure.
pub(crate) fn text(result: &Value) -> String {
    assert_eq!(
        (&result["resultType"], result.get("isError")),
        (&json!("complete"), None),
        "{result}"
    );
    result["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{result}"))
        .to_owned()
}

/// Status, code and id of a refused request's answer.
pub(crate) fn refusal(answer: &Answer) -> (u16, i64, Value) {
    let json = answer.json();
    (
        answer.status,
        json["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{answer:?}")),
        json["id"].clone(),
    )
}
