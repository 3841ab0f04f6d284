//! The one refresh of this process. It runs in a task of its own: a message or timer that is given up must not take the new tokens
//! with it, for the old refresh token is worth nothing any more.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::Authorizer;
use super::challenge::Challenge;
use super::context::lock;
use super::error::SignInError;
use super::refresh::{Refreshed, refresh};
use crate::log::log;

type Outcome = Result<Refreshed, SignInError>;

/// Refresh under way, or the last one.
#[derive(Default)]
pub(super) struct SharedRefresh(Mutex<Option<Running>>);

#[derive(Clone)]
pub(super) struct Running {
    /// Token that it replaces.
    used: String,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Running {
    async fn wait(mut self) -> Outcome {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(Refreshed::SignInNeeded)),
            Err(_) => Err(SignInError::impossible(
                "the refresh ended early: try again",
            )),
        }
    }
}

impl SharedRefresh {
    fn running(&self) -> Option<Running> {
        let running = lock(&self.0).clone()?;
        let is_over = running.outcome.borrow().is_some() || running.outcome.has_changed().is_err();
        (!is_over).then_some(running)
    }

    /// Waits until none is under way.
    pub(super) async fn settled(&self) {
        while let Some(running) = self.running() {
            // The task told of a failure.
            running.wait().await.ok();
        }
    }
}

impl Authorizer {
    /// Replaces the tokens whose bearer is `used`, and waits for it.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        used: &str,
        challenge: Option<&Challenge>,
    ) -> Outcome {
        loop {
            let running = self.start_refresh(used, challenge);
            let is_of_token = running.used == used;
            let outcome = running.wait().await;
            if is_of_token {
                return outcome;
            }
        }
    }

    /// Begins a refresh, unless one is under way.
    pub(super) fn start_refresh(
        self: &Arc<Self>,
        used: &str,
        challenge: Option<&Challenge>,
    ) -> Running {
        if let Some(running) = self.refreshes.running() {
            return running;
        }
        let (sender, outcome) = watch::channel(None);
        let running = Running {
            used: used.to_owned(),
            outcome,
        };
        *lock(&self.refreshes.0) = Some(running.clone());
        let (authorizer, used, challenge) = (Arc::clone(self), used.to_owned(), challenge.cloned());
        tokio::spawn(async move {
            let outcome = refresh(&authorizer.context, &used, challenge.as_ref()).await;
            if let Err(error) = &outcome {
                log(&error.to_string());
            }
            sender.send_replace(Some(outcome));
        });
        running
    }
}
