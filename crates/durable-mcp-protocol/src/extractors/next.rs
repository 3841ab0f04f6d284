//! The rest of a call behind a layer: [`Next`], and the [`Outcome`] of running it.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::behind::Behind;
use crate::caller::Caller;
use crate::context::{Arguments, ClientInfo, Context};
use crate::error::Error;
use crate::extract::{Extract, Rejection};
use crate::response::CallOutcome;

/// The handler of a call, with the layers that are inside of this one. A layer takes it as an argument, and runs it once or not at all.
#[derive(Debug)]
pub struct Next {
    behind: Rc<Behind>,
    context: Context,
}

impl Next {
    /// The method: `tools/call`, `resources/read`, `prompts/get` or `completion/complete`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.behind.subject.method
    }

    /// The name of the tool or prompt, or the URI of the resource, as the client has it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.behind.subject.name.as_deref()
    }

    /// The caller: user, client and scopes of the token.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.context.caller()
    }

    /// The client program, as it introduced itself.
    #[must_use]
    pub fn client(&self) -> &ClientInfo {
        self.context.client()
    }

    /// The arguments of a tool or prompt, as JSON.
    #[must_use]
    pub fn arguments(&self) -> Option<&RawValue> {
        self.behind.subject.arguments.as_deref()
    }

    /// Runs the handler to its end. Dropping the future that this returns stops it.
    pub async fn run(self) -> Outcome {
        let peer = self.context.peer();
        let started = peer.now();
        let kind = poll_fn(|cx| self.behind.poll_end(cx.waker())).await;
        let elapsed = Duration::from_millis(peer.now().saturating_sub(started));
        Outcome { kind, elapsed }
    }
}

impl Extract for Next {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        match context.arguments() {
            Arguments::Layer(behind) if behind.take() => Ok(Self {
                behind: Rc::clone(behind),
                context: context.clone(),
            }),
            _ => Err(Error::internal("`Next` is for layers, once in each.").into()),
        }
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        self.behind.leave();
    }
}

/// The end of a handler's run. A layer returns it, and with it what the handler returned.
#[derive(Debug)]
pub struct Outcome {
    kind: CallOutcome,
    elapsed: Duration,
}

impl Outcome {
    /// Result, failure of a tool, protocol error or panic.
    #[must_use]
    pub fn kind(&self) -> CallOutcome {
        self.kind
    }

    /// True if the handler returned a result without an error.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.kind == CallOutcome::Ok
    }

    /// The time from [`Next::run`] to the handler's end. In a Worker the clock stands still while nothing is waited for.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}
