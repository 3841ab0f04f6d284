//! Confines a panic in a user's function to the call that ran it. The response is made by `invoke.rs` for handlers, and by
//! `dispatch.rs` for the rest.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// A panic. The panic hook has written down what it said.
#[derive(Debug)]
pub struct Panicked;

/// Runs a future to its end, or to its panic.
///
/// State that the future shares with others is safe to see again: the state of a session is written after the user's closure
/// returned, and everything else shared here is never left half changed across a user's code.
///
/// # Errors
/// When the future panicked.
pub async fn contain<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    catch(future).await.map_err(|_| Panicked)
}

/// Runs a future to its end, or to its panic, which can be resumed.
pub(crate) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    AssertUnwindSafe(future).catch_unwind().await
}
