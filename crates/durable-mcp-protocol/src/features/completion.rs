//! Completion of arguments while a person types (2025-11-25, Completion).

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::completion_input::CompletionInput;
use crate::context::{Arguments, Context};
use crate::error::Error;
use crate::extract::{Extract, Extracting, Extractors, Handler, Rejection, Signature};
use crate::jsonrpc::to_json;

/// The most values of one answer, by the specification.
pub const MAX_VALUES: usize = 100;

impl Extract for CompletionInput {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        match context.arguments() {
            Arguments::Completion(input) => Ok(input.clone()),
            _ => Err(Error::internal("`CompletionInput` is for handlers of completion.").into()),
        }
    }
}

/// Results of a completion's handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a completion",
    label = "not the values of a completion",
    note = "return a `Vec<String>`, or a `Result` of one"
)]
pub trait IntoValues {
    /// Converts.
    ///
    /// # Errors
    /// The handler's own.
    fn into_values(self) -> Result<Vec<String>, Error>;
}

impl IntoValues for Vec<String> {
    fn into_values(self) -> Result<Vec<String>, Error> {
        Ok(self)
    }
}

impl<T: IntoValues, E: Into<Error>> IntoValues for Result<T, E> {
    fn into_values(self) -> Result<Vec<String>, Error> {
        self.map_err(Into::into)?.into_values()
    }
}

type Output = Result<Result<Vec<String>, Error>, Rejection>;
type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Output>;

/// The completers of a prompt or resource template, by argument.
#[derive(Clone, Default)]
pub(crate) struct Completers(Vec<Completer>);

#[derive(Clone)]
struct Completer {
    argument: String,
    signature: Rc<Signature>,
    run: Rc<Run>,
}

impl Completers {
    pub(crate) fn add<A: Extractors, H>(&mut self, argument: String, handler: H)
    where
        H: Handler<A>,
        H::Output: IntoValues,
    {
        let signature = Rc::new(handler.signature());
        let run = move |context: &Context| {
            handler
                .call(context)
                .map(|output| output.map(IntoValues::into_values))
                .boxed_local()
        };
        self.0.push(Completer {
            argument,
            signature,
            run: Rc::new(run),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of what is completed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|completer| completer.argument.as_str())
    }

    /// The properties of the handlers, by the name of what is completed.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = (&str, &Signature)> {
        self.0
            .iter()
            .map(|completer| (completer.argument.as_str(), &*completer.signature))
    }

    /// The values for what is typed, as JSON; none where nothing completes the argument.
    pub(crate) async fn complete(
        &self,
        context: &Context,
        argument: &str,
        input: CompletionInput,
    ) -> Result<String, Rejection> {
        let named = |completer: &&Completer| completer.argument == argument;
        let mut values = match self.0.iter().find(named) {
            Some(Completer { run, .. }) => {
                run(&context.with_arguments(Arguments::Completion(input))).await??
            }
            None => Vec::new(),
        };
        let total = values.len();
        values.truncate(MAX_VALUES);
        let (values, more) = (to_json(&values), total > MAX_VALUES);
        Ok(format!(
            r#"{{"completion":{{"values":{values},"total":{total},"hasMore":{more}}}}}"#
        ))
    }
}
