//! HTTP+SSE of 2024-11-05, on the object's side: everything goes out on one stream.
//!
//! The client that `initialize` introduced is stored with the stream's socket, which outlives the object's sleep; when the socket
//! closes, the session is over.

use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::wire::{Head, Reply, ReplyBody, RuntimeError, Socket};
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::context::ClientInfo;
use durable_mcp_protocol::initialize::METHOD as INITIALIZE;
use durable_mcp_protocol::jsonrpc::{
    self, Body as Posted, Message, Request, error_json, result_json,
};
use futures_util::FutureExt;
use http::StatusCode;

use super::refusal::{Refusal, unreadable_reply};
use super::repollable::repollable;
use super::session_endpoint::{ReadBody, SSE_TAG, SessionEndpoint};
use super::session_id::SessionClaims;
use super::sse;
use crate::session::call_channel::CallChannel;
use crate::session::log_line::{self, LogLine};
use crate::session::object::Sender;

/// `GET /sse`.
pub(crate) async fn open(object: &SessionEndpoint, head: &Head) -> Reply {
    if let Err(refused) = object.listen(head).await {
        return refused;
    }
    object.session.host.close(SSE_TAG);
    let socket = Socket {
        tag: SSE_TAG.to_owned(),
        attachment: String::new(),
        greeting: Vec::new(),
        closes: false,
    };
    Reply {
        status: StatusCode::SWITCHING_PROTOCOLS,
        body: ReplyBody::Socket(socket),
        ..Reply::default()
    }
}

/// `POST /sse/message`. Answers go to the stream, so a session without one is none.
pub(crate) async fn post(
    object: &Rc<SessionEndpoint>,
    head: &Head,
    claims: SessionClaims,
    body: ReadBody,
) -> Reply {
    let Some(attachment) = object.session.host.attachment(SSE_TAG) else {
        return Refusal::EndedSession.into();
    };
    let text = match body.await {
        Ok(text) => text,
        Err(refusal) => return refusal.into(),
    };
    match jsonrpc::parse(&text) {
        Ok(Posted::Batch(_)) => return Refusal::NoBatches.into(),
        Err(unreadable) => return unreadable_reply(&unreadable),
        Ok(Posted::Single(Message::Request(request))) if request.method == INITIALIZE => {
            initialize(object, &request);
        }
        Ok(Posted::Single(Message::Request(request))) => {
            if !object.session.running.has_room(1) {
                return Refusal::TooBusy.reply(Some(&request.id));
            }
            let client = match read(&attachment, claims.client) {
                Ok(client) => client,
                Err(fault) => return object.refused(&fault),
            };
            let sender = match SessionEndpoint::sender(head, Rc::new(client)) {
                Ok(sender) => sender,
                Err(fault) => return object.refused(&fault),
            };
            call(object, sender, request);
        }
        Ok(Posted::Single(Message::Notification(notification))) => {
            object.session.handle_notification(&notification);
        }
        Ok(Posted::Single(Message::Response(response))) => object.session.settle(response),
    }
    Reply::empty(StatusCode::ACCEPTED)
}

fn initialize(object: &SessionEndpoint, request: &Request) {
    let host = &object.session.host;
    let settled = object.session.server.initialize(&request.params);
    let outcome = if settled.is_ok() {
        log_line::OK
    } else {
        "error"
    };
    let log = object.session.settings.request_log;
    // `initialize` waits for nothing, so its time is 0.
    if log.due(outcome, log.begin(|| 0), || 0).is_some() {
        host.log(&LogLine {
            event: "request",
            method: INITIALIZE.to_owned(),
            era: settled
                .as_ref()
                .ok()
                .map(|(client, _)| client.version.as_str()),
            outcome,
            code: settled.as_ref().err().map(|error| error.code.0),
            ..LogLine::default()
        });
    }
    let json = match settled {
        Ok((client, result)) => {
            host.attach(SSE_TAG, &written(&client));
            result_json(&request.id, &result)
        }
        Err(error) => error_json(Some(&request.id), &error),
    };
    host.send(SSE_TAG, &sse::message(None, &json));
}

/// Runs a call. A quick one is answered before its POST is.
fn call(object: &Rc<SessionEndpoint>, sender: Sender, request: Request) {
    let own = Rc::clone(object);
    let call = object.session.server.resolve(request);
    let answer = async move {
        let channel = Rc::new(SseChannel(Rc::clone(&own)));
        if let Some(answer) = own.session.answer(call, sender, channel).await {
            own.session.host.send(SSE_TAG, &sse::message(None, &answer));
        }
    };
    let mut work = repollable(answer.boxed_local());
    if (&mut work).now_or_never().is_none() {
        object.session.host.spawn(work);
    }
}

/// The longest name of a client that a socket remembers; all it remembers may have 2 KiB.
const MAX_NAME_CHARS: usize = 100;

/// A client as its socket remembers it: version, capabilities and name, with spaces between.
fn written(client: &ClientInfo) -> String {
    let name: String = client.name.chars().take(MAX_NAME_CHARS).collect();
    format!("{} {} {name}", client.version, client.capabilities.bits())
}

/// The client in a socket's attachment; before `initialize`, the client that its session began with.
fn read(attachment: &str, initial: ClientInfo) -> Result<ClientInfo, RuntimeError> {
    if attachment.is_empty() {
        return Ok(initial);
    }
    read_attachment(attachment).ok_or_else(|| Format::SseAttachment.unreadable())
}

/// Reads the client in a socket's attachment; `None` if that is of another version.
#[must_use]
pub fn read_attachment(attachment: &str) -> Option<ClientInfo> {
    let mut parts = attachment.splitn(3, ' ');
    Some(ClientInfo {
        version: ProtocolVersion::parse(parts.next()?)?,
        capabilities: ClientCapabilities::from_bits(parts.next()?.parse().ok()?),
        name: parts.next()?.to_owned(),
    })
}

/// The line of every call of the session.
struct SseChannel(Rc<SessionEndpoint>);

impl CallChannel for SseChannel {
    fn send(&self, json: &str) {
        self.0.session.host.send(SSE_TAG, &sse::message(None, json));
    }

    fn announce(&self, json: &str) {
        self.send(json);
    }

    fn release(&self) {}
}
