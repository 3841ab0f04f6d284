//! Requests that wait for their response.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::message::{Id, Message};
use crate::silence::Silence;

/// Requests without a response, by id. Each gets one response: taking its entry is the right to answer it.
pub(crate) struct Calls {
    open: RefCell<HashMap<Id, Entry>>,
    prefix: String,
    counter: Cell<u64>,
}

/// Request that waits for its response.
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) asker: Asker,
    /// Whether it asks for a page behind the first one.
    pub(crate) is_page: bool,
    /// Whether it is of 2026-07-28, where a request is cancelled by closing its connection.
    pub(crate) is_modern: bool,
    silence: Arc<Silence>,
    /// Dropped with the entry.
    open: Open,
}

/// Receiver of a response.
pub(crate) enum Asker {
    Client,
    Bridge(oneshot::Sender<Message>),
}

/// The side of a request that is sent and waits.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) id: Id,
    pub(crate) method: String,
    /// Whether it was answered or cancelled.
    pub(crate) done: Done,
    pub(crate) silence: Arc<Silence>,
}

/// Something that is under way until this is dropped.
pub(crate) struct Open(
    /// Whether it was cancelled.
    watch::Sender<bool>,
);

/// End of something that was under way.
#[derive(Clone, Debug)]
pub(crate) struct Done(watch::Receiver<bool>);

impl Calls {
    /// No requests yet. `prefix` is random: ids of the bridge must not be those of the client.
    pub(crate) fn new(prefix: String) -> Self {
        Self {
            open: RefCell::default(),
            prefix,
            counter: Cell::new(0),
        }
    }

    /// Begins to wait for the response to a request of the client; `None` if its id is in use.
    pub(crate) fn of_client(&self, id: &Id, method: &str) -> Option<Call> {
        if self.open.borrow().contains_key(id) {
            return None;
        }
        Some(self.insert(id.clone(), method, Asker::Client))
    }

    /// Begins to wait for the response to a request of the bridge itself.
    pub(crate) fn of_bridge(&self, method: &str) -> (Call, oneshot::Receiver<Message>) {
        let number = self.counter.get() + 1;
        self.counter.set(number);
        let (sender, response) = oneshot::channel();
        let id = Id::Text(format!("{}-{number}", self.prefix));
        (self.insert(id, method, Asker::Bridge(sender)), response)
    }

    fn insert(&self, id: Id, method: &str, asker: Asker) -> Call {
        let (open, done) = Done::pair();
        let silence = Arc::<Silence>::default();
        let entry = Entry {
            method: method.to_owned(),
            asker,
            is_page: false,
            silence: Arc::clone(&silence),
            is_modern: false,
            open,
        };
        self.open.borrow_mut().insert(id.clone(), entry);
        Call {
            id,
            method: method.to_owned(),
            done,
            silence,
        }
    }

    /// Notes that a request asks for a page behind the first one.
    pub(crate) fn mark_page(&self, id: &Id) {
        if let Some(entry) = self.open.borrow_mut().get_mut(id) {
            entry.is_page = true;
        }
    }

    /// Notes that a request is of 2026-07-28.
    pub(crate) fn mark_modern(&self, id: &Id) {
        if let Some(entry) = self.open.borrow_mut().get_mut(id) {
            entry.is_modern = true;
        }
    }

    /// Whether a request of the client waits for a response under this id.
    pub(crate) fn is_of_client(&self, id: &Id) -> bool {
        self.open
            .borrow()
            .get(id)
            .is_some_and(|entry| matches!(entry.asker, Asker::Client))
    }

    /// Takes a request out, to answer it or because it was cancelled.
    pub(crate) fn take(&self, id: &Id) -> Option<Entry> {
        self.open.borrow_mut().remove(id)
    }

    /// Takes a request out that its client has cancelled.
    pub(crate) fn cancel(&self, id: &Id) -> Option<Entry> {
        let entry = self.take(id)?;
        entry.open.0.send_replace(true);
        Some(entry)
    }

    /// Takes a request out when the guard is dropped.
    pub(crate) fn until_dropped<'a>(&'a self, id: &'a Id) -> impl Drop + use<'a> {
        struct Waiting<'a>(&'a Calls, &'a Id);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                drop(self.0.take(self.1));
            }
        }
        Waiting(self, id)
    }

    /// Silences of the client's requests.
    pub(crate) fn silences(&self) -> Vec<Arc<Silence>> {
        let open = self.open.borrow();
        open.values()
            .filter(|entry| matches!(entry.asker, Asker::Client))
            .map(|entry| Arc::clone(&entry.silence))
            .collect()
    }

    /// Beginning of each id of the bridge.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the client waits for a response, other than to `method`. The bridge itself waits on a stream for as long as there is one.
    pub(crate) fn has_client_besides(&self, method: &str) -> bool {
        self.open
            .borrow()
            .values()
            .any(|entry| matches!(entry.asker, Asker::Client) && entry.method != method)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.borrow().len()
    }
}

impl Done {
    /// Both sides of something that begins now.
    pub(crate) fn pair() -> (Open, Self) {
        let (open, done) = watch::channel(false);
        (Open(open), Self(done))
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.has_changed().is_err() || *self.0.borrow()
    }

    /// Waits for the end.
    pub(crate) async fn done(&self) {
        let mut done = self.0.clone();
        // The channel closes when its sender is dropped.
        while done.changed().await.is_ok() {}
    }

    /// Waits for a cancellation, and for ever where something else was the end.
    pub(crate) async fn cancelled(&self) {
        let mut done = self.0.clone();
        if done.wait_for(|is_cancelled| *is_cancelled).await.is_err() {
            pending::<()>().await;
        }
    }
}
