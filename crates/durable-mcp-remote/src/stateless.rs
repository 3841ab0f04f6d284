//! Clients of 2026-07-28, which have no sessions, before servers that have them: the bridge holds a session in their place.

mod answers;
mod capabilities;
mod discovery;
mod envelope;
mod level;
mod notices;
mod requests;
mod results;
mod server_call;
mod server_calls;
mod subscriptions;
mod suspended;
mod turns;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reqwest::StatusCode;
use serde_json::{Map, Value};

use crate::arguments::Protocol;
use crate::bridge::Bridge;
use crate::message::{Kind, Message, quoted};
use crate::trouble::{Refusal, Trouble};
use envelope::Envelope;
use level::Level;
use server_calls::ServerCalls;
use subscriptions::Subscription;
pub(crate) use subscriptions::of_resource;
use suspended::SuspendedCalls;
use turns::Turns;

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

/// Client of 2026-07-28 and what the bridge keeps for it.
#[derive(Default)]
pub(crate) struct Stateless {
    server: Cell<Server>,
    /// Held while the server is found out or a session is opened, with the reason why that failed last.
    opening: tokio::sync::Mutex<Option<Trouble>>,
    /// Counts the failures.
    failures: Cell<u64>,
    /// Whether the client has asked for more than `server/discover`, so that it is one of this version.
    has_asked: Cell<bool>,
    /// Capabilities of the client that the session was opened with.
    capabilities: RefCell<Map<String, Value>>,
    calls: Rc<ServerCalls>,
    suspended: RefCell<SuspendedCalls>,
    subscriptions: RefCell<Vec<Rc<Subscription>>>,
    /// Requests about resources that are under way.
    pub(crate) turns: Turns,
    /// Level of logs that the server was told last. Held while it is told another.
    level: tokio::sync::Mutex<Option<Level>>,
}

/// Kind of the server, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Server {
    #[default]
    Unknown,
    /// One of 2026-07-28: messages pass as they are.
    Stateless,
    /// One with sessions: messages are translated.
    Sessions,
}

impl Stateless {
    /// Whether requests are in flight, also those whose questions are with the client.
    pub(crate) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }
}

impl Bridge {
    /// Whether a request is of a client of 2026-07-28 and its server is not known to be one, too.
    pub(crate) fn is_stateless(self: &Rc<Self>, request: &Message) -> bool {
        if self.arguments.protocol == Protocol::Modern {
            return false;
        }
        match self.stateless.server.get() {
            Server::Stateless => false,
            // A client that knows both may go on with initialize after a look.
            Server::Sessions
                if request.method() == "initialize" && !self.stateless.has_asked.get() =>
            {
                let is_stateless = Envelope::read(request).is_some();
                if !is_stateless {
                    self.leave_session();
                }
                is_stateless
            }
            Server::Sessions => true,
            Server::Unknown => {
                let session = self.session.borrow();
                (session.initialize.is_none() || session.is_of_bridge)
                    && Envelope::read(request).is_some()
            }
        }
    }

    /// Takes a notification of a client whose session the bridge holds.
    pub(crate) async fn take_stateless(&self, notification: Message) {
        match notification.method() {
            // The server knows the call by another id, and is told by those who wait for it.
            "notifications/cancelled" => {
                self.withdraw(&notification);
            }
            // Those of clients with sessions.
            "notifications/initialized" | "notifications/roots/list_changed" => {}
            _ => {
                if let Some(notification) = envelope::without(&notification, None) {
                    self.send_in_order(notification).await;
                }
            }
        }
    }
}

/// Error for the client.
fn refused(code: i64, reason: &str, data: Option<&Value>) -> Trouble {
    let data = data.map_or_else(String::new, |data| format!(r#","data":{data}"#));
    let message = quoted(reason);
    let json = format!(
        r#"{{"jsonrpc":"2.0","id":0,"error":{{"code":{code},"message":{message}{data}}}}}"#
    );
    let error = Message::written(json).ok();
    Trouble::Refused(Refusal {
        status: StatusCode::OK,
        error,
        reason: reason.to_owned(),
    })
}

/// Response of the server that a [`Trouble`] holds: errors of the protocol may have an HTTP status of their own.
fn response_in(outcome: Result<Message, Trouble>) -> Result<Message, Trouble> {
    match outcome {
        Err(Trouble::Refused(Refusal {
            error: Some(error), ..
        })) if matches!(error.kind, Kind::Response { .. }) => Ok(error),
        outcome => outcome,
    }
}
