//! The port through which a call reaches the client and its session.

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::value::RawValue;

use crate::change::Change;
use crate::error::Error;
use crate::log_level::LogLevel;
use crate::round_trips::RoundTrips;

/// Subject of a notification, which decides the stream it goes out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The running call: the stream of the POST that brought it.
    Call,
    /// The session: its GET stream.
    Session,
}

/// The client at the other end of a call, and what is remembered of it. Parameters and answers are JSON.
///
/// A transport implements it. Methods for optional features have a default, which is that of a transport without them.
pub trait Peer {
    /// The time, in milliseconds since 1970.
    fn now(&self) -> u64;

    /// Waits.
    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()>;

    /// Sends a notification. There is no answer and no failure: a client that is gone gets nothing.
    fn notify(&self, about: About, method: &'static str, params: String);

    /// A short id, by which a client that was told it and a line in the log belong together. By default it is the time; a peer with
    /// randomness gives a random one.
    fn cause_id(&self) -> String {
        format!("{:08x}", self.now())
    }

    /// Tells operators that something is wrong. The client does not hear of it.
    fn warn(&self, message: &str);

    /// Notifies the clients that a change concerns; by default nobody is notified.
    fn announce(&self, change: &Change) {
        let _ = change;
    }

    /// Asks the client, and waits for the answer. `key` names the question among those of its call.
    ///
    /// For a stateless request, the answer comes with another one: then this waits for ever, and the call
    /// [is suspended](Peer::is_suspended). [`RoundTrips::request`] does so.
    fn request(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>>;

    /// The round trips of a stateless request; none in a session.
    fn rounds(&self) -> Option<&RoundTrips> {
        None
    }

    /// True if the call can continue only in another request.
    fn is_suspended(&self) -> bool {
        self.rounds().is_some_and(RoundTrips::is_suspended)
    }

    /// Returns the value that an earlier round of the call stored under that key.
    fn recall(&self, key: &str) -> Option<Box<RawValue>> {
        self.rounds()?.recall(key)
    }

    /// Stores a JSON value under that key for the next round of the call, where there is one.
    fn remember(&self, key: &str, json: String) {
        if let Some(rounds) = self.rounds() {
            rounds.remember(key, json);
        }
    }

    /// Lets the call go on when its request is over, if the client can be told so. It may wait for ever, and the call
    /// is suspended then: it begins anew where it can go on.
    ///
    /// # Errors
    /// When the call cannot go on without its request.
    fn detach(&self) -> LocalBoxFuture<'static, Result<(), Error>> {
        ready(Ok(())).boxed_local()
    }

    /// Ends the HTTP response of the running call early. The client comes back for the rest with `Last-Event-ID`;
    /// one that does not know to is not let go.
    fn release(&self) {}

    /// The least severe level that the client wants to see; none if it wants to see nothing.
    fn log_level(&self) -> Option<LogLevel> {
        None
    }

    /// Sets that level for the session; by default the method is unknown.
    ///
    /// # Errors
    /// When the session cannot keep it.
    fn set_log_level(&self, level: LogLevel) -> Result<(), Error> {
        let _ = level;
        Err(Error::method_not_found("logging/setLevel"))
    }

    /// Remembers or forgets that the client wants to hear of changes of `uri`; by default the method is unknown.
    ///
    /// # Errors
    /// When the session cannot keep it, or has too many already.
    fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error> {
        let _ = (uri, subscribed);
        Err(Error::method_not_found("resources/subscribe"))
    }
}
