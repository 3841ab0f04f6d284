//! The Durable Object that makes and keeps the deployment's keys, where no secret is set.

use std::rc::Rc;

use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Response, Result, SqlStorageValue, State};

use crate::http::App;
use crate::keys::{KEY_BYTES, Keys, TOKENS_LIVE_MS};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS keys (ring INTEGER PRIMARY KEY CHECK (ring = 0), value TEXT NOT NULL)";
const GET: &str = "SELECT value FROM keys";
const PUT: &str = "INSERT OR REPLACE INTO keys (ring, value) VALUES (0, ?)";

/// The name under which the one object of its class is found.
pub(super) const NAME: &str = "keys";

/// The object that keeps the keys. Only the Worker in front can reach it, and only the Worker reads its answer.
pub struct KeyRing {
    state: State,
    longest: u64,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: State, app: &App) -> Self {
        Self { state, longest: app.settings.max_age_ms.max(TOKENS_LIVE_MS) }
    }

    /// Gives the keys, made or renewed where that is due.
    pub fn fetch(&self) -> Promise {
        match self.keys() {
            Ok(response) => Promise::resolve(&JsValue::from(web_sys::Response::from(response))),
            Err(error) => Promise::reject(&error.into()),
        }
    }

    fn keys(&self) -> Result<Response> {
        let sql = self.state.storage().sql();
        sql.exec(CREATE, None)?;
        let kept = sql.exec(GET, None)?.raw().next().transpose()?;
        let kept = match kept.as_deref() {
            Some([SqlStorageValue::String(text)]) => Keys::from_text(text),
            _ => None,
        };
        let now = super::edge::now();
        let keys = match kept {
            Some(keys) if !keys.is_due(now) => return Response::ok(keys.to_text()),
            Some(keys) => keys.rotated(random()?, now, self.longest),
            None => Keys::generate(random()?, now),
        };
        sql.exec(PUT, vec![keys.to_text().into()])?;
        Response::ok(keys.to_text())
    }
}

fn random() -> Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Ok(bytes)
}

/// The keys as the Worker reads them.
pub(super) async fn read(namespace: &worker::ObjectNamespace) -> Result<Rc<Keys>> {
    let mut answer = namespace.get_by_name(NAME)?.fetch_with_str("https://key-ring/").await?;
    let keys = Keys::from_text(&answer.text().await?);
    keys.map(Rc::new).ok_or_else(|| worker::Error::RustError("the keys cannot be read".to_owned()))
}
