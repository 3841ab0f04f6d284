//! One transition of a grant at a time. A request with the same code or token meanwhile gets the same answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_channel::oneshot::{Receiver, Sender, channel};

use super::command::{Issued, Refused};
use crate::oauth::token::GrantId;

pub(super) type Answer = Result<Issued, Refused>;

/// Who waits, by grant. An entry is there while a transition of its grant is under way.
#[derive(Default, Clone)]
pub(super) struct Flights(Rc<RefCell<BTreeMap<String, Vec<Sender<Answer>>>>>);

/// The right to change a grant, and the duty to tell the others how that went.
pub(super) struct Flight {
    flights: Flights,
    grant: String,
}

impl Flights {
    /// Begins, unless somebody has; then the answer of that one will come, or nothing if it was dropped.
    pub(super) fn begin(&self, grant: &GrantId) -> Result<Flight, Receiver<Answer>> {
        let mut all = self.0.borrow_mut();
        if let Some(waiting) = all.get_mut(grant.as_str()) {
            let (sender, receiver) = channel();
            waiting.push(sender);
            return Err(receiver);
        }
        all.insert(grant.as_str().to_owned(), Vec::new());
        Ok(Flight { flights: self.clone(), grant: grant.as_str().to_owned() })
    }
}

impl Flight {
    /// Gives everybody who waits the answer.
    pub(super) fn land(self, answer: &Answer) {
        let waiting = self.flights.0.borrow_mut().remove(&self.grant);
        for waiting in waiting.into_iter().flatten() {
            // Who has stopped waiting needs none.
            let _ = waiting.send(answer.clone());
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.0.borrow_mut().remove(&self.grant);
    }
}
