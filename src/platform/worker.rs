//! What the Worker does with a request.

use worker::worker_sys::web_sys;
use worker::{Env, Result};

use super::convert;
use super::edge::WorkerEdge;
use crate::http::{App, router};

/// Answers a request to the Worker.
///
/// # Errors
/// When the runtime fails.
pub async fn fetch(request: web_sys::Request, env: Env, app: &App) -> Result<web_sys::Response> {
    let head = convert::head(&request);
    let edge = WorkerEdge { request, env, placement: app.placement.clone() };
    let reply = router::handle(app, &head, &edge).await;
    match convert::take_native(reply) {
        Ok(response) => Ok(response),
        Err(reply) => convert::response(reply).map(Into::into),
    }
}

/// Reads a variable of the deployment.
#[must_use]
pub fn variable(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}

/// Makes an application ready: takes the deployment's variables, and tells operators what is wrong with it.
#[must_use]
pub fn start(app: App, env: &Env) -> std::rc::Rc<App> {
    console_error_panic_hook::set_once();
    let app = app.with_variables(&|name| variable(env, name));
    for problem in app.server.problems() {
        worker::console_error!("{problem}");
    }
    std::rc::Rc::new(app)
}
