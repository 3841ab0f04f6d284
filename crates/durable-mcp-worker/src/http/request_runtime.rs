//! The Worker's port to the runtime, for one request.

use std::any::Any;
use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::error::Error;
use futures_util::future::LocalBoxFuture;
use http::Method;
use oauth_server::auth_server::OAuthRuntime;

use super::playground::settings::ModelSource;
use crate::hub::Listener;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::task::command::{Begin, Command};
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::ObjectId;

/// An object that requests are passed on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectTarget {
    /// A session's object, or the object of a user's state.
    Session(ObjectId),
    /// A task's object.
    Task(ObjectId),
}

/// Facts that go to an object besides the request itself.
#[derive(Debug, Clone)]
pub struct ForwardedRequest {
    /// The object.
    pub place: ObjectTarget,
    /// The session id, where it did not come in its header.
    pub session: Option<String>,
    /// The name of the state that the request is about, and true if the request creates it; for callers who name it.
    pub state: Option<(String, bool)>,
    /// The caller.
    pub caller: Rc<Caller>,
    /// The transport of the request.
    pub transport: Transport,
    /// The body, if it was read already.
    pub body: Option<String>,
}

impl ForwardedRequest {
    /// A session's request, as it came.
    #[must_use]
    pub fn of_session(object: ObjectId, caller: Rc<Caller>, transport: Transport) -> Self {
        Self {
            place: ObjectTarget::Session(object),
            session: None,
            state: None,
            caller,
            transport,
            body: None,
        }
    }
}

/// Starts a task under a new id, and returns the JSON that announces it.
pub type StartTask =
    Rc<dyn Fn(Begin, Rc<Caller>) -> LocalBoxFuture<'static, Result<String, RuntimeError>>>;

/// A request to a model that is still to be prepared. Both steps run to their end though the client hangs up.
pub trait ModelWork {
    /// Prepares the request; or the refusal.
    fn prepare<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<ModelRequest, Reply>>;

    /// Checks once a second whether the answer may continue.
    fn goes_on<'a>(&'a self, runtime: &'a dyn RequestRuntime) -> LocalBoxFuture<'a, bool>;

    /// Reports the end of the answer and the tokens that it used; `None` if the model was not asked.
    fn over(&self, runtime: &dyn RequestRuntime, used: Option<u64>);
}

/// A request to a model.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// The address that is asked.
    pub source: ModelSource,
    /// The model's name.
    pub model: String,
    /// The body, as JSON.
    pub body: String,
}

/// The answer of a model.
pub enum ModelAnswer {
    /// An answer that is passed on as it comes.
    Stream {
        /// True for one JSON document, false for server-sent events.
        is_document: bool,
        /// The bytes of the answer, as they come.
        body: ReplyBody,
    },
    /// A response that is an error.
    Failure {
        /// The status of the answer.
        status: u16,
        /// The header `Retry-After`.
        retry_after: Option<String>,
        /// The beginning of its text.
        text: String,
    },
}

/// A request that is relayed to another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayRequest {
    /// `GET`, `POST` or `DELETE`.
    pub method: Method,
    /// The address, which was checked.
    pub url: String,
    /// All headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body of a `POST`.
    pub body: Option<String>,
}

/// The answer to a request that was relayed.
pub struct RelayAnswer {
    /// The status of the answer.
    pub status: u16,
    /// The headers of the answer, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The media type without parameters; empty if there is none.
    pub media_type: String,
    /// The body if it is JSON or an event stream; `None` for any other, and for a redirect.
    pub body: Option<ReplyBody>,
}

/// Work beside a relayed request. Every step runs to its end although the client disconnects.
pub trait RelayWork {
    /// Takes the slot of the request and checks its target, before anything is sent.
    ///
    /// # Errors
    /// The refusal of a request that must not be sent.
    fn prepare<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<(), Reply>>;

    /// Notes the status of the target's answer.
    fn answered(&self, status: u16);

    /// Checks at intervals whether the request may continue, from when it is sent until its answer is over.
    fn goes_on<'a>(&'a self, runtime: &'a dyn RequestRuntime) -> LocalBoxFuture<'a, bool>;

    /// Reports the end of the answer and the bytes that were passed on.
    fn over<'a>(&'a self, runtime: &'a dyn RequestRuntime, bytes: u64) -> LocalBoxFuture<'a, ()>;
}

/// The runtime around one request.
pub trait RequestRuntime: Runtime {
    /// The runtime of calls, which may outlast the request.
    fn call_runtime(&self) -> Rc<dyn CallRuntime>;

    /// Resolves when the client disconnects, or never. It costs nothing until it is awaited.
    fn gone(&self) -> LocalBoxFuture<'static, ()>;

    /// The object of a state that has a name.
    ///
    /// # Errors
    /// When the runtime refuses, because of a jurisdiction that it does not have.
    fn object_named(&self, name: &str) -> Result<ObjectId, RuntimeError>;

    /// The function that starts a task.
    fn begin_task(&self) -> StartTask;

    /// Has a command carried out by a task's object; the inner error is the client's.
    fn of_task<'a>(
        &'a self,
        object: ObjectId,
        command: Command,
        caller: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, RuntimeError>>;

    /// Opens a listening stream; or returns the hub's rejection.
    fn subscribe<'a>(
        &'a self,
        listener: &'a Listener,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>>;

    /// The provider's surroundings; none without a provider.
    fn oauth_runtime(&self) -> Option<&dyn OAuthRuntime>;

    /// The id of an object that does not exist yet. Nothing is created.
    ///
    /// # Errors
    /// When the runtime refuses, because of a jurisdiction that it does not have for one.
    fn new_object(&self) -> Result<ObjectId, RuntimeError>;

    /// Calls the handler of a user's route with the request at hand.
    ///
    /// # Errors
    /// When the handler fails.
    fn own_route<'a>(
        &'a self,
        handler: &'a Rc<dyn Any>,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>>;

    /// A file of the page at `/playground` from the deployment's assets, whose policy lets in frames of the source `framed`. A
    /// page learns from it the address of the `server`, if there is one.
    ///
    /// # Errors
    /// When there are no assets.
    fn playground_file(&self, framed: &str, server: Option<&str>) -> Result<Reply, RuntimeError>;

    /// Reads the body, up to [`MAX_BODY_BYTES`](crate::transport::refusal::MAX_BODY_BYTES).
    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>>;

    /// Forwards the request, its body as a stream, and returns a placeholder for the object's pending response, which reaches
    /// the client untouched.
    ///
    /// # Errors
    /// When the runtime does not take it.
    fn forward(&self, forwarded: ForwardedRequest) -> Result<Reply, RuntimeError>;

    /// Opens the socket of a stream and gives what comes through as an event stream, after `opening`; or the object's
    /// answer, if it refuses.
    fn listen(
        &self,
        forwarded: ForwardedRequest,
        opening: String,
    ) -> LocalBoxFuture<'_, Result<Reply, RuntimeError>>;

    /// Asks a model. The request to it ends when the client hangs up. The inner error is a refusal.
    fn ask_model(
        &self,
        work: Rc<dyn ModelWork>,
    ) -> LocalBoxFuture<'_, Result<Result<ModelAnswer, Reply>, RuntimeError>>;

    /// Gets an address of a resolver (DNS over HTTPS): its answer as JSON.
    fn look_up<'a>(&'a self, url: &'a str) -> LocalBoxFuture<'a, Result<String, RuntimeError>>;

    /// Sends a request to another server, without redirects, after its work was prepared. The inner error is a refusal.
    fn relay(
        &self,
        request: RelayRequest,
        work: Rc<dyn RelayWork>,
    ) -> LocalBoxFuture<'_, Result<Result<RelayAnswer, Reply>, RuntimeError>>;

    /// Writes a request's line for operators.
    fn log(&self, line: &LogLine);
}
