//! Requests of the playground's relay, as the Worker sends them.

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use worker::js_sys::{Array, Function, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::kv::settled;
use super::request_runtime::WorkerEdge;
use crate::http::request_runtime::{RelayAnswer, RelayRequest, RelayWork};
use crate::session::host::CallRuntime;
use crate::wire::{Body, Reply, RuntimeError};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/relay.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = lookUp)]
    fn get(url: &str, longest: u32) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = send)]
    fn exchange(
        request: &web_sys::Request,
        method: &str,
        url: &str,
        headers: &Array,
        body: Option<&str>,
        limit: u32,
        longest: u32,
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

/// Time for the body of an answer that is no stream, in milliseconds: such an answer is written at once, and no stream counts it.
const LONGEST_BODY_MS: u32 = 60_000;

/// Timeout of a look-up, in milliseconds.
const LOOK_UP_MS: u32 = 5000;

/// Interval of the check whether a stream may continue, in milliseconds.
const LOOK_MS: u32 = 10_000;

/// Gets an answer of a resolver.
pub(super) async fn look_up(url: &str) -> Result<String, RuntimeError> {
    let text = settled(get(url, LOOK_UP_MS)).await?;
    text.as_string()
        .ok_or_else(|| RuntimeError("an answer that is no text".to_owned()))
}

/// Sends a request, until its client hangs up.
pub(super) async fn send(
    runtime: &WorkerEdge,
    request: RelayRequest,
    work: Rc<dyn RelayWork>,
) -> Result<Result<RelayAnswer, Reply>, RuntimeError> {
    let Exchange { answer, passing } = match exchanged(runtime, request).await {
        Ok(exchange) => exchange,
        Err(fault) => {
            work.over(runtime, 0, false).await;
            return Err(fault);
        }
    };
    let is_stream = passing.is_some() && answer.media_type == "text/event-stream";
    let allowed = work.answered(runtime, answer.status, is_stream).await;
    if let (Err(_), Some(passing)) = (&allowed, &passing) {
        passing.end();
    }
    let own = runtime.clone();
    runtime.spawn(
        async move {
            let bytes = match passing {
                Some(passing) => passing.over(&own, &*work, is_stream).await,
                None => 0,
            };
            work.over(&own, bytes, is_stream).await;
        }
        .boxed_local(),
    );
    Ok(allowed.map(|()| answer))
}

struct Exchange {
    answer: RelayAnswer,
    passing: Option<Passing>,
}

/// A body that is passed on.
struct Passing {
    total: LocalBoxFuture<'static, u64>,
    stop: Function,
}

impl Passing {
    fn end(&self) {
        let _ = self.stop.call0(&JsValue::UNDEFINED);
    }

    /// Waits for the end of a body, which comes soon where it may not go on. Gives its bytes.
    async fn over(mut self, runtime: &WorkerEdge, work: &dyn RelayWork, is_stream: bool) -> u64 {
        if !is_stream {
            return self.total.await;
        }
        loop {
            match select(self.total, runtime.sleep(LOOK_MS)).await {
                Either::Left((bytes, _)) => return bytes,
                Either::Right(((), rest)) => self.total = rest,
            }
            if !work.goes_on(runtime).await {
                let _ = self.stop.call0(&JsValue::UNDEFINED);
                return self.total.await;
            }
        }
    }
}

async fn exchanged(runtime: &WorkerEdge, request: RelayRequest) -> Result<Exchange, RuntimeError> {
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
    let (request, body) = (&runtime.request, body.as_deref());
    let sent = exchange(
        request,
        method.as_str(),
        &url,
        &given,
        body,
        MAX_BYTES,
        LONGEST_MS,
        LONGEST_BODY_MS,
    );
    let parts = Array::from(&settled(sent).await?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status has three digits"
    )]
    let status = parts.get(0).as_f64().unwrap_or_default() as u16;
    let mut flat = Array::from(&parts.get(1))
        .into_iter()
        .map(|text| text.as_string().unwrap_or_default());
    let mut headers = Vec::new();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        headers.push((name, value));
    }
    let media_type = parts.get(2).as_string().unwrap_or_default();
    let mut answer = RelayAnswer {
        status,
        headers,
        media_type,
        body: None,
    };
    if parts.length() == 3 {
        return Ok(Exchange {
            answer,
            passing: None,
        });
    }
    let stream: web_sys::ReadableStream = parts.get(3).unchecked_into();
    answer.body = Some(Body::NativeStream(Box::new(stream)));
    let total: Promise = parts.get(4).unchecked_into();
    let passing = Passing {
        total: counted(total).boxed_local(),
        stop: parts.get(5).unchecked_into(),
    };
    Ok(Exchange {
        answer,
        passing: Some(passing),
    })
}

async fn counted(total: Promise) -> u64 {
    let total = settled(Ok(total))
        .await
        .ok()
        .and_then(|total| total.as_f64())
        .unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, which is whole"
    )]
    let total = total as u64;
    total
}
