//! Handlers: plain async functions whose arguments are extractors.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::context::Context;
use super::extract::{Extract, Rejection, Signature};

/// An async function, or a closure that gives a future, of up to eight extractors.
///
/// `Arguments` is the tuple of them; the compiler finds it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not an async function of extractors",
    note = "a handler is an `async fn` (or a closure that returns a future) of at most eight arguments",
    note = "each argument must be an extractor: `Args<T>`, `Session<S>`, `User<P>`, `Env`, `Progress`, `Log`, `Client`, ...",
    note = "the `T` of `Args<T>` derives `Deserialize` and `JsonSchema`, the `S` of `Session<S>` `Serialize`, `Deserialize` and `Default`"
)]
pub trait Handler<Arguments>: 'static {
    /// What it returns.
    type Output: 'static;

    /// What its arguments tell about it.
    fn signature(&self) -> Signature;

    /// Calls it, with arguments drawn from the context.
    fn call(&self, context: &Context) -> LocalBoxFuture<'static, Result<Self::Output, Rejection>>;
}

macro_rules! handler {
    ($($argument:ident $value:ident),*) => {
        impl<F, Fut, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + 'static,
            Fut: Future + 'static,
            Fut::Output: 'static,
            $($argument: Extract,)*
        {
            type Output = Fut::Output;

            fn signature(&self) -> Signature {
                let describe: &[fn(&mut Signature)] = &[$($argument::describe),*];
                let mut signature = Signature::default();
                for describe in describe {
                    describe(&mut signature);
                }
                signature
            }

            fn call(&self, context: &Context) -> LocalBoxFuture<'static, Result<Self::Output, Rejection>> {
                let _ = context;
                $(let $value = match $argument::extract(context) {
                    Ok(value) => value,
                    Err(rejection) => return ready(Err(rejection)).boxed_local(),
                };)*
                self($($value),*).map(Ok).boxed_local()
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
