//! Requests that wait for their response.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use tokio::sync::{oneshot, watch};

use crate::message::{Id, Message};

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
    // Dropped with the entry, which tells `Call::done`.
    _open: watch::Sender<()>,
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
    done: watch::Receiver<()>,
}

impl Calls {
    /// No requests yet. `prefix` is random: ids of the bridge must not be those of the client.
    pub(crate) fn new(prefix: String) -> Self {
        Self { open: RefCell::default(), prefix, counter: Cell::new(0) }
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
        let (open, done) = watch::channel(());
        let entry = Entry { method: method.to_owned(), asker, _open: open };
        self.open.borrow_mut().insert(id.clone(), entry);
        Call { id, method: method.to_owned(), done }
    }

    /// Takes a request out, to answer it or because it was cancelled.
    pub(crate) fn take(&self, id: &Id) -> Option<Entry> {
        self.open.borrow_mut().remove(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.borrow().len()
    }
}

impl Call {
    /// Whether it was answered or cancelled.
    pub(crate) fn is_done(&self) -> bool {
        self.done.has_changed().is_err()
    }

    /// Waits until it is answered or cancelled.
    pub(crate) async fn done(&self) {
        let mut done = self.done.clone();
        // Nothing is ever sent: the only news is that the sender is gone.
        while done.changed().await.is_ok() {}
    }
}
