//! The endpoints of the provider, and the gate in front of MCP.

use std::rc::Rc;

use http::{Method, StatusCode};

use super::app::App;
use super::edge::Edge;
use super::provider::{Gated, InFront};
use super::route::Route;
use crate::mcp::error::{Error, ErrorCode};
use crate::mcp::jsonrpc::error_json;
use crate::mcp::user::Caller;
use crate::oauth::authorize::{self, Answer, Problem};
use crate::oauth::record::Access;
use crate::oauth::refusal::Refusal;
use crate::oauth::site::Site;
use crate::oauth::{gate, register, revoke, token_endpoint};
use crate::pages::problem;
use crate::wire::{Fault, Head, Reply};

/// How long clients may keep the metadata documents, in seconds: a change of the application is seen within the hour.
const METADATA_CACHE: &str = "public, max-age=3600";

/// Answers a request to one of the provider's endpoints.
pub(super) async fn handle(app: &App, provider: &InFront, route: Route, head: &Head, edge: &dyn Edge) -> Reply {
    let paths = app.resources();
    let site = Site::new(&provider.oauth, edge, &provider.tool_scopes, &paths, head);
    let allowed = if matches!(route, Route::Authorize | Route::WellKnown) { Method::GET } else { Method::POST };
    let is_head = head.method == Method::HEAD && allowed == Method::GET;
    if head.method != allowed && !is_head {
        let refusal: Reply = Refusal::request(format!("Use {allowed} here.")).into();
        return Reply { status: StatusCode::METHOD_NOT_ALLOWED, ..refusal }
            .header("allow", format!("{allowed}, OPTIONS"));
    }
    match route {
        Route::Authorize => authorize(app, &site, head, edge).await,
        Route::Token => token_endpoint::handle(&site, head).await,
        Route::Register => register::handle(&site, head).await,
        Route::Revoke => revoke::revoke(&site, head).await,
        Route::Introspect => revoke::introspect(&site, head).await,
        _ => well_known(app, &site, head),
    }
}

async fn authorize(app: &App, site: &Site<'_>, head: &Head, edge: &dyn Edge) -> Reply {
    match authorize::handle(site, head).await {
        Ok(Answer::Redirect(url)) => {
            Reply::empty(StatusCode::FOUND).header("location", url).header("cache-control", "no-store")
        }
        Ok(Answer::Problem(Problem { status, text })) => problem::page(&app.server, status, &text),
        Ok(Answer::Show(reply)) => reply,
        Err(Fault(cause)) => {
            edge.warn(&cause);
            problem::page(&app.server, 503, "Something failed here that may work in a moment. Try again.")
        }
    }
}

fn well_known(app: &App, site: &Site<'_>, head: &Head) -> Reply {
    let name = app.server.name();
    let document = site.server_metadata(&head.path).or_else(|| site.resource_metadata(&head.path, name));
    let Some(json) = document else {
        let error = Error::new(ErrorCode::REFUSED, "Nothing is described here.");
        return Reply::json(StatusCode::NOT_FOUND, error_json(None, &error));
    };
    let reply = Reply::json(StatusCode::OK, json);
    let headers = reply.headers.into_iter().filter(|(name, _)| *name != "cache-control").collect();
    Reply { headers, ..reply }.header("cache-control", METADATA_CACHE)
}

/// Finds out who calls MCP.
pub(super) async fn caller(app: &App, provider: &InFront, head: &Head, edge: &dyn Edge, path: &str) -> Gated {
    let paths = app.resources();
    let site = Site::new(&provider.oauth, edge, &provider.tool_scopes, &paths, head);
    match gate::check(&site, head, path).await {
        Ok(Ok(access)) => Ok(Rc::new(caller_of(access, path, &site))),
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
            edge.warn(&fault.0);
            Err(Refusal::fault().into())
        }
    }
}

fn caller_of(access: Access, path: &str, site: &Site<'_>) -> Caller {
    Caller {
        subject: Some(access.subject),
        client_id: Some(access.client_id),
        grant: Some(access.grant).filter(|grant| !grant.is_empty()),
        resource: Some(format!("{}{path}", site.origin)),
        expires: Some(access.expires).filter(|expires| *expires != u64::MAX),
        scopes: access.scopes.to_vec(),
        props: access.props,
    }
}
