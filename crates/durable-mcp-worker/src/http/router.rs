//! Routing of requests to their handlers.

use std::rc::Rc;

use durable_core::wire::{Head, Reply, ReplyBody};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::error_json;
use http::{Method, StatusCode};

use super::app::{App, MissingBindings};
use super::policy::{Forbidden, is_loopback};
use super::rejection::RouterRejection;
use super::request_runtime::RequestRuntime;
use super::route::Route;
use super::{cors, home, mcp_endpoint, own_routes, playground, sse_endpoint};
use crate::session::log_line::{self, LogLine};

/// Answers any request.
pub async fn handle(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let log = app.settings.request_log;
    let began = log.begin(|| runtime.now());
    // No browser sends an empty one, so it is checked, and matches no origin.
    let origin = head.raw_header("origin");
    let reply = answer(app, head, runtime, origin.as_deref()).await;
    // An object's answer has the headers already, and the object writes its line in the log.
    let is_native = matches!(reply.body, ReplyBody::Native(_));
    if is_native && app.own_route(&head.path).is_none() {
        return reply;
    }
    // A notification leaves no line, here as in an object.
    let is_refused = reply.status.is_client_error() || reply.status.is_server_error();
    let outcome = if is_refused { "refused" } else { log_line::OK };
    let has_line = !reply.logged && reply.status != StatusCode::ACCEPTED;
    if has_line && let Some(ms) = log.due(outcome, began, || runtime.now()) {
        runtime.log(&LogLine {
            event: "http",
            method: format!("{} {}", head.method, known_path(app, &head.path)),
            outcome,
            code: Some(i64::from(reply.status.as_u16())),
            ms,
            ..LogLine::default()
        });
    }
    // A route of the user's own answers as it likes.
    if is_native {
        reply
    } else {
        secured(cors::allow(reply, origin.as_deref()), head)
    }
}

/// Answers a request that the policy allows.
async fn answer(
    app: &App,
    head: &Head,
    runtime: &dyn RequestRuntime,
    origin: Option<&str>,
) -> Reply {
    if let Some(why) = forbidden(app, head, origin) {
        return reject(app, head, runtime, why);
    }
    if app.origins.are_apart()
        && let Some(reply) = playground::apart(app, head, runtime)
    {
        return reply;
    }
    if head.method == Method::OPTIONS && app.own_route(&head.path).is_none() {
        return cors::preflight(head);
    }
    route(app, head, runtime).await
}

/// Rejection of a host or an origin that the policy does not allow.
fn forbidden(app: &App, head: &Head, origin: Option<&str>) -> Option<RouterRejection> {
    let foreign = app.policy.check(head, origin).err()?;
    let is_allowed = foreign == Forbidden::Origin && is_for_origin(app, head, origin);
    (!is_allowed).then(|| RouterRejection {
        status: StatusCode::FORBIDDEN,
        text: foreign.message(),
    })
}

/// True if a page of a foreign origin may call the route. The page of the playground is a client like any other: it may call
/// MCP, but no route that acts for the person.
fn is_for_origin(app: &App, head: &Head, origin: Option<&str>) -> bool {
    let route = app.route_of(&head.path);
    route.is_for_any_origin()
        || (route.is_mcp() && origin.is_some_and(|origin| app.origins.is_page(origin)))
}

/// Value of `Strict-Transport-Security` (RFC 6797): a year in seconds, the least that browsers' preload lists accept.
/// Subdomains are left to their own servers.
pub(super) const HTTPS_ONLY: &str = "max-age=31536000";

/// Has browsers use `https` from now on (RFC 6797), except on loopback, where the next program on the port may have none.
fn secured(reply: Reply, head: &Head) -> Reply {
    if head.secure && !is_loopback(&head.host) {
        reply.header("strict-transport-security", HTTPS_ONLY)
    } else {
        reply
    }
}

/// Rejects a request: on a page where a person reads the answer, as JSON elsewhere.
fn reject(app: &App, head: &Head, runtime: &dyn RequestRuntime, why: RouterRejection) -> Reply {
    let is_page = matches!(app.route_of(&head.path), Route::OAuth(endpoint) if endpoint.is_page());
    if let Some(provider) = app.provider.as_ref().filter(|_| is_page) {
        return provider.refuse(app.protected(), head, runtime, why);
    }
    Reply::json(
        why.status,
        error_json(None, &Error::new(ErrorCode::REFUSED, why.text)),
    )
}

/// The path for the log, `?` if it is unknown: it may hold anything.
fn known_path<'a>(app: &App, path: &'a str) -> &'a str {
    if matches!(app.route_of(path), Route::Unknown | Route::PlaygroundFile) {
        "?"
    } else {
        path
    }
}

/// Answers a request to an MCP endpoint. Its caller is authenticated before anything else of it is read.
async fn protected(app: &App, route: Route, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let resource = if route == Route::Mcp {
        &app.paths.mcp
    } else {
        &app.paths.sse
    };
    let caller = match &app.provider {
        Some(provider) => match provider
            .caller(app.protected(), head, runtime, resource)
            .await
        {
            Ok(caller) => caller,
            Err(refused) => return refused,
        },
        None => Rc::default(),
    };
    match route {
        Route::Mcp => {
            let reply = mcp_endpoint::handle(app, head, runtime, caller).await;
            cors::challenged(reply, head, app.provider.as_deref())
        }
        Route::Sse => sse_endpoint::open(app, head, runtime, caller).await,
        _ => sse_endpoint::message(app, head, runtime, caller).await,
    }
}

/// The answer of a route that cannot be served: a binding is missing, or a protection.
fn unserved(app: &App, route: Route, head: &Head, runtime: &dyn RequestRuntime) -> Option<Reply> {
    let is_served = matches!(
        route,
        Route::Home
            | Route::Style
            | Route::PlaygroundConfig
            | Route::PlaygroundApp
            | Route::PlaygroundFile
            | Route::Unknown
    );
    if is_served {
        return None;
    }
    if let Some(missing) = app.missing.as_ref().filter(|missing| missing.is_vital) {
        return Some(lacking(missing, head));
    }
    let why = RouterRejection {
        status: StatusCode::SERVICE_UNAVAILABLE,
        text: app.closed?,
    };
    Some(reject(app, head, runtime, why))
}

async fn route(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let route = app.route_of(&head.path);
    if let Some(unserved) = unserved(app, route, head, runtime) {
        return unserved;
    }
    match (route, &app.provider) {
        (Route::Mcp | Route::Sse | Route::SseMessage, _) => {
            protected(app, route, head, runtime).await
        }
        (Route::Home, _) if matches!(head.method, Method::POST | Method::DELETE) => {
            home::elsewhere(app, head)
        }
        (Route::Home, _) => home::page(app, head),
        (Route::Style, _) => home::style(head),
        (Route::Own, _) => match app.own_route(&head.path) {
            Some(own) => own_routes::answer(own, runtime).await,
            None => nothing_here(app),
        },
        (Route::PlaygroundConfig, _) => playground::config(app, head),
        (Route::PlaygroundClient, _) => playground::client(app, head),
        (Route::PlaygroundApp, _) => playground::frame(app, head),
        (Route::PlaygroundFile, _) => playground::file(app, head, runtime),
        (Route::PlaygroundChat, _) => playground::chat::handle(app, head, runtime).await,
        (Route::PlaygroundRelay, _) => playground::relay::handle(app, head, runtime).await,
        (_, Some(provider)) if route != Route::Unknown => {
            provider.handle(app.protected(), route, head, runtime).await
        }
        _ => nothing_here(app),
    }
}

/// The answer of a deployment without the bindings that it needs. The lines for them are for a developer, on this machine alone.
fn lacking(missing: &MissingBindings, head: &Head) -> Reply {
    let elsewhere =
        "The server lacks bindings. Its log says which, and what to add to wrangler.toml.";
    let text = if is_loopback(&head.host) {
        &missing.text
    } else {
        elsewhere
    };
    Reply::json(
        StatusCode::INTERNAL_SERVER_ERROR,
        error_json(None, &Error::new(ErrorCode::INTERNAL, text)),
    )
}

fn nothing_here(app: &App) -> Reply {
    let message = format!(
        "Nothing is here. MCP is at {} and {}.",
        app.paths.mcp, app.paths.sse
    );
    Reply::json(
        StatusCode::NOT_FOUND,
        error_json(None, &Error::new(ErrorCode::REFUSED, message)),
    )
}
