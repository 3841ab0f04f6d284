//! `/sse`: HTTP+SSE of 2024-11-05, on the Worker's side.

use std::rc::Rc;

use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::context::ClientInfo;
use http::Method;

use super::app::App;
use super::provider::SessionStarted;
use super::request_runtime::{ForwardedRequest, RequestRuntime};
use super::runtime_fault::{failed, reply_or_error};
use super::verify_session::verify;
use crate::transport::accept::admits;
use crate::transport::internal_headers::SESSION_ID;
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::{MAX_BODY_BYTES, Refusal};
use crate::transport::session_id::{Binding, ObjectId, SessionClaims};
use crate::transport::sse;

/// Opens a session: its stream, and on it first where to post.
pub(super) async fn open(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
) -> Reply {
    if head.method != Method::GET {
        return Refusal::Method("GET, OPTIONS").into();
    }
    if !admits(head.header("accept").as_deref(), "text/event-stream") {
        return Refusal::AcceptEvents.into();
    }
    let (object, id) = match begin_session(app, runtime, &caller).await {
        Ok(begun) => begun,
        Err(fault) => return failed(runtime, &fault),
    };
    let endpoint = sse::endpoint(&message_url(app, head, &id));
    let forwarded = ForwardedRequest {
        session: Some(id),
        ..ForwardedRequest::of_session(object, caller, Transport::Sse)
    };
    reply_or_error(runtime, runtime.listen(forwarded, endpoint).await)
}

/// The object of a new session, and the session's id.
async fn begin_session(
    app: &App,
    runtime: &dyn RequestRuntime,
    caller: &Caller,
) -> Result<(ObjectId, String), RuntimeError> {
    let keys = runtime.keys(false).await?;
    let object = runtime.new_object()?;
    let issued = SessionClaims::issued_now(caller, runtime.now() / 1000);
    // The client introduces itself later; until then the oldest version holds.
    let client = ClientInfo {
        version: ProtocolVersion::V2024_11_05,
        capabilities: ClientCapabilities::default(),
        name: String::new(),
    };
    let claims = SessionClaims {
        object,
        issued,
        transport: Transport::Sse,
        client,
        binding: Binding::of(caller),
    };
    if let Some(provider) = &app.provider {
        let started = SessionStarted {
            claims: &claims,
            version: None,
        };
        provider.session_started(app.protected(), runtime, &keys, caller, &started);
    }
    Ok((object, claims.sign(&keys)))
}

/// The URL of messages to a session, with the query of the request that opens it.
fn message_url(app: &App, head: &Head, id: &str) -> String {
    let others = head
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(SESSION_ID));
    let query: String = others.flat_map(|pair| [pair, "&"]).collect();
    format!("{}?{query}{SESSION_ID}={id}", app.paths.message)
}

/// Forwards a message of an HTTP+SSE session to its object.
pub(super) async fn message(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    caller: Rc<Caller>,
) -> Reply {
    if head.method != Method::POST {
        return Refusal::Method("POST, OPTIONS").into();
    }
    if !head.has_type("application/json") {
        return Refusal::NotJson.into();
    }
    if head.is_coded() {
        return Refusal::Coded.into();
    }
    if head
        .declared_length()
        .is_some_and(|length| length > MAX_BODY_BYTES)
    {
        return Refusal::TooLarge.into();
    }
    let Some(id) = head.query_value(SESSION_ID) else {
        return Refusal::NoSession.into();
    };
    let claims = match verify(app, runtime, id, &caller, Transport::Sse).await {
        Ok(claims) => claims,
        Err(refusal) => return refusal.into(),
    };
    reply_or_error(
        runtime,
        runtime.forward(ForwardedRequest::of_session(
            claims.object,
            caller,
            Transport::Sse,
        )),
    )
}
