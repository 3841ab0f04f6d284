//! The port to the runtime that every part of the Worker uses.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::keys::{KeyId, Keys};
use crate::wire::RuntimeError;

/// Unpredictable bytes.
pub trait Random {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// When the runtime has none to give. What was filled by then must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError>;
}

/// The runtime, at the Worker and in an object.
pub trait Runtime {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// The deployment's keys; with `fresh`, not those that were read a while ago, since one is missing among them.
    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>>;

    /// True if a key that is not among the newest either may still arrive here: see [`AwaitedKeys`](crate::keys::AwaitedKeys).
    /// A token that it signed is then answered with a transient error, since a final rejection would sign its user out.
    fn awaits_key(&self, id: KeyId) -> bool {
        let _ = id;
        true
    }

    /// Unpredictable bytes.
    fn random(&self) -> &dyn Random;

    /// Tells operators that something is wrong.
    fn warn(&self, message: &str);
}
