//! Reasons why a message has no answer of the server.

use reqwest::StatusCode;

use crate::http::{Cause, Failure};
use crate::log::without_secrets;
use crate::message::{BRIDGE_ERROR, Message};

/// Reason why a message has no answer.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// The message never left, so it can be sent again.
    Unsent(String),
    /// The connection failed after that: the server may have acted on the message.
    Lost(String),
    /// The way to the server is not taken: its certificate is not valid, or it redirects to where nothing is sent.
    Barred(String),
    /// The server does not know the session.
    SessionLost(String),
    /// The server answered with an HTTP status or content that carries no answer.
    Refused(Refusal),
    /// Sign-in is missing or failed.
    SignIn(String),
}

/// Answer that is no response to the message.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// JSON-RPC error of the body.
    pub(crate) error: Option<Message>,
    pub(crate) reason: String,
}

impl Trouble {
    /// Code and text of the error that the client gets, without the secrets of this run.
    pub(crate) fn error(&self) -> (i64, String) {
        let (code, text) = self.unmasked();
        (code, without_secrets(&text))
    }

    fn unmasked(&self) -> (i64, String) {
        let own = i64::from(BRIDGE_ERROR);
        match self {
            Self::Unsent(reason) | Self::Barred(reason) => {
                (own, format!("the server cannot be reached: {reason}"))
            }
            Self::Lost(reason) => (
                own,
                format!("connection lost, the request may have run: {reason}"),
            ),
            Self::SessionLost(reason) => (own, format!("the server ended the session: {reason}")),
            Self::SignIn(reason) => (own, reason.clone()),
            Self::Refused(refusal) => match refusal.error.as_ref().and_then(Message::error) {
                Some(error) => (error.code, error.message),
                None => (own, refusal.reason.clone()),
            },
        }
    }

    /// Whether the same message may succeed in a moment: nothing is there yet, or a gateway says so.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unsent(_) | Self::Lost(_) => true,
            Self::Refused(refusal) => matches!(refusal.status.as_u16(), 429 | 502..=504),
            Self::Barred(_) | Self::SessionLost(_) | Self::SignIn(_) => false,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::Certificate | Cause::Redirect => Self::Barred(failure.reason),
            _ if failure.unsent => Self::Unsent(failure.reason),
            _ => Self::Lost(failure.reason),
        }
    }
}
