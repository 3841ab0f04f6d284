//! The way from a running call to its client.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use serde_json::value::RawValue;

use super::core::Core;
use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::{notification_json, request_json};
use crate::mcp::log::LogLevel;
use crate::mcp::peer::{About, Peer};

/// Where the messages of one call go; a transport implements it.
pub trait Line {
    /// Sends a message that belongs to the call, ahead of its answer.
    fn send(&self, json: &str);

    /// Sends a message that belongs to the session.
    fn announce(&self, json: &str);

    /// Lets the client go; it comes back for the answer. Transports that cannot do so do nothing.
    fn release(&self);
}

/// How long a client may take to answer a question, in milliseconds. People answer most of them; one who went to lunch
/// can call the tool again.
pub const ANSWER_WITHIN_MS: u32 = 10 * 60 * 1000;

/// The client of one call.
pub(crate) struct SessionPeer {
    pub(crate) core: Rc<Core>,
    pub(crate) line: Rc<dyn Line>,
    /// Whether the call was called off: then nothing is sent any more.
    pub(crate) silenced: Rc<Cell<bool>>,
}

impl Peer for SessionPeer {
    fn notify(&self, about: About, method: &'static str, params: String) {
        if self.silenced.get() {
            return;
        }
        let json = notification_json(method, &params);
        match about {
            About::Call => self.line.send(&json),
            About::Session => self.line.announce(&json),
        }
    }

    fn request(&self, method: &'static str, params: String) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        let core = Rc::clone(&self.core);
        let (id, answer) = match core.questions.ask() {
            Ok(question) => question,
            Err(error) => return std::future::ready(Err(error)).boxed_local(),
        };
        self.line.send(&request_json(&id, method, &params));
        async move {
            let timeout = core.host.sleep(ANSWER_WITHIN_MS);
            let outcome = match select(answer, timeout).await {
                Either::Left((Ok(outcome), _)) => outcome,
                Either::Left((Err(_), _)) | Either::Right(_) => {
                    Err(Error::new(ErrorCode::REFUSED, format!("The client did not answer {method}.")))
                }
            };
            core.questions.forget(&id);
            outcome
        }
        .boxed_local()
    }

    fn release(&self) {
        self.line.release();
    }

    fn log_level(&self) -> LogLevel {
        self.core.log_level()
    }

    fn set_log_level(&self, level: LogLevel) -> Result<(), Error> {
        self.core.set_log_level(level)
    }

    fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error> {
        self.core.set_subscribed(uri, subscribed)
    }

    fn is_subscribed(&self, uri: &str) -> bool {
        self.core.is_subscribed(uri)
    }
}
