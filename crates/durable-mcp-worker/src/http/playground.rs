//! Documents for the page at `/playground`, which is served from the deployment's assets.

mod access;
pub(super) mod apps;
pub(super) mod chat;
pub(super) mod origin;
pub(super) mod own_origin;
pub(super) mod paths;
pub(super) mod relay;
mod request;
pub mod settings;
mod source;
pub mod spending;

use durable_core::wire::{Head, Reply};
use http::StatusCode;
use serde_json::json;

use self::apps::AppsOrigin;
use self::paths::{CALLBACK, CHAT, PAGE, RELAY};
use super::app::App;
use super::get::get;
use super::policy::is_loopback;
use super::request_runtime::RequestRuntime;
use super::route::Route;

/// Seconds for which an authorization server may cache the playground's client metadata: it changes with the server's name alone.
const CLIENT_CACHE: &str = "public, max-age=3600";

/// Answer of a host that has a part of the playground alone, and of the server's host in place of a page that has an origin of
/// its own. None where the request is served as usual. For deployments whose playground has an origin of its own.
pub(super) fn apart(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Option<Reply> {
    let origins = &app.origins;
    let route = app.library_route(&head.path);
    let not_found = Some(Reply::empty(StatusCode::NOT_FOUND));
    if origins.apps.is_at(&head.host) {
        // The host of apps serves the frame alone, so that an app reaches nothing of the page.
        return if route == Route::PlaygroundApp {
            Some(frame(app, head))
        } else {
            not_found
        };
    }
    if route == Route::PlaygroundConfig {
        origins.check_page(head, runtime);
    }
    let is_page = head.path.strip_suffix('/').unwrap_or(&head.path) == PAGE;
    match (
        origins.page.as_ref()?.page.is_at(&head.host),
        route.is_of_playground(),
    ) {
        (true, true) | (false, false) => None,
        (false, true) if is_page => Some(get(head, || moved(app, head))),
        _ => not_found,
    }
}

/// Checks that a request is of this machine, and that it is served there without sign-in.
fn is_on_this_machine(app: &App, head: &Head) -> bool {
    is_loopback(&head.host) && app.closed.is_none()
}

/// Leads to the page at its own origin.
fn moved(app: &App, head: &Head) -> Reply {
    let mark = if head.query.is_empty() { "" } else { "?" };
    let address = format!("{}{mark}{}", app.origins.of_page(PAGE), head.query);
    Reply::empty(StatusCode::FOUND)
        .header("location", address)
        .header("cache-control", "no-store")
}

/// `GET /playground/config.json`: the server that the page connects to first, the frame of apps, and the chat and
/// the relay if there are.
pub(super) fn config(app: &App, head: &Head) -> Reply {
    get(head, || {
        let origin = app.origins.at_server(head).origin();
        let mut config = json!({
            "name": app.server.display_name(),
            "mcp": format!("{origin}{}", app.paths.mcp),
            "sse": format!("{origin}{}", app.paths.sse),
            "apps": app.origins.apps.frame(head),
        });
        if let (Some(chat), Some(config)) = (chat::served(app, head), config.as_object_mut()) {
            let chat = json!({ "models": chat.models, "signIn": app.provider.is_some() });
            config.insert("chat".to_owned(), chat);
        }
        if let (Some(_), Some(config)) = (relay::served(app, head), config.as_object_mut()) {
            config.insert(
                "relay".to_owned(),
                json!({ "signIn": app.provider.is_some() }),
            );
        }
        cached(&config, "no-cache")
    })
}

/// `GET /playground/client.json`: the page's metadata as a client (OAuth Client ID Metadata Document). Its id is its URL.
pub(super) fn client(app: &App, head: &Head) -> Reply {
    get(head, || {
        let origin = head.origin();
        let page = format!("{origin}{PAGE}");
        let client = json!({
            "client_id": format!("{page}/client.json"),
            "client_name": format!("Playground of {} ({})", app.server.display_name(), head.host),
            "client_uri": page,
            "redirect_uris": [format!("{origin}{CALLBACK}")],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        });
        cached(&client, CLIENT_CACHE)
    })
}

/// `GET /playground/app`: the frame of an app.
pub(super) fn frame(app: &App, head: &Head) -> Reply {
    apps::frame(&app.origins.apps, head)
}

/// A file of the page, where the Worker runs before its assets.
pub(super) fn file(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let framed = match &app.origins.apps {
        AppsOrigin::Own(own) => own.as_str(),
        AppsOrigin::Opaque => "'self'",
        AppsOrigin::None => "'none'",
    };
    let server = app
        .origins
        .are_apart()
        .then(|| format!("{}{}", app.origins.at_server(head).origin(), app.paths.mcp));
    runtime
        .playground_file(framed, server.as_deref())
        .unwrap_or_else(|fault| {
            runtime.warn(&format!("the playground's assets: {}", fault.0));
            Reply::empty(StatusCode::INTERNAL_SERVER_ERROR)
        })
}

fn cached(document: &serde_json::Value, cache: &'static str) -> Reply {
    let reply = Reply::json(StatusCode::OK, document.to_string());
    let headers = reply
        .headers
        .into_iter()
        .filter(|(name, _)| *name != "cache-control")
        .collect();
    Reply { headers, ..reply }
        .header("cache-control", cache)
        .header("x-content-type-options", "nosniff")
}
