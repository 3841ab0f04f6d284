//! Where everything that is published meets everybody who listens: one object of the deployment.
//!
//! Clients without a session listen by a stream of their own, which hangs on a socket of the hub that outlives its sleep.
//! Sessions that have a stream are told by their objects, which know what their clients subscribed to.

mod listener;

pub use listener::{Listener, Wanted, user_tag};

use std::rc::Rc;

use futures_util::future::{LocalBoxFuture, join_all};
use http::StatusCode;

use crate::mcp::change::Change;
use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::{RequestId, error_json, notification_json, result_json};
use crate::runtime::Runtime;
use crate::session::notice::Notice;
use crate::wire::{Fault, Reply};

/// The most streams that listen at once. An object holds 32 768 sockets, and what is published to this many goes out within
/// a fraction of a second.
pub const MAX_LISTENERS: usize = 10_000;

/// The most of them of one signed-in user: a hundred windows.
pub const MAX_LISTENERS_A_USER: usize = 100;

/// Sessions that are told at once. Each is a request to another object, and this is how many of those one event may have
/// under way without a queue.
const SESSIONS_AT_ONCE: usize = 50;

/// The runtime around the hub.
pub trait HubHost: Runtime {
    /// Every open socket with what it remembers.
    fn sockets(&self) -> Vec<(Rc<dyn HubSocket>, String)>;

    /// How many sockets there are; those of one user, if that is named.
    fn count(&self, user: Option<&str>) -> usize;

    /// The sessions' objects that want to be told, by their ids.
    ///
    /// # Errors
    /// When storage fails.
    fn sessions(&self) -> Result<Vec<String>, Fault>;

    /// Has a session's object told from now on, until `expires`, in milliseconds since 1970.
    ///
    /// # Errors
    /// When storage fails.
    fn add_session(&self, object: &str, expires: u64) -> Result<(), Fault>;

    /// Every open socket of a grant's tokens, with what it remembers.
    fn sockets_of(&self, grant: &str) -> Vec<(Rc<dyn HubSocket>, String)>;

    /// Notes until `until`, in milliseconds since 1970, that a grant has ended.
    ///
    /// # Errors
    /// When storage fails.
    fn note_ended(&self, grant: &str, until: u64) -> Result<(), Fault>;

    /// Whether a grant is noted to have ended.
    ///
    /// # Errors
    /// When storage fails.
    fn has_ended(&self, grant: &str) -> Result<bool, Fault>;

    /// Has a session's object told no more.
    ///
    /// # Errors
    /// When storage fails.
    fn remove_session(&self, object: &str) -> Result<(), Fault>;

    /// Forgets the sessions and the notes of ended grants that expired, and tells when the next one does.
    ///
    /// # Errors
    /// When storage fails.
    fn prune(&self, now: u64) -> Result<Option<u64>, Fault>;

    /// Tells a session's object; false if it has nobody to tell.
    fn tell(&self, object: &str, notice: &Notice) -> LocalBoxFuture<'_, Result<bool, Fault>>;

    /// Has the hub woken at that time at the latest.
    ///
    /// # Errors
    /// When storage fails.
    fn wake_by(&self, time: u64) -> Result<(), Fault>;
}

/// A socket of the hub.
pub trait HubSocket {
    /// Sends a message. One that is gone gets nothing.
    fn send(&self, json: &str);

    /// Closes it.
    fn close(&self);
}

/// The hub.
pub struct Hub {
    host: Rc<dyn HubHost>,
}

impl Hub {
    /// The hub that has just woken.
    #[must_use]
    pub fn new(host: Rc<dyn HubHost>) -> Self {
        Self { host }
    }

    /// Lets a stream listen. Its first message acknowledges what it listens for.
    ///
    /// # Errors
    /// The answer in its place, when there are too many, or the grant of the client's token has ended.
    pub fn open(&self, listener: &Listener) -> Result<String, Reply> {
        match listener.grant.as_ref().map_or(Ok(false), |grant| self.host.has_ended(grant)) {
            Ok(false) => {}
            // Workers KV may show the record of such a token for a minute more.
            Ok(true) => return Err(ended(&listener.id)),
            Err(fault) => {
                self.host.warn(&fault.0);
                return Err(full(&listener.id));
            }
        }
        let of_user = listener.user.as_ref().map_or(0, |user| self.host.count(Some(user)));
        if self.host.count(None) >= MAX_LISTENERS || of_user >= MAX_LISTENERS_A_USER {
            return Err(full(&listener.id));
        }
        if let Some(ends) = listener.ends
            && let Err(fault) = self.host.wake_by(ends)
        {
            self.host.warn(&fault.0);
        }
        Ok(listener.acknowledgement())
    }

    /// Has a session's object told what is published.
    ///
    /// # Errors
    /// When storage fails.
    pub fn join(&self, object: &str, expires: u64) -> Result<(), Fault> {
        self.host.add_session(object, expires)?;
        self.host.wake_by(expires)
    }

    /// Ends the streams of a grant that has ended, and refuses new ones until its last token has expired, at `until` in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// When storage fails; the streams have ended.
    pub fn end_grant(&self, grant: &str, until: u64) -> Result<(), Fault> {
        for (socket, remembered) in self.host.sockets_of(grant) {
            if let Some(listener) = Listener::parse(&remembered) {
                end(&*socket, &listener, "The access of this client has ended.");
            }
        }
        self.host.note_ended(grant, until)?;
        self.host.wake_by(until)
    }

    /// Tells those who listen.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn publish(&self, notice: &Notice) -> Result<(), Fault> {
        for (socket, remembered) in self.host.sockets() {
            if let Some(listener) = Listener::parse(&remembered).filter(|listener| listener.hears(notice)) {
                socket.send(&notification_json(&notice.method, &listener.tagged(&notice.params)));
            }
        }
        // What concerns one user, or a task, concerns no session: those tell their own clients.
        if notice.user.is_some() || Change::parse(&notice.about).is_none() {
            return Ok(());
        }
        let sessions = self.host.sessions()?;
        let others: Vec<_> = sessions.iter().filter(|object| notice.except.as_ref() != Some(object)).collect();
        for some in others.chunks(SESSIONS_AT_ONCE) {
            let told = join_all(some.iter().map(|object| self.host.tell(object, notice))).await;
            for (object, told) in some.iter().zip(told) {
                match told {
                    Ok(true) => {}
                    Ok(false) => self.host.remove_session(object)?,
                    Err(fault) => self.host.warn(&fault.0),
                }
            }
        }
        Ok(())
    }

    /// The time that was ordered has come: streams end whose client's token has, and sessions are forgotten.
    ///
    /// # Errors
    /// When storage fails.
    pub fn wake(&self) -> Result<(), Fault> {
        let now = self.host.now();
        let mut next = self.host.prune(now)?;
        for (socket, remembered) in self.host.sockets() {
            let Some(listener) = Listener::parse(&remembered) else { continue };
            let Some(ends) = listener.ends else { continue };
            if ends <= now {
                end(&*socket, &listener, "The access token has expired.");
            } else {
                next = Some(next.map_or(ends, |next| next.min(ends)));
            }
        }
        next.map_or(Ok(()), |next| self.host.wake_by(next))
    }
}

/// Ends a stream with what tells its client that it is a good end (2026-07-28, Subscriptions, "Graceful Closure";
/// Cancellation).
fn end(socket: &dyn HubSocket, listener: &Listener, reason: &str) {
    let cancelled = format!(r#"{{"requestId":{},"reason":"{reason}"}}"#, listener.id.as_json());
    socket.send(&notification_json("notifications/cancelled", &listener.tagged(&cancelled)));
    let result = format!(r#"{{"resultType":"complete","_meta":{}}}"#, listener.meta());
    socket.send(&result_json(&listener.id, &result));
    socket.close();
}

/// The answer to who wants to listen when too many do.
#[must_use]
pub fn full(id: &RequestId) -> Reply {
    let error = Error::internal("Too many streams listen at this server. End one, or try again later.");
    Reply::json(StatusCode::SERVICE_UNAVAILABLE, error_json(Some(id), &error)).header("retry-after", "60")
}

/// The answer to a client that wants to listen by a token of a grant that has ended (RFC 6750 section 3.1).
#[must_use]
pub fn ended(id: &RequestId) -> Reply {
    let error = Error::new(ErrorCode::REFUSED, "The access of this client has ended. Sign in again.");
    Reply::json(StatusCode::UNAUTHORIZED, error_json(Some(id), &error))
        .header("www-authenticate", r#"Bearer error="invalid_token""#)
}
