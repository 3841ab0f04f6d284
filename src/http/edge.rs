//! What the Worker needs of the runtime around it, for one request.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use crate::mcp::user::Caller;
use crate::oauth::site::Surroundings;
use crate::runtime::Runtime;
use crate::session::log_line::LogLine;
use crate::transport::claims::ObjectId;
use crate::transport::era::Transport;
use crate::transport::refusal::Refusal;
use crate::wire::{Fault, Reply};

/// What is passed on to a session's object besides the request itself.
#[derive(Debug, Clone)]
pub struct Order {
    /// The session's object.
    pub object: ObjectId,
    /// The session id, where it did not come in its header.
    pub session: Option<String>,
    /// Who calls.
    pub caller: Rc<Caller>,
    /// How the request came.
    pub transport: Transport,
    /// The body, if it was read already.
    pub body: Option<String>,
}

/// The runtime around one request.
pub trait Edge: Runtime {
    /// What the provider needs besides; none where there is no provider.
    fn surroundings(&self) -> Option<&dyn Surroundings>;

    /// The id of an object that does not exist yet. Nothing is created.
    ///
    /// # Errors
    /// When the runtime refuses, because of a jurisdiction that it does not have for one.
    fn new_object(&self) -> Result<ObjectId, Fault>;

    /// Reads the body, up to [`MAX_BODY_BYTES`](crate::transport::refusal::MAX_BODY_BYTES).
    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>>;

    /// Passes the request on, its body as it comes. The reply stands for the object's answer, which goes out as it is
    /// once it is there; nobody waits for it here.
    ///
    /// # Errors
    /// When the runtime does not take it.
    fn forward(&self, order: Order) -> Result<Reply, Fault>;

    /// Opens the socket of a stream and gives what comes through as an event stream, after `opening`; or the object's
    /// answer, if it refuses.
    fn listen(&self, order: Order, opening: String) -> LocalBoxFuture<'_, Result<Reply, Fault>>;

    /// Writes a request's line for operators.
    fn log(&self, line: &LogLine);
}
