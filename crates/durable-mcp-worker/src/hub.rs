//! The hub: one object of the deployment, which sends published changes to all listeners.
//!
//! Clients without a session listen by a stream of their own, on a hibernatable socket of the hub. For sessions with a stream
//! the hub notifies their objects, which know their clients' subscriptions.

mod client_network;
mod command;
mod listener;
mod quota;

pub use client_network::ClientNetwork;
pub use command::{END, HubCommand, JOIN, LEAVE, PUBLISH};
pub use listener::{Listener, SubscriptionFilter, attachment_bytes, user_tag};
pub use quota::{
    MAX_LISTENERS, MAX_LISTENERS_A_NETWORK, MAX_LISTENERS_A_SITE, MAX_LISTENERS_A_USER,
    MAX_STRANGERS, QuotaExceeded, QuotaSubject, STRANGER,
};

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::limits::OPERATIONS_AN_INVOCATION;
use durable_core::runtime::Runtime;
use durable_core::wire::{Reply, RuntimeError};
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{RequestId, error_json, notification_json, result_json};
use futures_util::future::{LocalBoxFuture, join_all};
use http::StatusCode;

use crate::session::publication::Publication;

/// Sessions that are notified at once. Each is a request to another object, and one event may have this many open without a
/// queue.
const SESSIONS_AT_ONCE: usize = 50;

/// Sessions that one event notifies: half of the requests that it may make. The alarm notifies the rest.
pub const SESSIONS_A_TURN: usize = OPERATIONS_AN_INVOCATION / 2;

/// Expired sessions that one alarm asks whether their client still listens, besides those that it notifies.
const ASKED_A_TURN: usize = OPERATIONS_AN_INVOCATION / 5;

/// Delay after which a session whose object could not answer is asked again, in milliseconds: an object that restarts does so
/// within seconds, and asking costs one request.
pub const ASK_AGAIN_MS: u64 = 10 * 60 * 1000;

/// Time for which a session is notified before it is asked whether its client still listens, in milliseconds: a session says so
/// itself when its stream closes, unless it was cut off.
pub const JOINED_MS: u64 = 24 * 3600 * 1000;

/// A publication that some of the sessions have got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDelivery {
    /// The publication.
    pub publication: Publication,
    /// The last session that was notified.
    pub after: String,
    /// True if the same change was published again meanwhile: then every session is notified once more.
    pub again: bool,
}

/// The runtime around the hub.
pub trait HubHost: Runtime {
    /// Every open socket with its attachment.
    fn sockets(&self) -> Vec<(Rc<dyn HubSocket>, String)>;

    /// Number of open sockets: all, or those with the tag.
    fn count(&self, tag: Option<&str>) -> usize;

    /// Ids of up to `limit` objects of joined sessions, in order, after `after`.
    ///
    /// # Errors
    /// When storage fails.
    fn sessions(&self, after: &str, limit: usize) -> Result<Vec<String>, RuntimeError>;

    /// Up to `limit` joined sessions that have expired.
    ///
    /// # Errors
    /// When storage fails.
    fn expired_sessions(&self, now: u64, limit: usize) -> Result<Vec<String>, RuntimeError>;

    /// Number of joined sessions, or of those with the given tag.
    ///
    /// # Errors
    /// When storage fails.
    fn count_sessions(&self, tag: Option<&str>) -> Result<usize, RuntimeError>;

    /// Sets the time until which a joined session is notified, in milliseconds since 1970; false if it has not joined.
    ///
    /// # Errors
    /// When storage fails.
    fn renew_session(&self, object: &str, expires: u64) -> Result<bool, RuntimeError>;

    /// Joins a session: its object is notified from now on, until `expires`, in milliseconds since 1970.
    ///
    /// # Errors
    /// When storage fails.
    fn add_session(
        &self,
        object: &str,
        counted: &QuotaSubject,
        expires: u64,
    ) -> Result<(), RuntimeError>;

    /// The publication of a change that is being sent to sessions.
    ///
    /// # Errors
    /// When storage fails.
    fn delivery(&self, about: &str) -> Result<Option<PendingDelivery>, RuntimeError>;

    /// The publication that is sent on after that of the change `after`: the next in order, or the first behind the last one.
    ///
    /// # Errors
    /// When storage fails.
    fn next_delivery(&self, after: &str) -> Result<Option<PendingDelivery>, RuntimeError>;

    /// Stores how far a publication was sent.
    ///
    /// # Errors
    /// When storage fails.
    fn put_delivery(&self, delivery: &PendingDelivery) -> Result<(), RuntimeError>;

    /// Deletes a publication that was sent to all sessions.
    ///
    /// # Errors
    /// When storage fails.
    fn remove_delivery(&self, about: &str) -> Result<(), RuntimeError>;

    /// Every open socket of a grant's tokens, with its attachment.
    fn sockets_of(&self, grant: &str) -> Vec<(Rc<dyn HubSocket>, String)>;

    /// Notes until `until`, in milliseconds since 1970, that a grant has ended.
    ///
    /// # Errors
    /// When storage fails.
    fn note_ended(&self, grant: &str, until: u64) -> Result<(), RuntimeError>;

    /// Checks whether the end of a grant is noted.
    ///
    /// # Errors
    /// When storage fails.
    fn has_ended(&self, grant: &str) -> Result<bool, RuntimeError>;

    /// Removes a joined session, so that its object is no longer notified.
    ///
    /// # Errors
    /// When storage fails.
    fn remove_session(&self, object: &str) -> Result<(), RuntimeError>;

    /// Deletes the notes of ended grants that expired; gives when the next one does.
    ///
    /// # Errors
    /// When storage fails.
    fn next_ended(&self, now: u64) -> Result<Option<u64>, RuntimeError>;

    /// Time at which the next joined session expires, in milliseconds since 1970.
    ///
    /// # Errors
    /// When storage fails.
    fn next_session(&self) -> Result<Option<u64>, RuntimeError>;

    /// Notifies a session's object; false if the session has no client to notify.
    fn notify(
        &self,
        object: &str,
        publication: &Publication,
    ) -> LocalBoxFuture<'_, Result<bool, RuntimeError>>;

    /// Has the hub woken at that time at the latest.
    ///
    /// # Errors
    /// When storage fails.
    fn wake_by(&self, time: u64) -> Result<(), RuntimeError>;
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
    /// The change whose publication the alarm sent on last, so that one that is published all the time does not hold up others.
    last_notified: RefCell<String>,
}

impl Hub {
    /// The hub that has just woken.
    #[must_use]
    pub fn new(host: Rc<dyn HubHost>) -> Self {
        Self {
            host,
            last_notified: RefCell::default(),
        }
    }

    /// Opens a stream. Returns its first message, which acknowledges the subscriptions.
    ///
    /// # Errors
    /// The answer in its place, when there are too many, the grant of the client's token has ended, or storage fails.
    pub fn open(&self, listener: &Listener) -> Result<String, Reply> {
        match listener
            .grant
            .as_ref()
            .map_or(Ok(false), |grant| self.host.has_ended(grant))
        {
            Ok(false) => {}
            // Workers KV may show the record of such a token for a minute more.
            Ok(true) => return Err(ended(&listener.id)),
            Err(fault) => {
                self.host.warn(&fault.0);
                let error = Error::internal(
                    "The server could not look up the access of this client. Try again later.",
                );
                let json = error_json(Some(&listener.id), &error);
                return Err(Reply::json(StatusCode::SERVICE_UNAVAILABLE, json));
            }
        }
        if let Ok(Some(excess)) = listener
            .counted
            .excess(|tag| Ok::<_, std::convert::Infallible>(self.host.count(tag)))
        {
            return Err(excess.reply(Some(&listener.id)));
        }
        if let Some(ends) = listener.ends
            && let Err(fault) = self.host.wake_by(ends)
        {
            self.host.warn(&fault.0);
        }
        Ok(listener.acknowledgement())
    }

    /// Has a session's object notified of what is published, until `expires` or for a day, after which it is asked whether its
    /// client still listens. Returns the excess, where there are too many.
    ///
    /// # Errors
    /// When storage fails.
    pub fn join(
        &self,
        object: &str,
        counted: &QuotaSubject,
        expires: u64,
    ) -> Result<Option<QuotaExceeded>, RuntimeError> {
        let expires = expires.min(self.host.now() + JOINED_MS);
        if !self.host.renew_session(object, expires)? {
            if let Some(excess) = counted.excess(|tag| self.host.count_sessions(tag))? {
                return Ok(Some(excess));
            }
            self.host.add_session(object, counted, expires)?;
        }
        self.host.wake_by(expires)?;
        Ok(None)
    }

    /// Ends the publications to a session's object at `time` at the latest, since its stream has closed.
    ///
    /// # Errors
    /// When storage fails.
    pub fn leave(&self, object: &str, time: u64) -> Result<(), RuntimeError> {
        if time <= self.host.now() {
            return self.host.remove_session(object);
        }
        if self.host.renew_session(object, time)? {
            self.host.wake_by(time)
        } else {
            Ok(())
        }
    }

    /// Ends the streams of a grant that has ended, and refuses new ones until its last token has expired, at `until` in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// When storage fails; the streams have ended.
    pub fn end_grant(&self, grant: &str, until: u64) -> Result<(), RuntimeError> {
        for (socket, listener) in self.listening(self.host.sockets_of(grant)) {
            end(&*socket, &listener, "The access of this client has ended.");
        }
        self.host.note_ended(grant, until)?;
        self.host.wake_by(until)
    }

    /// Sockets with their listeners. A socket whose attachment cannot be read is closed: neither its subscriptions nor its
    /// end are known, and its client opens a new stream.
    fn listening(
        &self,
        sockets: Vec<(Rc<dyn HubSocket>, String)>,
    ) -> Vec<(Rc<dyn HubSocket>, Listener)> {
        let count = sockets.len();
        let mut listening = Vec::with_capacity(count);
        for (socket, remembered) in sockets {
            match Listener::parse(&remembered) {
                Some(listener) => listening.push((socket, listener)),
                None => socket.close(),
            }
        }
        let closed = count - listening.len();
        if closed > 0 {
            self.host.warn(&format!(
                "{closed} streams are closed: {}",
                Format::HubListener.unreadable().0
            ));
        }
        listening
    }

    /// Sends a publication to the streams and sessions that listen for it.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn publish(&self, publication: &Publication) -> Result<(), RuntimeError> {
        for (socket, listener) in self.listening(self.host.sockets()) {
            if listener.hears(publication) {
                socket.send(&notification_json(
                    &publication.method,
                    &listener.tagged(&publication.params),
                ));
            }
        }
        // Changes of one user, one state or a task concern no session: those tell their own clients.
        if !publication.concerns_sessions() || Change::parse(&publication.about).is_none() {
            return Ok(());
        }
        // Sessions that are being told the same are told it once more, however often it is published meanwhile.
        if let Some(delivery) = self.host.delivery(&publication.about)? {
            return self.host.put_delivery(&PendingDelivery {
                again: true,
                ..delivery
            });
        }
        self.notify(PendingDelivery {
            publication: publication.clone(),
            after: String::new(),
            again: false,
        })
        .await
    }

    /// Sends a publication to the next sessions, and leaves the rest to the alarm.
    async fn notify(&self, delivery: PendingDelivery) -> Result<(), RuntimeError> {
        let sessions = self.host.sessions(&delivery.after, SESSIONS_A_TURN)?;
        // Written before anybody is told: a turn that is cut off does not keep the others from being told.
        let last = sessions.last();
        self.leave_rest(
            &delivery,
            last.filter(|_| sessions.len() == SESSIONS_A_TURN),
        )?;
        let publication = &delivery.publication;
        let others: Vec<_> = sessions
            .iter()
            .filter(|object| publication.except.as_ref() != Some(object))
            .collect();
        for some in others.chunks(SESSIONS_AT_ONCE) {
            let told = join_all(
                some.iter()
                    .map(|object| self.host.notify(object, publication)),
            )
            .await;
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

    /// Leaves to the alarm the sessions behind `last`; without it, the delivery has reached them all, and begins again or ends.
    fn leave_rest(
        &self,
        delivery: &PendingDelivery,
        last: Option<&String>,
    ) -> Result<(), RuntimeError> {
        let PendingDelivery {
            publication,
            after,
            again,
        } = delivery;
        match last {
            Some(last) => self.go_on(&PendingDelivery {
                after: last.clone(),
                ..delivery.clone()
            }),
            None if *again => {
                let publication = Publication {
                    except: None,
                    ..publication.clone()
                };
                self.go_on(&PendingDelivery {
                    publication,
                    after: String::new(),
                    again: false,
                })
            }
            None if after.is_empty() => Ok(()),
            None => self.host.remove_delivery(&publication.about),
        }
    }

    fn go_on(&self, delivery: &PendingDelivery) -> Result<(), RuntimeError> {
        self.host.put_delivery(delivery)?;
        self.host.wake_by(self.host.now())
    }

    /// Runs at the alarm: ends streams whose client's token has expired, forgets sessions without a stream, and sends what
    /// was published to the next sessions.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn wake(&self) -> Result<(), RuntimeError> {
        let now = self.host.now();
        self.ask_expired(now).await?;
        let last_notified = self.last_notified.take();
        if let Some(delivery) = self.host.next_delivery(&last_notified)? {
            self.last_notified
                .replace(delivery.publication.about.clone());
            self.notify(delivery).await?;
        }
        let mut next = self
            .host
            .next_session()?
            .into_iter()
            .chain(self.host.next_ended(now)?)
            .min();
        for (socket, listener) in self.listening(self.host.sockets()) {
            let Some(ends) = listener.ends else { continue };
            if ends <= now {
                end(&*socket, &listener, "The access token has expired.");
            } else {
                next = Some(next.map_or(ends, |next| next.min(ends)));
            }
        }
        if self.host.next_delivery("")?.is_some() {
            next = Some(now);
        }
        next.map_or(Ok(()), |next| self.host.wake_by(next))
    }

    /// Asks sessions whose time is over: those with a client that listens are kept, and the others removed.
    async fn ask_expired(&self, now: u64) -> Result<(), RuntimeError> {
        let expired = self.host.expired_sessions(now, ASKED_A_TURN)?;
        for some in expired.chunks(SESSIONS_AT_ONCE) {
            let asked = join_all(
                some.iter()
                    .map(|object| self.host.notify(object, &Publication::question())),
            )
            .await;
            for (object, asked) in some.iter().zip(asked) {
                match asked {
                    Ok(true) => self.host.renew_session(object, now + JOINED_MS).map(drop)?,
                    Ok(false) => self.host.remove_session(object)?,
                    // An object that cannot answer may have a stream nevertheless.
                    Err(fault) => {
                        self.host.warn(&fault.0);
                        self.host.renew_session(object, now + ASK_AGAIN_MS)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Ends a stream with what tells its client that it is a good end (2026-07-28, Subscriptions, "Graceful Closure";
/// Cancellation).
fn end(socket: &dyn HubSocket, listener: &Listener, reason: &str) {
    let cancelled = format!(
        r#"{{"requestId":{},"reason":"{reason}"}}"#,
        listener.id.as_json()
    );
    socket.send(&notification_json(
        "notifications/cancelled",
        &listener.tagged(&cancelled),
    ));
    let result = format!(r#"{{"resultType":"complete","_meta":{}}}"#, listener.meta());
    socket.send(&result_json(&listener.id, &result));
    socket.close();
}

/// Answer to a client whose token is of a grant that has ended (RFC 6750 section 3.1).
#[must_use]
pub fn ended(id: &RequestId) -> Reply {
    let error = Error::new(
        ErrorCode::REFUSED,
        "The access of this client has ended. Sign in again.",
    );
    Reply::json(StatusCode::UNAUTHORIZED, error_json(Some(id), &error))
        .header("www-authenticate", r#"Bearer error="invalid_token""#)
}
