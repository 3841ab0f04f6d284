//! Routes of the user's own, on this runtime.

use std::any::Any;
use std::rc::Rc;

use durable_core::wire::{Reply, RuntimeError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Env, Request, Response};

use super::convert;
use super::fault::fault;
use super::worker_runtime::WorkerRuntime;
use crate::http::App;

/// A handler whose conversions are its own, so that only a server with such a route has their code.
type Handler =
    Box<dyn Fn(web_sys::Request, Env) -> LocalBoxFuture<'static, Result<Reply, RuntimeError>>>;

impl App {
    /// Has `handler` answer requests to a path of your own, whatever their method: a webhook, a download, a health check.
    ///
    /// The path is exact, and one with a slash at its end is the same. A path that this server has, or one below such a path, is left
    /// out, and is one of the deployment's problems in the log and on the page at `/`.
    ///
    /// Requests meet `ALLOWED_HOSTS` and `ALLOWED_ORIGINS` before, as all others; nobody has to sign in. The answer goes out as it is,
    /// without headers for CORS. A handler that fails or panics gives status 500, and the log has the cause.
    ///
    /// ```no_run
    /// # use durable_mcp_worker::{App, worker};
    /// # use durable_mcp_protocol::prelude::*;
    /// async fn webhook(mut request: worker::Request, env: worker::Env) -> worker::Result<worker::Response> {
    ///     if request.method() != worker::Method::Post {
    ///         return worker::Response::error("Send a note by POST.", 405);
    ///     }
    ///     env.kv("NOTES")?.put("last", request.text().await?)?.execute().await?;
    ///     worker::Response::empty()
    /// }
    /// let app = App::new(Server::new("notes", "1.0.0")).route("/webhook", webhook);
    /// ```
    #[must_use]
    pub fn route<F: Future<Output = worker::Result<Response>> + 'static>(
        self,
        path: &str,
        handler: impl Fn(Request, Env) -> F + 'static,
    ) -> Self {
        let handler: Handler = Box::new(move |request, env| {
            let answer = handler(request.into(), env);
            async move { answer.await.map(as_it_is).map_err(fault) }.boxed_local()
        });
        self.with_own_route(path, Rc::new(handler))
    }
}

fn as_it_is(response: Response) -> Reply {
    let status = StatusCode::from_u16(response.status_code()).unwrap_or_default();
    let response: web_sys::Response = response.into();
    let response = JsValue::from(response);
    Reply {
        status,
        ..convert::pending(Promise::resolve(&response))
    }
}

/// Calls a handler with the request at hand.
pub(super) fn call<'a>(
    runtime: &WorkerRuntime,
    handler: &Rc<dyn Any>,
) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
    match handler.downcast_ref::<Handler>() {
        Some(handler) => handler(Clone::clone(&runtime.request), Clone::clone(&runtime.env)),
        None => std::future::ready(Err(fault("the handler is not of this runtime"))).boxed_local(),
    }
}
