//! Variables and secrets of the deployment.

use worker::Env;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crossing.js")]
extern "C" {
    #[wasm_bindgen(js_name = textOf)]
    fn text_of(env: &JsValue, name: &str) -> Option<String>;
}

/// Reads a variable or a secret of the deployment. A number, a boolean and a list, as `wrangler.toml` may have them, come as
/// text. Any other binding of that name comes as a text that is no value of any variable.
#[must_use]
pub fn variable(env: &Env, name: &str) -> Option<String> {
    text_of(env.as_ref(), name)
}
