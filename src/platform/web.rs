//! Fetches from the public web.

use std::time::Duration;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::{FutureExt, StreamExt};
use worker::wasm_bindgen::JsCast;
use worker::{AbortController, AbortSignal, ByteStream, Delay, Fetch as Fetching, Headers, Request, RequestInit, RequestRedirect};

use crate::oauth::metadata_document::{Fetch, Fetched};
use crate::wire::Fault;

/// The public web, as the Worker reaches it.
pub(super) struct Web;

impl Fetch for Web {
    fn get<'a>(
        &'a self,
        url: &'a str,
        limit: usize,
        timeout_ms: u32,
    ) -> LocalBoxFuture<'a, Result<Fetched, Fault>> {
        async move {
            let abort = AbortController::default();
            let fetched = get(url, limit, abort.signal()).boxed_local();
            let late = Delay::from(Duration::from_millis(timeout_ms.into())).boxed_local();
            let fetched = match select(fetched, late).await {
                Either::Left((fetched, _)) => Some(fetched),
                Either::Right(((), _)) => None,
            };
            match fetched {
                Some(fetched) => fetched.map_err(|error| Fault(error.to_string())),
                None => {
                    abort.abort();
                    Err(Fault(format!("there was no answer within {timeout_ms} ms")))
                }
            }
        }
        .boxed_local()
    }
}

async fn get(url: &str, limit: usize, abort: AbortSignal) -> worker::Result<Fetched> {
    let headers = Headers::new();
    headers.set("accept", "application/json")?;
    let mut init = RequestInit::new();
    init.with_headers(headers).with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url, &init)?;
    let response = Fetching::Request(request).send_with_signal(&abort).await?;
    let (status, headers) = (response.status_code(), response.headers().clone());
    let (content_type, cache_control) = (headers.get("content-type")?, headers.get("cache-control")?);
    let response = worker::worker_sys::web_sys::Response::from(response);
    let mut body = Vec::new();
    if let Some(stream) = response.body() {
        let mut stream = ByteStream::from(stream.unchecked_into::<worker::worker_sys::web_sys::ReadableStream>());
        while let Some(chunk) = stream.next().await {
            body.extend(chunk?);
            if body.len() > limit {
                // One byte more shows that it is too long; the rest need not come.
                body.truncate(limit + 1);
                break;
            }
        }
    }
    Ok(Fetched { status, content_type, cache_control, body })
}
