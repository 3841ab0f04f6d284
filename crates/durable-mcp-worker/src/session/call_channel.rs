//! Outbound channel of a running call to its client.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::change::{Change, Reach};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{notification_json, request_json, to_json};
use durable_mcp_protocol::log_level::LogLevel;
use durable_mcp_protocol::peer::{About, Peer};
use durable_mcp_protocol::response::{CallResponse, CallResult};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use serde_json::value::RawValue;

use super::call_run::cause_id;
use super::object::SessionObject;
use super::publication::Publication;

/// The channel for messages of one call; a transport implements it.
pub trait CallChannel {
    /// Sends a message that belongs to the call, ahead of its answer.
    fn send(&self, json: &str);

    /// Sends a message that belongs to the session.
    fn announce(&self, json: &str);

    /// Lets the client go; it comes back for the answer. Transports that cannot do so do nothing.
    fn release(&self);

    /// The most bytes that the call's answer may have as things are.
    fn room(&self) -> usize {
        MAX_MESSAGE_BYTES
    }
}

/// The most bytes of one message to a client, and of all answers to one batch together: 8 MiB. Six megabytes of picture
/// or sound fit in base64, and a WebSocket takes four times as much; but an answer was measured to need six times its
/// size while it is made and sent, of the 128 MB that an isolate may use.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The error for a message of that length, if it is too long.
pub(crate) fn excess(what: &str, bytes: usize, room: usize) -> Option<String> {
    (bytes > room).then(|| format!("{what} is not sent: it has {bytes} bytes, and may have {room}"))
}

/// The error for a response that is longer than `room`.
pub(crate) fn response_excess(response: &CallResponse, room: usize, call: &Call) -> Option<String> {
    let bytes = match &response.result {
        Ok(CallResult::Json(result)) => result.len(),
        Ok(CallResult::Suspended) => 0,
        Err(error) => to_json(error).len(),
    };
    excess(call.name().unwrap_or("an answer"), bytes, room)
}

/// The error in place of an answer for which there is no room.
pub(crate) fn too_long() -> Error {
    Error::internal(format!(
        "The answer is too long: it may have {MAX_MESSAGE_BYTES} bytes, with all others of its batch. \
         The server can give a link to a resource instead, or a page at a time."
    ))
}

/// Time within which a client must answer a question, in milliseconds. People answer most of them; one who went to lunch
/// can call the tool again.
pub const ANSWER_WITHIN_MS: u32 = 10 * 60 * 1000;

/// The client of one call.
pub(crate) struct SessionPeer {
    pub(crate) session: Rc<SessionObject>,
    pub(crate) channel: Rc<dyn CallChannel>,
    /// True once the call is cancelled: then nothing is sent any more.
    pub(crate) silenced: Rc<Cell<bool>>,
}

impl Peer for SessionPeer {
    fn now(&self) -> u64 {
        self.session.host.now()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        self.session.host.sleep(milliseconds)
    }

    fn notify(&self, about: About, method: &'static str, params: String) {
        if self.silenced.get() {
            return;
        }
        let json = notification_json(method, &params);
        if let Some(excess) = excess(method, json.len(), MAX_MESSAGE_BYTES) {
            return self.session.host.warn(&excess);
        }
        match about {
            About::Call => self.channel.send(&json),
            About::Session => self.channel.announce(&json),
        }
    }

    fn cause_id(&self) -> String {
        cause_id(&*self.session.host)
    }

    fn warn(&self, message: &str) {
        self.session.host.warn(message);
    }

    fn announce(&self, change: &Change) {
        if self.silenced.get() {
            return;
        }
        if self.session.hears_of(change) {
            self.channel
                .announce(&notification_json(change.method(), &change.params(None)));
        }
        if self.session.server.reach(change) == Reach::Everyone {
            let except = Some(self.session.host.object_id().to_owned());
            self.session.host.publish(Publication {
                except,
                ..Publication::of(change)
            });
        }
    }

    fn request(
        &self,
        _: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        let session = Rc::clone(&self.session);
        if let Some(excess) = excess(method, params.len(), MAX_MESSAGE_BYTES) {
            return std::future::ready(Err(Error::internal(excess))).boxed_local();
        }
        let (id, answer) = match session.questions.ask() {
            Ok(question) => question,
            Err(error) => return std::future::ready(Err(error)).boxed_local(),
        };
        self.channel.send(&request_json(&id, method, &params));
        async move {
            let timeout = session.host.sleep(ANSWER_WITHIN_MS);
            let outcome = match select(answer, timeout).await {
                Either::Left((Ok(outcome), _)) => outcome,
                Either::Left((Err(_), _)) | Either::Right(_) => Err(Error::new(
                    ErrorCode::REFUSED,
                    format!("The client did not answer {method}."),
                )),
            };
            session.questions.forget(&id);
            outcome
        }
        .boxed_local()
    }

    fn release(&self) {
        self.channel.release();
    }

    fn log_level(&self) -> Option<LogLevel> {
        Some(self.session.log_level())
    }

    fn set_log_level(&self, level: LogLevel) -> Result<(), Error> {
        self.session.set_log_level(level)
    }

    fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error> {
        self.session.set_subscribed(uri, subscribed)
    }
}
