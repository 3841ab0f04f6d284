//! Handlers, plain async functions, and extractors, which are their arguments.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

use crate::context::{Arguments, Context};
use crate::error::Error;
use crate::json_text::read;
use crate::schema::arguments_schema;
use crate::shared_type::SharedType;

/// Properties of a handler that its extractors determine before it is ever called. Capabilities are declared from them, so
/// that nothing is declared that no handler does.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct Signature {
    /// Makes the schema of its arguments, if it takes [`Args`], with all that schemars tells. Making one takes time, which
    /// a cold start has only for the features that are used.
    pub arguments: Option<fn() -> Schema>,
    /// True if the handler takes [`Args`] more than once.
    pub repeats_arguments: bool,
    /// True if the handler may log to the client.
    pub logs: bool,
    /// True if the handler may notify the client of changed lists and resources.
    pub announces: bool,
    /// True if the handler needs the session's object.
    pub needs_session: bool,
    /// True if the call may continue as a task.
    pub becomes_task: bool,
    /// True if the handler finishes by itself when the client cancels the call.
    pub heeds_cancellation: bool,
    /// Types of shared values that the handler needs.
    pub(crate) shared: Vec<SharedType>,
}

/// The fault of a handler that takes [`Args`] more than once: clients would be shown the fields of one of them.
pub(crate) const TWICE: &str =
    "its handler takes `Args` twice; take one `Args<T>`, where `T` has the fields of both";

/// Reason for which an extractor failed.
#[derive(Debug)]
pub enum Rejection {
    /// The arguments are wrong. A model can correct them, so for a tool this is an answer and no protocol error.
    Arguments(String),
    /// Any other failure, with its protocol error.
    Error(Error),
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A type that a handler can take as an argument.
///
/// Besides the extractors of this crate, `Option<T>` of an extractor is one: `None` where `T` would be refused.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not an extractor",
    note = "arguments of the call come as `Args<T>`, where `T: Deserialize + JsonSchema`",
    note = "the other extractors are `Session<S>`, `Shared<T>`, `User<P>`, `Env`, `Headers`, `Progress`, `Log`, `Client`, `Clock`, `Task`, `Notify` and `Cancelled`"
)]
pub trait Extract: Sized + 'static {
    /// Adds to the handler's signature.
    fn describe(signature: &mut Signature) {
        let _ = signature;
    }

    /// Draws the value from a call.
    ///
    /// # Errors
    /// When the call does not have it.
    fn extract(context: &Context) -> Result<Self, Rejection>;
}

impl<T: Extract> Extract for Option<T> {
    fn describe(signature: &mut Signature) {
        let needed = signature.shared.len();
        T::describe(signature);
        signature.shared.truncate(needed);
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(T::extract(context).ok())
    }
}

impl Extract for Context {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(context.clone())
    }
}

/// The arguments of a call, read as `T`.
///
/// For a tool, `T`'s JSON Schema is the tool's `inputSchema`: doc comments of fields become descriptions, an
/// `Option` or `#[serde(default)]` field is not required. Bounds, lengths, patterns and formats that schemars' attributes
/// set are checked before the handler runs. For a prompt the fields are its arguments, for a resource
/// template its variables; there the values come as strings and are read as the field's type.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Deserialize, JsonSchema)]
/// struct Greet {
///     /// Whom to greet.
///     name: String,
/// }
/// async fn greet(Args(Greet { name }): Args<Greet>) -> String {
///     format!("Hello, {name}!")
/// }
/// # let _ = Server::new("s", "1").tool("greet", "Greet", greet);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + 'static> Extract for Args<T> {
    fn describe(signature: &mut Signature) {
        signature.repeats_arguments |= signature.arguments.is_some();
        signature.arguments = Some(arguments_schema::<T>);
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        let json = match context.arguments() {
            Arguments::Json(raw) => raw.get(),
            Arguments::None | Arguments::Completion(_) | Arguments::Layer(_) => "{}",
        };
        read(json, arguments_schema::<T>)
            .map(Self)
            .map_err(Rejection::Arguments)
    }
}

/// An async function, or a closure that gives a future, of up to eight arguments.
///
/// `A` is the tuple of their types; the compiler finds it. That each is an [extractor](Extract) is for [`Extractors`] to say, so an
/// error of the compiler names the one that is none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an async function",
    note = "a handler is an `async fn` (or a closure that returns a future) of at most eight arguments"
)]
pub trait Handler<A>: 'static {
    /// Output of the future that the function returns.
    type Output: 'static;

    /// Calls the handler.
    fn call_with(&self, arguments: A) -> LocalBoxFuture<'static, Self::Output>;
}

/// A handler whose arguments are extractors.
pub(crate) trait Extracting<A: Extractors>: Handler<A> {
    /// Properties of the handler, collected from its extractors.
    fn signature(&self) -> Signature {
        let mut signature = Signature::default();
        A::describe(&mut signature);
        signature
    }

    /// Calls the handler, with arguments drawn from the context.
    fn call(&self, context: &Context) -> LocalBoxFuture<'static, Result<Self::Output, Rejection>> {
        match A::extract(context) {
            Ok(arguments) => self.call_with(arguments).map(Ok).boxed_local(),
            Err(rejection) => ready(Err(rejection)).boxed_local(),
        }
    }
}

impl<A: Extractors, H: Handler<A>> Extracting<A> for H {}

/// The arguments of a handler: each is an [extractor](Extract).
pub trait Extractors: Sized + 'static {
    /// Adds to the handler's signature.
    fn describe(signature: &mut Signature);

    /// Draws all of them from a call.
    ///
    /// # Errors
    /// When the call does not have one of them.
    fn extract(context: &Context) -> Result<Self, Rejection>;
}

macro_rules! handler {
    ($($argument:ident $value:ident),*) => {
        impl<$($argument: Extract,)*> Extractors for ($($argument,)*) {
            fn describe(signature: &mut Signature) {
                let describe: &[fn(&mut Signature)] = &[$($argument::describe),*];
                for describe in describe {
                    describe(signature);
                }
            }

            fn extract(context: &Context) -> Result<Self, Rejection> {
                let _ = context;
                Ok(($($argument::extract(context)?,)*))
            }
        }

        impl<F, Fut, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + 'static,
            Fut: Future + 'static,
            Fut::Output: 'static,
        {
            type Output = Fut::Output;

            fn call_with(&self, ($($value,)*): ($($argument,)*)) -> LocalBoxFuture<'static, Fut::Output> {
                self($($value),*).boxed_local()
            }
        }
    };
}

handler!();
handler!(A a);
handler!(A a, B b);
handler!(A a, B b, C c);
handler!(A a, B b, C c, D d);
handler!(A a, B b, C c, D d, E e);
handler!(A a, B b, C c, D d, E e, G g);
handler!(A a, B b, C c, D d, E e, G g, H h);
handler!(A a, B b, C c, D d, E e, G g, H h, I i);
