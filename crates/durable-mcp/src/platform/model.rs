//! Models, as the Worker reaches them: Workers AI, or an OpenAI-compatible endpoint.

use std::future::ready;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use worker::js_sys::{Array, Function, Promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::kv::settled;
use super::request_runtime::WorkerEdge;
use crate::http::playground::settings::ModelSource;
use crate::http::request_runtime::{ModelAnswer, ModelRequest, ModelWork};
use crate::session::host::CallRuntime;
use crate::wire::{Body, Reply, RuntimeError};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/model.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn ask(
        request: &web_sys::Request,
        env: &JsValue,
        model: &str,
        url: Option<&str>,
        key: Option<&str>,
        body: &str,
        longest: u32,
    ) -> Result<Promise, JsValue>;
}

/// Timeout of a whole answer, in milliseconds.
const LONGEST_MS: u32 = 5 * 60 * 1000;

/// Interval of the check whether an answer may continue, in milliseconds: ended access stops it within two seconds.
const LOOK_MS: u32 = 1000;

/// Asks a model, until the client of the request hangs up. What has to happen before and after is a task of its own, which
/// goes on then.
pub(super) async fn answer(
    runtime: &WorkerEdge,
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
            let used = match ask_for(&own, request).await {
                Ok(Asked { answer, used, stop }) => {
                    let _ = tell.send(Ok(Ok(answer)));
                    Some(watched(&own, &*work, used, stop.as_ref()).await)
                }
                Err(fault) => {
                    let _ = tell.send(Err(fault));
                    None
                }
            };
            work.over(&own, used);
        }
        .boxed_local(),
    );
    told.await
        .unwrap_or_else(|_| Err(RuntimeError("nobody asked the model".to_owned())))
}

/// Waits for the end of an answer, which comes at once where it may not go on. Gives its tokens.
async fn watched(
    runtime: &WorkerEdge,
    work: &dyn ModelWork,
    mut used: LocalBoxFuture<'static, u64>,
    stop: Option<&Function>,
) -> u64 {
    loop {
        match select(used, runtime.sleep(LOOK_MS)).await {
            Either::Left((tokens, _)) => return tokens,
            Either::Right(((), rest)) => used = rest,
        }
        if !work.goes_on(runtime).await {
            let _ = stop.map(|stop| stop.call0(&JsValue::UNDEFINED));
            return used.await;
        }
    }
}

/// An answer, the tokens that it used once it is over, and the function that stops it.
struct Asked {
    answer: ModelAnswer,
    used: LocalBoxFuture<'static, u64>,
    stop: Option<Function>,
}

async fn ask_for(runtime: &WorkerEdge, request: ModelRequest) -> Result<Asked, RuntimeError> {
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
        &runtime.request,
        runtime.env.as_ref().as_ref(),
        &model,
        url,
        key,
        &body,
        LONGEST_MS,
    );
    let parts = Array::from(&settled(asked).await?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status has three digits"
    )]
    let status = parts.get(0).as_f64().unwrap_or_default() as u16;
    if status != 200 {
        let text = parts.get(2).as_string().unwrap_or_default();
        let answer = ModelAnswer::Failure {
            status,
            retry_after: parts.get(1).as_string(),
            text,
        };
        return Ok(Asked {
            answer,
            used: ready(0).boxed_local(),
            stop: None,
        });
    }
    let stream: web_sys::ReadableStream = parts.get(2).unchecked_into();
    let body = Body::NativeStream(Box::new(stream));
    let tokens: Promise = parts.get(3).unchecked_into();
    let answer = ModelAnswer::Stream {
        is_document: parts.get(1).is_truthy(),
        body,
    };
    Ok(Asked {
        answer,
        used: counted(tokens).boxed_local(),
        stop: Some(parts.get(4).unchecked_into()),
    })
}

async fn counted(tokens: Promise) -> u64 {
    let tokens = settled(Ok(tokens))
        .await
        .ok()
        .and_then(|tokens| tokens.as_f64())
        .unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, which is whole"
    )]
    let tokens = tokens as u64;
    tokens
}
