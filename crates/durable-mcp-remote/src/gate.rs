//! Order of the first messages: those after `initialize` wait for its answer, those after `initialized` for its receipt.

use tokio::sync::watch;

use crate::trouble::Trouble;

/// Gate that messages pass on their way to the server.
pub(crate) struct Gate(watch::Sender<State>);

#[derive(Debug, Clone)]
enum State {
    Open,
    Closed,
    Refused(Trouble),
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Open))
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(State::Closed);
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(State::Open);
    }

    /// Refuses the messages that wait. Later ones pass, and try again.
    pub(crate) fn refuse(&self, trouble: Trouble) {
        self.0.send_replace(State::Refused(trouble));
    }

    /// Waits until the gate is open.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the `initialize` that this message waited for.
    pub(crate) async fn pass(&self) -> Result<(), Trouble> {
        let mut states = self.0.subscribe();
        if !matches!(*states.borrow_and_update(), State::Closed) {
            return Ok(());
        }
        while states.changed().await.is_ok() {
            match &*states.borrow_and_update() {
                State::Open => return Ok(()),
                State::Refused(trouble) => return Err(trouble.clone()),
                State::Closed => {}
            }
        }
        Ok(())
    }
}
