//! Requests of the playground's relay, as the Worker sends them.

use std::rc::Rc;

use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use futures_channel::oneshot;
use futures_util::FutureExt;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::exchange::{Exchange, status};
use super::promise::settled;
use super::worker_runtime::WorkerRuntime;
use crate::http::request_runtime::{RelayAnswer, RelayRequest, RelayWork};
use crate::session::host::CallRuntime;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/relay.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = lookUp)]
    fn get(url: &str, longest: u32) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = send)]
    fn send_by(
        exchange: &Exchange,
        method: &str,
        url: &str,
        headers: &Array,
        body: Option<&str>,
        limit: u32,
        longest_body: u32,
    ) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/web.js")]
extern "C" {
    /// True if fetches of the Worker's own zone go through the zone's front door.
    #[wasm_bindgen(js_name = isStrictlyPublic)]
    pub(super) fn is_strictly_public() -> bool;
}

/// Bytes of an answer.
const MAX_BYTES: u32 = 20 * 1024 * 1024;

/// Timeout of a whole exchange, in milliseconds.
const LONGEST_MS: u32 = 10 * 60 * 1000;

/// Time for the body of an answer that is no stream, in milliseconds: such an answer is written at once.
const LONGEST_BODY_MS: u32 = 60_000;

/// Timeout of a look-up, in milliseconds.
const LOOK_UP_MS: u32 = 5000;

/// Interval of the check whether a request may continue, in milliseconds.
const LOOK_MS: u32 = 10_000;

/// Gets an answer of a resolver.
pub(super) async fn look_up(url: &str) -> Result<String, RuntimeError> {
    let text = settled(get(url, LOOK_UP_MS)).await?;
    text.as_string()
        .ok_or_else(|| RuntimeError("an answer that is no text".to_owned()))
}

/// Sends a request, until its client hangs up. The work beside it is a task of its own, which goes on then.
pub(super) async fn send(
    runtime: &WorkerRuntime,
    request: RelayRequest,
    work: Rc<dyn RelayWork>,
) -> Result<Result<RelayAnswer, Reply>, RuntimeError> {
    let (tell, told) = oneshot::channel();
    let own = runtime.clone();
    runtime.spawn(
        async move {
            if let Err(refused) = work.prepare(&own).await {
                let _ = tell.send(Ok(Err(refused)));
                return;
            }
            let bytes = passed_on(&own, request, &*work, tell).await;
            work.over(&own, bytes).await;
        }
        .boxed_local(),
    );
    told.await
        .unwrap_or_else(|_| Err(RuntimeError("the request was not sent".to_owned())))
}

/// Sends a request and gives its answer to `tell`, and the bytes that were passed on once it is over.
async fn passed_on(
    runtime: &WorkerRuntime,
    request: RelayRequest,
    work: &dyn RelayWork,
    tell: oneshot::Sender<Result<Result<RelayAnswer, Reply>, RuntimeError>>,
) -> u64 {
    let exchange = match Exchange::new(runtime, LONGEST_MS) {
        Ok(exchange) => exchange,
        Err(fault) => {
            let _ = tell.send(Err(fault));
            return 0;
        }
    };
    let goes_on = || work.goes_on(runtime);
    let answer = answer(&exchange, request).boxed_local();
    let answer = exchange.watched(runtime, LOOK_MS, answer, goes_on).await;
    if let Ok(answer) = &answer {
        work.answered(answer.status);
    }
    let _ = tell.send(answer.map(Ok));
    let total = exchange.counted();
    exchange.watched(runtime, LOOK_MS, total, goes_on).await
}

async fn answer(exchange: &Exchange, request: RelayRequest) -> Result<RelayAnswer, RuntimeError> {
    let RelayRequest {
        method,
        url,
        headers,
        body,
    } = request;
    let given = Array::new();
    for (name, value) in headers {
        given.push(&Array::of2(&name.into(), &value.into()));
    }
    let sent = send_by(
        exchange,
        method.as_str(),
        &url,
        &given,
        body.as_deref(),
        MAX_BYTES,
        LONGEST_BODY_MS,
    );
    let parts = Array::from(&settled(sent).await?);
    let mut flat = Array::from(&parts.get(1))
        .into_iter()
        .map(|text| text.as_string().unwrap_or_default());
    let mut headers = Vec::new();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        headers.push((name, value));
    }
    let body = (parts.length() > 3).then(|| {
        let stream: web_sys::ReadableStream = parts.get(3).unchecked_into();
        ReplyBody::NativeStream(Box::new(stream))
    });
    Ok(RelayAnswer {
        status: status(&parts),
        headers,
        media_type: parts.get(2).as_string().unwrap_or_default(),
        body,
    })
}
