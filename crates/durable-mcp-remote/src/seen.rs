//! Memory of a server, in `{h}_seen.json`: the transport that worked, and answers for the time when it cannot be reached. No secret is
//! in it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::log::log;
use crate::store::file::MAX_BYTES;
use crate::store::{Store, now_ms};
use crate::transport::Transport;

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
    /// Whether the file does not name the server yet.
    is_nameless: Cell<bool>,
    changes: Cell<u64>,
    /// Number of the change that is in the file: writes run beside each other, and the last one stays.
    written: Arc<Mutex<u64>>,
    last_write: RefCell<Option<JoinHandle<()>>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// URL of the server, for `list`. Its query may have a secret and is left out.
    url: Option<String>,
    transport: Option<Transport>,
    /// Time, in milliseconds since 1970, when the server was one of 2026-07-28 without `initialize`.
    modern_at: Option<u64>,
    /// Last result of `initialize`.
    initialize: Option<Box<RawValue>>,
    /// Last results of lists, by method.
    lists: BTreeMap<String, Box<RawValue>>,
}

impl Seen {
    /// Reads the file of the server at `url`, if there is one that can be read.
    pub(crate) fn load(store: Option<Store>, url: &Url) -> Self {
        let bytes = store.as_ref().and_then(Store::seen);
        let mut record: Record = bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let url = Some(without_query(url));
        let is_nameless = record.url != url;
        record.url = url;
        Self {
            store,
            record: RefCell::new(record),
            is_nameless: Cell::new(is_nameless),
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
        self.modern_since(now_ms())
            .is_some_and(|age| age < ERA_LIFETIME)
    }

    fn modern_since(&self, now: u64) -> Option<Duration> {
        self.record
            .borrow()
            .modern_at
            .map(|at| Duration::from_millis(now.saturating_sub(at)))
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

    /// Keeps the URL of the server.
    pub(crate) fn note_url(&self) {
        self.change(|_| false);
    }

    pub(crate) fn note_transport(&self, transport: Transport) {
        self.change(|record| record.transport.replace(transport) != Some(transport));
    }

    pub(crate) fn note_initialize(&self, result: Box<RawValue>) {
        self.change(|record| {
            let is_other = record
                .initialize
                .as_ref()
                .is_none_or(|before| before.get() != result.get());
            record.initialize = Some(result);
            is_other
        });
    }

    /// Keeps a whole list; `true` if it is another than before.
    pub(crate) fn note_list(&self, method: &str, result: Box<RawValue>) -> bool {
        self.change(|record| {
            let is_other = record
                .lists
                .get(method)
                .is_none_or(|before| before.get() != result.get());
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
        // Answers that would make the file larger than can be read are not kept.
        if (is_other || self.is_nameless.get())
            && let Some(store) = self.store.clone()
            && let Ok(bytes) = serde_json::to_vec(&*record)
            && bytes.len() <= MAX_BYTES
        {
            self.is_nameless.set(false);
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

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn list(bytes: usize) -> Box<RawValue> {
        RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap()
    }

    #[tokio::test]
    async fn each_remembered_answer_can_be_read_again() {
        let folder = Folder::new("seen");
        let load = || {
            Seen::load(
                folder.store().ok(),
                &url("https://x.example/mcp?key=secret"),
            )
        };
        let seen = load();
        seen.note_list("tools/list", list(MAX_BYTES / 2));
        seen.saved().await;
        assert_eq!(
            load().list("tools/list").unwrap().get().len(),
            MAX_BYTES / 2 + 2
        );
        seen.note_list("prompts/list", list(MAX_BYTES));
        seen.saved().await;
        assert!(load().list("tools/list").is_some());
        assert!(load().list("prompts/list").is_none());
        assert_eq!(
            folder.store().unwrap().seen_url().as_deref(),
            Some("https://x.example/mcp")
        );
    }

    #[tokio::test]
    async fn a_file_without_a_url_gets_one_with_the_next_answer() {
        let folder = Folder::new("nameless");
        let store = folder.store().unwrap();
        store
            .save_seen(br#"{"transport":null,"lists":{"tools/list":[]}}"#)
            .unwrap();
        let seen = Seen::load(Some(store.clone()), &url("https://x.example/mcp"));
        assert!(!seen.note_list(
            "tools/list",
            RawValue::from_string("[]".to_owned()).unwrap()
        ));
        seen.saved().await;
        assert_eq!(store.seen_url().as_deref(), Some("https://x.example/mcp"));
    }
}
