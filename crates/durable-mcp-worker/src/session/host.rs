//! The port of running calls and sessions to the runtime.

use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::context::Extensions;
use futures_util::future::LocalBoxFuture;

use super::log_line::LogLine;
use super::publication::Publication;
use super::store::Store;

/// The runtime around calls, in the Worker and in an object.
pub trait CallRuntime: Runtime {
    /// Runs a task beside the request that started it, and after it.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Waits.
    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()>;

    /// Values for extractors of the runtime's: its bindings, its SQL.
    fn extend(&self, extensions: &mut Extensions);

    /// Sends a publication to those who listen for it, wherever they are connected, without waiting for its delivery.
    fn publish(&self, publication: Publication);

    /// Writes a request's line for operators.
    fn log(&self, line: &LogLine);
}

/// The runtime around one session's object.
pub trait Host: CallRuntime {
    /// The object's store.
    fn store(&self) -> &dyn Store;

    /// The object's own id, in hexadecimal.
    fn object_id(&self) -> &str;

    /// Has the hub tell the object what is published, until `expires`, in milliseconds since 1970. `counted` is the user or
    /// network whose quota counts it, as text. Returns the status of the refusal, if that quota is used up.
    fn join(
        &self,
        counted: String,
        expires: u64,
    ) -> LocalBoxFuture<'_, Result<Option<u16>, RuntimeError>>;

    /// Has the hub tell the object no more from `time` on, in milliseconds since 1970, without waiting for it.
    fn leave(&self, time: u64);

    /// Sends a text on the socket of that tag; false when there is none.
    fn send(&self, tag: &str, text: &str) -> bool;

    /// Closes the socket of that tag, if there is one.
    fn close(&self, tag: &str);

    /// The text that the socket of that tag remembers; none without such a socket.
    fn attachment(&self, tag: &str) -> Option<String>;

    /// Has the socket of that tag remember something, up to 2 KiB.
    fn attach(&self, tag: &str, attachment: &str);
}

/// A host, shared.
pub type SharedHost = Rc<dyn Host>;
