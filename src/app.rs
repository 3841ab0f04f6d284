//! What this deployment is: change it to make it yours.

use crate::http::App;
use crate::tools;

/// The application, made from the Worker's bindings.
#[must_use]
pub(crate) fn app(env: &worker::Env) -> App {
    App::new(tools::server(env))
}
