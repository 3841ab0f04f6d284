//! Extractors of what only this runtime has.

use std::borrow::Cow;
use std::ops::Deref;
use std::rc::Rc;

use durable_mcp_protocol::context::Context;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::extract::{Extract, Rejection};

use crate::transport::internal_headers::PRIVATE;
use crate::transport::session_endpoint::RequestHeaders;

/// Every binding of the Worker: KV, D1, R2, AI, queues, secrets, by [`worker::Env`]'s methods.
///
/// ```
/// # use durable_mcp_worker::platform::{Env, Headers};
/// # use durable_mcp_protocol::prelude::*;
/// async fn greeting(env: Env) -> Result<String, ToolError> {
///     Ok(env.var("GREETING")?.to_string())
/// }
/// # let _ = Server::new("s", "1").tool("greeting", "Greeting", greeting);
/// ```
#[derive(Debug, Clone)]
pub struct Env(pub(crate) Rc<worker::Env>);

impl Deref for Env {
    type Target = worker::Env;

    fn deref(&self) -> &worker::Env {
        &self.0
    }
}

impl Env {
    /// A KV namespace, by the name of its binding.
    ///
    /// # Errors
    /// When there is no such binding; the text names it.
    pub fn kv(&self, binding: &str) -> worker::Result<worker::KvStore> {
        self.0
            .kv(binding)
            .map_err(|_| worker::Error::JsError(format!("Binding `{binding}` is undefined.")))
    }
}

/// Only calls outside of a Worker have none.
const NO_BINDINGS: &str = if cfg!(target_arch = "wasm32") {
    "This call has no bindings."
} else {
    "Only a Worker has bindings, and in a test there is none. Put the work behind `Env` into a function of plain arguments, and \
     test that."
};

impl Extract for Env {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let env = context.extension::<worker::Env>();
        Ok(Self(env.ok_or_else(|| Error::internal(NO_BINDINGS))?))
    }
}

/// The headers of the HTTP request that a call came with; credentials, cookies and this library's own are not among
/// them.
///
/// ```
/// # use durable_mcp_worker::platform::{Env, Headers};
/// # use durable_mcp_protocol::prelude::*;
/// async fn language(headers: Headers) -> String {
///     headers.get("accept-language").unwrap_or_default()
/// }
/// # let _ = Server::new("s", "1").tool("language", "Language", language);
/// ```
#[derive(Clone)]
pub struct Headers(Rc<RequestHeaders>);

impl Headers {
    /// The header's value, whatever the case of its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let private = PRIVATE
            .iter()
            .any(|private| private.eq_ignore_ascii_case(name));
        if private {
            None
        } else {
            self.0.0.get(name).map(Cow::into_owned)
        }
    }

    /// Every header, by lower-case name.
    #[must_use]
    pub fn all(&self) -> Vec<(String, String)> {
        self.0
            .0
            .all()
            .into_iter()
            .filter(|(name, _)| {
                !PRIVATE
                    .iter()
                    .any(|private| private.eq_ignore_ascii_case(name))
            })
            .collect()
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headers").finish_non_exhaustive()
    }
}

impl Extract for Headers {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let headers = context.extension::<RequestHeaders>();
        Ok(Self(headers.ok_or_else(|| {
            Error::internal("This call has no headers.")
        })?))
    }
}
