//! Prompts (2025-11-25, Prompts).

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::completion::{Completers, IntoValues};
use crate::content::{Content, Icon, Role};
use crate::context::{Arguments, Context};
use crate::error::Error;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature};
use crate::shape::Shape;
use crate::state_name::{STATE_ARGUMENT, taken_problem};
use crate::strings::to_arguments;

/// A message of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptMessage {
    /// Sender of the message.
    pub role: Role,
    /// Content of the message.
    pub content: Content,
}

impl PromptMessage {
    /// Said by the person.
    #[must_use]
    pub fn user(content: Content) -> Self {
        Self {
            role: Role::User,
            content,
        }
    }

    /// Said by the model.
    #[must_use]
    pub fn assistant(content: Content) -> Self {
        Self {
            role: Role::Assistant,
            content,
        }
    }
}

/// A value that the handler of a prompt may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a prompt",
    label = "not a prompt's messages",
    note = "return a `String` (one message of the user's), a `PromptMessage`, a `Vec<PromptMessage>` or a `Result` of one of them"
)]
pub trait IntoMessages {
    /// Converts.
    ///
    /// # Errors
    /// The handler's own.
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error>;
}

impl IntoMessages for Vec<PromptMessage> {
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error> {
        Ok(self)
    }
}

impl IntoMessages for PromptMessage {
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error> {
        Ok(vec![self])
    }
}

impl IntoMessages for String {
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error> {
        PromptMessage::user(Content::text(self)).into_messages()
    }
}

impl IntoMessages for &'static str {
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error> {
        self.to_owned().into_messages()
    }
}

impl<T: IntoMessages, E: Into<Error>> IntoMessages for Result<T, E> {
    fn into_messages(self) -> Result<Vec<PromptMessage>, Error> {
        self.map_err(Into::into)?.into_messages()
    }
}

type Output = Result<Result<Vec<PromptMessage>, Error>, Rejection>;
type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Output>;

/// A prompt: messages that a person picks to start with. The fields of its handler's
/// [`Args`](crate::extract::Args) are its arguments.
#[derive(Clone)]
pub struct Prompt {
    pub(crate) definition: Definition,
    pub(crate) signature: Rc<Signature>,
    pub(crate) completers: Completers,
    pub(crate) shape: Shape,
    run: Rc<Run>,
}

#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    icons: Vec<Icon>,
}

/// A prompt as `prompts/list` has it (2025-11-25, schema, `Prompt`).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) arguments: Vec<PromptArgument>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    icons: &'a [Icon],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PromptArgument {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) required: bool,
}

impl Prompt {
    /// A prompt with a name, a description for people, and what makes its messages.
    pub fn new<A: Extractors, H>(
        name: impl Into<String>,
        description: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoMessages,
    {
        let signature = handler.signature();
        let shape = Shape::of(signature.arguments);
        let definition = Definition {
            name: name.into(),
            title: None,
            description: description.into(),
            icons: Vec::new(),
        };
        let run = move |context: &Context| {
            handler
                .call(context)
                .map(|output| output.map(IntoMessages::into_messages))
                .boxed_local()
        };
        let completers = Completers::default();
        Self {
            definition,
            signature: Rc::new(signature),
            completers,
            shape,
            run: Rc::new(run),
        }
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// A picture for people.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// Completes an argument while a person types.
    #[must_use]
    pub fn complete<A: Extractors, H>(mut self, argument: impl Into<String>, handler: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoValues,
    {
        self.completers.add(argument.into(), handler);
        self
    }

    /// The reason for which the prompt cannot be served, by its schema.
    pub(crate) fn problem(&self) -> Option<String> {
        let taken = self.signature.needs_session
            && self
                .shape
                .properties()
                .any(|(name, _)| name == STATE_ARGUMENT);
        if taken {
            Some(taken_problem())
        } else {
            self.shape.problem().map(str::to_owned)
        }
    }

    /// The prompt as clients see it.
    pub(crate) fn listed(&self) -> Listed<'_> {
        let Definition {
            name,
            title,
            description,
            icons,
        } = &self.definition;
        Listed {
            name,
            title: title.as_deref(),
            description,
            arguments: prompt_arguments(&self.shape),
            icons,
        }
    }

    /// The arguments that a client gives, as its handler reads them.
    ///
    /// # Errors
    /// The argument that breaks a constraint, and the constraint.
    pub(crate) fn arguments(&self, given: &BTreeMap<String, String>) -> Result<Arguments, String> {
        to_arguments(given, &self.shape)
    }

    pub(crate) async fn get(&self, context: &Context) -> Result<Vec<PromptMessage>, Rejection> {
        (self.run)(context).await?.map_err(Rejection::Error)
    }
}

/// A prompt's arguments are the properties of the schema, in its order.
fn prompt_arguments(shape: &Shape) -> Vec<PromptArgument> {
    let required = shape.shown().get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
    let text =
        |property: &Value, key: &str| property.get(key).and_then(Value::as_str).map(str::to_owned);
    let argument = |(name, property): (&String, &Value)| PromptArgument {
        name: name.clone(),
        title: text(property, "title"),
        description: text(property, "description"),
        required: is_required(name),
    };
    shape.properties().map(argument).collect()
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("name", &self.definition.name)
            .finish_non_exhaustive()
    }
}
