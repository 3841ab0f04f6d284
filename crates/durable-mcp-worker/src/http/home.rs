//! `/`: a page about this server, for people who open its address.

use durable_core::wire::{Head, Reply, ReplyBody};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::error_json;
use http::StatusCode;
use oauth_server::sign_in::SignInStatus;

use super::app::App;
use super::get::get;
use super::playground::paths::PAGE;
use super::policy::is_loopback;
use super::route::Paths;
use crate::pages::{HomePage, STYLE, document};

/// `GET /`.
pub(super) fn page(app: &App, head: &Head) -> Reply {
    let origin = head.origin();
    get(head, || {
        let home = HomePage::new(
            &app.server,
            format!("{origin}{}", app.paths.mcp),
            format!("{origin}{}", app.paths.sse),
            is_loopback(&head.host),
        );
        let home = home
            .problems(problems(app, head))
            .signs_in(app.provider.is_some() || app.closed.is_some());
        let home = home.with_playground(app.has_playground.then(|| app.origins.of_page(PAGE)));
        let notice = app
            .provider
            .as_ref()
            .and_then(|provider| provider.sign_in_status());
        document(&match (app.closed, notice) {
            (Some(problem), _) => home.trouble(problem.to_owned()),
            (None, Some(SignInStatus::With(provider))) => home.with(provider),
            (None, Some(SignInStatus::Demo)) => home.demo(),
            (None, Some(SignInStatus::Misconfigured(problem))) => home.trouble(problem),
            (None, None) => home,
        })
    })
}

/// The problems of the server and of the deployment, for a developer: on this machine alone.
fn problems(app: &App, head: &Head) -> Vec<String> {
    if !is_loopback(&head.host) {
        return Vec::new();
    }
    app.problems()
        .iter()
        .cloned()
        .chain(app.origins.problem())
        .chain(app.server.problems())
        .collect()
}

/// `GET /style.css`. Pages name the style sheet by its content, so it never changes.
pub(super) fn style(head: &Head) -> Reply {
    get(head, || {
        Reply {
            body: ReplyBody::Text(STYLE.to_owned()),
            ..Reply::default()
        }
        .header("content-type", "text/css; charset=utf-8")
        .header("cache-control", "public, max-age=31536000, immutable")
        .header("x-content-type-options", "nosniff")
    })
}

/// Answers an MCP message that was sent to the page for people.
pub(super) fn elsewhere(app: &App, head: &Head) -> Reply {
    let Paths { mcp, sse, .. } = &app.paths;
    let (origin, message) = (head.origin(), "This is a page for people. MCP is at");
    let message = format!(
        "{message} {origin}{mcp}, and with HTTP+SSE at {origin}{sse}: use that URL in your client."
    );
    let json = error_json(None, &Error::new(ErrorCode::REFUSED, message));
    Reply::json(StatusCode::METHOD_NOT_ALLOWED, json).header("allow", "GET, HEAD, OPTIONS")
}
