//! The list of a user's sessions, kept up by the Worker: no session waits for it, and none fails because of it.

use durable_core::keys::Keys;
use durable_mcp_protocol::caller::Caller;
use oauth_server::auth_server::OAuthRuntime;
use oauth_server::authority::GrantCommand;
use oauth_server::session_note::SessionNote;
use oauth_server::token::UserHandle;

use super::protected_server::ProtectedServer;
use super::provider::SessionStarted;
use crate::pages::frame::plain;
use crate::transport::lifecycle::Transport;
use crate::transport::session_id::SessionClaims;

/// The longest name, and version, of a client in the list.
const MAX_NAME_CHARS: usize = 60;

/// Has a session noted with the user's grants.
pub(super) fn started(
    server: ProtectedServer<'_>,
    runtime: &dyn OAuthRuntime,
    keys: &Keys,
    caller: &Caller,
    session: &SessionStarted<'_>,
) {
    let (claims, now) = (session.claims, runtime.now());
    let name = plain(&claims.client.name, MAX_NAME_CHARS);
    let version = session
        .version
        .as_deref()
        .map(|version| plain(version, MAX_NAME_CHARS))
        .unwrap_or_default();
    let transport = match claims.transport {
        Transport::Streamable => format!("Streamable HTTP, {}", claims.client.version),
        _ => "HTTP+SSE".to_owned(),
    };
    let note = SessionNote {
        key: claims.key(),
        client: format!("{name} {version}").trim().to_owned(),
        transport,
        began: now,
        expires: claims
            .issued
            .saturating_mul(1000)
            .saturating_add(server.settings.max_age_ms),
    };
    send(runtime, keys, caller, |grant| GrantCommand::NoteSession {
        grant,
        session: note,
    });
}

/// Has a session forgotten that its client has ended.
pub(super) fn ended(
    runtime: &dyn OAuthRuntime,
    keys: &Keys,
    caller: &Caller,
    claims: &SessionClaims,
) {
    send(runtime, keys, caller, |grant| GrantCommand::ForgetSession {
        grant,
        key: claims.key(),
    });
}

/// A caller without a grant of this server's has no list.
fn send(
    runtime: &dyn OAuthRuntime,
    keys: &Keys,
    caller: &Caller,
    command: impl FnOnce(String) -> GrantCommand,
) {
    if let (Some(subject), Some(grant)) = (&caller.subject, &caller.grant) {
        match serde_json::to_string(&command(grant.clone())) {
            Ok(json) => runtime.command_later(&UserHandle::of(keys, subject), json),
            Err(error) => runtime.warn(&format!("a session is not in its user's list: {error}")),
        }
    }
}
