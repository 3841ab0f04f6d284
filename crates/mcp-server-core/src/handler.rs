//! Handlers: plain async functions whose arguments are extractors.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::context::Context;
use super::extract::{Extract, Rejection, Signature};

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
pub(super) trait Extracting<A: Extractors>: Handler<A> {
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
