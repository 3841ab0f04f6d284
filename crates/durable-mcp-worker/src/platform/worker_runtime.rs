//! A request at the Worker, with the runtime's objects around it.

use std::ops::Deref;
use std::rc::Rc;

use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;

use super::body::RequestBody;
use super::has_env::{HasEnv, runtime_of_env};
use crate::http::app::App;

/// The binding of the sessions' objects.
pub(super) const MCP_OBJECT: &str = "MCP_OBJECT";

/// The binding of tasks' objects.
pub(super) const MCP_TASK: &str = "MCP_TASK";

/// A request at the Worker.
#[derive(Clone)]
pub(super) struct WorkerRuntime(Rc<WorkerRequest>);

/// A request with the runtime's objects around it.
pub(super) struct WorkerRequest {
    pub(super) request: web_sys::Request,
    pub(super) env: Rc<worker::Env>,
    pub(super) context: JsValue,
    pub(super) app: Rc<App>,
    pub(super) body: Rc<RequestBody>,
}

impl Deref for WorkerRuntime {
    type Target = WorkerRequest;

    fn deref(&self) -> &WorkerRequest {
        &self.0
    }
}

impl WorkerRuntime {
    /// `declared` is how long the request says its body is.
    pub(super) fn new(
        request: web_sys::Request,
        env: worker::Env,
        context: JsValue,
        app: Rc<App>,
        declared: Option<usize>,
    ) -> Self {
        let body = Rc::new(RequestBody::new(Clone::clone(&request), declared));
        Self(Rc::new(WorkerRequest {
            request,
            env: Rc::new(env),
            context,
            app,
            body,
        }))
    }
}

impl HasEnv for WorkerRuntime {
    fn env(&self) -> &worker::Env {
        &self.env
    }
}

runtime_of_env!(WorkerRuntime);
