//! One request of the client, from the gate to its answer.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::bridge::Bridge;
use crate::calls::Call;
use crate::message::Message;
use crate::trouble::Trouble;

/// Times that a request is repeated which may have run and only reads.
const MAX_REPEATS: u32 = 3;
/// Waits between attempts to reach the server: the first, and the longest.
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Bridge {
    /// Sends a request and sees to it that it is answered.
    pub(crate) async fn call(self: Rc<Self>, call: Call, message: Message) {
        if let Err(trouble) = self.answered(&call, &message).await {
            self.fail(&call.id, &trouble).await;
        }
    }

    /// Sends a request once the session is there, again where it is lost, and waits for its response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn answered(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        if let Some(outcome) = self.call_offline(call).await {
            return outcome;
        }
        self.gate.pass().await?;
        self.attempt_until_answered(call, message).await
    }

    async fn attempt_until_answered(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.arguments.network.connect_timeout;
        let mut wait = FIRST_WAIT;
        let mut repeats = 0;
        while !call.done.is_done() {
            match self.attempt(call, message).await {
                Err(Trouble::Unsent(_)) if Instant::now() + wait < deadline => {}
                Err(Trouble::Lost(_)) if repeats < MAX_REPEATS && only_reads(&call.method) => {
                    repeats += 1;
                }
                outcome => return outcome,
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = call.done.done() => {}
            }
            wait = LONGEST_WAIT.min(wait * 2);
        }
        Ok(())
    }

    /// Sends a request, in a new session if the server has lost the present one.
    async fn attempt(self: &Rc<Self>, call: &Call, message: &Message) -> Result<(), Trouble> {
        let (generation, is_open, before) = {
            let session = self.session.borrow();
            // Without initialize, a client speaks to a server without sessions.
            let is_open = session.is_open || session.initialize.is_none();
            (session.generation, is_open, session.initialized.clone())
        };
        if is_open {
            match self.exchange(call, message).await {
                Err(Trouble::SessionLost(_)) => {}
                outcome => return outcome,
            }
        }
        self.renew_in_task(generation).await?;
        self.still_serves(&call.method, before.as_ref())?;
        if call.done.is_done() {
            return Ok(());
        }
        self.exchange(call, message).await
    }
}

/// Whether a method only reads, so that it may run twice.
fn only_reads(method: &str) -> bool {
    matches!(method.rsplit('/').next(), Some("list" | "read" | "get"))
}
