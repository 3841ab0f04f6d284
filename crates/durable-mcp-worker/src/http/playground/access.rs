//! Access to the chat and the relay of the page: their sign-in, and their refusals.

use durable_core::wire::{Head, Reply};
use http::StatusCode;
use serde_json::json;

use super::paths::PAGE;
use crate::http::app::App;
use crate::http::provider::{Authenticated, Provider};
use crate::http::request_runtime::RequestRuntime;

/// Finds out who calls: the token is for the page, as a resource of the server, and has a scope, which is named like the
/// part of the page that it is for.
pub(super) async fn signed_in(
    app: &App,
    provider: &dyn Provider,
    head: &Head,
    runtime: &dyn RequestRuntime,
    scope: &str,
) -> Authenticated {
    let head = app.origins.at_server(head);
    let caller = provider
        .caller(app.protected(), &head, runtime, PAGE)
        .await?;
    if caller.scopes.iter().any(|held| held == scope) {
        return Ok(caller);
    }
    let page = Head {
        path: PAGE.to_owned(),
        ..head
    };
    let refused = refusal(
        StatusCode::FORBIDDEN,
        "unauthorized",
        &format!("The token is not for the {scope}."),
    );
    Err(refused.header("www-authenticate", provider.challenge(&page, scope)))
}

/// Refusal of a caller whose grant has ended.
pub(super) fn ended() -> Reply {
    refusal(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The access has ended. Sign in again.",
    )
    .header("www-authenticate", "Bearer error=\"invalid_token\"")
}

/// Refusal of a request, which the page shows by its code and message.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({ "error": { "code": code, "message": message } }).to_string(),
    )
}
