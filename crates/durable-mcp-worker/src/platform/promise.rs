//! Futures as promises to the runtime.

use std::panic::AssertUnwindSafe;

use durable_core::wire::RuntimeError;
use futures_util::future::LocalBoxFuture;
use worker::js_sys::Promise;
use worker::js_sys::futures::{JsFuture, future_to_promise, spawn_local};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;

use super::fault::js_fault;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crossing.js")]
extern "C" {
    #[wasm_bindgen(js_name = hideQueueMicrotask)]
    fn hide_queue_microtask() -> JsValue;

    #[wasm_bindgen(js_name = showQueueMicrotask)]
    fn show_queue_microtask(hidden: &JsValue);
}

/// Has futures run by promises, which is quicker here, before any of them has.
pub(super) fn prefer_promises() {
    let hidden = hide_queue_microtask();
    spawn_local(async {});
    show_queue_microtask(&hidden);
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crash.js")]
extern "C" {
    fn guarded(promise: &Promise) -> Promise;

    /// A promised answer, with an error in the place of one that does not come.
    #[wasm_bindgen(js_name = orFailed)]
    pub(super) fn or_failed(answer: &Promise, request: &web_sys::Request) -> Promise;

    /// The same for an answer that comes from another object, and not from this module.
    #[wasm_bindgen(js_name = passOn)]
    pub(super) fn pass_on(answer: &Promise) -> JsValue;

    /// A promise of an answer that is known already.
    pub(super) fn given(answer: &JsValue, request: &web_sys::Request) -> Promise;
}

/// Runs a future. It takes any in one type, since each type of future would bring its own copy of what drives it. The promise is
/// refused if the module breaks down before the future is through.
pub(super) fn promised(future: LocalBoxFuture<'static, Result<JsValue, JsValue>>) -> Promise {
    guarded(&future_to_promise(AssertUnwindSafe(future)))
}

/// Waits for a promise of the runtime.
pub(super) async fn settled(promise: Result<Promise, JsValue>) -> Result<JsValue, RuntimeError> {
    let outcome = match promise {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    outcome.map_err(js_fault)
}
