//! The Durable Object that makes and stores the deployment's keys, where no secret is set. How they rotate and verify is in
//! [`durable_core::keys`].

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::keys::{AwaitedKeys, KEY_BYTES, KeyId, Keys, TOKENS_LIVE_MS};
use durable_core::wire::RuntimeError;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Response, Result, SqlStorageValue, State};

use super::variables::variable;
use crate::http::App;
use crate::http::app::SESSION_KEY;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS keys (ring INTEGER PRIMARY KEY CHECK (ring = 0), value TEXT NOT NULL)";
const GET: &str = "SELECT value FROM keys";
const PUT: &str = "INSERT OR REPLACE INTO keys (ring, value) VALUES (0, ?)";

/// The binding of the object.
const KEY_RING: &str = "KEY_RING";

/// Lifetime of the keys in memory, in milliseconds: half as long as a key is published before it signs. A newer key is
/// fetched when it is first met.
const KEYS_STAY_MS: u64 = 3600 * 1000;

/// Least time between two fetches for an unknown key, in milliseconds: anybody can cause one by a made-up id.
const KEYS_READ_EVERY_MS: u64 = 10 * 1000;

thread_local! {
    static KEYS: RefCell<Option<(u64, Rc<Keys>)>> = const { RefCell::new(None) };

    static AWAITED: RefCell<AwaitedKeys> = RefCell::default();
}

/// The name under which the one object of its class is found.
const NAME: &str = "keys";

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
        Self {
            state,
            longest: app.settings.max_age_ms.max(TOKENS_LIVE_MS),
        }
    }

    /// Gives the keys, made or renewed where that is due.
    pub fn fetch(&self) -> Promise {
        match self.keys() {
            Ok(response) => Promise::resolve(&JsValue::from(web_sys::Response::from(response))),
            Err(error) => Promise::reject(&error.into()),
        }
    }

    /// A ring that this version cannot read stays as it is: new keys in its place would end every token and session.
    fn keys(&self) -> Result<Response> {
        let sql = self.state.storage().sql();
        sql.exec(CREATE, None)?;
        let stored = sql.exec(GET, None)?.raw().next().transpose()?;
        let stored = match stored.as_deref() {
            None => None,
            Some([SqlStorageValue::String(text)]) => {
                Some(Keys::from_text(text).map_err(worker_error)?)
            }
            Some(_) => return Err(worker_error(Format::KeyRing.unreadable())),
        };
        let now = super::clock::now();
        let keys = match stored {
            Some(keys) if !keys.is_due(now) => return Response::ok(keys.to_text()),
            Some(keys) => keys.renewed(random()?, now, self.longest),
            None => Keys::generate(random()?, now),
        };
        sql.exec(PUT, vec![keys.to_text().into()])?;
        Response::ok(keys.to_text())
    }
}

/// Logs a fault, and returns it as the error for the Worker that asked.
fn worker_error(fault: RuntimeError) -> worker::Error {
    worker::console_error!("{}", fault.0);
    worker::Error::RustError(fault.0)
}

/// True if a key that this isolate does not have may still arrive: only one made from `SESSION_KEY`. Keys of the ring cannot,
/// since each is published for longer than a ring stays in memory before it signs.
pub(super) fn awaits(env: &worker::Env, id: KeyId) -> bool {
    let is_configured = variable(env, SESSION_KEY).is_some();
    is_configured && AWAITED.with_borrow_mut(|awaited| awaited.awaits(id, super::clock::now()))
}

fn random() -> Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Ok(bytes)
}

/// The deployment's keys; with `fresh`, not those that were read a while ago.
pub(super) async fn keys(
    env: &worker::Env,
    fresh: bool,
) -> std::result::Result<Rc<Keys>, RuntimeError> {
    let now = super::clock::now();
    let good_for = if fresh {
        KEYS_READ_EVERY_MS
    } else {
        KEYS_STAY_MS
    };
    let known = KEYS.with_borrow(Clone::clone);
    if let Some((read, keys)) = known
        && now.saturating_sub(read) < good_for
    {
        return Ok(keys);
    }
    let secret = variable(env, SESSION_KEY).unwrap_or_default();
    let keys =
        match Keys::from_variable(&secret).map_err(|problem| RuntimeError(problem.to_owned()))? {
            Some(keys) => Rc::new(keys),
            None => fetch_keys(env)
                .await
                .map_err(|error| RuntimeError(error.to_string()))?,
        };
    KEYS.set(Some((now, Rc::clone(&keys))));
    Ok(keys)
}

async fn fetch_keys(env: &worker::Env) -> Result<Rc<Keys>> {
    let namespace = env.durable_object(KEY_RING)?;
    let mut answer = namespace
        .get_by_name(NAME)?
        .fetch_with_str("https://key-ring/")
        .await?;
    Keys::from_text(&answer.text().await?)
        .map(Rc::new)
        .map_err(|fault| worker::Error::RustError(fault.0))
}
