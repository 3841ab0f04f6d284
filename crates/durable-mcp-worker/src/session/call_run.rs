//! One run of a call, from its start to its response: the same for sessions, stateless requests and tasks.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp_protocol::Server;
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::cancel_flag::CancelFlag;
use durable_mcp_protocol::cause::LoggedCause;
use durable_mcp_protocol::context::Context;
use durable_mcp_protocol::error::ErrorCode;
use durable_mcp_protocol::response::{CallOutcome, CallResponse};
use durable_mcp_protocol::version::ProtocolVersion;
use futures_util::future::{AbortHandle, AbortRegistration, Abortable};

use super::call_channel::{MAX_MESSAGE_BYTES, response_excess, too_long};
use super::host::CallRuntime;
use super::log_line::{LogLine, RequestLog};

/// Cancels a running call.
pub(crate) struct Cancellation {
    flag: Rc<CancelFlag>,
    silenced: Rc<Cell<bool>>,
    /// Aborts the handler; `None` where it finishes by itself when it is cancelled.
    abort: Option<AbortHandle>,
}

impl Cancellation {
    /// The cancellation of a call, and what its handler is registered with. `silenced` is set by it: from then on nothing may
    /// be sent to the client.
    pub(crate) fn new(
        call: &Call,
        context: &Context,
        silenced: &Rc<Cell<bool>>,
    ) -> (Self, AbortRegistration) {
        let (abort, registration) = AbortHandle::new_pair();
        let cancellation = Self {
            flag: Rc::clone(context.cancelled()),
            silenced: Rc::clone(silenced),
            abort: (!call.heeds_cancellation()).then_some(abort),
        };
        (cancellation, registration)
    }

    /// Cancels the call.
    pub(crate) fn cancel(&self) {
        self.silenced.set(true);
        self.flag.set();
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

/// A run of a call.
pub(crate) struct CallRun<'a> {
    runtime: &'a dyn CallRuntime,
    log: RequestLog,
    /// Time at which the run started.
    started: u64,
}

/// A short random id of a failure's cause: 32 bits tell apart all failures that a log keeps of a server. The time takes its place if the
/// runtime has nothing random.
pub(crate) fn cause_id(runtime: &dyn CallRuntime) -> String {
    let mut bytes = [0; 4];
    let id = match runtime.random().fill(&mut bytes) {
        Ok(()) => u32::from_be_bytes(bytes).into(),
        Err(_) => runtime.now(),
    };
    format!("{id:08x}")
}

/// Facts of a run that has ended, for its response and its line in the log.
pub(crate) struct RunEnd {
    /// The kind of line in the log.
    pub(crate) event: &'static str,
    /// The negotiated version, for the log.
    pub(crate) version: Option<ProtocolVersion>,
    /// The most bytes that the response may have.
    pub(crate) room: usize,
    /// Rows that were written meanwhile.
    pub(crate) rows: u64,
}

impl RunEnd {
    /// The end of a run that has written no row.
    pub(crate) fn without_rows(event: &'static str, version: Option<ProtocolVersion>) -> Self {
        Self {
            event,
            version,
            room: MAX_MESSAGE_BYTES,
            rows: 0,
        }
    }
}

impl<'a> CallRun<'a> {
    /// Starts a run.
    pub(crate) fn start(runtime: &'a dyn CallRuntime, log: RequestLog) -> Self {
        Self {
            runtime,
            log,
            started: runtime.now(),
        }
    }

    /// Runs the handler; `None` if it was aborted.
    pub(crate) async fn response(
        &self,
        server: &Server,
        call: &Call,
        context: &Context,
        registration: AbortRegistration,
    ) -> Option<CallResponse> {
        Abortable::new(server.answer(call, context), registration)
            .await
            .ok()
    }

    /// Ends a run, of a call that was cancelled if there is no response. A response that is too long becomes an error. Writes the
    /// line in the log.
    pub(crate) fn end(
        self,
        call: &Call,
        mut response: Option<CallResponse>,
        end: &RunEnd,
    ) -> Option<CallResponse> {
        if let Some(response) = &mut response
            && let Some(excess) = response_excess(response, end.room, call)
        {
            self.runtime.warn(&excess);
            *response = Err(too_long()).into();
        }
        let panicked = response
            .as_ref()
            .is_some_and(|response| response.outcome == CallOutcome::Panic);
        self.write_line(call, response.as_ref(), end);
        if panicked {
            self.runtime
                .warn("a handler panicked; its message is above");
        }
        response
    }

    fn write_line(&self, call: &Call, response: Option<&CallResponse>, end: &RunEnd) {
        let outcome = response.map_or("cancelled", |response| response.outcome.as_str());
        let cause = response.and_then(|response| response.cause.clone());
        let due = self
            .log
            .due(outcome, Some(self.started), || self.runtime.now());
        // A cause whose id the client was told is in the log in any case.
        let elapsed = |_: &LoggedCause| self.runtime.now().saturating_sub(self.started);
        let Some(ms) = due.or_else(|| cause.as_ref().map(elapsed)) else {
            return;
        };
        let (cause_id, cause) = cause.map(|cause| (cause.id, cause.text)).unzip();
        let code = response.and_then(|response| Some(response.result.as_ref().err()?.code));
        self.runtime.log(&LogLine {
            event: end.event,
            name: call.name().map(str::to_owned),
            era: end.version.map(ProtocolVersion::as_str),
            outcome,
            code: code.map(|code| code.0),
            cause_id,
            cause,
            ms,
            rows: end.rows,
            // Method names that a client made up are not logged.
            method: if code == Some(ErrorCode::METHOD_NOT_FOUND) {
                "?".to_owned()
            } else {
                call.request.method.clone()
            },
            ..LogLine::default()
        });
    }
}
