//! Routes of the user's own, behind those of this library.

use std::any::Any;
use std::rc::Rc;

use durable_core::wire::Reply;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::error_json;
use durable_mcp_protocol::panics::contain;
use http::StatusCode;

use super::app::App;
use super::own_route::OwnRoute;
use super::path::as_sent;
use super::request_runtime::RequestRuntime;
use super::route::Route;

/// Error of a handler that failed or panicked.
const FAILED: &str = "The handler of this route failed. The server's log says why.";

impl App {
    /// Has a handler of the runtime's kind answer requests to a path. [`App::route`] takes one of the Worker's.
    #[must_use]
    pub fn with_own_route(mut self, path: &str, handler: Rc<dyn Any>) -> Self {
        self.own_routes.push(OwnRoute {
            path: path.to_owned(),
            handler,
        });
        self
    }

    /// The user's route of a path. One with a slash at its end is the same.
    pub(super) fn own_route(&self, path: &str) -> Option<&OwnRoute> {
        self.own_routes
            .iter()
            .find(|route| route.path == path || path.strip_suffix('/') == Some(&route.path))
    }

    /// Removes routes that cannot be served, and returns the reasons.
    pub(super) fn check_own_routes(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut served: Vec<OwnRoute> = Vec::new();
        for route in std::mem::take(&mut self.own_routes) {
            let is_taken = served.iter().any(|other| other.path == route.path);
            let repeated =
                is_taken.then(|| "it is registered twice; the first one stays".to_owned());
            match self.fault_of(&route.path).or(repeated) {
                Some(fault) => {
                    problems.push(format!("route {:?} is left out: {fault}", route.path));
                }
                None => served.push(route),
            }
        }
        self.own_routes = served;
        problems
    }

    /// The faults of paths that [`App::paths`] set.
    pub(super) fn check_paths(&self) -> Vec<String> {
        let faults = self
            .protected()
            .resources()
            .into_iter()
            .filter_map(|path| Some((path, never_sent(path)?)));
        faults
            .map(|(path, fault)| format!("path {path:?} is not served: {fault}"))
            .collect()
    }

    fn fault_of(&self, path: &str) -> Option<String> {
        let is_path = path.starts_with('/') && !path.contains(['?', '#', ' ', '*', '{']);
        if !is_path {
            return Some(
                "it is no path; begin it with `/`, and write it without query, pattern and space"
                    .to_owned(),
            );
        }
        if let Some(fault) = never_sent(path) {
            return Some(fault);
        }
        let above = path
            .match_indices('/')
            .filter_map(|(at, _)| path.get(..at))
            .filter(|above| !above.is_empty());
        let ours = above
            .chain([path])
            .find(|own| self.library_route(own) != Route::Unknown)?;
        Some(format!(
            "{ours} and what is below it belongs to the server; choose another path, or move the server's by `App::paths`"
        ))
    }
}

/// The fault of a path that no request has.
fn never_sent(path: &str) -> Option<String> {
    let sent = as_sent(path);
    (sent != path).then(|| format!("requests to it come with the path {sent:?}; write it so"))
}

/// The answer of a user's route.
pub(super) async fn answer(route: &OwnRoute, runtime: &dyn RequestRuntime) -> Reply {
    let cause = match contain(runtime.own_route(&route.handler)).await {
        Ok(Ok(reply)) => return reply,
        Ok(Err(fault)) => fault.0,
        Err(_) => "a panic; its message is above".to_owned(),
    };
    runtime.warn(&format!("route {}: {cause}", route.path));
    let error = Error::new(ErrorCode::INTERNAL, FAILED);
    Reply::json(StatusCode::INTERNAL_SERVER_ERROR, error_json(None, &error))
}
