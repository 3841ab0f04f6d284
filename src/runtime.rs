//! What every part of the Worker needs of the runtime around it.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::keys::Keys;
use crate::wire::Fault;

/// The runtime, at the Worker and in an object.
pub trait Runtime {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// The deployment's keys; with `fresh`, not those that were read a while ago, since one is missing among them.
    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>>;

    /// Tells operators that something is wrong.
    fn warn(&self, message: &str);
}
