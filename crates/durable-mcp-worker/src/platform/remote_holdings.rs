//! The end of sessions and tasks of a grant, in their objects.

use durable_core::wire::RuntimeError;
use worker::Env;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::fault::js_fault;
use super::key_ring;
use super::promise::settled;
use super::worker_runtime::{MCP_OBJECT, MCP_TASK};
use crate::task::command::Command;
use crate::transport::internal_headers::SESSION;
use crate::transport::session_id::{ObjectId, SessionClaims};

/// Asks a session's object to end, as its client can by `DELETE`. A key that names no session counts as ended.
pub(super) async fn end_session(env: &Env, key: &str) -> Result<(), RuntimeError> {
    let Some(claims) = SessionClaims::of_key(key) else {
        return Ok(());
    };
    let keys = key_ring::keys(env, false).await?;
    let headers = web_sys::Headers::new().map_err(js_fault)?;
    headers
        .set(SESSION, &claims.sign(&keys))
        .map_err(js_fault)?;
    let init = web_sys::RequestInit::new();
    init.set_method("DELETE");
    init.set_headers(&headers);
    let request =
        web_sys::Request::new_with_str_and_init("https://session/", &init).map_err(js_fault)?;
    match ask(env, MCP_OBJECT, claims.object, &request).await? {
        // With 404 the session had ended already.
        204 | 404 => Ok(()),
        status => Err(RuntimeError(format!("a session's object answers {status}"))),
    }
}

/// Stops a task and deletes all of its data.
pub(super) async fn end_task(env: &Env, key: &str) -> Result<(), RuntimeError> {
    let Some(object) = ObjectId::from_hex(key) else {
        return Ok(());
    };
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&Command::End.to_text()));
    let request =
        web_sys::Request::new_with_str_and_init("https://task/", &init).map_err(js_fault)?;
    match ask(env, MCP_TASK, object, &request).await? {
        200 => Ok(()),
        status => Err(RuntimeError(format!("a task's object answers {status}"))),
    }
}

/// Status of an object's answer.
async fn ask(
    env: &Env,
    class: &str,
    object: ObjectId,
    request: &web_sys::Request,
) -> Result<u16, RuntimeError> {
    let failed = |error: worker::Error| RuntimeError(error.to_string());
    let namespace = env.durable_object(class).map_err(failed)?;
    let id = namespace.id_from_string(&object.to_hex()).map_err(failed)?;
    let stub = id
        .get_stub()
        .map_err(failed)?
        .into_rpc::<worker::worker_sys::DurableObject>();
    let answer = settled(stub.fetch_with_request(request)).await?;
    Ok(answer.unchecked_into::<web_sys::Response>().status())
}
