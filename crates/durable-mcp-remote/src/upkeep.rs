//! Work between messages: pings, and rest after a quiet time.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::bridge::Bridge;
use crate::log::log;
use crate::message::Message;
use crate::trouble::Trouble;

/// Pings without an answer after which the connection is taken for dead.
const MAX_MISSED: u32 = 3;

impl Bridge {
    /// Pings the server each `interval`. Answers stay here.
    pub(crate) async fn keep_alive(self: Rc<Self>, interval: Duration) {
        let Ok(ping) = Message::written(r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#.to_owned())
        else {
            return;
        };
        let mut missed = 0;
        loop {
            sleep(interval).await;
            let generation = {
                let session = self.session.borrow();
                // Version 2026-07-28 has no pings.
                if !session.is_open || self.era.borrow().is_some() {
                    continue;
                }
                session.generation
            };
            match timeout(interval, self.ask(&ping)).await {
                Ok(Err(Trouble::SessionLost(_))) => {
                    // The next ping, or message, tries again.
                    self.renew(generation).await.ok();
                }
                // A server without ping answers all the same.
                Ok(Ok(_) | Err(Trouble::Refused(_) | Trouble::SignIn(_))) => missed = 0,
                Ok(Err(Trouble::Unsent(_) | Trouble::Lost(_) | Trouble::Barred(_))) | Err(_) => {
                    missed += 1;
                }
            }
            if missed == MAX_MISSED {
                log("the server answers no pings: its connections are opened again");
                missed = 0;
                self.remote.client.close();
                self.listen().await;
            }
        }
    }

    /// Closes the connections after a quiet time, until the next message.
    pub(crate) async fn rest(self: Rc<Self>, quiet: Duration) {
        loop {
            if timeout(quiet, self.activity.notified()).await.is_ok() || self.has_calls() {
                continue;
            }
            let modern = self.era.borrow().clone();
            let was_listening = match modern {
                Some(modern) => modern.stop_listening(),
                None => self.session.borrow_mut().listening.take().is_some(),
            };
            self.remote.client.close();
            self.activity.notified().await;
            if was_listening {
                self.listen().await;
            }
        }
    }
}
