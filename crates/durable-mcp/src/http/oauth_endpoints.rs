//! The endpoints of the provider, and the gate in front of MCP.

use std::rc::Rc;

use http::{Method, StatusCode};

use super::app::App;
use super::operator;
use super::problem::{self, ErrorPage};
use super::provider::{Authenticated, OAuthFront};
use super::route::Route;
use super::router::Closed;
use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::error_json;
use crate::mcp::user::Caller;
use crate::oauth::auth_server::{AuthServer, OAuthRuntime};
use crate::oauth::authorize::{self, Answer};
use crate::oauth::record::Access;
use crate::oauth::refusal::Refusal;
use crate::oauth::sign_in::{Notice, Step};
use crate::oauth::{gate, register, revoke, token_endpoint};
use crate::pages::frame::Frame;
use crate::pages::language::Language;
use crate::wire::{Head, Reply, RuntimeError};

/// `Cache-Control` of the metadata documents: a change of the application reaches every client within an hour.
const METADATA_CACHE: &str = "public, max-age=3600";

/// Answers a request to one of the provider's endpoints.
pub(super) async fn handle(
    app: &App,
    provider: &OAuthFront,
    route: Route,
    head: &Head,
    runtime: &dyn OAuthRuntime,
) -> Reply {
    let paths = app.resources();
    let site = AuthServer::new(
        &provider.oauth,
        runtime,
        &provider.tool_scopes,
        &paths,
        head,
    )
    .named(app.server.display_name());
    let allowed = methods(route);
    let is_head = head.method == Method::HEAD && allowed.contains(&Method::GET);
    if !allowed.contains(&head.method) && !is_head {
        let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>();
        let refusal: Reply = Refusal::request(format!("Use {} here.", names.join(" or "))).into();
        return Reply {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..refusal
        }
        .header("allow", format!("{}, OPTIONS", names.join(", ")));
    }
    if head.method == Method::POST && head.is_coded() {
        let refusal: Reply =
            Refusal::request("Send the body as it is, without Content-Encoding.").into();
        return Reply {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..refusal
        }
        .header("accept-encoding", "identity");
    }
    let reply = match route {
        Route::Authorize | Route::Callback | Route::Account => person(&site, route, head).await,
        Route::Operator => operator::handle(&site, &app.operator, head).await,
        Route::Token => token_endpoint::handle(&site, head).await,
        Route::Register => register::handle(&site).await,
        Route::Revoke => revoke::revoke(&site, head).await,
        Route::Introspect => revoke::introspect(&site, head).await,
        _ => well_known(app, &site, head),
    };
    if head.method == Method::POST {
        // Tokens may have ended by it, and here that is known at once.
        provider.recent.forget();
    }
    reply
}

fn methods(route: Route) -> &'static [Method] {
    match route {
        Route::Authorize | Route::Account => &[Method::GET, Method::POST],
        Route::Callback | Route::WellKnown => &[Method::GET],
        _ => &[Method::POST],
    }
}

/// Answers requests to the provider's pages.
async fn person(site: &AuthServer<'_>, route: Route, head: &Head) -> Reply {
    let sign_in = &site.oauth.sign_in;
    let answer = match route {
        Route::Callback => sign_in.answer(site, Step::Callback, head).await,
        Route::Account => sign_in.answer(site, Step::Account, head).await,
        _ if head.method == Method::POST => sign_in.answer(site, Step::Consent, head).await,
        _ => authorize::handle(site, head).await,
    };
    let frame = frame(site, head);
    match answer {
        Ok(Answer::Redirect(url)) => Reply::empty(StatusCode::FOUND)
            .header("location", url)
            .header("cache-control", "no-store"),
        Ok(Answer::Problem(wrong)) => {
            let (text, cause) = (problem::told(frame.language, &wrong), wrong.cause());
            problem::page(
                frame,
                site.runtime,
                &ErrorPage {
                    status: wrong.status(),
                    text: &text,
                    cause: &cause,
                    ways: &[],
                },
            )
        }
        Ok(Answer::Show(reply)) => reply,
        Err(RuntimeError(cause)) => {
            let text = frame.say(
                "Something failed here that may work in a moment. Try again.",
                "此处出现了暂时的故障，请稍后重试。",
            );
            problem::page(
                frame,
                site.runtime,
                &ErrorPage {
                    status: 503,
                    text,
                    cause: &cause,
                    ways: &[],
                },
            )
        }
    }
}

/// Page for a person whose browser is rejected, with the reason.
pub(super) fn refuse(
    app: &App,
    provider: &OAuthFront,
    head: &Head,
    runtime: &dyn OAuthRuntime,
    why: Closed,
) -> Reply {
    let paths = app.resources();
    let site = AuthServer::new(
        &provider.oauth,
        runtime,
        &provider.tool_scopes,
        &paths,
        head,
    )
    .named(app.server.display_name());
    let trouble = ErrorPage {
        status: why.status.as_u16(),
        text: why.text,
        cause: why.text,
        ways: &[],
    };
    problem::page(frame(&site, head), runtime, &trouble)
}

/// The frame of this server's pages.
fn frame<'a>(site: &AuthServer<'a>, head: &Head) -> Frame<'a> {
    Frame {
        server: site.name,
        language: Language::of(head.header("accept-language").as_deref()),
        is_demo: site.oauth.sign_in.notice() == Some(Notice::Demo),
    }
}

fn well_known(app: &App, site: &AuthServer<'_>, head: &Head) -> Reply {
    let name = app.server.name();
    let document = site
        .server_metadata(&head.path)
        .or_else(|| site.resource_metadata(&head.path, name));
    let Some(json) = document else {
        let error = Error::new(ErrorCode::REFUSED, "Nothing is described here.");
        return Reply::json(StatusCode::NOT_FOUND, error_json(None, &error));
    };
    let reply = Reply::json(StatusCode::OK, json);
    let headers = reply
        .headers
        .into_iter()
        .filter(|(name, _)| *name != "cache-control")
        .collect();
    Reply { headers, ..reply }.header("cache-control", METADATA_CACHE)
}

/// Finds out who calls MCP.
pub(super) async fn caller(
    app: &App,
    provider: &OAuthFront,
    head: &Head,
    runtime: &dyn OAuthRuntime,
    path: &str,
) -> Authenticated {
    let paths = app.resources();
    let site = AuthServer::new(
        &provider.oauth,
        runtime,
        &provider.tool_scopes,
        &paths,
        head,
    );
    let shown = gate::shown(head).map(|hash| (hash, format!("{}{path}", site.origin)));
    if let Some(caller) = shown
        .as_ref()
        .and_then(|shown| provider.recent.get(shown, runtime.now()))
    {
        return Ok(caller);
    }
    let age = provider.recent.age();
    match gate::check(&site, head, path).await {
        Ok(Ok(access)) => {
            let caller = Rc::new(caller_of(access, path, &site));
            if let Some(shown) = shown {
                provider.recent.put(shown, &caller, runtime.now(), age);
            }
            Ok(caller)
        }
        Ok(Err(refused)) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::UNAUTHORIZED);
            let reply = match refused.error {
                // RFC 6750 section 3.1: who sent no token is told where to get one, and of no error.
                None => Reply::empty(status).header("cache-control", "no-store"),
                Some(error) => {
                    let body = serde_json::json!({ "error": error, "error_description": refused.description });
                    Reply::json(status, body.to_string())
                }
            };
            Err(reply.header("www-authenticate", refused.challenge))
        }
        Err(fault) => {
            runtime.warn(&fault.0);
            Err(Refusal::fault().into())
        }
    }
}

fn caller_of(access: Access, path: &str, site: &AuthServer<'_>) -> Caller {
    Caller {
        subject: Some(access.subject),
        client_id: Some(access.client_id),
        grant: Some(access.grant).filter(|grant| !grant.is_empty()),
        resource: Some(format!("{}{path}", site.origin)),
        expires: Some(access.expires).filter(|expires| *expires != u64::MAX),
        sessions_since: access.sessions_since,
        scopes: access.scopes.to_vec(),
        props: access.props,
    }
}
