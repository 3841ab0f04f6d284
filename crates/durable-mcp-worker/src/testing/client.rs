//! The client.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::client::Elicited;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::version::ProtocolVersion;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::doubles::deployment::Deployment;
use super::doubles::host::FakeHost;
use super::listening::Listening;
use super::patience::Patience;
use super::questions::{Elicit, Form, Questions, Sample};
use super::seen::{Logged, Progressed, Seen};
use crate::App;

/// A client of a server in the same program.
///
/// A new client speaks the newest version with sessions; [`stateless`](Self::stateless) and [`speaking`](Self::speaking) change that. A
/// client can be asked for what it has answers for: [`on_elicit`](Self::on_elicit), [`on_sample`](Self::on_sample),
/// [`roots`](Self::roots).
pub struct TestClient {
    pub(super) deployment: Rc<Deployment>,
    pub(super) version: ProtocolVersion,
    pub(super) caller: Rc<Caller>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) knows_tasks: bool,
    pub(super) questions: Questions,
    pub(super) session: OnceCell<String>,
    pub(super) listening: Listening,
    pub(super) seen: Seen,
    pub(super) last_id: Cell<u64>,
}

impl TestClient {
    /// A client of a [`Server`](durable_mcp_protocol::Server) or an [`App`]. Of an application with sign-in it is past that:
    /// [`signed_in`](Self::signed_in) says who calls.
    ///
    /// # Panics
    /// When the server has [problems](durable_mcp_protocol::Server::problems).
    pub fn new(app: impl Into<App>) -> Self {
        let mut app = app.into();
        app.provider = None;
        let problems = app.server.problems();
        assert!(
            problems.is_empty(),
            "The server has problems:\n{}",
            problems.join("\n")
        );
        Self {
            deployment: Deployment::new(app, &FakeHost::new("worker".to_owned())),
            version: ProtocolVersion::LATEST_WITH_SESSIONS,
            caller: Rc::default(),
            headers: BTreeMap::new(),
            knows_tasks: true,
            questions: Questions::default(),
            session: OnceCell::new(),
            listening: Listening::default(),
            seen: Seen::default(),
            last_id: Cell::new(0),
        }
    }

    /// The same in another version of the protocol.
    #[must_use]
    pub fn speaking(mut self, version: ProtocolVersion) -> Self {
        self.version = version;
        self
    }

    /// The same in the newest version without sessions, 2026-07-28. A handler that asks something then runs again from its
    /// beginning with the answer, and a tool that is a task runs as one. State is that of the [user](Self::signed_in); without
    /// one, the model names it by an argument, and so has a test to do.
    #[must_use]
    pub fn stateless(self) -> Self {
        self.speaking(ProtocolVersion::V2026_07_28)
    }

    /// The same for a signed-in user, with what sign-in left for the tools.
    #[must_use]
    pub fn signed_in(self, user: &str, props: Value) -> Self {
        self.calling_as(Caller {
            subject: Some(user.to_owned()),
            props,
            ..Caller::default()
        })
    }

    /// The same for a caller with scopes, or a client of its own.
    #[must_use]
    pub fn calling_as(mut self, caller: Caller) -> Self {
        self.caller = Rc::new(caller);
        self
    }

    /// The same with a header on each request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// The same with a user who answers forms.
    #[must_use]
    pub fn on_elicit(mut self, answer: impl FnMut(&Form) -> Elicited<Value> + 'static) -> Self {
        let answer: Box<Elicit> = Box::new(answer);
        self.questions.elicit = Some(answer.into());
        self
    }

    /// The same with a model that answers the parameters of `sampling/createMessage` with a text.
    #[must_use]
    pub fn on_sample(mut self, answer: impl FnMut(&Value) -> String + 'static) -> Self {
        let answer: Box<Sample> = Box::new(answer);
        self.questions.sample = Some(answer.into());
        self
    }

    /// The same with folders that the client works in.
    #[must_use]
    pub fn roots<U: Into<String>>(mut self, uris: impl IntoIterator<Item = U>) -> Self {
        self.questions.roots = Some(uris.into_iter().map(Into::into).collect());
        self
    }

    /// The same with a client that knows no tasks.
    #[must_use]
    pub fn without_tasks(mut self) -> Self {
        self.knows_tasks = false;
        self
    }

    /// Calls a tool. A task is waited for until its end.
    pub fn call(&self, tool: &str, arguments: impl Serialize) -> Answer {
        self.answer(
            "tools/call",
            json!({ "name": tool, "arguments": to_value(arguments) }),
        )
    }

    /// Reads a resource.
    pub fn read(&self, uri: &str) -> Answer {
        self.answer("resources/read", json!({ "uri": uri }))
    }

    /// Gets a prompt.
    pub fn get_prompt(&self, name: &str, arguments: impl Serialize) -> Answer {
        self.answer(
            "prompts/get",
            json!({ "name": name, "arguments": to_value(arguments) }),
        )
    }

    /// Completes the argument of a prompt.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn complete_prompt(&self, prompt: &str, argument: &str, typed: &str) -> Vec<String> {
        self.complete(
            &json!({ "type": "ref/prompt", "name": prompt }),
            argument,
            typed,
        )
    }

    /// Completes the variable of a resource template.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn complete_template(&self, template: &str, variable: &str, typed: &str) -> Vec<String> {
        self.complete(
            &json!({ "type": "ref/resource", "uri": template }),
            variable,
            typed,
        )
    }

    fn complete(&self, reference: &Value, name: &str, typed: &str) -> Vec<String> {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": typed } });
        let result = self
            .request("completion/complete", params)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_json::from_value(result["completion"]["values"].clone()).unwrap_or_default()
    }

    /// The tools that the caller sees, as they are listed.
    pub fn tools(&self) -> Vec<Value> {
        self.list("tools/list", "tools")
    }

    /// The resources, as they are listed.
    pub fn resources(&self) -> Vec<Value> {
        self.list("resources/list", "resources")
    }

    /// The resource templates, as they are listed.
    pub fn resource_templates(&self) -> Vec<Value> {
        self.list("resources/templates/list", "resourceTemplates")
    }

    /// The prompts, as they are listed.
    pub fn prompts(&self) -> Vec<Value> {
        self.list("prompts/list", "prompts")
    }

    /// The names of the tools that the caller sees.
    pub fn tool_names(&self) -> Vec<String> {
        self.tools()
            .iter()
            .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
            .collect()
    }

    fn list(&self, method: &str, key: &str) -> Vec<Value> {
        let (mut all, mut params) = (Vec::new(), json!({}));
        loop {
            let mut page = self
                .request(method, params)
                .unwrap_or_else(|error| panic!("{method}: {error}"));
            if let Value::Array(entries) = page[key].take() {
                all.extend(entries);
            }
            match page["nextCursor"].take() {
                Value::Null => return all,
                cursor => params = json!({ "cursor": cursor }),
            }
        }
    }

    /// Subscribes to changes of a resource, which [`changes`](Self::changes) then has.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn subscribe(&self, uri: &str) {
        self.listening.resources.borrow_mut().push(uri.to_owned());
        if self.version.is_stateless() {
            self.listen();
        } else {
            let done = self.request("resources/subscribe", json!({ "uri": uri }));
            done.unwrap_or_else(|error| panic!("{uri}: {error}"));
        }
    }

    /// Reports of progress since this was asked last. Those of a task are [statuses](Self::statuses).
    pub fn progress(&self) -> Vec<Progressed> {
        self.seen.progress.take()
    }

    /// Log messages of any level since this was asked last.
    pub fn logs(&self) -> Vec<Logged> {
        self.seen.logs.take()
    }

    /// Changes that the client was notified of since this was asked last: of lists, and of resources that it
    /// [subscribed](Self::subscribe) to.
    pub fn changes(&self) -> Vec<Change> {
        self.deployment.deliver();
        self.deployment.host.run();
        self.listening.read(&self.seen);
        self.seen.changes.take()
    }

    /// Messages of tasks' statuses since this was asked last.
    pub fn statuses(&self) -> Vec<String> {
        self.seen.statuses.take()
    }

    /// Moves the clock forward, and runs every timer and alarm on the way.
    pub fn advance(&self, time: Duration) {
        self.deployment
            .advance(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    }

    /// Sends any request, and answers the questions that come before its result. `params` is an object, or `null` for none.
    ///
    /// # Errors
    /// The protocol error in the result's place.
    pub fn request(&self, method: &str, params: Value) -> Result<Value, Error> {
        assert!(
            params.is_object() || params.is_null(),
            "The params of {method} are no object, and the client adds its `_meta` to them: write json!({{ .. }}), or json!({{}}) for \
             none, in place of {params}"
        );
        if !self.version.is_stateless() {
            self.session();
            return self.post(method, params);
        }
        if !self.listening.is_open() && self.deployment.app.server.announces() {
            self.listen();
        }
        let mut result = self.post(method, params.clone())?;
        let mut patience = Patience::new(method, &self.deployment);
        loop {
            match result["resultType"].as_str() {
                Some("input_required") => {
                    patience.count_round();
                    let mut again = params.clone();
                    again["inputResponses"] = self.questions.round(&result["inputRequests"]);
                    again["requestState"] = result["requestState"].take();
                    result = self.post(method, again)?;
                }
                Some("task") => return self.task(&result["taskId"]),
                _ => return Ok(result),
            }
        }
    }

    fn answer(&self, method: &str, params: Value) -> Answer {
        let outcome = self.request(method, params);
        Answer::new(outcome, &self.deployment.host.causes.borrow())
    }
}

impl std::fmt::Debug for TestClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestClient")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

pub(super) fn to_value(value: impl Serialize) -> Value {
    serde_json::to_value(value)
        .unwrap_or_else(|error| panic!("The arguments have no JSON form: {error}"))
}
