//! Streamable HTTP without sessions, 2026-07-28: one request, wherever it runs, and its answer.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{
    AbortHandle, Abortable, Either, LocalBoxFuture, pending, ready, select,
};
use http::StatusCode;
use serde_json::value::RawValue;

use super::answer_stream::AnswerStream;
use super::keep_alive::kept_alive;
use super::movable::movable;
use super::round_trips::{Question, RoundTrips};
use super::sse::{self, KEEP_ALIVE_MS};
use super::{order, request_state};
use crate::hub::user_tag;
use crate::mcp::Server;
use crate::mcp::capabilities::ClientCapabilities;
use crate::mcp::change::{Change, Reach};
use crate::mcp::context::{Context, Extensions};
use crate::mcp::discover::ResultType;
use crate::mcp::dispatch::{Answer, Ended, Outcome};
use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::{Request, error_json, notification_json, result_json};
use crate::mcp::log::LogLevel;
use crate::mcp::peer::{About, Peer};
use crate::mcp::state_argument::{self, BegunState};
use crate::mcp::user::Caller;
use crate::session::call_channel::{MAX_MESSAGE_BYTES, answer_excess, excess, too_long};
use crate::session::core::Sender;
use crate::session::host::CallRuntime;
use crate::session::log_line::{LogLine, RequestLog};
use crate::session::notice::Notice;
use crate::wire::{Body, Reply, RuntimeError};

/// Begins a task with what was answered so far, and gives the JSON of its result.
pub type BeginTask =
    Rc<dyn Fn(Rc<RoundTrips>) -> LocalBoxFuture<'static, Result<String, RuntimeError>>>;

/// A stateless request that was checked and accepted.
pub struct Call {
    /// The request.
    pub request: Request,
    /// The sender.
    pub sender: Sender,
    /// The least severe log messages that its client wants.
    pub log_level: Option<LogLevel>,
    /// The answers of earlier rounds.
    pub rounds: RoundTrips,
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

/// Runs a request. Its answer is JSON if nothing has to be sent before it, and soon enough that no proxy takes the quiet for
/// the end; else it comes as events. When its client has gone, it is cancelled.
pub async fn run(server: Rc<Server>, runtime: Rc<dyn CallRuntime>, call: Call) -> Reply {
    Reply {
        logged: true,
        ..answered(server, runtime, call).await
    }
}

async fn answered(server: Rc<Server>, runtime: Rc<dyn CallRuntime>, call: Call) -> Reply {
    let stream = Rc::new(AnswerStream::default());
    let always_streams = call.always_streams;
    let answered: Rc<Cell<Option<(StatusCode, String)>>> = Rc::default();
    let work = {
        let (stream, runtime, answered) = (
            Rc::clone(&stream),
            Rc::clone(&runtime),
            Rc::clone(&answered),
        );
        async move { answered.set(answer(&server, &runtime, &stream, call).await) }
    };
    let work = movable(work.boxed_local());
    let opening = {
        let stream = Rc::clone(&stream);
        poll_fn(move |cx| stream.poll_opening(cx))
    };
    let mut race = select(work, opening);
    let outcome = match (&mut race).now_or_never() {
        Some(outcome) => outcome,
        None => match select(race, runtime.sleep(KEEP_ALIVE_MS)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), race)) => {
                stream.request_opening();
                race.await
            }
        },
    };
    let last = move || answered.take();
    let rest = match outcome {
        Either::Left(_) if !stream.is_opening() => {
            return match last() {
                Some((StatusCode::OK, json)) if always_streams => {
                    Reply::events(Body::Text(sse::message(None, &json)))
                }
                Some((status, json)) => Reply::json(status, json),
                // The client has hung up.
                None => Reply::empty(StatusCode::NO_CONTENT),
            };
        }
        // The call sent something and ended before the first poll of its stream.
        Either::Left(_) => ready(()).boxed_local(),
        Either::Right(((), work)) => work,
    };
    let body = stream.open();
    runtime.spawn(
        rest.map(move |()| {
            if let Some((_, json)) = last() {
                stream.send(&json);
            }
            stream.finish();
        })
        .boxed_local(),
    );
    Reply::events(Body::Stream(kept_alive(body, runtime)))
}

/// The answer, and the status it has if it goes alone; none if the client has gone.
#[expect(
    clippy::too_many_lines,
    reason = "the steps of one call in their order"
)]
async fn answer(
    server: &Rc<Server>,
    runtime: &Rc<dyn CallRuntime>,
    stream: &Rc<AnswerStream>,
    call: Call,
) -> Option<(StatusCode, String)> {
    let Call {
        request,
        sender,
        log_level,
        rounds,
        state,
        begin_task,
        gone,
        request_log,
        ..
    } = call;
    let started = request_log.begin(|| runtime.now());
    let silenced: Rc<Cell<bool>> = Rc::default();
    let rounds = Rc::new(rounds);
    let caller = Rc::clone(&sender.caller);
    let peer = CallPeer {
        server: Rc::clone(server),
        runtime: Rc::clone(runtime),
        stream: Rc::clone(stream),
        rounds: Rc::clone(&rounds),
        user: user_tag(&caller),
        state: state.as_ref().map(|(name, _)| name.clone()),
        log_level,
        becomes_task: begin_task.is_some()
            && sender.client.capabilities.has(ClientCapabilities::TASKS),
        silenced: Rc::clone(&silenced),
    };
    let mut extensions = Extensions::default();
    runtime.extend(&mut extensions);
    (sender.extensions)(&mut extensions);
    let begun = state.filter(|(_, is_new)| *is_new).map(|(name, _)| name);
    if let Some(name) = &begun {
        extensions.insert(Rc::new(BegunState(name.clone())));
    }
    let context = Context::new(
        Rc::clone(&sender.client),
        Rc::clone(&caller),
        Rc::new(peer),
        Rc::new(extensions),
    );
    let target = server.target(&request);
    let (abort, registration) = AbortHandle::new_pair();
    let abort = (!target.heeds_cancellation).then_some(abort);
    let hang_up: Rc<dyn Fn()> = {
        let (silenced, flag) = (Rc::clone(&silenced), Rc::clone(context.cancelled()));
        Rc::new(move || {
            silenced.set(true);
            flag.set();
            if let Some(abort) = &abort {
                abort.abort();
            }
        })
    };
    stream.when_hung_up({
        let hang_up = Rc::clone(&hang_up);
        move || hang_up()
    });
    let work = Abortable::new(server.answer(&request, &context), registration);
    let answer = until_hung_up(work, gone, &*hang_up, runtime)
        .await
        .ok()
        .filter(|_| !silenced.get());
    let mut answer = match answer {
        Some(answer) => Some(
            settled(
                answer,
                runtime,
                &request,
                &caller,
                &rounds,
                begun.as_deref(),
                begin_task,
            )
            .await,
        ),
        None => None,
    };
    if let Some((_, settled)) = &mut answer
        && let Some(excess) = answer_excess(settled, MAX_MESSAGE_BYTES, &target)
    {
        runtime.warn(&excess);
        *settled = Err(too_long()).into();
    }
    let outcome = answer
        .as_ref()
        .map_or("cancelled", |(_, answer)| answer.ended.as_str());
    if let Some(ms) = request_log.due(outcome, started, || runtime.now()) {
        let code = answer
            .as_ref()
            .and_then(|(_, answer)| answer.outcome.as_ref().err().map(|error| error.code));
        runtime.log(&LogLine {
            event: "request",
            name: target.name,
            era: Some(sender.client.version.as_str()),
            outcome,
            code: code.map(|code| code.0),
            ms,
            // Method names that a client made up are not logged.
            method: if code == Some(ErrorCode::METHOD_NOT_FOUND) {
                "?".to_owned()
            } else {
                request.method.clone()
            },
            ..LogLine::default()
        });
    }
    let (kind, answer) = answer?;
    if answer.ended == Ended::Panic {
        runtime.warn("a handler panicked; its message is above");
    }
    Some(match answer.outcome {
        Ok(Outcome::Result(result)) => {
            let stamped = server.stamp(kind, &result, answer.caching);
            (StatusCode::OK, result_json(&request.id, &stamped))
        }
        Ok(Outcome::Suspended) => return None,
        Err(error) => (status(&error), error_json(Some(&request.id), &error)),
    })
}

/// A call that the caller's token does not allow, as HTTP says so (RFC 6750 section 3.1).
#[must_use]
pub fn lacks_scopes(server: &Server, caller: &Caller, request: &Request) -> Option<Reply> {
    let needed = server.missing_scopes(request, caller)?;
    let json = error_json(Some(&request.id), &Error::insufficient_scope(needed));
    // Together with those it has: a client asks for what a challenge names, and gets a token in place of the one it had.
    let missing = needed.iter().filter(|scope| !caller.scopes.contains(scope));
    let scopes: Vec<_> = caller
        .scopes
        .iter()
        .chain(missing)
        .map(String::as_str)
        .collect();
    Some(Reply::json(StatusCode::FORBIDDEN, json).header(order::NEEDED_SCOPES, scopes.join(" ")))
}

/// The HTTP status of an error (2026-07-28, Streamable HTTP, "Protocol Version Header"; Basic, "`_meta`").
fn status(error: &Error) -> StatusCode {
    match error.code {
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::MISSING_CAPABILITY => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// Work to its end. When the client hangs up before, it is told, and may still finish what it has to.
async fn until_hung_up<T>(
    work: impl Future<Output = T>,
    gone: LocalBoxFuture<'static, ()>,
    hang_up: &dyn Fn(),
    runtime: &Rc<dyn CallRuntime>,
) -> T {
    let work = pin!(work);
    match select(work, gone).await {
        Either::Left((output, _)) => output,
        Either::Right(((), work)) => {
            // With nobody to answer, the runtime would end the work at its next wait.
            let (finished, ended) = oneshot::channel::<()>();
            runtime.spawn(ended.map(drop).boxed_local());
            hang_up();
            let output = work.await;
            drop(finished);
            output
        }
    }
}

/// Turns a suspended call into `input_required` with its open questions, or into a task; any other answer is complete as it is.
async fn settled(
    answer: Answer,
    runtime: &Rc<dyn CallRuntime>,
    request: &Request,
    caller: &Caller,
    rounds: &Rc<RoundTrips>,
    begun: Option<&str>,
    begin_task: Option<BeginTask>,
) -> (ResultType, Answer) {
    let failed = |fault: &RuntimeError| {
        runtime.warn(&fault.0);
        Error::internal("The server failed. Its log says why; trying again may help.")
    };
    if !matches!(answer.outcome, Ok(Outcome::Suspended)) {
        return (ResultType::Complete, answer);
    }
    if rounds.is_detaching()
        && let Some(begin_task) = begin_task
    {
        let begun = begin_task(Rc::clone(rounds))
            .await
            .map_err(|fault| failed(&fault));
        return (ResultType::Task, begun.into());
    }
    let sealed = async {
        let keys = runtime.keys(false).await?;
        request_state::seal(
            rounds,
            begun,
            request,
            caller,
            runtime.now(),
            &keys,
            runtime.random(),
        )
    };
    let asked = match sealed.await {
        Ok(Some(state)) => Ok(format!(
            r#"{{"inputRequests":{},"requestState":"{state}"}}"#,
            rounds.requests_json()
        )),
        Ok(None) => Err(request_state::too_long()),
        Err(fault) => Err(failed(&fault)),
    };
    (ResultType::InputRequired, asked.into())
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

    fn warn(&self, message: &str) {
        self.runtime.warn(message);
    }

    fn announce(&self, change: &Change) {
        if self.silenced.get() {
            return;
        }
        let notice = match (self.server.reach(change), change) {
            (Reach::Own, Change::Resource(uri)) => match (&self.user, &self.state) {
                (Some(user), _) => Notice {
                    user: Some(user.clone()),
                    ..Notice::of(change)
                },
                (None, Some(state)) => {
                    Notice::of(&Change::Resource(state_argument::join(uri, state))).for_no_session()
                }
                // A state that nobody has named has nobody who could listen for it.
                (None, None) => return,
            },
            _ => Notice::of(change),
        };
        self.runtime.publish(notice);
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
        let key = self.rounds.name(key);
        if let Some(answer) = self.rounds.answer(&key, method) {
            return ready(Ok(answer)).boxed_local();
        }
        self.rounds.ask(Question {
            key,
            method: method.to_owned(),
            params,
        });
        pending().boxed_local()
    }

    fn is_suspended(&self) -> bool {
        self.rounds.is_suspended()
    }

    fn recall(&self, key: &str) -> Option<Box<RawValue>> {
        self.rounds.recall(key)
    }

    fn remember(&self, key: &str, json: String) {
        self.rounds.remember(key, json);
    }

    fn detach(&self) -> LocalBoxFuture<'static, Result<(), Error>> {
        if !self.becomes_task {
            return ready(Ok(())).boxed_local();
        }
        self.rounds.detach();
        pending().boxed_local()
    }

    fn release(&self) {}

    fn log_level(&self) -> Option<LogLevel> {
        self.log_level
    }

    fn set_log_level(&self, _: LogLevel) -> Result<(), Error> {
        Err(Error::method_not_found("logging/setLevel"))
    }

    fn set_subscribed(&self, _: &str, _: bool) -> Result<(), Error> {
        Err(Error::method_not_found("resources/subscribe"))
    }
}
