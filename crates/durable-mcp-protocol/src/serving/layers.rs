//! The way of a call through the layers to its handler.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;

use crate::behind::{Behind, Subject};
use crate::call::Call;
use crate::context::{Arguments, Context};
use crate::error::Error;
use crate::extract::{Extractors, Handler, Rejection};
use crate::layer::{IntoOutcome, Layer, Output, Refusal};
use crate::next::Outcome;
use crate::panics::catch;
use crate::response::CallOutcome;
use crate::server::Server;

impl Server {
    /// Adds code around each run of a handler: an async function that takes [`Next`](crate::next::Next), and extractors as a
    /// handler does. The layer that was added first is outermost.
    ///
    /// ```
    /// # use durable_mcp_protocol::prelude::*;
    /// async fn office_hours(next: Next, clock: Clock) -> Result<Outcome, ToolError> {
    ///     let hour = clock.now_ms() / 3_600_000 % 24;
    ///     if next.name() == Some("wipe") && !(8..18).contains(&hour) {
    ///         return Err(ToolError::new("Nothing is wiped at night. Try again after 8:00 UTC."));
    ///     }
    ///     Ok(next.run().await)
    /// }
    /// # async fn wipe() {}
    /// let server = Server::new("disk", "1.0.0").tool("wipe", "Wipe the disk", wipe).layer(office_hours);
    /// # assert!(server.problems().is_empty());
    /// ```
    ///
    /// A layer is around `tools/call`, `resources/read`, `prompts/get` and `completion/complete`, inside of the checks of the protocol,
    /// scopes and schemas. It runs each time that the handler would: again after each answer that a stateless call waited for, and again
    /// where a call goes on as a task.
    #[must_use]
    pub fn layer<A: Extractors, H>(mut self, layer: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoOutcome,
    {
        self.layers.push(Layer::new(layer));
        self
    }

    /// Runs a handler inside of the layers, if there are any.
    pub(crate) async fn run_layered<T: Output>(
        &self,
        call: &Call,
        name: Option<&str>,
        context: &Context,
        run: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        if self.layers.is_empty() {
            return run.await;
        }
        self.layered(call, name, context, run).boxed_local().await
    }

    async fn layered<T: Output>(
        &self,
        call: &Call,
        name: Option<&str>,
        context: &Context,
        run: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        let returned = Cell::new(None);
        let handler = pin!(async {
            let output = catch(run).await;
            let outcome = match &output {
                Ok(Ok(output)) => output.outcome(),
                Ok(Err(Rejection::Arguments(_))) => T::INVALID,
                Ok(Err(Rejection::Error(_))) => CallOutcome::Error,
                Err(_) => CallOutcome::Panic,
            };
            returned.set(Some(output));
            outcome
        });
        let subject = Rc::new(Subject {
            method: call.request.method.clone(),
            name: name.map(str::to_owned),
            arguments: json_of(context),
        });
        let passed = around(&self.layers, &subject, context, handler).await;
        match (passed, returned.take()) {
            (Err(refusal), _) => T::refused(refusal),
            (Ok(_), Some(Ok(output))) => output,
            (Ok(_), Some(Err(panic))) => resume_unwind(panic),
            (Ok(_), None) => Err(Error::internal(FOREIGN).into()),
        }
    }
}

/// The JSON of a handler's arguments.
fn json_of(context: &Context) -> Option<Box<RawValue>> {
    match context.arguments() {
        Arguments::Json(json) => Some(json.clone()),
        _ => None,
    }
}

const FOREIGN: &str = "A layer returned the outcome of another call.";

/// Runs the layers, the first one outermost, around a handler.
fn around<'a>(
    layers: &'a [Layer],
    subject: &'a Rc<Subject>,
    context: &'a Context,
    handler: Pin<&'a mut dyn Future<Output = CallOutcome>>,
) -> LocalBoxFuture<'a, Result<CallOutcome, Refusal>> {
    let Some((layer, inner)) = layers.split_first() else {
        return handler.map(Ok).boxed_local();
    };
    let behind = Rc::new(Behind::new(Rc::clone(subject)));
    let layer = layer.run(&context.with_arguments(Arguments::Layer(Rc::clone(&behind))));
    let inside = around(inner, subject, context, handler);
    drive(layer, behind, inside).boxed_local()
}

/// Runs one layer, and the run behind it while the layer waits for that.
async fn drive(
    mut layer: LocalBoxFuture<'static, Result<Outcome, Refusal>>,
    behind: Rc<Behind>,
    inside: LocalBoxFuture<'_, Result<CallOutcome, Refusal>>,
) -> Result<CallOutcome, Refusal> {
    let mut inside = Some(inside);
    let mut ended = None;
    let passed = poll_fn(|cx| {
        loop {
            if let Poll::Ready(passed) = layer.as_mut().poll(cx) {
                return Poll::Ready(passed);
            }
            if behind.is_left() {
                inside = None;
            }
            let Some(running) = inside.as_mut().filter(|_| behind.is_running()) else {
                return Poll::Pending;
            };
            let Poll::Ready(end) = running.as_mut().poll(cx) else {
                return Poll::Pending;
            };
            behind.end(end.as_ref().copied().unwrap_or_else(Refusal::outcome));
            ended = Some(end);
            inside = None;
        }
    })
    .await;
    passed?;
    ended.unwrap_or_else(|| Err(Error::internal(FOREIGN).into()))
}
