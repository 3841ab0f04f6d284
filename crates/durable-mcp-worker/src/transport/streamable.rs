//! Streamable HTTP of 2025-03-26 to 2025-11-25, on the object's side.

use std::rc::Rc;

use durable_core::wire::{Head, Reply, ReplyBody, Socket};
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::initialize::METHOD as INITIALIZE;
use durable_mcp_protocol::jsonrpc::{self, Body as Posted, Message, Unreadable, error_json};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::StatusCode;

use super::internal_headers;
use super::json_or_stream::{Work, work_until_open};
use super::keep_alive::kept_alive;
use super::refusal::{Refusal, unreadable_reply};
use super::repollable::all_repollable;
use super::session_endpoint::{GET_TAG, ReadBody, SessionEndpoint};
use super::session_id::SessionClaims;
use super::session_stream::CallStream;
use super::sse::{self, EventId};
use super::stateless::lacks_scopes;
use crate::session::call_channel::CallChannel;
use crate::session::object::Sender;

/// The messages of one POST, by what becomes of them.
#[derive(Default)]
struct Sorted {
    calls: Vec<Call>,
    unreadable: Vec<Unreadable>,
    is_batch: bool,
}

/// `POST /mcp` on a session.
pub(crate) async fn post(
    object: &Rc<SessionEndpoint>,
    head: &Head,
    claims: SessionClaims,
    body: ReadBody,
) -> Reply {
    let text = match body.await {
        Ok(text) => text,
        Err(refusal) => return refusal.into(),
    };
    let version = claims.client.version;
    // The Worker passes on only requests whose header names no stateless version, so the message is the session's, whatever
    // its body claims.
    let messages = match jsonrpc::parse(&text) {
        Ok(Posted::Batch(_)) if !version.has_batches() => return Refusal::NoBatches.into(),
        Ok(Posted::Batch(messages)) => messages,
        Ok(Posted::Single(message)) => return single(object, head, claims, message).await,
        Err(unreadable) => return unreadable_reply(&unreadable),
    };
    let sorted = match sort(object, messages) {
        Ok(sorted) => sorted,
        Err(refused) => return refused,
    };
    if sorted.calls.is_empty() && sorted.unreadable.is_empty() {
        return Reply::empty(StatusCode::ACCEPTED);
    }
    run(object, head, claims, sorted).await
}

/// Resolves the requests of a batch, and has the session handle its other messages.
fn sort(
    object: &SessionEndpoint,
    messages: Vec<Result<Message, Unreadable>>,
) -> Result<Sorted, Reply> {
    let mut sorted = Sorted {
        is_batch: true,
        ..Sorted::default()
    };
    for message in messages {
        match message {
            Ok(Message::Request(request)) if request.method == INITIALIZE => {
                return Err(Refusal::MisplacedInitialize.reply(Some(&request.id)));
            }
            Ok(Message::Request(request)) => {
                sorted.calls.push(object.session.server.resolve(request));
            }
            Ok(Message::Notification(notification)) => {
                object.session.handle_notification(&notification);
            }
            Ok(Message::Response(response)) => object.session.settle(response),
            Err(unreadable) => sorted.unreadable.push(unreadable),
        }
    }
    Ok(sorted)
}

async fn single(
    object: &Rc<SessionEndpoint>,
    head: &Head,
    claims: SessionClaims,
    message: Message,
) -> Reply {
    match message {
        Message::Request(request) if request.method == INITIALIZE => {
            Refusal::MisplacedInitialize.reply(Some(&request.id))
        }
        Message::Request(request) => {
            let call = object.session.server.resolve(request);
            if let Err(refused) = check_scopes(object, head, &call) {
                return refused;
            }
            let sorted = Sorted {
                calls: vec![call],
                ..Sorted::default()
            };
            run(object, head, claims, sorted).await
        }
        Message::Notification(notification) => {
            object.session.handle_notification(&notification);
            Reply::empty(StatusCode::ACCEPTED)
        }
        Message::Response(response) => {
            object.session.settle(response);
            Reply::empty(StatusCode::ACCEPTED)
        }
    }
}

/// Refuses a call that the caller's token does not allow.
fn check_scopes(object: &SessionEndpoint, head: &Head, call: &Call) -> Result<(), Reply> {
    if object.session.server.scopes().is_empty() {
        return Ok(());
    }
    let caller = head.raw_header(internal_headers::CALLER);
    let caller =
        internal_headers::decode(caller.as_deref()).map_err(|fault| object.refused(&fault))?;
    lacks_scopes(call, &caller).map_or(Ok(()), Err)
}

/// Runs the requests of a POST. Their answers are JSON if nothing has to be sent before them, and soon enough that no
/// proxy takes the quiet for the end; else they come as events.
async fn run(
    object: &Rc<SessionEndpoint>,
    head: &Head,
    claims: SessionClaims,
    posted: Sorted,
) -> Reply {
    if !object.session.running.has_room(posted.calls.len()) {
        return Refusal::TooBusy.reply(posted.calls.first().map(|call| &call.request.id));
    }
    let version = claims.client.version;
    let sender = match SessionEndpoint::sender(head, Rc::new(claims.client)) {
        Ok(sender) => sender,
        Err(fault) => return object.refused(&fault),
    };
    let stream = object.new_stream(version);
    if object.session.settings.always_streams {
        stream.request_opening();
    }
    for Unreadable { id, error } in &posted.unreadable {
        stream.answer(error_json(id.as_ref(), error));
    }
    let calls = posted.calls.into_iter();
    let work = calls.map(|call| answer(object, &stream, &sender, call));
    let work = all_repollable(work.collect());
    let host = Rc::clone(&object.session.host);
    let open = || stream.request_opening();
    let rest = match work_until_open(work, &stream.opening, open, &*host).await {
        Work::Done => return json(stream.take_answers(), posted.is_batch),
        Work::Sent => None,
        Work::Left(rest) => Some(rest),
    };
    object.keep(&stream);
    let body = stream.open();
    match rest {
        Some(rest) => host.spawn(rest.map(move |()| stream.finish()).boxed_local()),
        None => stream.finish(),
    }
    Reply::events(ReplyBody::Stream(kept_alive(body, host)))
}

/// Runs a call, and puts its answer on the stream.
fn answer(
    object: &Rc<SessionEndpoint>,
    stream: &Rc<CallStream>,
    sender: &Sender,
    call: Call,
) -> LocalBoxFuture<'static, ()> {
    let channel = StreamChannel {
        object: Rc::clone(object),
        stream: Rc::clone(stream),
    };
    let (session, stream, sender) = (
        Rc::clone(&object.session),
        Rc::clone(stream),
        sender.clone(),
    );
    async move {
        if let Some(answer) = session.answer(call, sender, Rc::new(channel)).await {
            stream.answer(answer);
        }
    }
    .boxed_local()
}

/// The body when nothing was sent before the answers. A call that was cancelled has none.
fn json(mut answers: Vec<String>, is_batch: bool) -> Reply {
    match (is_batch, answers.pop()) {
        (_, None) => Reply::empty(StatusCode::ACCEPTED),
        (false, Some(answer)) => Reply::json(StatusCode::OK, answer),
        (true, Some(mut last)) => {
            last.push(']');
            answers.push(last);
            if let Some(first) = answers.first_mut() {
                first.insert(0, '[');
            }
            Reply::json(StatusCode::OK, answers.join(","))
        }
    }
}

/// Channel of a call that came by POST.
struct StreamChannel {
    object: Rc<SessionEndpoint>,
    stream: Rc<CallStream>,
}

impl CallChannel for StreamChannel {
    fn send(&self, json: &str) {
        self.stream.send(json);
    }

    fn announce(&self, json: &str) {
        self.object.announce(json);
    }

    fn release(&self) {
        self.stream.release();
    }

    fn room(&self) -> usize {
        self.stream.room()
    }
}

/// `GET /mcp` on a session: its standalone stream, or the rest of another one.
pub(crate) async fn get(object: &SessionEndpoint, head: &Head, claims: &SessionClaims) -> Reply {
    let Some(last) = head.header("last-event-id") else {
        return standalone(object, head, claims, None).await;
    };
    match EventId::parse(last.trim()).filter(|id| object.gave(*id)) {
        None => Refusal::UnknownEvent.into(),
        Some(id) if id.stream == EventId::STANDALONE => {
            standalone(object, head, claims, Some(id.sequence)).await
        }
        Some(id) => resume(object, id),
    }
}

/// A second GET takes the stream over: the first one's client may be gone without having said so.
async fn standalone(
    object: &SessionEndpoint,
    head: &Head,
    claims: &SessionClaims,
    last: Option<u64>,
) -> Reply {
    // A call may send a message before the hub has answered.
    let _opening = object.opening();
    if let Err(refused) = object.listen(head).await {
        return refused;
    }
    object.session.host.close(GET_TAG);
    let mut greeting = Vec::new();
    if claims.client.version.primes_streams() {
        greeting.push(sse::priming(&object.next_event_id()));
    }
    let (missed, whole) = match object.take_standalone(last) {
        Ok(taken) => taken,
        Err(error) => return object.failed(&error),
    };
    greeting.extend(missed);
    socket(GET_TAG.to_owned(), greeting, !whole)
}

/// Resumes a POST's stream: the missed events, then those to come. A stream that is no longer known has nothing left.
fn resume(object: &SessionEndpoint, id: EventId) -> Reply {
    let tag = format!("s{:x}", id.stream);
    object.session.host.close(&tag);
    let (mut missed, whole) = match object.stored(id.stream, id.sequence) {
        Ok(stored) => stored,
        Err(error) => return object.failed(&error),
    };
    let mut closes = true;
    if whole && let Some(stream) = object.stream(id.stream) {
        let (kept, finished) = stream.resume(id.sequence, &tag);
        missed.extend(kept);
        closes = finished;
    }
    missed.sort_by_key(|(sequence, _)| *sequence);
    missed.dedup_by_key(|(sequence, _)| *sequence);
    socket(
        tag,
        missed.into_iter().map(|(_, frame)| frame).collect(),
        closes,
    )
}

fn socket(tag: String, greeting: Vec<String>, closes: bool) -> Reply {
    let socket = Socket {
        tag,
        attachment: String::new(),
        greeting,
        closes,
    };
    Reply {
        status: StatusCode::SWITCHING_PROTOCOLS,
        body: ReplyBody::Socket(socket),
        ..Reply::default()
    }
}
