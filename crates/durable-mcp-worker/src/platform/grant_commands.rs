//! Commands to the objects of users' grants.

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use oauth_server::event::Event;
use oauth_server::token::UserHandle;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::fault::js_fault;
use super::promise::settled;
use crate::http::app::Placement;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/grants.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn send(
        env: &JsValue,
        jurisdiction: Option<&str>,
        location_hint: Option<&str>,
        part: &str,
        handle: &str,
        command: &str,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = sendLater)]
    fn send_later(
        context: &JsValue,
        env: &JsValue,
        jurisdiction: Option<&str>,
        location_hint: Option<&str>,
        part: &str,
        handle: &str,
        command: &str,
    ) -> Result<(), JsValue>;
}

/// Has a command carried out by the object of the user with that handle.
pub(super) async fn command(
    env: &Env,
    placement: &Placement,
    handle: &UserHandle,
    command: &str,
) -> Result<String, RuntimeError> {
    let (jurisdiction, hint) = place(placement)?;
    let answer = settled(send(
        env.as_ref(),
        jurisdiction,
        hint,
        handle.part(),
        handle.as_str(),
        command,
    ))
    .await?;
    answer
        .as_string()
        .ok_or_else(|| Format::GrantOutcome.unreadable())
}

/// The same in the background (`waitUntil`) of the request that `context` belongs to; an object has no context.
pub(super) fn command_later(
    context: Option<&JsValue>,
    env: &Env,
    placement: &Placement,
    handle: &UserHandle,
    command: &str,
) -> Result<(), RuntimeError> {
    let (jurisdiction, hint) = place(placement)?;
    let none = JsValue::UNDEFINED;
    let context = context.unwrap_or(&none);
    send_later(
        context,
        env.as_ref(),
        jurisdiction,
        hint,
        handle.part(),
        handle.as_str(),
        command,
    )
    .map_err(js_fault)
}

fn place(placement: &Placement) -> Result<(Option<&str>, Option<&str>), RuntimeError> {
    let jurisdiction = placement
        .jurisdiction
        .as_ref()
        .map_err(|problem| RuntimeError(problem.clone()))?
        .as_deref();
    Ok((jurisdiction, placement.location_hint.as_deref()))
}

/// Writes an event's line for operators.
pub(super) fn log_event(event: &Event) {
    if let Ok(json) = serde_json::to_string(event) {
        worker::console_log!("{json}");
    }
}
