//! `/mcp`: Streamable HTTP, on the Worker's side. `initialize` is answered here; what belongs to a session goes to its
//! object.

use std::borrow::Cow;
use std::rc::Rc;

use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::context::ClientInfo;
use durable_mcp_protocol::initialize::{INITIALIZED, METHOD as INITIALIZE};
use durable_mcp_protocol::jsonrpc::{
    self, Body, Message, Request, Unreadable, error_json, result_json,
};
use http::{Method, StatusCode};

use super::app::App;
use super::provider::SessionStarted;
use super::request_runtime::{ForwardedRequest, RequestRuntime};
use super::runtime_fault::{failed, reply_or_error};
use super::sse_endpoint;
use super::stateless_endpoint::Exchange;
use super::verify_session::verify;
use crate::transport::accept::admits;
use crate::transport::lifecycle::{self, Lifecycle, Transport};
use crate::transport::refusal::{MAX_BODY_BYTES, Refusal, unreadable_reply};
use crate::transport::session_id::{Binding, SessionClaims};
use crate::transport::{internal_headers, version_header};

const METHODS: &str = "GET, POST, DELETE, OPTIONS";

/// The longest body that the Worker reads to see whether it is `notifications/initialized`, which needs no object. It is
/// 54 bytes as clients write it, and 77 with empty parameters; a tool call is hardly ever so short.
const MAX_PEEK_BYTES: usize = 80;

/// Answers a request to `/mcp`.
pub(crate) async fn handle(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
) -> Reply {
    let version = head.header(version_header::VERSION_HEADER);
    let version = version.as_deref();
    if head.method == Method::POST {
        return post(app, head, runtime, caller, version).await;
    }
    if !version_header::is_served(version) {
        return Refusal::UnknownVersion.into();
    }
    if version_header::names_stateless(version) && session_id(head).is_none() {
        return Refusal::Method("POST, OPTIONS").reply_to(version);
    }
    match head.method {
        Method::GET if app.paths.are_shared() && session_id(head).is_none() => {
            sse_endpoint::open(app, head, runtime, caller).await
        }
        Method::GET => get(app, head, runtime, caller).await,
        Method::DELETE => delete(app, head, runtime, caller).await,
        _ => Refusal::Method(METHODS).into(),
    }
}

fn session_id(head: &Head) -> Option<Cow<'_, str>> {
    head.header(internal_headers::SESSION)
}

async fn post(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
    version: Option<&str>,
) -> Reply {
    let length = match check_content(head) {
        Ok(length) => length,
        Err(refusal) => return refusal.reply_to(version),
    };
    // Without sessions, a session's id means nothing. The header tells which it is, or the body does.
    let of_session =
        version_header::is_served(version) && !version_header::names_stateless(version);
    let Some(id) = of_session.then(|| session_id(head)).flatten() else {
        return sessionless(app, head, runtime, caller, version).await;
    };
    let mut forwarded = match forwarded_request(app, runtime, &id, caller).await {
        Ok(forwarded) => forwarded,
        Err(refusal) => return refusal.into(),
    };
    if length.is_some_and(|length| length <= MAX_PEEK_BYTES) {
        match runtime.read_body().await {
            Ok(body) if is_initialized(&body) => return Reply::empty(StatusCode::ACCEPTED),
            Ok(body) => forwarded.body = Some(body),
            Err(refusal) => return refusal.into(),
        }
    }
    reply_or_error(runtime, runtime.forward(forwarded))
}

/// True for `notifications/initialized`: it changes no state, so its object need not be woken for it.
fn is_initialized(body: &str) -> bool {
    body.contains(INITIALIZED)
        && matches!(jsonrpc::parse(body), Ok(Body::Single(Message::Notification(n))) if n.method == INITIALIZED)
}

/// A POST that is not passed on unread: a stateless request, or `initialize`.
async fn sessionless(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
    version: Option<&str>,
) -> Reply {
    let body = match runtime.read_body().await {
        Ok(body) => body,
        Err(refusal) => return refusal.reply_to(version),
    };
    match lifecycle::classify(version, &body) {
        Ok(Lifecycle::Stateless(request, meta)) => {
            let exchange = Exchange {
                app,
                head,
                runtime,
                caller,
                meta,
            };
            exchange.answer(request, body).await
        }
        Ok(Lifecycle::Notification) => Reply::empty(StatusCode::ACCEPTED),
        Ok(Lifecycle::Sessions(posted))
            if !version_header::is_served(version) && !lifecycle::is_initialize(&posted) =>
        {
            Refusal::UnknownVersion.reply(lifecycle::id_of(&posted))
        }
        Ok(Lifecycle::Sessions(posted)) => without_session(app, runtime, &caller, posted).await,
        Err(refused) => refused.into(),
    }
}

/// A POST without a session with a version that has sessions: only `initialize` may be one.
async fn without_session(
    app: &App,
    runtime: &dyn RequestRuntime,
    caller: &Caller,
    posted: Result<Body, Unreadable>,
) -> Reply {
    match posted {
        Ok(Body::Single(Message::Request(request))) if request.method == INITIALIZE => {
            initialize(app, runtime, &request, caller).await
        }
        Ok(Body::Single(Message::Request(request))) => Refusal::NoSession.reply(Some(&request.id)),
        Ok(Body::Single(_)) => Refusal::NoSession.into(),
        Ok(Body::Batch(messages)) => {
            if messages.iter().flatten().any(is_initialize) {
                Refusal::MisplacedInitialize.into()
            } else {
                Refusal::NoSession.into()
            }
        }
        Err(unreadable) => unreadable_reply(&unreadable),
    }
}

fn is_initialize(message: &Message) -> bool {
    matches!(message, Message::Request(request) if request.method == INITIALIZE)
}

/// Checks the headers of a POST about its body and its answer, and gives the length that it declares.
fn check_content(head: &Head) -> Result<Option<usize>, Refusal> {
    if !head.has_type("application/json") {
        return Err(Refusal::NotJson);
    }
    if head.is_coded() {
        return Err(Refusal::Coded);
    }
    let accept = head.header("accept");
    if !(admits(accept.as_deref(), "application/json")
        && admits(accept.as_deref(), "text/event-stream"))
    {
        return Err(Refusal::AcceptBoth);
    }
    let length = head.declared_length();
    if length.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(Refusal::TooLarge);
    }
    Ok(length)
}

/// A session begins by its id alone: the object it names is created by the first request that needs it.
async fn initialize(
    app: &App,
    runtime: &dyn RequestRuntime,
    request: &Request,
    caller: &Caller,
) -> Reply {
    let (client, result) = match app.server.initialize(&request.params) {
        Ok(settled) => settled,
        Err(error) => return Reply::json(StatusCode::OK, error_json(Some(&request.id), &error)),
    };
    match begin_session(app, runtime, request, caller, client).await {
        Ok(id) => Reply::json(StatusCode::OK, result_json(&request.id, &result))
            .header(internal_headers::SESSION, id),
        Err(fault) => failed(runtime, &fault),
    }
}

/// The id of a new session.
async fn begin_session(
    app: &App,
    runtime: &dyn RequestRuntime,
    request: &Request,
    caller: &Caller,
    client: ClientInfo,
) -> Result<String, RuntimeError> {
    let keys = runtime.keys(false).await?;
    let claims = SessionClaims {
        object: runtime.new_object()?,
        issued: SessionClaims::issued_now(caller, runtime.now() / 1000),
        transport: Transport::Streamable,
        client,
        binding: Binding::of(caller),
    };
    let id = claims.sign(&keys);
    if let Some(provider) = &app.provider {
        let started = SessionStarted {
            claims: &claims,
            version: request.params.client_version(),
        };
        provider.session_started(app.protected(), runtime, &keys, caller, &started);
    }
    Ok(id)
}

async fn get(app: &App, head: &Head, runtime: &dyn RequestRuntime, caller: Rc<Caller>) -> Reply {
    if !head
        .header("accept")
        .is_some_and(|accept| admits(Some(&accept), "text/event-stream"))
    {
        return Refusal::AcceptEvents.into();
    }
    let Some(id) = session_id(head) else {
        return Refusal::NoSession.into();
    };
    match forwarded_request(app, runtime, &id, caller).await {
        Ok(forwarded) => reply_or_error(runtime, runtime.listen(forwarded, String::new()).await),
        Err(refusal) => refusal.into(),
    }
}

async fn delete(app: &App, head: &Head, runtime: &dyn RequestRuntime, caller: Rc<Caller>) -> Reply {
    let Some(id) = session_id(head) else {
        return Refusal::NoSession.into();
    };
    let claims = match verify(app, runtime, &id, &caller, Transport::Streamable).await {
        Ok(claims) => claims,
        Err(refusal) => return refusal.into(),
    };
    if let Some(provider) = &app.provider {
        match runtime.keys(false).await {
            Ok(keys) => provider.session_ended(runtime, &keys, &caller, &claims),
            Err(fault) => return failed(runtime, &fault),
        }
    }
    reply_or_error(runtime, runtime.forward(streamable(&claims, caller)))
}

async fn forwarded_request(
    app: &App,
    runtime: &dyn RequestRuntime,
    id: &str,
    caller: Rc<Caller>,
) -> Result<ForwardedRequest, Refusal> {
    let claims = verify(app, runtime, id, &caller, Transport::Streamable).await?;
    Ok(streamable(&claims, caller))
}

fn streamable(claims: &SessionClaims, caller: Rc<Caller>) -> ForwardedRequest {
    ForwardedRequest::of_session(claims.object, caller, Transport::Streamable)
}
