//! Verification of session ids.

use durable_core::formats::Format;
use durable_mcp_protocol::caller::Caller;

use super::app::App;
use super::request_runtime::RequestRuntime;
use super::runtime_fault::internal;
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::{Refused, SessionClaims};

/// Verifies a session id. Every invalid one gets the same answer, and no object is called for it.
pub(super) async fn verify(
    app: &App,
    runtime: &dyn RequestRuntime,
    id: &str,
    caller: &Caller,
    transport: Transport,
) -> Result<SessionClaims, Refusal> {
    let (now, max_age) = (runtime.now() / 1000, app.settings.max_age_ms / 1000);
    let keys = runtime
        .keys(false)
        .await
        .map_err(|fault| internal(runtime, &fault))?;
    let claims = match SessionClaims::verify(id, &keys, caller, now, max_age) {
        Ok(claims) => Ok(claims),
        Err(Refused::UnknownKey(_)) => {
            let keys = runtime
                .keys(true)
                .await
                .map_err(|fault| internal(runtime, &fault))?;
            SessionClaims::verify(id, &keys, caller, now, max_age)
        }
        Err(refused) => Err(refused),
    };
    let claims = claims.map_err(|refused| not_taken(runtime, refused))?;
    if claims.transport == transport {
        Ok(claims)
    } else {
        Err(Refusal::UnknownSession)
    }
}

/// Refusal of a session id. One that another version signed is not refused for good: its client would give up the session.
fn not_taken(runtime: &dyn RequestRuntime, refused: Refused) -> Refusal {
    match refused {
        Refused::OtherVersion => internal(runtime, &Format::SessionId.unreadable()),
        _ => Refusal::UnknownSession,
    }
}
