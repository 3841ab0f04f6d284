//! Documents for the page at `/playground`, which is served from the deployment's assets.

pub(super) mod apps;
pub(super) mod chat;
mod request;
pub mod settings;
mod source;
pub mod spending;

use http::StatusCode;
use serde_json::json;

use self::apps::AppsOrigin;
use super::app::App;
use super::edge::Edge;
use super::home::get;
use crate::wire::{Head, Reply};

/// The path of the page.
pub(super) const PAGE: &str = "/playground";

/// The scope of its chat.
pub(super) const CHAT: &str = "chat";

/// The path at which the page takes the answers of authorization servers.
pub(super) const CALLBACK: &str = "/playground/callback";

/// How long an authorization server may keep the playground's metadata, in seconds: it changes with the server's name alone.
const CLIENT_CACHE: &str = "public, max-age=3600";

/// `GET /playground/config.json`: the server that the page connects to first, the frame of apps, and the chat if there is one.
pub(super) fn config(app: &App, head: &Head) -> Reply {
    get(head, || {
        let origin = head.origin();
        let mut config = json!({
            "name": app.server.display_name(),
            "mcp": format!("{origin}{}", app.paths.mcp),
            "sse": format!("{origin}{}", app.paths.sse),
            "apps": app.apps.frame(head),
        });
        if let (Some(chat), Some(config)) = (chat::served(app, head), config.as_object_mut()) {
            let chat = json!({ "models": chat.models, "signIn": app.provider.is_some() });
            config.insert("chat".to_owned(), chat);
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
    apps::frame(&app.apps, head)
}

/// A file of the page, where the Worker runs before its assets.
pub(super) fn file(app: &App, edge: &dyn Edge) -> Reply {
    let framed = match &app.apps {
        AppsOrigin::Own(origin) => origin,
        AppsOrigin::Opaque => "'self'",
        AppsOrigin::None => "'none'",
    };
    edge.playground_file(framed).unwrap_or_else(|fault| {
        edge.warn(&format!("the playground's assets: {}", fault.0));
        Reply::empty(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn cached(document: &serde_json::Value, cache: &'static str) -> Reply {
    let reply = Reply::json(StatusCode::OK, document.to_string());
    let headers = reply.headers.into_iter().filter(|(name, _)| *name != "cache-control").collect();
    Reply { headers, ..reply }.header("cache-control", cache).header("x-content-type-options", "nosniff")
}
