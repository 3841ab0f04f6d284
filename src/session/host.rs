//! What an object needs of the runtime around it.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use super::log_line::LogLine;
use super::store::Store;

/// The runtime around one object.
pub trait Host {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Runs a task beside the request that started it, and after it.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Waits.
    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()>;

    /// What the object keeps.
    fn store(&self) -> &dyn Store;

    /// The object's own id, in hexadecimal.
    fn object_id(&self) -> &str;

    /// Sends a text on the socket of that tag; false when there is none.
    fn send(&self, tag: &str, text: &str) -> bool;

    /// Closes the socket of that tag, if there is one.
    fn close(&self, tag: &str);

    /// What the socket of that tag remembers; none when there is no socket.
    fn attachment(&self, tag: &str) -> Option<String>;

    /// Has the socket of that tag remember something, up to 2 KiB.
    fn attach(&self, tag: &str, attachment: &str);

    /// Values for extractors of the runtime's: its bindings, its SQL.
    fn extend(&self, extensions: &mut crate::mcp::context::Extensions);

    /// Writes a request's line for operators.
    fn log(&self, line: &LogLine);

    /// Tells operators that something is wrong.
    fn warn(&self, message: &str);
}

/// A host, shared.
pub type SharedHost = Rc<dyn Host>;
