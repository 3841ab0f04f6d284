//! The runtime's regular expressions.

use std::rc::Rc;

use durable_mcp_protocol::pattern::Matcher;
use worker::js_sys::{Array, Function, Reflect, RegExp, global};
use worker::wasm_bindgen::{JsCast, JsValue};

/// Compiles a pattern with the flag `u`. `RegExp::new` would end the module at one that is wrong: it does not catch.
pub(super) fn compile(pattern: &str) -> Result<Matcher, String> {
    let constructed = Reflect::get(&global(), &JsValue::from_str("RegExp")).and_then(|class| {
        let arguments = Array::of2(&JsValue::from_str(pattern), &JsValue::from_str("u"));
        Reflect::construct(class.unchecked_ref::<Function>(), &arguments)
    });
    let expression =
        constructed.map_err(|error| error.as_string().unwrap_or_else(|| format!("{error:?}")))?;
    let expression: RegExp = expression.unchecked_into();
    Ok(Rc::new(move |text: &str| expression.test(text)))
}
