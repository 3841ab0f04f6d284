//! Stateless requests to `/mcp`, on the Worker's side. They run in the Worker, except for those about a state or a task,
//! which run in its object.

use std::rc::Rc;

use durable_core::wire::{ADDRESS_HEADER, Head, Reply, RuntimeError};
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::context::Extensions;
use durable_mcp_protocol::discover::ResultType;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::jsonrpc::{Request, RequestId, error_json, result_json};
use durable_mcp_protocol::method::Method;
use durable_mcp_protocol::request_meta::RequestMeta;
use durable_mcp_protocol::round_trips::{RoundTrips, given_answers};
use durable_mcp_protocol::state_argument::StateOf;
use durable_mcp_protocol::state_name::STATE_ARGUMENT;
use durable_mcp_protocol::tool::Tool;
use futures_util::FutureExt;
use http::StatusCode;

use super::app::App;
use super::request_runtime::{ForwardedRequest, ObjectTarget, RequestRuntime};
use crate::hub::{ClientNetwork, Listener, QuotaSubject, SubscriptionFilter, user_tag};
use crate::session::object::Sender;
use crate::task::command::{Begin, Command};
use crate::task::{self, id};
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::{Refusal, Refused};
use crate::transport::session_endpoint::RequestHeaders;
use crate::transport::session_id::ObjectId;
use crate::transport::stateless::{self, Accepted, BeginTask};
use crate::transport::{headers, request_state, state_handle};

/// Prefix of the names of users' state objects.
const USER_STATE: &str = "user state";

/// A stateless request with what answers it.
pub(super) struct Exchange<'a> {
    /// The application.
    pub(super) app: &'a App,
    /// The head of the HTTP request.
    pub(super) head: &'a Head,
    /// The runtime of the HTTP request.
    pub(super) runtime: &'a dyn RequestRuntime,
    /// The sender.
    pub(super) caller: Rc<Caller>,
    /// The request's `_meta`.
    pub(super) meta: RequestMeta,
}

impl Exchange<'_> {
    /// Answers the request, which was parsed from `body`.
    pub(super) async fn answer(self, request: Request, body: String) -> Reply {
        let call = self.app.server.resolve(request);
        if let Err(error) = headers::check(&call, self.head) {
            return Refused::bad_request(Some(call.request.id), error).into();
        }
        if let Some(refused) = stateless::lacks_scopes(&call, &self.caller) {
            return refused;
        }
        match call.method {
            Some(Method::Listen) => self.listen(&call.request).await,
            Some(Method::GetTask) if self.has_tasks() => self.task(&call, Ok(Command::Get)).await,
            Some(Method::CancelTask) if self.has_tasks() => {
                self.task(&call, Ok(Command::Cancel)).await
            }
            Some(Method::UpdateTask) if self.has_tasks() => {
                let command = answers(&call.request).map(Command::Update);
                self.task(&call, command).await
            }
            _ => match call.state() {
                StateOf::Nobody => {
                    // The parsed request holds the same data: a long body would be in memory twice while the call runs.
                    drop(body);
                    self.run(call).await
                }
                StateOf::Caller(named) => self.forward(&call, named, body).await,
            },
        }
    }

    fn has_tasks(&self) -> bool {
        self.app.server.has_tasks()
    }

    /// Forwards a call about a state to the object of the state.
    async fn forward(&self, call: &Call, named: Option<String>, body: String) -> Reply {
        let (place, state) = match self.state(&call.request, named).await {
            Ok(Some((object, state))) => (ObjectTarget::Session(object), state),
            Ok(None) => return unknown_state(self.app, call),
            Err(fault) => return self.failed(&call.request.id, &fault),
        };
        let forwarded = ForwardedRequest {
            place,
            session: None,
            state,
            caller: Rc::clone(&self.caller),
            transport: Transport::Stateless,
            body: Some(body),
        };
        let reply = self.runtime.forward(forwarded);
        self.reply(&call.request.id, reply)
    }

    /// The answer with a task that has begun in place of its call.
    fn task_begun(&self, id: &RequestId, task: Result<String, RuntimeError>) -> Reply {
        match task {
            Ok(task) => {
                let result = self.app.server.stamp(ResultType::Task, &task, None);
                Reply::json(StatusCode::OK, result_json(id, &result))
            }
            Err(fault) => self.failed(id, &fault),
        }
    }

    /// Runs a call in the Worker.
    async fn run(self, call: Call) -> Reply {
        let runtime = self.runtime.call_runtime();
        let id = &call.request.id;
        let rounds = match request_state::rounds(&call.request, &self.caller, &*runtime).await {
            Ok(Ok(rounds)) => Rc::new(rounds),
            Ok(Err(error)) => return Refused::bad_request(Some(id.clone()), error).into(),
            Err(fault) => return self.failed(id, &fault),
        };
        let tool = call
            .task_tool(&self.caller)
            .filter(|_| self.meta.capabilities.has(ClientCapabilities::TASKS));
        let begin_task = tool.map(|tool| self.begin_task(&call.request, tool));
        if let Some(begin_task) = &begin_task
            && tool.is_some_and(Tool::begins_as_task)
        {
            let task = begin_task(rounds).await;
            return self.task_begun(id, task);
        }
        let request_headers = Rc::clone(&self.head.headers);
        let extensions = move |extensions: &mut Extensions| {
            extensions.insert(Rc::new(RequestHeaders(Rc::clone(&request_headers))));
        };
        let accepted = Accepted {
            call,
            sender: Sender {
                client: Rc::new(self.meta.client()),
                caller: self.caller,
                extensions: Rc::new(extensions),
            },
            log_level: self.meta.log_level,
            rounds,
            state: None,
            begin_task,
            gone: self.runtime.gone(),
            request_log: self.app.settings.request_log,
            always_streams: self.app.settings.always_streams,
        };
        stateless::run(Rc::clone(&self.app.server), runtime, accepted).await
    }

    /// The object of the state that a request is about, with the state's name where the caller names it; `None` if the named
    /// state is unknown or has ended.
    async fn state(
        &self,
        request: &Request,
        named: Option<String>,
    ) -> Result<Option<(ObjectId, Option<(String, bool)>)>, RuntimeError> {
        let runtime = self.runtime;
        if let Some(subject) = &self.caller.subject {
            let keys = runtime.keys(false).await?;
            let name = keys.anchor_mac(USER_STATE, subject.as_bytes());
            let name = name.iter().fold(String::from("user:"), |text, byte| {
                format!("{text}{byte:02x}")
            });
            return Ok(Some((runtime.object_named(&name)?, None)));
        }
        // A state of an earlier round is reported as new, since the client has not seen its handle.
        let began = || request_state::begun_state(request).map(|name| (name, true));
        if let Some((name, is_new)) = named.map(|name| (name, false)).or_else(began) {
            let max_age_ms = self.app.settings.max_age_ms;
            let object = state_handle::open(&name, max_age_ms, &*runtime.call_runtime()).await?;
            return Ok(object.map(|object| (object, Some((name, is_new)))));
        }
        let object = runtime.new_object()?;
        let keys = runtime.keys(false).await?;
        let name = state_handle::seal(object, runtime.now(), &keys, runtime.random())?;
        Ok(Some((object, Some((name, true)))))
    }

    /// The function that turns the request into a task of that tool.
    fn begin_task(&self, request: &Request, tool: &Tool) -> BeginTask {
        let client = self.meta.client();
        let begin = Begin {
            id: String::new(),
            ttl_ms: tool.task_lifetime_ms(),
            params: request.params.to_json(),
            answers: "{}".to_owned(),
            version: client.version,
            capabilities: client.capabilities,
            client: client.name,
            user: user_tag(&self.caller),
        };
        let (start, caller) = (self.runtime.begin_task(), Rc::clone(&self.caller));
        Rc::new(move |rounds: Rc<RoundTrips>| {
            let begin = Begin {
                answers: rounds.answers_json(),
                ..begin.clone()
            };
            start(begin, Rc::clone(&caller)).boxed_local()
        })
    }

    /// `tasks/get`, `tasks/update` and `tasks/cancel`.
    async fn task(&self, call: &Call, command: Result<Command, Error>) -> Reply {
        let id = &call.request.id;
        if !self.meta.capabilities.has(ClientCapabilities::TASKS) {
            let error = Error::missing_capability(ClientCapabilities::TASKS);
            return Refused::bad_request(Some(id.clone()), error).into();
        }
        let task = call.request.params.fields().text("taskId");
        let (command, task) = match command.and_then(|command| Ok((command, task?))) {
            Ok(read) => read,
            Err(error) => return Refused::bad_request(Some(id.clone()), error).into(),
        };
        let json = match self.carry_out(&task, command).await {
            Ok(Ok(result)) => {
                let result = self.app.server.stamp(ResultType::Complete, &result, None);
                result_json(id, &result)
            }
            Ok(Err(error)) => error_json(Some(id), &error),
            Err(fault) => return self.failed(id, &fault),
        };
        Reply::json(StatusCode::OK, json)
    }

    /// Has the object of one of the caller's tasks carry out a command; the inner error is the client's.
    async fn carry_out(
        &self,
        task: &str,
        command: Command,
    ) -> Result<Result<String, Error>, RuntimeError> {
        match id::open(task, &self.caller, &*self.runtime.call_runtime()).await? {
            Some(object) => self.runtime.of_task(object, command, &self.caller).await,
            None => Ok(Err(task::unknown())),
        }
    }

    /// `subscriptions/listen`.
    async fn listen(&self, request: &Request) -> Reply {
        let refuse = |error| Refused::bad_request(Some(request.id.clone()), error).into();
        let mut wanted = match SubscriptionFilter::from_request(&self.app.server, request) {
            Ok(wanted) => wanted,
            Err(error) => return refuse(error),
        };
        if !wanted.tasks.is_empty() {
            if !self.meta.capabilities.has(ClientCapabilities::TASKS) {
                return refuse(Error::missing_capability(ClientCapabilities::TASKS));
            }
            match self.watched(wanted.tasks).await {
                Ok(tasks) => wanted.tasks = tasks,
                Err(fault) => return self.failed(&request.id, &fault),
            }
        }
        let counted = match self.counted().await {
            Ok(counted) => counted,
            Err(fault) => return self.failed(&request.id, &fault),
        };
        let listener = Listener {
            id: request.id.clone(),
            counted,
            grant: self.caller.grant.clone(),
            ends: self
                .caller
                .expires
                .map(|seconds| seconds.saturating_mul(1000)),
            wanted,
        };
        match listener.fit() {
            Ok(listener) => self.reply(&request.id, self.runtime.subscribe(&listener).await),
            Err(error) => refuse(error),
        }
    }

    /// The user or network whose quota counts a stream.
    async fn counted(&self) -> Result<QuotaSubject, RuntimeError> {
        let user = user_tag(&self.caller);
        let origin = match self.head.header(ADDRESS_HEADER).filter(|_| user.is_none()) {
            Some(address) => ClientNetwork::of(&*self.runtime.keys(false).await?, &address),
            None => None,
        };
        Ok(QuotaSubject { user, origin })
    }

    /// Filters the caller's own tasks, and has each report to the hub from now on.
    async fn watched(&self, tasks: Vec<String>) -> Result<Vec<String>, RuntimeError> {
        let mut own = Vec::new();
        for task in tasks {
            if self.carry_out(&task, Command::Watch).await?.is_ok() {
                own.push(task);
            }
        }
        Ok(own)
    }

    fn reply(&self, id: &RequestId, reply: Result<Reply, RuntimeError>) -> Reply {
        reply.unwrap_or_else(|fault| self.failed(id, &fault))
    }

    /// Answer to a request for which the server failed; the cause is in the log.
    fn failed(&self, id: &RequestId, fault: &RuntimeError) -> Reply {
        self.runtime.warn(&fault.0);
        Refusal::of(fault).reply(Some(id))
    }
}

/// The answers of a `tasks/update`, as JSON.
fn answers(request: &Request) -> Result<String, Error> {
    given_answers(&request.params)?;
    let fields = request.params.fields();
    match fields.raw("inputResponses") {
        Some(answers) => Ok(answers.get().to_owned()),
        None => Err(Error::invalid_params(
            "Invalid params: `inputResponses` is missing.",
        )),
    }
}

/// The answer for an unknown state: for a tool a result with `isError`, so that the model can retry.
fn unknown_state(app: &App, call: &Call) -> Reply {
    let text = format!(
        "There is no such `{STATE_ARGUMENT}`, or it has ended. Leave it out to begin a new one."
    );
    let id = &call.request.id;
    if call.method != Some(Method::CallTool) {
        return Refused::bad_request(Some(id.clone()), Error::invalid_params(text)).into();
    }
    let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#);
    let stamped = app.server.stamp(ResultType::Complete, &result, None);
    Reply::json(StatusCode::OK, result_json(id, &stamped))
}
