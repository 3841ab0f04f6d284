//! The running calls of a session: their limit, and their cancellation by the client.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_mcp_protocol::jsonrpc::RequestId;

use super::call_run::Cancellation;

/// The most calls of one session that run at once: a batch's worth, and what any client was seen to start.
pub const MAX_RUNNING: usize = 128;

struct Entry {
    number: u64,
    id: RequestId,
    cancellation: Cancellation,
}

/// The running calls of one session.
#[derive(Default)]
pub(crate) struct Running {
    next: Cell<u64>,
    entries: Rc<RefCell<Vec<Entry>>>,
}

impl Running {
    /// True if `more` calls can start without exceeding [`MAX_RUNNING`].
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.entries.borrow().len() + more <= MAX_RUNNING
    }

    /// Adds a call, until the returned value is dropped.
    pub(crate) fn enter(&self, id: &RequestId, cancellation: Cancellation) -> RunningCall {
        let number = self.next.get();
        self.next.set(number + 1);
        self.entries.borrow_mut().push(Entry {
            number,
            id: id.clone(),
            cancellation,
        });
        RunningCall {
            entries: Rc::clone(&self.entries),
            number,
        }
    }

    /// Calls off every running call of that id: two of them are the client's mistake, and it meant one of them.
    pub(crate) fn cancel(&self, id: &RequestId) {
        for entry in self.entries.borrow().iter().filter(|entry| entry.id == *id) {
            entry.cancellation.cancel();
        }
    }

    /// Calls everything off.
    pub(crate) fn cancel_all(&self) {
        let ids: Vec<_> = self
            .entries
            .borrow()
            .iter()
            .map(|entry| entry.id.clone())
            .collect();
        for id in &ids {
            self.cancel(id);
        }
    }
}

/// A call that runs, until it is dropped.
pub(crate) struct RunningCall {
    entries: Rc<RefCell<Vec<Entry>>>,
    number: u64,
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.entries
            .borrow_mut()
            .retain(|entry| entry.number != self.number);
    }
}
