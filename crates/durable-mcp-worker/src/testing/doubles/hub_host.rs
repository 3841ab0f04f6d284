//! The runtime around the hub, and the sockets that hang on it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_core::limits::{
    ATTACHMENT_BYTES, OPERATIONS_AN_INVOCATION, ROW_BYTES, SOCKET_TAG_CHARS, SOCKET_TAGS,
    SOCKETS_AN_OBJECT,
};
use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, pending, ready};

use super::host::FakeHost;
use crate::hub::{HubHost, HubSocket, Listener, PendingDelivery, QuotaSubject, attachment_bytes};
use crate::session::publication::Publication;
use crate::transport::sse;

/// The hub's end of a stream that listens.
pub struct FakeHubSocket(RefCell<Option<UnboundedSender<String>>>);

impl HubSocket for FakeHubSocket {
    fn send(&self, json: &str) {
        if let Some(sender) = &*self.0.borrow() {
            // The client may have gone.
            let _ = sender.unbounded_send(sse::message(None, json));
        }
    }

    fn close(&self) {
        self.0.take();
    }
}

impl FakeHubSocket {
    fn is_open(&self) -> bool {
        self.0
            .borrow()
            .as_ref()
            .is_some_and(|sender| !sender.is_closed())
    }
}

/// The runtime around the hub.
pub struct FakeHubHost {
    runtime: Rc<FakeHost>,
    sockets: RefCell<Vec<(Rc<FakeHubSocket>, String)>>,
    /// Joined objects, with the times until which they are notified.
    pub sessions: RefCell<BTreeMap<String, u64>>,
    /// Publications sent to sessions' objects since the list was last emptied.
    pub told: RefCell<Vec<(String, Publication)>>,
    /// Results of notifying an object; `Ok(true)`, a client to notify, for any other object.
    pub outcomes: RefCell<BTreeMap<String, Result<bool, RuntimeError>>>,
    /// Grants that are noted to have ended, and until when.
    ended: RefCell<BTreeMap<String, u64>>,
    /// Failure of the lookup of ended grants.
    pub fault: RefCell<Option<RuntimeError>>,
    /// True if objects do not answer a publication.
    pub stalled: Cell<bool>,
    counted: RefCell<BTreeMap<String, QuotaSubject>>,
    delivery: RefCell<BTreeMap<String, PendingDelivery>>,
    /// Requests to other objects since the invocation at hand began.
    requests: Cell<usize>,
    alarm: Cell<Option<u64>>,
}

impl FakeHubHost {
    pub fn new(runtime: &Rc<FakeHost>) -> Rc<Self> {
        Rc::new(Self {
            runtime: Rc::clone(runtime),
            sockets: RefCell::default(),
            sessions: RefCell::default(),
            told: RefCell::default(),
            outcomes: RefCell::default(),
            ended: RefCell::default(),
            fault: RefCell::default(),
            stalled: Cell::new(false),
            counted: RefCell::default(),
            delivery: RefCell::default(),
            requests: Cell::new(0),
            alarm: Cell::new(None),
        })
    }

    /// Opens the socket of an accepted stream, and returns its frames.
    pub fn accept(&self, listener: &Listener, greeting: &str) -> UnboundedReceiver<String> {
        let (sender, receiver) = unbounded();
        let socket = FakeHubSocket(RefCell::new(Some(sender)));
        socket.send(greeting);
        let remembered = listener.to_text();
        assert!(
            attachment_bytes(&remembered) <= ATTACHMENT_BYTES,
            "a socket remembers no more"
        );
        let tags = listener.counted.tags();
        assert!(tags.len() <= SOCKET_TAGS && tags.iter().all(|tag| tag.len() <= SOCKET_TAG_CHARS));
        assert!(
            self.open().len() < SOCKETS_AN_OBJECT,
            "an object has no more sockets"
        );
        self.sockets
            .borrow_mut()
            .push((Rc::new(socket), remembered));
        receiver
    }

    /// All sockets remember that from now on.
    pub fn rewrite(&self, remembered: &str) {
        self.sockets
            .borrow_mut()
            .iter_mut()
            .for_each(|(_, text)| remembered.clone_into(text));
    }

    /// Another event reaches the hub.
    pub fn invoke(&self) {
        self.requests.set(0);
    }

    pub fn alarm(&self) -> Option<u64> {
        self.alarm.get()
    }

    /// Ended grants that are remembered.
    pub fn notes(&self) -> usize {
        self.ended.borrow().len()
    }

    /// Takes the alarm if it is due.
    pub fn take_due_alarm(&self) -> bool {
        let due = self.alarm.get().is_some_and(|at| at <= self.now());
        if due {
            self.alarm.set(None);
        }
        due
    }

    fn open(&self) -> Vec<(Rc<FakeHubSocket>, String)> {
        self.sockets
            .borrow_mut()
            .retain(|(socket, _)| socket.is_open());
        self.sockets.borrow().clone()
    }
}

forward_runtime!(FakeHubHost, runtime);

impl HubHost for FakeHubHost {
    fn sockets(&self) -> Vec<(Rc<dyn HubSocket>, String)> {
        self.open()
            .into_iter()
            .map(|(socket, text)| (socket as Rc<dyn HubSocket>, text))
            .collect()
    }

    fn sockets_of(&self, grant: &str) -> Vec<(Rc<dyn HubSocket>, String)> {
        let is_its = |text: &str| {
            Listener::parse(text).is_some_and(|listener| listener.grant.as_deref() == Some(grant))
        };
        self.sockets()
            .into_iter()
            .filter(|(_, text)| is_its(text))
            .collect()
    }

    fn note_ended(&self, grant: &str, until: u64) -> Result<(), RuntimeError> {
        self.ended.borrow_mut().insert(grant.to_owned(), until);
        Ok(())
    }

    fn has_ended(&self, grant: &str) -> Result<bool, RuntimeError> {
        match &*self.fault.borrow() {
            Some(fault) => Err(fault.clone()),
            None => Ok(self.ended.borrow().contains_key(grant)),
        }
    }

    fn count(&self, tag: Option<&str>) -> usize {
        let has = |text: &str, tag| {
            Listener::parse(text).is_some_and(|listener| listener.counted.tags().contains(&tag))
        };
        self.open()
            .iter()
            .filter(|(_, text)| tag.is_none_or(|tag| has(text, tag)))
            .count()
    }

    fn sessions(&self, after: &str, limit: usize) -> Result<Vec<String>, RuntimeError> {
        let sessions = self.sessions.borrow();
        Ok(sessions
            .keys()
            .filter(|object| object.as_str() > after)
            .take(limit)
            .cloned()
            .collect())
    }

    fn expired_sessions(&self, now: u64, limit: usize) -> Result<Vec<String>, RuntimeError> {
        let sessions = self.sessions.borrow();
        let expired = sessions.iter().filter(|(_, expires)| **expires <= now);
        Ok(expired
            .take(limit)
            .map(|(object, _)| object.clone())
            .collect())
    }

    fn count_sessions(&self, tag: Option<&str>) -> Result<usize, RuntimeError> {
        let counted = self.counted.borrow();
        let has = |object: &String| match (tag, counted.get(object)) {
            (None, _) => true,
            (Some(tag), Some(counted)) => counted.tags().contains(&tag),
            (Some(_), None) => false,
        };
        Ok(self
            .sessions
            .borrow()
            .keys()
            .filter(|object| has(object))
            .count())
    }

    fn renew_session(&self, object: &str, expires: u64) -> Result<bool, RuntimeError> {
        Ok(self
            .sessions
            .borrow_mut()
            .get_mut(object)
            .map(|kept| *kept = expires)
            .is_some())
    }

    fn add_session(
        &self,
        object: &str,
        counted: &QuotaSubject,
        expires: u64,
    ) -> Result<(), RuntimeError> {
        self.counted
            .borrow_mut()
            .insert(object.to_owned(), counted.clone());
        self.sessions
            .borrow_mut()
            .insert(object.to_owned(), expires);
        Ok(())
    }

    fn delivery(&self, about: &str) -> Result<Option<PendingDelivery>, RuntimeError> {
        Ok(self.delivery.borrow().get(about).cloned())
    }

    fn next_delivery(&self, after: &str) -> Result<Option<PendingDelivery>, RuntimeError> {
        let delivery = self.delivery.borrow();
        let behind = delivery.iter().find(|(about, _)| about.as_str() > after);
        Ok(behind
            .or_else(|| delivery.iter().next())
            .map(|(_, delivery)| delivery.clone()))
    }

    fn put_delivery(&self, told: &PendingDelivery) -> Result<(), RuntimeError> {
        if told.publication.about.len() + told.publication.to_text().len() + told.after.len()
            > ROW_BYTES
        {
            return Err(RuntimeError("the row is too large".to_owned()));
        }
        self.delivery
            .borrow_mut()
            .insert(told.publication.about.clone(), told.clone());
        Ok(())
    }

    fn remove_delivery(&self, about: &str) -> Result<(), RuntimeError> {
        self.delivery.borrow_mut().remove(about);
        Ok(())
    }

    fn remove_session(&self, object: &str) -> Result<(), RuntimeError> {
        self.sessions.borrow_mut().remove(object);
        Ok(())
    }

    fn next_ended(&self, now: u64) -> Result<Option<u64>, RuntimeError> {
        let mut ended = self.ended.borrow_mut();
        ended.retain(|_, expires| *expires > now);
        Ok(ended.values().copied().min())
    }

    fn next_session(&self) -> Result<Option<u64>, RuntimeError> {
        Ok(self.sessions.borrow().values().copied().min())
    }

    fn notify(
        &self,
        object: &str,
        publication: &Publication,
    ) -> LocalBoxFuture<'_, Result<bool, RuntimeError>> {
        self.told
            .borrow_mut()
            .push((object.to_owned(), publication.clone()));
        self.requests.set(self.requests.get() + 1);
        assert!(
            self.requests.get() <= OPERATIONS_AN_INVOCATION,
            "one invocation asks too many objects"
        );
        if self.stalled.get() {
            return pending().boxed_local();
        }
        ready(
            self.outcomes
                .borrow()
                .get(object)
                .cloned()
                .unwrap_or(Ok(true)),
        )
        .boxed_local()
    }

    fn wake_by(&self, time: u64) -> Result<(), RuntimeError> {
        self.alarm.set(Some(
            self.alarm.get().map_or(time, |ordered| ordered.min(time)),
        ));
        Ok(())
    }
}
