//! Tags of the sockets of HTTP+SSE, by which a session that ends is taken off its user's list. A session ends when its socket
//! closes; the tag has the user's handle, the id of the grant and the session's key, and no more of the user.

use durable_core::formats::Format;
use durable_core::wire::Head;
use oauth_server::authority::GrantCommand;
use oauth_server::token::UserHandle;
use worker::Env;

use super::grant_commands::command_later;
use super::key_ring;
use crate::http::app::Placement;
use crate::transport::internal_headers;
use crate::transport::session_id::SessionClaims;

const PREFIX: &str = "listed:";

/// The tag of the socket that a request opens; none if its session is in no list.
pub(super) async fn tag(env: &Env, head: &Head) -> Option<String> {
    // The object has read the caller before it opened the socket.
    let caller =
        internal_headers::decode(head.raw_header(internal_headers::CALLER).as_deref()).ok()?;
    let (subject, grant) = (caller.subject?, caller.grant?);
    let session = SessionClaims::read_verified(&head.header(internal_headers::SESSION)?)?;
    // Without keys the session goes on, and stays in the list for longer than it does.
    let keys = key_ring::keys(env, false).await.ok()?;
    Some(format!(
        "{PREFIX}{}:{grant}:{}",
        UserHandle::of(&keys, &subject).as_str(),
        session.key()
    ))
}

/// Has the session forgotten that such a tag names.
pub(super) fn closed(env: &Env, placement: &Placement, tag: &str) {
    let mut parts = tag
        .strip_prefix(PREFIX)
        .into_iter()
        .flat_map(|rest| rest.splitn(3, ':'));
    let (Some(handle), Some(grant), Some(key)) = (
        parts.next().and_then(UserHandle::parse),
        parts.next(),
        parts.next(),
    ) else {
        // Other sockets have other tags.
        if tag.starts_with(PREFIX) {
            worker::console_error!("{}", Format::ListedTag.unreadable().0);
        }
        return;
    };
    let command = GrantCommand::ForgetSession {
        grant: grant.to_owned(),
        key: key.to_owned(),
    };
    let told = serde_json::to_string(&command)
        .map(|json| command_later(None, env, placement, &handle, &json));
    if !matches!(told, Ok(Ok(()))) {
        worker::console_error!("a session that has ended stays in its user's list");
    }
}
