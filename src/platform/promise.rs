//! What the runtime is promised.

use std::panic::AssertUnwindSafe;

use futures_util::future::LocalBoxFuture;
use worker::js_sys::Promise;
use worker::js_sys::futures::future_to_promise;
use worker::wasm_bindgen::JsValue;

/// Runs a future. It takes any in one type, since each type of future would bring its own copy of what drives it.
pub(super) fn promised(future: LocalBoxFuture<'static, Result<JsValue, JsValue>>) -> Promise {
    future_to_promise(AssertUnwindSafe(future))
}
