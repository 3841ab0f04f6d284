//! Memory of a server, in `{h}_seen.json`: the transport that worked, and answers for the time when it cannot be reached. No secret is
//! in it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::log::log;
use crate::store::{Store, now_ms};
use crate::transport::Transport;

/// Largest file; answers that would make it larger are not kept.
const MAX_BYTES: usize = 4 << 20;

/// Time for which the era of a server is believed, and after which it is noted again.
const ERA_LIFETIME: Duration = Duration::from_hours(24);
const ERA_NOTED_AGAIN: Duration = Duration::from_hours(1);

/// Lists that are kept, with the capability that a server has them by.
pub(crate) const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resources"),
];

/// Record of a server: what worked with it, and its last answers.
pub(crate) struct Seen {
    store: Option<Store>,
    record: RefCell<Record>,
    changes: Cell<u64>,
    /// Number of the change that is in the file: writes run beside each other, and the last one stays.
    written: Arc<Mutex<u64>>,
    last_write: RefCell<Option<JoinHandle<()>>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    transport: Option<Transport>,
    /// Time, in milliseconds since 1970, when the server was one of 2026-07-28 without `initialize`.
    modern_at: Option<u64>,
    /// Last result of `initialize`.
    initialize: Option<Box<RawValue>>,
    /// Last results of lists, by method.
    lists: BTreeMap<String, Box<RawValue>>,
}

impl Seen {
    /// Reads the file, if there is one that can be read.
    pub(crate) fn load(store: Option<Store>) -> Self {
        let bytes = store.as_ref().and_then(Store::seen);
        let record = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self {
            store,
            record: RefCell::new(record),
            changes: Cell::default(),
            written: Arc::default(),
            last_write: RefCell::default(),
        }
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        self.record.borrow().transport
    }

    pub(crate) fn initialize(&self) -> Option<Box<RawValue>> {
        self.record.borrow().initialize.clone()
    }

    pub(crate) fn list(&self, method: &str) -> Option<Box<RawValue>> {
        self.record.borrow().lists.get(method).cloned()
    }

    /// Whether the server had no `initialize` in the last day.
    pub(crate) fn is_modern(&self) -> bool {
        self.modern_since(now_ms()).is_some_and(|age| age < ERA_LIFETIME)
    }

    fn modern_since(&self, now: u64) -> Option<Duration> {
        self.record.borrow().modern_at.map(|at| Duration::from_millis(now.saturating_sub(at)))
    }

    /// Keeps whether the server has no `initialize`.
    pub(crate) fn note_era(&self, is_modern: bool) {
        let now = now_ms();
        let known = self.modern_since(now);
        if is_modern == known.is_some() && known.is_none_or(|age| age < ERA_NOTED_AGAIN) {
            return;
        }
        self.change(|record| {
            record.modern_at = is_modern.then_some(now);
            true
        });
    }

    pub(crate) fn note_transport(&self, transport: Transport) {
        self.change(|record| record.transport.replace(transport) != Some(transport));
    }

    pub(crate) fn note_initialize(&self, result: Box<RawValue>) {
        self.change(|record| {
            let is_other = record.initialize.as_ref().is_none_or(|before| before.get() != result.get());
            record.initialize = Some(result);
            is_other
        });
    }

    /// Keeps a whole list; `true` if it is another than before.
    pub(crate) fn note_list(&self, method: &str, result: Box<RawValue>) -> bool {
        self.change(|record| {
            let is_other = record.lists.get(method).is_none_or(|before| before.get() != result.get());
            record.lists.insert(method.to_owned(), result);
            is_other
        })
    }

    /// Waits until the last change is in the file.
    pub(crate) async fn saved(&self) {
        let write = self.last_write.take();
        if let Some(write) = write {
            // One that failed was told about.
            write.await.ok();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Record) -> bool) -> bool {
        let mut record = self.record.borrow_mut();
        let is_other = change(&mut record);
        if is_other
            && let Some(store) = self.store.clone()
            && let Ok(bytes) = serde_json::to_vec(&*record)
            && bytes.len() <= MAX_BYTES
        {
            let number = self.changes.get() + 1;
            self.changes.set(number);
            let written = Arc::clone(&self.written);
            // A disk that is slow holds up no message.
            let write = spawn_blocking(move || save(&store, &bytes, number, &written));
            self.last_write.replace(Some(write));
        }
        is_other
    }
}

fn save(store: &Store, bytes: &[u8], number: u64, written: &Mutex<u64>) {
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    if number < *written {
        return;
    }
    *written = number;
    if let Err(error) = store.save_seen(bytes) {
        log(&error.to_string());
    }
}
