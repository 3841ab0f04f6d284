//! Completion of arguments while a person types (2025-11-25, Completion).

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde_json::json;

use super::context::{Arguments, Context};
use super::error::Error;
use super::extract::{Extract, Rejection};
use super::handler::Handler;

/// The most values of one answer, by the specification.
pub const MAX_VALUES: usize = 100;

/// What has been typed so far; an extractor for the handlers of [`complete`](super::prompt::Prompt::complete).
///
/// ```
/// use durable_mcp::prelude::*;
/// async fn languages(typed: Typed) -> Vec<String> {
///     typed.among(["English", "Español", "中文"])
/// }
/// # #[derive(Deserialize, JsonSchema)]
/// # struct To { language: String }
/// # async fn greet(Args(to): Args<To>) -> String { to.language }
/// # let _ = Prompt::new("greet", "Greet", greet).complete("language", languages);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The text typed for this argument.
    pub value: String,
    /// Arguments that are settled already, from clients of 2025-06-18 and newer.
    pub settled: BTreeMap<String, String>,
}

impl Typed {
    /// Those of `choices` that begin with what was typed, whatever its case.
    pub fn among<S: AsRef<str>>(&self, choices: impl IntoIterator<Item = S>) -> Vec<String> {
        let typed = self.value.to_lowercase();
        let fits = |choice: &S| choice.as_ref().to_lowercase().starts_with(&typed);
        choices
            .into_iter()
            .filter(fits)
            .map(|choice| choice.as_ref().to_owned())
            .collect()
    }
}

const VALUE: &str = "\u{0}value";

impl Extract for Typed {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let Arguments::Strings(strings) = context.arguments() else {
            return Err(Error::internal("`Typed` is for handlers of completion.").into());
        };
        let mut settled = strings.clone();
        let value = settled.remove(VALUE).unwrap_or_default();
        Ok(Self { value, settled })
    }
}

type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Result<Vec<String>, Rejection>>;

/// The completers of a prompt or resource template, by argument.
#[derive(Clone, Default)]
pub(crate) struct Completers(BTreeMap<String, Rc<Run>>);

impl Completers {
    pub(crate) fn add<A, H: Handler<A, Output = Vec<String>>>(
        &mut self,
        argument: String,
        handler: H,
    ) {
        let run = move |context: &Context| handler.call(context).boxed_local();
        self.0.insert(argument, Rc::new(run));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values for what is typed; none where nothing completes the argument.
    pub(crate) async fn complete(
        &self,
        context: &Context,
        request: CompleteParams,
    ) -> Result<String, Rejection> {
        let mut values = match self.0.get(&request.argument.name) {
            Some(run) => {
                let mut strings = request.context.arguments;
                strings.insert(VALUE.to_owned(), request.argument.value);
                run(&context.with_arguments(Arguments::Strings(strings))).await?
            }
            None => Vec::new(),
        };
        let total = values.len();
        values.truncate(MAX_VALUES);
        let completion = json!({ "values": values, "total": total, "hasMore": total > MAX_VALUES });
        Ok(json!({ "completion": completion }).to_string())
    }
}

/// The parameters of `completion/complete`.
#[derive(Debug, Deserialize)]
pub(crate) struct CompleteParams {
    #[serde(rename = "ref")]
    pub(crate) reference: Reference,
    argument: Argument,
    #[serde(default)]
    context: Settled,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Debug, Deserialize)]
struct Argument {
    name: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settled {
    arguments: BTreeMap<String, String>,
}
