//! Models, as the Worker reaches them: Workers AI, or an OpenAI-compatible endpoint.

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
use crate::http::playground::settings::ModelSource;
use crate::http::request_runtime::{ModelAnswer, ModelRequest, ModelWork};
use crate::session::host::CallRuntime;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/model.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn ask(
        exchange: &Exchange,
        env: &JsValue,
        model: &str,
        url: Option<&str>,
        key: Option<&str>,
        body: &str,
    ) -> Result<Promise, JsValue>;
}

/// Timeout of a whole answer, in milliseconds.
const LONGEST_MS: u32 = 5 * 60 * 1000;

/// Interval of the check whether an answer may continue, in milliseconds: ended access stops it within two seconds.
const LOOK_MS: u32 = 1000;

/// Asks a model, until the client of the request hangs up. What has to happen before and after is a task of its own, which
/// goes on then.
pub(super) async fn answer(
    runtime: &WorkerRuntime,
    work: Rc<dyn ModelWork>,
) -> Result<Result<ModelAnswer, Reply>, RuntimeError> {
    let (tell, told) = oneshot::channel();
    let own = runtime.clone();
    runtime.spawn(
        async move {
            let request = match work.prepare(&own).await {
                Ok(request) => request,
                Err(refused) => return drop(tell.send(Ok(Err(refused)))),
            };
            let used = passed_on(&own, request, &*work, tell).await;
            work.over(&own, used);
        }
        .boxed_local(),
    );
    told.await
        .unwrap_or_else(|_| Err(RuntimeError("nobody asked the model".to_owned())))
}

/// Asks a model, gives its answer to `tell`, and the tokens that were used once it is over; none where there is no answer.
async fn passed_on(
    runtime: &WorkerRuntime,
    request: ModelRequest,
    work: &dyn ModelWork,
    tell: oneshot::Sender<Result<Result<ModelAnswer, Reply>, RuntimeError>>,
) -> Option<u64> {
    let asked = async {
        let exchange = Exchange::new(runtime, LONGEST_MS)?;
        let answer = ask_for(runtime, &exchange, request).await?;
        Ok((exchange, answer))
    };
    match asked.await {
        Ok((exchange, answer)) => {
            let _ = tell.send(Ok(Ok(answer)));
            let goes_on = || work.goes_on(runtime);
            let tokens = exchange.counted();
            Some(exchange.watched(runtime, LOOK_MS, tokens, goes_on).await)
        }
        Err(fault) => {
            let _ = tell.send(Err(fault));
            None
        }
    }
}

async fn ask_for(
    runtime: &WorkerRuntime,
    exchange: &Exchange,
    request: ModelRequest,
) -> Result<ModelAnswer, RuntimeError> {
    let ModelRequest {
        source,
        model,
        body,
    } = request;
    let (url, key) = match &source {
        ModelSource::WorkersAi => (None, None),
        ModelSource::OpenAi { url, key } => {
            (Some(url.as_str()), key.as_ref().map(|key| key.secret()))
        }
    };
    let asked = ask(
        exchange,
        runtime.env.as_ref().as_ref(),
        &model,
        url,
        key,
        &body,
    );
    let parts = Array::from(&settled(asked).await?);
    let status = status(&parts);
    if status != 200 {
        return Ok(ModelAnswer::Failure {
            status,
            retry_after: parts.get(1).as_string(),
            text: parts.get(2).as_string().unwrap_or_default(),
        });
    }
    let stream: web_sys::ReadableStream = parts.get(2).unchecked_into();
    Ok(ModelAnswer::Stream {
        is_document: parts.get(1).is_truthy(),
        body: ReplyBody::NativeStream(Box::new(stream)),
    })
}
