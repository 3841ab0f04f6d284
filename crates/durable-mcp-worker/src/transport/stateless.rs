//! Streamable HTTP without sessions, 2026-07-28: one request, wherever it runs, and its answer.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::Server;
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::change::{Change, Reach};
use durable_mcp_protocol::context::{Context, Extensions};
use durable_mcp_protocol::discover::ResultType;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{
    Request, RequestId, error_json, notification_json, result_json,
};
use durable_mcp_protocol::log_level::LogLevel;
use durable_mcp_protocol::peer::{About, Peer};
use durable_mcp_protocol::response::{CallResponse, CallResult};
use durable_mcp_protocol::round_trips::RoundTrips;
use durable_mcp_protocol::state_argument::{self, BegunState};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, pending, ready, select};
use http::StatusCode;
use serde_json::value::RawValue;

use super::json_or_stream::{Work, work_until_open};
use super::keep_alive::kept_alive;
use super::repollable::repollable;
use super::sse;
use super::stateless_stream::AnswerStream;
use super::{internal_headers, request_state};
use crate::hub::user_tag;
use crate::session::call_channel::{MAX_MESSAGE_BYTES, excess};
use crate::session::call_run::{CallRun, Cancellation, RunEnd, cause_id};
use crate::session::host::CallRuntime;
use crate::session::log_line::RequestLog;
use crate::session::object::Sender;
use crate::session::publication::Publication;

/// Begins a task with what was answered so far, and gives the JSON of its result.
pub type BeginTask =
    Rc<dyn Fn(Rc<RoundTrips>) -> LocalBoxFuture<'static, Result<String, RuntimeError>>>;

/// A stateless call that was checked and accepted.
pub struct Accepted {
    /// The call.
    pub call: Call,
    /// The sender.
    pub sender: Sender,
    /// The least severe log messages that its client wants.
    pub log_level: Option<LogLevel>,
    /// The answers of earlier rounds.
    pub rounds: Rc<RoundTrips>,
    /// The name of the state that the request is about, and whether it began with this request; for callers who name it.
    pub state: Option<(String, bool)>,
    /// Begins the task in which the call continues; none where it cannot become a task.
    pub begin_task: Option<BeginTask>,
    /// Is ready when the client has hung up.
    pub gone: LocalBoxFuture<'static, ()>,
    /// The requests that leave a line in the log.
    pub request_log: RequestLog,
    /// True if the answer is an event stream in any case.
    pub always_streams: bool,
}

/// Runs a call. Its answer is JSON if nothing has to be sent before it, and soon enough that no proxy takes the silence for
/// the end; else it comes as events. When its client has gone, it is cancelled.
pub async fn run(server: Rc<Server>, runtime: Rc<dyn CallRuntime>, accepted: Accepted) -> Reply {
    Reply {
        logged: true,
        ..answered(server, runtime, accepted).await
    }
}

async fn answered(server: Rc<Server>, runtime: Rc<dyn CallRuntime>, accepted: Accepted) -> Reply {
    let stream = Rc::new(AnswerStream::default());
    let always_streams = accepted.always_streams;
    let answer: Rc<Cell<Option<(StatusCode, String)>>> = Rc::default();
    let work = {
        let (stream, runtime, answer) =
            (Rc::clone(&stream), Rc::clone(&runtime), Rc::clone(&answer));
        async move { answer.set(run_call(&server, &runtime, &stream, accepted).await) }
    };
    let work = repollable(work.boxed_local());
    let open = || stream.opening.request();
    let rest = match work_until_open(work, &stream.opening, open, &*runtime).await {
        Work::Done => return alone(answer.take(), always_streams),
        Work::Sent => ready(()).boxed_local(),
        Work::Left(rest) => rest,
    };
    let body = stream.open();
    runtime.spawn(
        rest.map(move |()| {
            if let Some((_, json)) = answer.take() {
                stream.send(&json);
            }
            stream.finish();
        })
        .boxed_local(),
    );
    Reply::events(ReplyBody::Stream(kept_alive(body, runtime)))
}

/// The reply with an answer before which nothing was sent; the client has hung up if there is none.
fn alone(answer: Option<(StatusCode, String)>, always_streams: bool) -> Reply {
    match answer {
        Some((StatusCode::OK, json)) if always_streams => {
            Reply::events(ReplyBody::Text(sse::message(None, &json)))
        }
        Some((status, json)) => Reply::json(status, json),
        None => Reply::empty(StatusCode::NO_CONTENT),
    }
}

/// The answer, and the status it has if it goes alone; none if the client has gone.
async fn run_call(
    server: &Rc<Server>,
    runtime: &Rc<dyn CallRuntime>,
    stream: &Rc<AnswerStream>,
    accepted: Accepted,
) -> Option<(StatusCode, String)> {
    let run = CallRun::start(&**runtime, accepted.request_log);
    let peer = CallPeer::new(server, runtime, stream, &accepted);
    let silenced = Rc::clone(&peer.silenced);
    let Accepted {
        call,
        sender,
        rounds,
        state,
        begin_task,
        gone,
        ..
    } = accepted;
    let begun = state.and_then(|(name, is_new)| is_new.then_some(name));
    let context = context(&**runtime, &sender, peer, begun.as_ref());
    let (cancellation, registration) = Cancellation::new(&call, &context, &silenced);
    let cancellation = Rc::new(cancellation);
    let own = Rc::clone(&cancellation);
    stream.when_hung_up(move || own.cancel());
    let work = run.response(server, &call, &context, registration);
    let response = until_hung_up(work, gone, &cancellation, runtime).await;
    let suspended = Suspension {
        runtime,
        request: &call.request,
        caller: &sender.caller,
        rounds: &rounds,
        begun: begun.as_deref(),
        begin_task,
    };
    let response = response.filter(|_| !silenced.get());
    let (kind, response) = suspended.resolve(response).await;
    let end = RunEnd::without_rows("request", Some(sender.client.version));
    let response = run.end(&call, response, &end)?;
    answer(server, &call.request.id, kind, response)
}

/// JSON of a response, and the status it has if it goes alone; none of a suspended call.
fn answer(
    server: &Server,
    id: &RequestId,
    kind: ResultType,
    response: CallResponse,
) -> Option<(StatusCode, String)> {
    match response.result {
        Ok(CallResult::Json(result)) => {
            let stamped = server.stamp(kind, &result, response.caching);
            Some((StatusCode::OK, result_json(id, &stamped)))
        }
        Ok(CallResult::Suspended) => None,
        Err(error) => Some((status(&error), error_json(Some(id), &error))),
    }
}

fn context(
    runtime: &dyn CallRuntime,
    sender: &Sender,
    peer: CallPeer,
    begun: Option<&String>,
) -> Context {
    let mut extensions = Extensions::default();
    runtime.extend(&mut extensions);
    (sender.extensions)(&mut extensions);
    if let Some(name) = begun {
        extensions.insert(Rc::new(BegunState(name.clone())));
    }
    let (client, caller) = (Rc::clone(&sender.client), Rc::clone(&sender.caller));
    Context::new(client, caller, Rc::new(peer), Rc::new(extensions))
}

/// A call that the caller's token does not allow, as HTTP says so (RFC 6750 section 3.1).
#[must_use]
pub fn lacks_scopes(call: &Call, caller: &Caller) -> Option<Reply> {
    let needed = call.missing_scopes(caller)?;
    let json = error_json(Some(&call.request.id), &Error::insufficient_scope(needed));
    // Together with those it has: a client asks for what a challenge names, and gets a token in place of the one it had.
    let missing = needed.iter().filter(|scope| !caller.scopes.contains(scope));
    let scopes: Vec<_> = caller
        .scopes
        .iter()
        .chain(missing)
        .map(String::as_str)
        .collect();
    Some(
        Reply::json(StatusCode::FORBIDDEN, json)
            .header(internal_headers::NEEDED_SCOPES, scopes.join(" ")),
    )
}

/// The HTTP status of an error (2026-07-28, Streamable HTTP, "Protocol Version Header"; Basic, "`_meta`").
fn status(error: &Error) -> StatusCode {
    match error.code {
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::MISSING_CAPABILITY => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// Work to its end. When the client hangs up before, the call is cancelled, and may still finish what it has to.
async fn until_hung_up<T>(
    work: impl Future<Output = T>,
    gone: LocalBoxFuture<'static, ()>,
    cancellation: &Cancellation,
    runtime: &Rc<dyn CallRuntime>,
) -> T {
    let work = pin!(work);
    match select(work, gone).await {
        Either::Left((output, _)) => output,
        Either::Right(((), work)) => {
            // With nobody to answer, the runtime would end the work at its next wait.
            let (finished, ended) = oneshot::channel::<()>();
            runtime.spawn(ended.map(drop).boxed_local());
            cancellation.cancel();
            let output = work.await;
            drop(finished);
            output
        }
    }
}

/// The continuation of a call that is suspended.
struct Suspension<'a> {
    runtime: &'a Rc<dyn CallRuntime>,
    request: &'a Request,
    caller: &'a Caller,
    rounds: &'a Rc<RoundTrips>,
    /// The name of the state that the call began.
    begun: Option<&'a str>,
    begin_task: Option<BeginTask>,
}

impl Suspension<'_> {
    /// Turns a suspended call into `input_required` with its open questions, or into a task; any other response is complete as it
    /// is.
    async fn resolve(self, response: Option<CallResponse>) -> (ResultType, Option<CallResponse>) {
        if !response
            .as_ref()
            .is_some_and(|response| matches!(response.result, Ok(CallResult::Suspended)))
        {
            return (ResultType::Complete, response);
        }
        let (kind, result) = match &self.begin_task {
            Some(begin_task) if self.rounds.is_detaching() => {
                let task = begin_task(Rc::clone(self.rounds)).await;
                (ResultType::Task, task.map_err(|fault| self.failed(&fault)))
            }
            _ => (ResultType::InputRequired, self.input_required().await),
        };
        (kind, Some(result.into()))
    }

    /// The JSON of the open questions, and of the state with which the client returns.
    async fn input_required(&self) -> Result<String, Error> {
        let sealed = async {
            let keys = self.runtime.keys(false).await?;
            request_state::seal(
                self.rounds,
                self.begun,
                self.request,
                self.caller,
                self.runtime.now(),
                &keys,
                self.runtime.random(),
            )
        };
        let state = sealed
            .await
            .map_err(|fault| self.failed(&fault))?
            .ok_or_else(request_state::too_long)?;
        Ok(self.rounds.input_required(&state))
    }

    fn failed(&self, fault: &RuntimeError) -> Error {
        self.runtime.warn(&fault.0);
        Error::internal("The server failed. Its log says why; trying again may help.")
    }
}

/// The client of a stateless request.
struct CallPeer {
    server: Rc<Server>,
    runtime: Rc<dyn CallRuntime>,
    stream: Rc<AnswerStream>,
    rounds: Rc<RoundTrips>,
    /// The user, as listeners know them.
    user: Option<String>,
    /// The name of the state that the call is about.
    state: Option<String>,
    log_level: Option<LogLevel>,
    becomes_task: bool,
    silenced: Rc<Cell<bool>>,
}

impl CallPeer {
    fn new(
        server: &Rc<Server>,
        runtime: &Rc<dyn CallRuntime>,
        stream: &Rc<AnswerStream>,
        accepted: &Accepted,
    ) -> Self {
        let Sender { client, caller, .. } = &accepted.sender;
        Self {
            server: Rc::clone(server),
            runtime: Rc::clone(runtime),
            stream: Rc::clone(stream),
            rounds: Rc::clone(&accepted.rounds),
            user: user_tag(caller),
            state: accepted.state.as_ref().map(|(name, _)| name.clone()),
            log_level: accepted.log_level,
            becomes_task: accepted.begin_task.is_some()
                && client.capabilities.has(ClientCapabilities::TASKS),
            silenced: Rc::default(),
        }
    }
}

impl Peer for CallPeer {
    fn now(&self) -> u64 {
        self.runtime.now()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        self.runtime.sleep(milliseconds)
    }

    fn notify(&self, _: About, method: &'static str, params: String) {
        if self.silenced.get() {
            return;
        }
        let json = notification_json(method, &params);
        match excess(method, json.len(), MAX_MESSAGE_BYTES) {
            Some(excess) => self.runtime.warn(&excess),
            None => self.stream.send(&json),
        }
    }

    fn cause_id(&self) -> String {
        cause_id(&*self.runtime)
    }

    fn warn(&self, message: &str) {
        self.runtime.warn(message);
    }

    fn announce(&self, change: &Change) {
        if self.silenced.get() {
            return;
        }
        let publication = match (self.server.reach(change), change) {
            (Reach::Own, Change::Resource(uri)) => match (&self.user, &self.state) {
                (Some(user), _) => Publication {
                    user: Some(user.clone()),
                    ..Publication::of(change)
                },
                (None, Some(state)) => {
                    Publication::of(&Change::Resource(state_argument::join(uri, state)))
                        .for_no_session()
                }
                // A state that nobody has named has nobody who could listen for it.
                (None, None) => return,
            },
            _ => Publication::of(change),
        };
        self.runtime.publish(publication);
    }

    fn request(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        if let Some(excess) = excess(method, params.len(), MAX_MESSAGE_BYTES) {
            return ready(Err(Error::internal(excess))).boxed_local();
        }
        self.rounds.request(key, method, params)
    }

    fn rounds(&self) -> Option<&RoundTrips> {
        Some(&self.rounds)
    }

    fn detach(&self) -> LocalBoxFuture<'static, Result<(), Error>> {
        if !self.becomes_task {
            return ready(Ok(())).boxed_local();
        }
        self.rounds.detach();
        pending().boxed_local()
    }

    fn log_level(&self) -> Option<LogLevel> {
        self.log_level
    }
}
