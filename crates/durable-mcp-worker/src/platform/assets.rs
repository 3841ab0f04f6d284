//! Files of the deployment's assets, where the Worker runs before them.

use durable_core::wire::{Reply, RuntimeError};
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;

use super::convert;
use super::fault::{fault, js_fault};
use crate::http::app::PLAYGROUND;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/assets.js")]
extern "C" {
    #[wasm_bindgen(js_name = fileOf)]
    fn file_of(
        assets: &JsValue,
        request: &web_sys::Request,
        framed: &str,
        server: Option<&str>,
    ) -> Promise;
}

/// The file that a request asks for.
pub(super) fn file(
    env: &worker::Env,
    request: &web_sys::Request,
    framed: &str,
    server: Option<&str>,
) -> Result<Reply, RuntimeError> {
    let assets = Reflect::get(env.as_ref(), &PLAYGROUND.into()).map_err(js_fault)?;
    if assets.is_undefined() {
        return Err(fault(format!("there is no binding {PLAYGROUND}")));
    }
    Ok(convert::pending(file_of(&assets, request, framed, server)))
}
