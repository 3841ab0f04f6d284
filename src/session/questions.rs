//! Requests of this server that wait for the client's answer.

use std::cell::{Cell, RefCell};

use futures_channel::oneshot;
use serde_json::value::RawValue;

use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::{RequestId, Response};

/// The most questions that wait at once. Each holds a running call, so this is far above what a person can answer.
pub const MAX_QUESTIONS: usize = 64;

type Outcome = Result<Box<RawValue>, Error>;

/// The questions of one session.
pub(crate) struct Questions {
    next: Cell<u64>,
    waiting: RefCell<Vec<(RequestId, oneshot::Sender<Outcome>)>>,
}

impl Questions {
    /// Ids count up from `now`, so that a late answer to a question from before a restart is not taken for another's.
    pub(crate) fn new(now: u64) -> Self {
        Self { next: Cell::new(now), waiting: RefCell::default() }
    }

    /// A new question's id, and what its answer arrives through.
    pub(crate) fn ask(&self) -> Result<(RequestId, oneshot::Receiver<Outcome>), Error> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MAX_QUESTIONS {
            return Err(Error::new(ErrorCode::REFUSED, "Too many questions wait for this client's answers."));
        }
        let number = self.next.get();
        self.next.set(number + 1);
        let id = RequestId::from_counter(number);
        let (sender, receiver) = oneshot::channel();
        waiting.push((id.clone(), sender));
        Ok((id, receiver))
    }

    /// Hands an answer to whoever waits for it. One that nobody waits for is dropped: it may be late.
    pub(crate) fn settle(&self, response: Response) {
        let mut waiting = self.waiting.borrow_mut();
        let asked = waiting.iter().position(|(id, _)| response.id.as_ref() == Some(id));
        let Some((_, sender)) = asked.map(|at| waiting.swap_remove(at)) else { return };
        // The call may have been dropped meanwhile.
        let _ = sender.send(response.outcome);
    }

    /// Nobody waits for that answer any more.
    pub(crate) fn forget(&self, id: &RequestId) {
        self.waiting.borrow_mut().retain(|(other, _)| other != id);
    }
}
