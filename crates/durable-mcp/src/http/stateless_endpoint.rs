//! Stateless requests to `/mcp`, on the Worker's side. They run in the Worker, except for those about a state or a task,
//! which run in its object.

use std::rc::Rc;

use futures_util::FutureExt;
use http::StatusCode;

use super::app::App;
use super::request_runtime::{ForwardedRequest, ObjectTarget, RequestRuntime};
use crate::hub::{Counted, Listener, Origin, Wanted, user_tag};
use crate::mcp::capabilities::ClientCapabilities;
use crate::mcp::context::Extensions;
use crate::mcp::discover::ResultType;
use crate::mcp::error::Error;
use crate::mcp::jsonrpc::{Request, RequestId, error_json, result_json};
use crate::mcp::state_argument::{STATE_ARGUMENT, StateOf};
use crate::mcp::user::Caller;
use crate::session::core::Sender;
use crate::task::command::{Begin, Command};
use crate::task::{self, id};
use crate::transport::claims::ObjectId;
use crate::transport::era::Transport;
use crate::transport::object::RequestHeaders;
use crate::transport::refusal::{Refusal, Refused};
use crate::transport::request_meta::RequestMeta;
use crate::transport::round_trips::{RoundTrips, given_answers};
use crate::transport::stateless::{self, BeginTask, Call};
use crate::transport::{headers, request_state, state_handle};
use crate::wire::{ADDRESS_HEADER, Head, Reply, RuntimeError};

/// Prefix of the names of users' state objects.
const USER_STATE: &str = "user state";

/// Answers one request, which was parsed from `body`.
pub(super) async fn handle(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
    request: Request,
    envelope: RequestMeta,
    body: String,
) -> Reply {
    if let Err(error) = headers::check(&app.server, head, &request) {
        return Refused::bad_request(Some(request.id), error).into();
    }
    if let Some(refused) = stateless::lacks_scopes(&app.server, &caller, &request) {
        return refused;
    }
    match request.method.as_str() {
        "subscriptions/listen" => listen(app, head, runtime, &caller, &request, &envelope).await,
        "tasks/get" | "tasks/update" | "tasks/cancel" if app.server.has_tasks() => {
            let done = of_task(app, runtime, &caller, &request, &envelope).await;
            done.unwrap_or_else(|fault| failed(runtime, &request.id, &fault))
        }
        _ => match app.server.state_of(&request) {
            StateOf::Nobody => {
                // The parsed request holds the same data: a long body would be in memory twice while the call runs.
                drop(body);
                here(app, head, runtime, caller, request, envelope).await
            }
            StateOf::Caller(named) => match state(app, runtime, &caller, &request, named).await {
                Ok(Some((object, name))) => {
                    let order = ForwardedRequest {
                        place: ObjectTarget::Session(object),
                        session: None,
                        state: name,
                        caller,
                        transport: Transport::Stateless,
                        body: Some(body),
                    };
                    settle(runtime, &request.id, runtime.forward(order))
                }
                Ok(None) => unknown_state(app, &request),
                Err(fault) => failed(runtime, &request.id, &fault),
            },
        },
    }
}

/// Runs a request in the Worker.
async fn here(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
    request: Request,
    envelope: RequestMeta,
) -> Reply {
    let call_runtime = runtime.call_runtime();
    let rounds = match request_state::rounds(&request, &caller, &*call_runtime).await {
        Ok(Ok(rounds)) => rounds,
        Ok(Err(error)) => return Refused::bad_request(Some(request.id), error).into(),
        Err(fault) => return failed(runtime, &request.id, &fault),
    };
    let (begin_task, at_once) = begin_task(app, runtime, &caller, &request, &envelope);
    if let Some(begin_task) = begin_task.as_ref().filter(|_| at_once) {
        return match begin_task(Rc::new(rounds)).await {
            Ok(task) => {
                let result = app.server.stamp(ResultType::Task, &task, None);
                Reply::json(StatusCode::OK, result_json(&request.id, &result))
            }
            Err(fault) => failed(runtime, &request.id, &fault),
        };
    }
    let request_headers = Rc::clone(&head.headers);
    let extensions = move |extensions: &mut Extensions| {
        extensions.insert(Rc::new(RequestHeaders(Rc::clone(&request_headers))));
    };
    let sender = Sender {
        client: Rc::new(envelope.client()),
        caller,
        extensions: Rc::new(extensions),
    };
    let call = Call {
        log_level: envelope.log_level,
        rounds,
        state: None,
        begin_task,
        gone: runtime.gone(),
        request_log: app.settings.request_log,
        always_streams: app.settings.always_streams,
        request,
        sender,
    };
    stateless::run(Rc::clone(&app.server), call_runtime, call).await
}

/// The object of the state that a request is about, with the state's name where the caller names it; `None` if the named state
/// is unknown or has ended.
async fn state(
    app: &App,
    runtime: &dyn RequestRuntime,
    caller: &Caller,
    request: &Request,
    named: Option<String>,
) -> Result<Option<(ObjectId, Option<(String, bool)>)>, RuntimeError> {
    if let Some(subject) = &caller.subject {
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
        let object =
            state_handle::open(&name, app.settings.max_age_ms, &*runtime.call_runtime()).await?;
        return Ok(object.map(|object| (object, Some((name, is_new)))));
    }
    let object = runtime.new_object()?;
    let name = state_handle::seal(
        object,
        runtime.now(),
        &*runtime.keys(false).await?,
        runtime.random(),
    )?;
    Ok(Some((object, Some((name, true)))))
}

/// The answer for an unknown state: for a tool a result with `isError`, so that the model can retry.
fn unknown_state(app: &App, request: &Request) -> Reply {
    let text = format!(
        "There is no such `{STATE_ARGUMENT}`, or it has ended. Leave it out to begin a new one."
    );
    if request.method != "tools/call" {
        return Refused::bad_request(Some(request.id.clone()), Error::invalid_params(text)).into();
    }
    let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#);
    let stamped = app.server.stamp(ResultType::Complete, &result, None);
    Reply::json(StatusCode::OK, result_json(&request.id, &stamped))
}

/// The function that turns the request into a task, if its tool allows one, and true if it starts as one.
fn begin_task(
    app: &App,
    runtime: &dyn RequestRuntime,
    caller: &Rc<Caller>,
    request: &Request,
    envelope: &RequestMeta,
) -> (Option<BeginTask>, bool) {
    let tool = app.server.task_tool(request, caller);
    let Some((ttl_ms, at_once)) =
        tool.filter(|_| envelope.capabilities.has(ClientCapabilities::TASKS))
    else {
        return (None, false);
    };
    let client = envelope.client();
    let begin = Begin {
        id: String::new(),
        ttl_ms,
        params: request.params.to_json(),
        answers: "{}".to_owned(),
        version: client.version,
        capabilities: client.capabilities,
        client: client.name,
        user: user_tag(caller),
    };
    let (start, caller) = (runtime.begin_task(), Rc::clone(caller));
    let begin_task = move |rounds: Rc<RoundTrips>| {
        let begin = Begin {
            answers: rounds.answers_json(),
            ..begin.clone()
        };
        start(begin, Rc::clone(&caller)).boxed_local()
    };
    (Some(Rc::new(begin_task)), at_once)
}

/// `tasks/get`, `tasks/update` and `tasks/cancel`.
async fn of_task(
    app: &App,
    runtime: &dyn RequestRuntime,
    caller: &Rc<Caller>,
    request: &Request,
    envelope: &RequestMeta,
) -> Result<Reply, RuntimeError> {
    let refuse = |error| Ok(Refused::bad_request(Some(request.id.clone()), error).into());
    if !envelope.capabilities.has(ClientCapabilities::TASKS) {
        return refuse(Error::missing_capability(ClientCapabilities::TASKS));
    }
    let read = || -> Result<_, Error> {
        let fields = request.params.fields();
        let command = match request.method.as_str() {
            "tasks/get" => Command::Get,
            "tasks/cancel" => Command::Cancel,
            _ => {
                let answers = fields.raw("inputResponses").map_or("", |raw| raw.get());
                given_answers(&request.params)?;
                if answers.is_empty() {
                    return Err(Error::invalid_params(
                        "Invalid params: `inputResponses` is missing.",
                    ));
                }
                Command::Update(answers.to_owned())
            }
        };
        Ok((fields.text("taskId")?, command))
    };
    let (task, command) = match read() {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let call_runtime = runtime.call_runtime();
    let told = match id::open(&task, caller, &*call_runtime).await? {
        Some(object) => runtime.of_task(object, command, caller).await?,
        None => Err(task::unknown()),
    };
    let json = match told {
        Ok(result) => result_json(
            &request.id,
            &app.server.stamp(ResultType::Complete, &result, None),
        ),
        Err(error) => error_json(Some(&request.id), &error),
    };
    Ok(Reply::json(StatusCode::OK, json))
}

/// `subscriptions/listen`.
async fn listen(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: &Rc<Caller>,
    request: &Request,
    envelope: &RequestMeta,
) -> Reply {
    let refuse = |error| Refused::bad_request(Some(request.id.clone()), error).into();
    let mut wanted = match Wanted::read(&app.server, request) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(error),
    };
    if !wanted.tasks.is_empty() {
        if !envelope.capabilities.has(ClientCapabilities::TASKS) {
            return refuse(Error::missing_capability(ClientCapabilities::TASKS));
        }
        match watched(runtime, caller, wanted.tasks).await {
            Ok(tasks) => wanted.tasks = tasks,
            Err(fault) => return failed(runtime, &request.id, &fault),
        }
    }
    let ends = caller.expires.map(|seconds| seconds.saturating_mul(1000));
    let counted = match counted(head, runtime, caller).await {
        Ok(counted) => counted,
        Err(fault) => return failed(runtime, &request.id, &fault),
    };
    let grant = caller.grant.clone();
    match (Listener {
        id: request.id.clone(),
        counted,
        grant,
        ends,
        wanted,
    })
    .fit()
    {
        Ok(listener) => settle(runtime, &request.id, runtime.subscribe(&listener).await),
        Err(error) => refuse(error),
    }
}

/// Answer to a request for which the server failed; the cause is in the log.
fn failed(runtime: &dyn RequestRuntime, id: &RequestId, fault: &RuntimeError) -> Reply {
    runtime.warn(&fault.0);
    Refusal::of(fault).reply(Some(id))
}

fn settle(
    runtime: &dyn RequestRuntime,
    id: &RequestId,
    reply: Result<Reply, RuntimeError>,
) -> Reply {
    reply.unwrap_or_else(|fault| failed(runtime, id, &fault))
}

/// The user or network whose quota counts a stream.
async fn counted(
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: &Caller,
) -> Result<Counted, RuntimeError> {
    let user = user_tag(caller);
    let origin = match head.header(ADDRESS_HEADER).filter(|_| user.is_none()) {
        Some(address) => Origin::of(&*runtime.keys(false).await?, &address),
        None => None,
    };
    Ok(Counted { user, origin })
}

/// Filters the caller's own tasks, and has each report to the hub from now on.
async fn watched(
    runtime: &dyn RequestRuntime,
    caller: &Rc<Caller>,
    tasks: Vec<String>,
) -> Result<Vec<String>, RuntimeError> {
    let call_runtime = runtime.call_runtime();
    let mut own = Vec::new();
    for task in tasks {
        if let Some(object) = id::open(&task, caller, &*call_runtime).await?
            && runtime
                .of_task(object, Command::Watch, caller)
                .await?
                .is_ok()
        {
            own.push(task);
        }
    }
    Ok(own)
}
