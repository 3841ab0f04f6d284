//! What the runtime is promised.

use std::panic::AssertUnwindSafe;

use futures_util::future::LocalBoxFuture;
use worker::js_sys::Promise;
use worker::js_sys::futures::{future_to_promise, spawn_local};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

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

/// Runs a future. It takes any in one type, since each type of future would bring its own copy of what drives it.
pub(super) fn promised(future: LocalBoxFuture<'static, Result<JsValue, JsValue>>) -> Promise {
    future_to_promise(AssertUnwindSafe(future))
}
