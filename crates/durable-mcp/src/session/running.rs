//! Calls that run, so that a client can call them off.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{AbortHandle, Abortable};

use crate::mcp::cancel::CancelFlag;
use crate::mcp::jsonrpc::RequestId;

/// The most calls of one session that run at once: a batch's worth, and what any client was seen to start.
pub const MAX_RUNNING: usize = 128;

struct Entry {
    number: u64,
    id: RequestId,
    flag: Rc<CancelFlag>,
    silenced: Rc<Cell<bool>>,
    /// Handle that aborts the call; `None` where the handler finishes by itself when it is cancelled.
    abort: Option<AbortHandle>,
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

    /// Runs a call to its end; gives none if it was cancelled.
    pub(crate) async fn run<T>(
        &self,
        id: &RequestId,
        flag: &Rc<CancelFlag>,
        silenced: &Rc<Cell<bool>>,
        heeds_cancellation: bool,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        let (abort, registration) = AbortHandle::new_pair();
        let number = self.next.get();
        self.next.set(number + 1);
        self.entries.borrow_mut().push(Entry {
            number,
            id: id.clone(),
            flag: Rc::clone(flag),
            silenced: Rc::clone(silenced),
            abort: (!heeds_cancellation).then_some(abort),
        });
        // Also when this future is dropped half way.
        let _leave = Leave {
            entries: Rc::clone(&self.entries),
            number,
        };
        let outcome = Abortable::new(call, registration).await.ok();
        outcome.filter(|_| !silenced.get())
    }

    /// Calls off every running call of that id: two of them are the client's mistake, and it meant one of them.
    pub(crate) fn cancel(&self, id: &RequestId) {
        for entry in self.entries.borrow().iter().filter(|entry| entry.id == *id) {
            entry.silenced.set(true);
            entry.flag.set();
            if let Some(abort) = &entry.abort {
                abort.abort();
            }
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

struct Leave {
    entries: Rc<RefCell<Vec<Entry>>>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.entries
            .borrow_mut()
            .retain(|entry| entry.number != self.number);
    }
}
