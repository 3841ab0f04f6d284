//! The application of this deployment: change it to make it yours.

use crate::tools;
use durable_mcp::worker::Env;
use durable_mcp::{App, identity};

/// The application, made from the Worker's bindings.
#[must_use]
pub(crate) fn app(env: &Env) -> App {
    let app = App::new(tools::server(env));
    if !cfg!(feature = "sign-in") {
        return app.built_without_sign_in();
    }
    match identity::from_variables(env) {
        Some(sign_in) => app.oauth(sign_in.oauth()),
        None => app,
    }
}
