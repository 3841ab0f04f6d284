//! What every part of the Worker needs of the runtime around it.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::keys::Keys;
use crate::wire::Fault;

/// Unpredictable bytes.
pub trait Random {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// When the runtime has none to give. What was filled by then must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

/// The runtime, at the Worker and in an object.
pub trait Runtime {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// The deployment's keys; with `fresh`, not those that were read a while ago, since one is missing among them.
    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>>;

    /// Unpredictable bytes.
    fn random(&self) -> &dyn Random;

    /// Tells operators that something is wrong.
    fn warn(&self, message: &str);
}
