//! The port of a task's object to the runtime.

use std::rc::Rc;

use durable_core::wire::RuntimeError;

use super::record::Record;
use crate::session::host::CallRuntime;

/// The runtime around one task.
pub trait TaskHost: CallRuntime {
    /// The record that the object keeps.
    fn store(&self) -> &dyn TaskStore;
}

/// A host, shared.
pub type SharedTaskHost = Rc<dyn TaskHost>;

/// The rows of one task. Each method that changes something is whole or not at all.
pub trait TaskStore {
    /// The task, if there is one.
    ///
    /// # Errors
    /// When storage fails.
    fn load(&self) -> Result<Option<Record>, RuntimeError>;

    /// Writes the task.
    ///
    /// # Errors
    /// When storage fails.
    fn put(&self, record: &Record) -> Result<(), RuntimeError>;

    /// Writes what came of it, as JSON.
    ///
    /// # Errors
    /// When storage fails.
    fn put_outcome(&self, json: &str) -> Result<(), RuntimeError>;

    /// The outcome of the task.
    ///
    /// # Errors
    /// When storage fails.
    fn outcome(&self) -> Result<Option<String>, RuntimeError>;

    /// Deletes everything.
    fn clear(&self);

    /// Has the object woken at that time, in milliseconds since 1970, in place of any earlier order.
    fn wake_at(&self, time: u64);
}
