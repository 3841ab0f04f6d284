//! Identity providers, as the Worker and the users' objects reach them.

use std::time::Duration;

use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use http::{Request, Response};
use sign_in::upstream::{UnverifiedSignature, Upstream, UpstreamFuture};
use worker::js_sys::{Array, Promise, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::clock;
use super::promise::settled;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/upstream.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn send(
        method: &str,
        url: &str,
        headers: &Array,
        body: Option<Vec<u8>>,
        limit: usize,
        timeout: u32,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    fn verify(
        algorithm: &str,
        jwk: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<Promise, JsValue>;
}

/// The public web and the runtime's cryptography.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicWeb;

impl Upstream for PublicWeb {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn send(
        &self,
        request: Request<Vec<u8>>,
        limit: usize,
        timeout: Duration,
    ) -> UpstreamFuture<'_, Response<Vec<u8>>> {
        // The runtime counts in 31 bits: 24 days.
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        async move {
            let headers = Array::new();
            for (name, value) in request.headers() {
                let value = value
                    .to_str()
                    .map_err(|_| RuntimeError(format!("the header {name} is not ASCII")))?;
                headers.push(&Array::of2(&name.as_str().into(), &value.into()));
            }
            let (method, url) = (request.method().to_string(), request.uri().to_string());
            let body = Some(request.into_body()).filter(|body| !body.is_empty());
            let parts = Array::from(
                &settled(send(
                    &method,
                    &url,
                    &headers,
                    body,
                    limit,
                    timeout_ms.unsigned_abs(),
                ))
                .await?,
            );
            answer(&parts).map_err(|error| RuntimeError(format!("an answer that is none: {error}")))
        }
        .boxed_local()
    }

    fn verify<'a>(&'a self, signature: UnverifiedSignature<'a>) -> UpstreamFuture<'a, bool> {
        async move {
            let UnverifiedSignature {
                algorithm,
                key,
                signed,
                bytes,
            } = signature;
            let verified =
                settled(verify(algorithm.as_str(), &key.to_string(), signed, bytes)).await?;
            Ok(verified.as_bool() == Some(true))
        }
        .boxed_local()
    }
}

fn answer(parts: &Array) -> Result<Response<Vec<u8>>, http::Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status has three digits"
    )]
    let status = parts.get(0).as_f64().unwrap_or_default() as u16;
    let mut response = Response::builder().status(status);
    let mut headers = Array::from(&parts.get(1))
        .into_iter()
        .map(|text| text.as_string().unwrap_or_default());
    while let (Some(name), Some(value)) = (headers.next(), headers.next()) {
        response = response.header(name, value);
    }
    response.body(Uint8Array::new(&parts.get(2)).to_vec())
}
