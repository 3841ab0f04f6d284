//! What this deployment is: change it to make it yours.

use crate::tools;
use durable_mcp::http::App;
use durable_mcp::platform::worker::identity;
use durable_mcp::worker::Env;

/// The application, made from the Worker's bindings.
#[must_use]
pub(crate) fn app(env: &Env) -> App {
    let app = App::new(tools::server(env));
    match cfg!(feature = "sign-in").then(|| identity(env)).flatten() {
        Some(sign_in) => app.oauth(sign_in.oauth()),
        None => app,
    }
}
