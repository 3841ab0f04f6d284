//! The stream on which a client hears of changes.

use std::cell::RefCell;

use super::seen::Seen;
use super::wire::Replied;

/// The streams that are open, and the resources that the client wants to hear of.
#[derive(Default)]
pub(super) struct Listening {
    stream: RefCell<Option<Replied>>,
    pub(super) resources: RefCell<Vec<String>>,
}

impl Listening {
    pub(super) fn is_open(&self) -> bool {
        self.stream.borrow().is_some()
    }

    /// Replaces the stream.
    pub(super) fn open(&self, stream: Replied) {
        self.stream.replace(Some(stream));
    }

    /// Reads what has come.
    pub(super) fn read(&self, seen: &Seen) {
        let messages = self.stream.borrow_mut().as_mut().map(Replied::messages);
        for message in messages.into_iter().flatten() {
            if let Some(method) = message["method"].as_str() {
                seen.take(method, &message["params"]);
            }
        }
    }
}
