//! The port through which a call reaches the client and its session.

use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;

use super::error::Error;
use super::log::LogLevel;

/// What a notification is about, which decides the stream it goes out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The running call: the stream of the POST that brought it.
    Call,
    /// The session: its GET stream.
    Session,
}

/// The client at the other end of a call, and what its session remembers. Parameters and answers are JSON.
pub trait Peer {
    /// Sends a notification. There is no answer and no failure: a client that is gone gets nothing.
    fn notify(&self, about: About, method: &'static str, params: String);

    /// Sends a request on the stream of the running call and waits for the answer.
    fn request(&self, method: &'static str, params: String) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>>;

    /// Ends the HTTP response of the running call early. The client comes back for the rest with `Last-Event-ID`;
    /// one older than 2025-11-25 does not know to, so nothing happens for it.
    fn release(&self);

    /// The least severe level that the client wants to see.
    fn log_level(&self) -> LogLevel;

    /// Sets that level for the session.
    ///
    /// # Errors
    /// When the session cannot keep it.
    fn set_log_level(&self, level: LogLevel) -> Result<(), Error>;

    /// Remembers or forgets that the client wants to hear of changes of `uri`.
    ///
    /// # Errors
    /// When the session cannot keep it, or has too many already.
    fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error>;

    /// Whether the client asked to hear of changes of `uri`.
    fn is_subscribed(&self, uri: &str) -> bool;
}
