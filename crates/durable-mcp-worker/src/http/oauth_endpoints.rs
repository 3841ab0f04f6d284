//! The endpoints of the provider.

use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::error_json;
use http::{Method, StatusCode};
use oauth_server::auth_server::{AuthServer, OAuthRuntime};
use oauth_server::authorize::AuthorizeResponse;
use oauth_server::endpoint::{Endpoint, answer_person, answer_program, check_method, redirect};
use oauth_server::sign_in::SignInStatus;

use super::authentication::{OAuthFront, auth_server};
use super::operator;
use super::problem::{self, ErrorPage};
use super::protected_server::ProtectedServer;
use super::rejection::RouterRejection;
use crate::pages::frame::Frame;
use crate::pages::language::Language;

/// `Cache-Control` of the metadata documents: a change of the application reaches every client within an hour.
const METADATA_CACHE: &str = "public, max-age=3600";

/// Answers a request to one of the provider's endpoints.
pub(super) async fn handle(
    server: ProtectedServer<'_>,
    provider: &OAuthFront,
    endpoint: Endpoint,
    head: &Head,
    runtime: &dyn OAuthRuntime,
) -> Reply {
    let paths = server.resources();
    let auth_server = auth_server(server, provider, head, runtime, &paths);
    if let Err(refused) = check_method(endpoint.methods(), head) {
        return refused;
    }
    let reply = if endpoint.is_page() {
        person(&auth_server, endpoint, head).await
    } else if let Some(reply) = answer_program(&auth_server, endpoint, head).await {
        reply
    } else {
        well_known(server, &auth_server, head)
    };
    forget_callers(provider, head);
    reply
}

/// Answers a request to the operator's route.
pub(super) async fn operate(
    server: ProtectedServer<'_>,
    provider: &OAuthFront,
    head: &Head,
    runtime: &dyn OAuthRuntime,
) -> Reply {
    let paths = server.resources();
    let auth_server = auth_server(server, provider, head, runtime, &paths);
    if let Err(refused) = check_method(&[Method::POST], head) {
        return refused;
    }
    let reply = operator::handle(&auth_server, server.operator, head).await;
    forget_callers(provider, head);
    reply
}

/// Forgets the callers of this isolate after a POST: tokens may have ended by it, and here that is known at once.
fn forget_callers(provider: &OAuthFront, head: &Head) {
    if head.method == Method::POST {
        provider.callers.forget();
    }
}

/// Answers requests to the provider's pages.
async fn person(auth_server: &AuthServer<'_>, endpoint: Endpoint, head: &Head) -> Reply {
    let answer = answer_person(auth_server, endpoint, head).await;
    let frame = frame(auth_server, head);
    match answer {
        Ok(AuthorizeResponse::Redirect(url)) => redirect(url),
        Ok(AuthorizeResponse::Problem(wrong)) => {
            let text = problem::message(frame.language, &wrong);
            error_page(auth_server, frame, wrong.status(), &text, &wrong.cause())
        }
        Ok(AuthorizeResponse::Show(reply)) => reply,
        Err(RuntimeError(cause)) => {
            let text = frame.say(
                "Something failed here that may work in a moment. Try again.",
                "此处出现了暂时的故障，请稍后重试。",
            );
            error_page(auth_server, frame, 503, text, &cause)
        }
    }
}

/// A page about an error, with no way to go on.
fn error_page(
    auth_server: &AuthServer<'_>,
    frame: Frame<'_>,
    status: u16,
    text: &str,
    cause: &str,
) -> Reply {
    let page = ErrorPage {
        status,
        text,
        cause,
        ways: &[],
    };
    problem::page(frame, auth_server.runtime, &page)
}

/// Page for a person whose browser is rejected, with the reason.
pub(super) fn refuse(
    server: ProtectedServer<'_>,
    provider: &OAuthFront,
    head: &Head,
    runtime: &dyn OAuthRuntime,
    why: RouterRejection,
) -> Reply {
    let paths = server.resources();
    let auth_server = auth_server(server, provider, head, runtime, &paths);
    let trouble = ErrorPage {
        status: why.status.as_u16(),
        text: why.text,
        cause: why.text,
        ways: &[],
    };
    problem::page(frame(&auth_server, head), runtime, &trouble)
}

/// The frame of this server's pages.
fn frame<'a>(auth_server: &AuthServer<'a>, head: &Head) -> Frame<'a> {
    Frame {
        server: auth_server.name,
        language: Language::of(head.header("accept-language").as_deref()),
        is_demo: auth_server.oauth.sign_in_status() == Some(SignInStatus::Demo),
    }
}

fn well_known(server: ProtectedServer<'_>, auth_server: &AuthServer<'_>, head: &Head) -> Reply {
    let name = server.server.name();
    let document = auth_server
        .server_metadata(&head.path)
        .or_else(|| auth_server.resource_metadata(&head.path, name));
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
