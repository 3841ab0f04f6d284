//! The Durable Object of one user's grants, and how the Worker reaches it.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::{DurableObjectState, web_sys};
use worker::{Delay, Env};

use super::kv::{fault, settled};
use super::linked;
use super::promise::promised;
use super::random::SystemRandom;
use crate::http::App;
use crate::http::app::Placement;
use crate::http::provider::{Grants, Provider};
use crate::keys::Keys;
use crate::oauth::authority::AuthorityHost;
use crate::oauth::event::Event;
use crate::oauth::grant_store::GrantStore;
use crate::oauth::port::{Kv, Random};
use crate::oauth::token::Handle;
use crate::runtime::Runtime;
use crate::wire::Fault;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/grants.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = rowGet)]
    fn row_get(state: &JsValue, id: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch, js_name = rowPut)]
    fn row_put(state: &JsValue, id: &str, json: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = rowDelete)]
    fn row_delete(state: &JsValue, id: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = rowAll)]
    fn row_all(state: &JsValue) -> Result<Array, JsValue>;

    #[wasm_bindgen(catch, js_name = wakesAt)]
    fn wakes_at(state: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = wakeAt)]
    fn wake_at(state: &JsValue, time: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = sendLater)]
    fn send_later(
        context: &JsValue,
        env: &JsValue,
        jurisdiction: Option<&str>,
        location_hint: Option<&str>,
        handle: &str,
        command: &str,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn send(
        env: &JsValue,
        jurisdiction: Option<&str>,
        location_hint: Option<&str>,
        handle: &str,
        command: &str,
    ) -> Result<Promise, JsValue>;
}

/// The object behind one user's grants. [`worker!`](crate::worker!) stamps the class that holds one.
///
/// A panic in the application's hook is caught where it is called, so nothing in here is ever seen half changed.
pub struct GrantAuthority(AssertUnwindSafe<Option<Rc<dyn Grants>>>);

impl std::fmt::Debug for GrantAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrantAuthority").finish_non_exhaustive()
    }
}

impl GrantAuthority {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: DurableObjectState, env: Env, app: &App) -> Self {
        let grants = app.provider.as_ref().and_then(|provider| linked::grants(state.into(), env, app, provider));
        Self(AssertUnwindSafe(grants))
    }

    /// Carries out a command of the Worker, which alone can reach the object.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let grants = Option::clone(&self.0);
        promised(Box::pin(async move {
            let grants = grants.ok_or_else(|| rejected(Fault("nobody signs in here".to_owned())))?;
            let command = settled(request.text()).await.map_err(rejected)?.as_string().unwrap_or_default();
            let json = grants.handle(command).await.map_err(rejected)?;
            web_sys::Response::new_with_opt_str(Some(&json)).map(JsValue::from)
        }))
    }

    /// The time that the object ordered has come.
    pub fn alarm(&self) -> Promise {
        let grants = Option::clone(&self.0);
        promised(Box::pin(async move {
            if let Some(grants) = grants {
                grants.wake().await.map_err(rejected)?;
            }
            Ok(JsValue::UNDEFINED)
        }))
    }
}

/// What the runtime hears of a failure.
fn rejected(fault: Fault) -> JsValue {
    worker::Error::RustError(fault.0).into()
}

/// Has a command carried out by the object of the user with that handle.
pub(super) async fn command(env: &Env, placement: &Placement, handle: &Handle, command: &str) -> Result<String, Fault> {
    let jurisdiction = placement.jurisdiction.as_ref().map_err(|problem| Fault(problem.clone()))?.as_deref();
    let hint = placement.location_hint.as_deref();
    let answer = settled(send(env.as_ref(), jurisdiction, hint, handle.as_str(), command)).await?;
    Ok(answer.as_string().unwrap_or_default())
}

/// The same, beside the request that `context` is of; in an object there is none.
pub(super) fn command_later(
    context: Option<&JsValue>,
    env: &Env,
    placement: &Placement,
    handle: &Handle,
    command: &str,
) -> Result<(), Fault> {
    let jurisdiction = placement.jurisdiction.as_ref().map_err(|problem| Fault(problem.clone()))?.as_deref();
    let hint = placement.location_hint.as_deref();
    send_later(context.unwrap_or(&JsValue::UNDEFINED), env.as_ref(), jurisdiction, hint, handle.as_str(), command)
        .map_err(fault)
}

/// The runtime around the object.
pub(super) struct GrantHost {
    env: Env,
    rows: Rows,
    provider: Rc<dyn Provider>,
}

impl GrantHost {
    /// The grants of the user whose object has just woken.
    pub(super) fn grants(state: JsValue, env: Env, app: &App, provider: &Rc<dyn Provider>) -> Rc<dyn Grants> {
        let host = Self { env, rows: Rows(state), provider: Rc::clone(provider) };
        provider.grants(app, Rc::new(host))
    }
}

impl Runtime for GrantHost {
    fn now(&self) -> u64 {
        super::edge::now()
    }

    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
        super::key_ring::keys(&self.env, fresh).boxed_local()
    }

    fn warn(&self, message: &str) {
        worker::console_error!("{message}");
    }
}

impl AuthorityHost for GrantHost {
    fn random(&self) -> &dyn Random {
        &SystemRandom
    }

    fn kv(&self) -> &dyn Kv {
        &self.env
    }

    fn store(&self) -> &dyn GrantStore {
        &self.rows
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        Delay::from(Duration::from_millis(milliseconds.into())).boxed_local()
    }

    fn event(&self, event: &Event) {
        log_event(event);
        self.provider.tell(event);
    }
}

/// Writes an event's line for operators.
pub(super) fn log_event(event: &Event) {
    if let Ok(json) = serde_json::to_string(event) {
        worker::console_log!("{json}");
    }
}

/// The object's key-value rows, which are rows of its SQLite: read and written at once, one call each.
struct Rows(JsValue);

impl GrantStore for Rows {
    fn get(&self, id: &str) -> Result<Option<String>, Fault> {
        row_get(&self.0, id).map_err(fault)
    }

    fn put(&self, id: &str, json: &str) -> Result<(), Fault> {
        row_put(&self.0, id, json).map_err(fault)
    }

    fn delete(&self, id: &str) -> Result<(), Fault> {
        row_delete(&self.0, id).map_err(fault)
    }

    fn all(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut texts = row_all(&self.0).map_err(fault)?.into_iter().map(|text| text.as_string().unwrap_or_default());
        let mut rows = Vec::new();
        while let (Some(id), Some(json)) = (texts.next(), texts.next()) {
            rows.push((id, json));
        }
        Ok(rows)
    }

    fn wakes_at(&self) -> LocalBoxFuture<'_, Result<Option<u64>, Fault>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time in whole milliseconds since 1970"
        )]
        let time = |time: JsValue| time.as_f64().map(|time| time as u64);
        settled(wakes_at(&self.0)).map(move |outcome| outcome.map(time)).boxed_local()
    }

    fn wake_at(&self, time: u64) -> Result<(), Fault> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far from where whole numbers end")]
        let time = time as f64;
        wake_at(&self.0, time).map_err(fault)
    }
}
