//! `/sse`: HTTP+SSE of 2024-11-05, on the Worker's side.

use std::rc::Rc;

use durable_core::wire::{Head, Reply};
use http::Method;
use mcp_server_core::ProtocolVersion;
use mcp_server_core::capabilities::ClientCapabilities;
use mcp_server_core::context::ClientInfo;
use mcp_server_core::user::Caller;

use super::app::App;
use super::mcp_endpoint::{failed, reply_or_error, verify};
use super::provider::SessionStarted;
use super::request_runtime::{ForwardedRequest, RequestRuntime};
use crate::transport::accept::admits;
use crate::transport::claims::{Binding, SessionClaims};
use crate::transport::internal_headers::SESSION_ID;
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::{MAX_BODY_BYTES, Refusal};
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
    let claims = async {
        let keys = runtime.keys(false).await?;
        let object = runtime.new_object()?;
        let issued = SessionClaims::issued_now(&caller, runtime.now() / 1000);
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
            binding: Binding::of(&caller),
        };
        if let Some(provider) = &app.provider {
            provider.session_started(
                app,
                runtime,
                &keys,
                &caller,
                &SessionStarted {
                    claims: &claims,
                    version: None,
                },
            );
        }
        Ok((object, claims.sign(&keys)))
    };
    let (object, id) = match claims.await {
        Ok(claims) => claims,
        Err(fault) => return failed(runtime, &fault),
    };
    let others = head
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(SESSION_ID));
    let query: String = others.flat_map(|pair| [pair, "&"]).collect();
    let endpoint = sse::endpoint(&format!("{}?{query}{SESSION_ID}={id}", app.paths.message));
    let forwarded = ForwardedRequest {
        session: Some(id),
        ..ForwardedRequest::of_session(object, caller, Transport::Sse)
    };
    reply_or_error(runtime, runtime.listen(forwarded, endpoint).await)
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
