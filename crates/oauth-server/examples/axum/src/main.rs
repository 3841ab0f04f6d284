//! An OAuth 2.1 authorization server and a resource that it protects, in axum, with everything in memory.
//!
//! `cargo run -p oauth-server-axum-example` prints its address; a port can follow. `consent.rs` signs people in; `runtime.rs` and
//! `storage.rs` implement the ports of `oauth-server`.

mod consent;
mod runtime;
mod storage;

use std::error::Error;
use std::rc::Rc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use durable_core::wire::{Head, Reply};
use http::StatusCode;
use http::header::HOST;
use oauth_server::auth_server::AuthServer;
use oauth_server::endpoint;
use oauth_server::gate;
use oauth_server::provider::OAuth;
use oauth_server::record::AccessRecord;
use oauth_server::scope::Scopes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

use crate::consent::ConsentPage;
use crate::runtime::{Host, RequestRuntime};

/// Path of the resource.
const NOTES: &str = "/notes";

/// The longest body that is read, in bytes; the endpoints have narrower limits.
const MAX_BODY_BYTES: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    println!("http://localhost:{port}");
    let oauth = OAuth::new(ConsentPage::default()).scopes(&["notes"])?;
    let host = Rc::new(Host::new(oauth)?);
    let (sender, receiver) = mpsc::channel(64);
    let app = Router::new()
        .route(NOTES, get(notes))
        .fallback(oauth_endpoint)
        .with_state(AuthThread { sender, port });
    let local = LocalSet::new();
    local.spawn_local(Rc::clone(&host).sweep());
    local.spawn_local(answer_all(host, receiver));
    local
        .run_until(async { axum::serve(listener, app).await })
        .await?;
    Ok(())
}

/// The resource: a request needs an access token for it.
async fn notes(State(auth): State<AuthThread>, request: Request) -> Response {
    match auth.access(request).await {
        Ok(access) => format!("Notes of {}", access.subject).into_response(),
        Err(refused) => refused,
    }
}

/// `/authorize`, `/token`, `/register`, `/revoke`, `/introspect` and `/.well-known/..`.
async fn oauth_endpoint(State(auth): State<AuthThread>, request: Request) -> Response {
    auth.answer(request).await
}

/// Way of axum's handlers, which may run on any thread, to the one thread that the futures of the authorization server stay on.
#[derive(Clone)]
struct AuthThread {
    sender: mpsc::Sender<Question>,
    port: u16,
}

enum Question {
    /// A request to one of the endpoints.
    Answer(http::Request<Bytes>, oneshot::Sender<Response>),
    /// A request to the resource, whose token is checked.
    Access(
        http::Request<Bytes>,
        oneshot::Sender<Result<AccessRecord, Response>>,
    ),
}

impl AuthThread {
    async fn answer(&self, request: Request) -> Response {
        self.ask(request, Question::Answer)
            .await
            .unwrap_or_else(|failed| failed)
    }

    async fn access(&self, request: Request) -> Result<AccessRecord, Response> {
        self.ask(request, Question::Access).await?
    }

    async fn ask<T>(
        &self,
        request: Request,
        question: impl FnOnce(http::Request<Bytes>, oneshot::Sender<T>) -> Question,
    ) -> Result<T, Response> {
        let gone = || StatusCode::INTERNAL_SERVER_ERROR.into_response();
        let (mut parts, body) = request.into_parts();
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = ["localhost", "127.0.0.1"].map(|name| format!("{name}:{}", self.port));
        if !own.iter().any(|own| host == Some(own)) {
            // The issuer is made of the host, and pages of other names must not reach loopback by it (DNS rebinding).
            return Err(StatusCode::MISDIRECTED_REQUEST.into_response());
        }
        // The header by which registrations are limited for each network: a proxy in front sets it, and no client.
        parts.headers.remove("cf-connecting-ip");
        let too_long = |_| StatusCode::PAYLOAD_TOO_LARGE.into_response();
        let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(too_long)?;
        let request = http::Request::from_parts(parts, body);
        let (sender, answer) = oneshot::channel();
        let sent = self.sender.send(question(request, sender)).await;
        sent.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// Answers questions side by side.
async fn answer_all(host: Rc<Host>, mut questions: mpsc::Receiver<Question>) {
    while let Some(question) = questions.recv().await {
        let host = Rc::clone(&host);
        spawn_local(async move {
            // A client that has hung up awaits no answer.
            match question {
                Question::Answer(request, sender) => {
                    drop(sender.send(answer(host, request).await));
                }
                Question::Access(request, sender) => {
                    drop(sender.send(access(host, request).await));
                }
            }
        });
    }
}

async fn answer(host: Rc<Host>, request: http::Request<Bytes>) -> Response {
    let (head, runtime) = accept(&host, request);
    let no_more = Scopes::default();
    let auth_server = AuthServer::new(&host.oauth, &runtime, &no_more, &[NOTES], &head);
    match endpoint::answer(&auth_server.named("Notes"), &head).await {
        Some(reply) => response(reply),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn access(host: Rc<Host>, request: http::Request<Bytes>) -> Result<AccessRecord, Response> {
    let (head, runtime) = accept(&host, request);
    let no_more = Scopes::default();
    let auth_server = AuthServer::new(&host.oauth, &runtime, &no_more, &[NOTES], &head);
    match gate::check(&auth_server, &head, NOTES).await {
        Ok(Ok(access)) => Ok(access),
        Ok(Err(refused)) => Err(response(refused.into())),
        Err(fault) => {
            eprintln!("{fault}");
            Err(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
    }
}

/// The head of a request, and the runtime of the authorization server for it.
fn accept(host: &Rc<Host>, request: http::Request<Bytes>) -> (Head, RequestRuntime) {
    // Loopback is served by `http`; behind a proxy that speaks TLS this is true.
    let secure = false;
    let head = Head::of(&request, secure);
    (
        head,
        RequestRuntime::new(Rc::clone(host), request.into_body()),
    )
}

fn response(reply: Reply) -> Response {
    match reply.into_response() {
        Some(response) => response.map(Body::from),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
