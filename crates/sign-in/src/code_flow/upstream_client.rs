//! HTTP client with which the crate `oauth2` calls a token endpoint.

use std::fmt;

use durable_core::wire::read_json;
use futures_util::future::{FutureExt, LocalBoxFuture};
use http::StatusCode;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::Value;

use crate::upstream::{Upstream, send};

/// The provider does not answer, or not as an OAuth server does.
#[derive(Debug)]
pub(super) struct UpstreamError(pub(super) String);

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UpstreamError {}

/// The crate's way to the provider.
pub(super) struct UpstreamClient<'a>(pub(super) &'a dyn Upstream);

impl<'c> AsyncHttpClient<'c> for UpstreamClient<'_> {
    type Error = UpstreamError;
    type Future = LocalBoxFuture<'c, Result<HttpResponse, UpstreamError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let mut answer = send(self.0, request)
                .await
                .map_err(|fault| UpstreamError(fault.0))?;
            let status = answer.status();
            if status.is_server_error()
                || status.is_redirection()
                || status == StatusCode::TOO_MANY_REQUESTS
            {
                return Err(UpstreamError(format!(
                    "the token endpoint answers {status}"
                )));
            }
            // GitHub says 200 to errors.
            let body: Value = read_json(answer.body()).unwrap_or_default();
            if body.get("error").is_some_and(Value::is_string) {
                *answer.status_mut() = StatusCode::BAD_REQUEST;
            }
            Ok(answer)
        }
        .boxed_local()
    }
}
