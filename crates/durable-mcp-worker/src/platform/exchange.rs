//! Requests to other servers whose answers are passed on to a client as they come, and counted on the way.

use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::{Either, Future, LocalBoxFuture, select};
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;

use super::fault::js_fault;
use super::promise::settled;
use super::worker_runtime::WorkerRuntime;
use crate::session::host::CallRuntime;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/exchange.js")]
extern "C" {
    /// A request to another server, and its answer.
    pub(super) type Exchange;

    #[wasm_bindgen(constructor, catch)]
    fn begin(request: &web_sys::Request, longest: u32) -> Result<Exchange, JsValue>;

    #[wasm_bindgen(method)]
    fn stop(this: &Exchange);

    #[wasm_bindgen(method, getter)]
    fn total(this: &Exchange) -> Option<Promise>;
}

impl Exchange {
    /// An exchange that stops when the client of the request hangs up, and after `longest` milliseconds.
    pub(super) fn new(runtime: &WorkerRuntime, longest: u32) -> Result<Self, RuntimeError> {
        Self::begin(&runtime.request, longest).map_err(js_fault)
    }

    /// Waits for a step of the exchange, which is stopped where the work may not go on: the step ends soon then.
    pub(super) async fn watched<T, G: Future<Output = bool>>(
        &self,
        runtime: &WorkerRuntime,
        every_ms: u32,
        mut step: LocalBoxFuture<'_, T>,
        goes_on: impl Fn() -> G,
    ) -> T {
        loop {
            match select(step, runtime.sleep(every_ms)).await {
                Either::Left((done, _)) => return done,
                Either::Right(((), rest)) => step = rest,
            }
            if !goes_on().await {
                self.stop();
                return step.await;
            }
        }
    }

    /// Bytes counted of the answer, once it is over; 0 where nothing of it is passed on.
    pub(super) fn counted(&self) -> LocalBoxFuture<'static, u64> {
        let total = self.total();
        async move {
            let Some(total) = total else { return 0 };
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
        .boxed_local()
    }
}

/// The status of an answer, which is the first of its parts.
pub(super) fn status(parts: &Array) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a status has three digits"
    )]
    let status = parts.get(0).as_f64().unwrap_or_default() as u16;
    status
}
