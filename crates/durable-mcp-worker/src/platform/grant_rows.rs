//! The rows of an object's users: their grants, and when each user is looked at next.
//!
//! Grants are key-value rows, which are rows of the object's SQLite, read and written at once. The times are a table of
//! their own, which is written when a user signs in first and when they were looked at: not at each step of a grant.

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::grant_store::{CountRow, GrantStore};
use oauth_server::token::UserHandle;
use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::fault::js_fault;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/grants.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = rowGet)]
    fn row_get(state: &JsValue, user: &str, id: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch, js_name = rowPut)]
    fn row_put(state: &JsValue, user: &str, id: &str, json: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = rowDelete)]
    fn row_delete(state: &JsValue, user: &str, id: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = rowAll)]
    fn row_all(state: &JsValue, user: &str) -> Result<Array, JsValue>;

    #[wasm_bindgen(catch, js_name = countGet)]
    fn count_get(state: &JsValue, name: &str, user: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(catch, js_name = countPut)]
    fn count_put(
        state: &JsValue,
        name: &str,
        user: &str,
        json: Option<&str>,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = wakesAt)]
    fn wakes_at(state: &JsValue, user: &str) -> Result<Option<f64>, JsValue>;

    #[wasm_bindgen(catch, js_name = wakeAt)]
    fn wake_at(state: &JsValue, user: &str, time: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = due)]
    fn users_due(state: &JsValue, now: f64, limit: u32) -> Result<Array, JsValue>;

    #[wasm_bindgen(catch, js_name = lookedAt)]
    fn user_looked_at(state: &JsValue, user: &str, now: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = wakeAgain)]
    fn order_again(state: &JsValue, earliest: f64) -> Result<(), JsValue>;
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are far from where whole numbers end"
)]
const fn number(time: u64) -> f64 {
    time as f64
}

/// The users who are due, those who wait for the longest first.
pub(super) fn due(state: &JsValue, now: u64, limit: u32) -> Result<Vec<String>, RuntimeError> {
    let users = users_due(state, number(now), limit).map_err(js_fault)?;
    users
        .iter()
        .map(|user| {
            user.as_string()
                .ok_or_else(|| Format::GrantTimes.unreadable())
        })
        .collect()
}

/// Has a user looked at later.
pub(super) fn postpone(state: &JsValue, user: &str, time: u64) -> Result<(), RuntimeError> {
    wake_at(state, user, number(time)).map_err(js_fault)
}

/// Notes that a user was handled. The next time, if there is one, is stored already.
pub(super) fn looked_at(state: &JsValue, user: &str, now: u64) -> Result<(), RuntimeError> {
    user_looked_at(state, user, number(now)).map_err(js_fault)
}

/// Has the object woken when the next user is due, but not before `earliest`.
pub(super) fn wake_again(state: &JsValue, earliest: u64) -> Result<(), RuntimeError> {
    order_again(state, number(earliest)).map_err(js_fault)
}

/// The rows of one user.
pub(super) struct SqlGrantStore {
    state: JsValue,
    user: String,
}

impl SqlGrantStore {
    pub(super) fn new(state: JsValue, handle: &UserHandle) -> Self {
        Self {
            state,
            user: handle.as_str().to_owned(),
        }
    }
}

impl GrantStore for SqlGrantStore {
    fn get(&self, id: &str) -> Result<Option<String>, RuntimeError> {
        row_get(&self.state, &self.user, id).map_err(js_fault)
    }

    fn put(&self, id: &str, json: &str) -> Result<(), RuntimeError> {
        row_put(&self.state, &self.user, id, json).map_err(js_fault)
    }

    fn delete(&self, id: &str) -> Result<(), RuntimeError> {
        row_delete(&self.state, &self.user, id).map_err(js_fault)
    }

    fn all(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        let texts = row_all(&self.state, &self.user).map_err(js_fault)?;
        // A value that is no text is a row all the same, of another version.
        let mut texts = texts
            .into_iter()
            .map(|text| text.as_string().unwrap_or_default());
        let mut rows = Vec::new();
        while let (Some(id), Some(json)) = (texts.next(), texts.next()) {
            rows.push((id, json));
        }
        Ok(rows)
    }

    fn count_row(&self, row: CountRow) -> Result<Option<String>, RuntimeError> {
        count_get(&self.state, row.name(), &self.user).map_err(js_fault)
    }

    fn put_count_row(&self, row: CountRow, json: Option<&str>) -> Result<(), RuntimeError> {
        count_put(&self.state, row.name(), &self.user, json).map_err(js_fault)
    }

    fn wakes_at(&self) -> LocalBoxFuture<'_, Result<Option<u64>, RuntimeError>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time in whole milliseconds since 1970"
        )]
        let ordered =
            wakes_at(&self.state, &self.user).map(|ordered| ordered.map(|time| time as u64));
        async move { ordered.map_err(js_fault) }.boxed_local()
    }

    fn wake_at(&self, time: u64) -> Result<(), RuntimeError> {
        wake_at(&self.state, &self.user, number(time)).map_err(js_fault)
    }
}
