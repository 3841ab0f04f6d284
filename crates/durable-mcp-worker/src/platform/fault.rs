//! Faults of the runtime's JavaScript.

use durable_core::wire::RuntimeError;
use worker::wasm_bindgen::JsValue;

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that it can be given to map_err by name"
)]
pub(super) fn fault(error: impl ToString) -> RuntimeError {
    RuntimeError(error.to_string())
}

pub(super) fn js_fault(error: JsValue) -> RuntimeError {
    fault(worker::Error::from(error))
}
