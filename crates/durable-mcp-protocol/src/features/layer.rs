//! Layers, and what they return: code around runs of handlers.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::content::ResourceContents;
use crate::context::Context;
use crate::error::Error;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature};
use crate::next::Outcome;
use crate::outcome::{IntoToolResult, ToolError, ToolResult};
use crate::prompt::PromptMessage;
use crate::response::CallOutcome;

/// A layer, with the properties of its handler.
pub(crate) struct Layer {
    pub(crate) signature: Signature,
    run: Box<Run>,
}

type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Result<Outcome, Refusal>>;

impl Layer {
    pub(crate) fn new<A: Extractors, H>(layer: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoOutcome,
    {
        let signature = layer.signature();
        let into_outcome = |output: Result<H::Output, Rejection>| match output {
            Ok(output) => output.into_outcome(),
            Err(Rejection::Error(error)) => Err(error.into()),
            Err(Rejection::Arguments(fault)) => Err(Error::internal(fault).into()),
        };
        let run = move |context: &Context| layer.call(context).map(into_outcome).boxed_local();
        Self {
            signature,
            run: Box::new(run),
        }
    }

    /// Begins the layer's run.
    pub(crate) fn run(
        &self,
        context: &Context,
    ) -> LocalBoxFuture<'static, Result<Outcome, Refusal>> {
        (self.run)(context)
    }

    /// The reason for which the layer cannot work.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let signature = &self.signature;
        if signature.needs_session {
            Some("a layer cannot take `Session`: not each call has one")
        } else if signature.becomes_task {
            Some("a layer cannot take `Task`: the handler decides on it")
        } else if signature.arguments.is_some() {
            Some("a layer cannot take `Args`: handlers differ in them; read `next.arguments()`")
        } else {
            None
        }
    }
}

/// The failure of a call by a layer.
#[derive(Debug)]
pub struct Refusal(Reason);

#[derive(Debug)]
enum Reason {
    /// A text for the model; a protocol error where no tool is called.
    Tool(ToolError),
    Protocol(Error),
}

/// A type that a layer can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what a layer returns",
    label = "not the outcome of a handler",
    note = "return the `Outcome` of `next.run().await`, or a `Result` of it whose error is a `ToolError` or an `Error`"
)]
pub trait IntoOutcome {
    /// Converts.
    ///
    /// # Errors
    /// The layer's own.
    fn into_outcome(self) -> Result<Outcome, Refusal>;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, Refusal> {
        Ok(self)
    }
}

impl<E: Into<Refusal>> IntoOutcome for Result<Outcome, E> {
    fn into_outcome(self) -> Result<Outcome, Refusal> {
        self.map_err(Into::into)
    }
}

impl From<ToolError> for Refusal {
    fn from(error: ToolError) -> Self {
        Self(Reason::Tool(error))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(Reason::Protocol(error))
    }
}

impl Refusal {
    /// The outcome of the call.
    pub(crate) fn outcome(&self) -> CallOutcome {
        match self.0 {
            Reason::Tool(_) => CallOutcome::ToolError,
            Reason::Protocol(_) => CallOutcome::Error,
        }
    }

    fn into_error(self) -> Error {
        match self.0 {
            Reason::Tool(error) => error.into(),
            Reason::Protocol(error) => error,
        }
    }
}

/// The output of a handler, as layers see it and take its place.
pub(crate) trait Output: Sized {
    /// The outcome of a run whose arguments are wrong.
    const INVALID: CallOutcome = CallOutcome::Error;

    fn outcome(&self) -> CallOutcome {
        CallOutcome::Ok
    }

    fn refused(refusal: Refusal) -> Result<Self, Rejection> {
        Err(Rejection::Error(refusal.into_error()))
    }
}

impl Output for Vec<ResourceContents> {}
impl Output for Vec<PromptMessage> {}
/// Values of a completion, and the result of a method of one's own, as JSON.
impl Output for String {}

impl Output for ToolResult {
    const INVALID: CallOutcome = CallOutcome::ToolError;

    fn outcome(&self) -> CallOutcome {
        match (&self.refusal, self.is_error) {
            (Some(_), _) => CallOutcome::Error,
            (None, true) => CallOutcome::ToolError,
            (None, false) => CallOutcome::Ok,
        }
    }

    fn refused(refusal: Refusal) -> Result<Self, Rejection> {
        match refusal.0 {
            Reason::Tool(error) => Ok(error.into_tool_result()),
            Reason::Protocol(error) => Err(Rejection::Error(error)),
        }
    }
}
