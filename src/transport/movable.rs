//! Work that one task begins and another one ends.

use futures_util::future::{FutureExt, LocalBoxFuture, ready};
use futures_util::stream::{FuturesUnordered, StreamExt};

/// The calls as one piece of work, which may be polled by one task first and by another one later.
///
/// A timer of the runtime's remembers the waker of its first poll alone. Here every call gets a waker that stays, and
/// that wakes whichever task polls now.
pub(super) fn movable(calls: Vec<LocalBoxFuture<'static, ()>>) -> LocalBoxFuture<'static, ()> {
    FuturesUnordered::from_iter(calls).for_each(|()| ready(())).boxed_local()
}
