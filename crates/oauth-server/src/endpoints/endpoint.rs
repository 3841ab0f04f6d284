//! Every endpoint by its path, for servers that have no routes or error pages of their own.

use durable_core::wire::{Head, Reply, RuntimeError};
use http::{Method, StatusCode};

use crate::auth_server::AuthServer;
use crate::authorize::{self, AuthorizePageError, AuthorizeResponse};
use crate::endpoint_error::EndpointError;
use crate::provider::Endpoints;
use crate::sign_in::SignInStep;
use crate::{register, revoke, token_endpoint};

/// Media type of error pages.
const PLAIN: &str = "text/plain; charset=utf-8";

/// An endpoint of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Authorization endpoint (RFC 6749 section 3.1).
    Authorize,
    /// Redirect URI at identity providers.
    Callback,
    /// Page on which people see the clients that they let in.
    Account,
    /// Token endpoint (RFC 6749 section 3.2).
    Token,
    /// Registration endpoint (RFC 7591 section 3).
    Register,
    /// Revocation endpoint (RFC 7009).
    Revoke,
    /// Introspection endpoint (RFC 7662).
    Introspect,
    /// Metadata of the authorization server (RFC 8414) and of resources (RFC 9728).
    Metadata,
}

impl Endpoint {
    /// The endpoint at a path.
    #[must_use]
    pub fn at(path: &str, endpoints: &Endpoints) -> Option<Self> {
        Some(match path {
            _ if path == endpoints.authorize => Self::Authorize,
            _ if path == endpoints.callback => Self::Callback,
            _ if path == endpoints.account => Self::Account,
            _ if path == endpoints.token => Self::Token,
            _ if endpoints.register.as_deref() == Some(path) => Self::Register,
            _ if path == endpoints.revoke => Self::Revoke,
            _ if path == endpoints.introspect => Self::Introspect,
            _ if path.contains("/.well-known/") => Self::Metadata,
            _ => return None,
        })
    }

    /// True for pages, which people open in a browser; programs call the other endpoints.
    #[must_use]
    pub const fn is_page(self) -> bool {
        matches!(self, Self::Authorize | Self::Callback | Self::Account)
    }

    /// The methods that the endpoint serves; those that serve GET serve HEAD.
    #[must_use]
    pub fn methods(self) -> &'static [Method] {
        match self {
            Self::Authorize | Self::Account => &[Method::GET, Method::POST],
            Self::Callback | Self::Metadata => &[Method::GET],
            Self::Token | Self::Register | Self::Revoke | Self::Introspect => &[Method::POST],
        }
    }
}

/// Answers a request to one of the endpoints; `None` if none of them is at its path. Error pages are plain text.
///
/// Browsers on other origins get no CORS headers: whoever serves web pages that are clients adds them.
pub async fn answer(auth_server: &AuthServer<'_>, head: &Head) -> Option<Reply> {
    let endpoint = Endpoint::at(&head.path, auth_server.oauth.endpoint_paths())?;
    if let Err(refused) = check_method(endpoint.methods(), head) {
        return Some(refused);
    }
    if endpoint.is_page() {
        return Some(person(auth_server, endpoint, head).await);
    }
    let reply = answer_program(auth_server, endpoint, head).await;
    Some(reply.unwrap_or_else(|| metadata(auth_server, head)))
}

/// Answers a program at the token, registration, revocation or introspection endpoint; `None` for any other.
pub async fn answer_program(
    auth_server: &AuthServer<'_>,
    endpoint: Endpoint,
    head: &Head,
) -> Option<Reply> {
    Some(match endpoint {
        Endpoint::Token => token_endpoint::handle(auth_server, head).await,
        Endpoint::Register => register::handle(auth_server).await,
        Endpoint::Revoke => revoke::revoke(auth_server, head).await,
        Endpoint::Introspect => revoke::introspect(auth_server, head).await,
        Endpoint::Authorize | Endpoint::Callback | Endpoint::Account | Endpoint::Metadata => {
            return None;
        }
    })
}

/// Answers a person at one of the [pages](Endpoint::is_page): what is to be shown, or where the browser goes.
///
/// # Errors
/// When the runtime fails.
pub async fn answer_person(
    auth_server: &AuthServer<'_>,
    endpoint: Endpoint,
    head: &Head,
) -> Result<AuthorizeResponse, RuntimeError> {
    let step = match endpoint {
        Endpoint::Callback => SignInStep::Callback,
        Endpoint::Account => SignInStep::Account,
        _ if head.method == Method::POST => SignInStep::Consent,
        _ => return authorize::handle(auth_server, head).await,
    };
    auth_server
        .oauth
        .sign_in()
        .answer(auth_server, step, head)
        .await
}

/// Refuses other methods than those of the endpoint, and bodies that are compressed.
///
/// # Errors
/// The refusal.
pub fn check_method(allowed: &[Method], head: &Head) -> Result<(), Reply> {
    let is_head = head.method == Method::HEAD && allowed.contains(&Method::GET);
    if !allowed.contains(&head.method) && !is_head {
        let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>();
        let refusal: Reply =
            EndpointError::request(format!("Use {} here.", names.join(" or "))).into();
        return Err(Reply {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..refusal
        }
        .header("allow", format!("{}, OPTIONS", names.join(", "))));
    }
    if head.method == Method::POST && head.is_coded() {
        let refusal: Reply =
            EndpointError::request("Send the body as it is, without Content-Encoding.").into();
        return Err(Reply {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..refusal
        }
        .header("accept-encoding", "identity"));
    }
    Ok(())
}

/// The reply to a browser that is redirected.
#[must_use]
pub fn redirect(url: String) -> Reply {
    Reply::empty(StatusCode::FOUND)
        .header("location", url)
        .header("cache-control", "no-store")
}

async fn person(auth_server: &AuthServer<'_>, endpoint: Endpoint, head: &Head) -> Reply {
    match answer_person(auth_server, endpoint, head).await {
        Ok(AuthorizeResponse::Redirect(url)) => redirect(url),
        Ok(AuthorizeResponse::Problem(problem)) => problem_page(&problem),
        Ok(AuthorizeResponse::Show(reply)) => reply,
        Err(fault) => {
            auth_server.runtime.warn(&fault.0);
            EndpointError::fault().into()
        }
    }
}

fn problem_page(problem: &AuthorizePageError) -> Reply {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::text(status, PLAIN, problem.to_string())
}

fn metadata(auth_server: &AuthServer<'_>, head: &Head) -> Reply {
    let document = auth_server
        .server_metadata(&head.path)
        .or_else(|| auth_server.resource_metadata(&head.path, auth_server.name));
    match document {
        Some(json) => Reply::json(StatusCode::OK, json),
        None => Reply::text(StatusCode::NOT_FOUND, PLAIN, "Nothing is here.".to_owned()),
    }
}
