//! Choice of a transport: those of `--transport` in their order, the one that worked last time first.

use std::rc::Rc;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::arguments::Transport as Order;
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::era::is_modern;
use crate::message::Message;
use crate::trouble::{Refusal, Trouble};

/// Transport that messages take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Streamable HTTP.
    Streamable,
    /// HTTP+SSE of version 2024-11-05.
    Sse,
}

impl Transport {
    /// First transport, and the one that is tried when that is not there. The one that worked last time is the first.
    pub(crate) fn order(order: Order, worked: Option<Self>) -> (Self, Option<Self>) {
        let (first, second) = match order {
            Order::HttpFirst => (Self::Streamable, Some(Self::Sse)),
            Order::SseFirst => (Self::Sse, Some(Self::Streamable)),
            Order::HttpOnly => (Self::Streamable, None),
            Order::SseOnly => (Self::Sse, None),
        };
        match second {
            Some(second) if worked == Some(second) => (second, Some(first)),
            _ => (first, second),
        }
    }

    /// Whether an answer to `initialize` says that the address does not speak this transport (Streamable HTTP, "Backwards
    /// Compatibility"). Errors that only servers of Streamable HTTP send do not, and texts never do.
    fn is_missing(self, refusal: &Refusal) -> bool {
        let code = refusal
            .error
            .as_ref()
            .and_then(Message::error)
            .map(|error| error.code);
        match self {
            Self::Streamable => {
                matches!(refusal.status.as_u16(), 400 | 404 | 405)
                    && !matches!(code, Some(-32022..=-32020 | -32602..=-32601))
            }
            // 200 is an answer without a stream or an endpoint.
            Self::Sse => {
                refusal.status == StatusCode::OK
                    || matches!(refusal.status.as_u16(), 400 | 404..=406)
            }
        }
    }
}

impl Bridge {
    /// Sends `initialize` by the first transport, or by the second if the server does not have that one.
    ///
    /// # Errors
    ///
    /// [`Trouble`], that of both if both are missing.
    pub(crate) async fn open_legacy(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let (first, second) = self.transports.get();
        self.transport.set(first);
        let refusal = match self.exchange(call, message).await {
            Err(Trouble::Refused(refusal))
                if first.is_missing(&refusal) && !is_modern(&refusal) =>
            {
                refusal
            }
            outcome => return outcome,
        };
        let Some(second) = second else {
            return Err(Trouble::Refused(refusal));
        };
        self.transport.set(second);
        match self.exchange(call, message).await {
            Ok(()) => {
                // The next session tries what works.
                self.transports.set((second, Some(first)));
                Ok(())
            }
            Err(Trouble::Refused(other)) => {
                let reason = format!("{}; and {}", refusal.reason, other.reason);
                Err(Trouble::Refused(Refusal {
                    error: None,
                    reason,
                    ..other
                }))
            }
            failed => failed,
        }
    }

    /// Sends a request and hands on what comes, until it has its response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn exchange(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let modern = self.era.borrow().clone();
        if let Some(modern) = modern {
            return self.exchange_modern(&modern, call, message).await;
        }
        match self.transport.get() {
            Transport::Streamable => self.exchange_passing(call, message).await,
            Transport::Sse => self.exchange_by_sse(call, message).await,
        }
    }

    /// Sends a notification or a response.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the request.
    pub(crate) async fn post(self: &Rc<Self>, message: &Message) -> Result<(), Trouble> {
        // A server without sessions asks nothing by itself, and needs no notice of a client that is there.
        if self.era.borrow().is_some() {
            return Ok(());
        }
        match self.transport.get() {
            Transport::Streamable => self.post_by_http(message).await,
            Transport::Sse => self.post_by_sse(message).await,
        }
    }
}
