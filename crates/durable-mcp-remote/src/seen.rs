//! Memory of a server, in `{h}_seen.json`: the transport that worked, and answers for the time when it cannot be reached. No secret is
//! in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::log;
use crate::store::Store;
use crate::transport::Transport;

/// Largest file; answers that would make it larger are not kept.
const MAX_BYTES: usize = 4 << 20;

/// Lists that are kept, with the capability that a server has them by.
pub(crate) const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resources"),
];

/// What is known of a server from earlier times.
pub(crate) struct Seen {
    store: Option<Store>,
    record: RefCell<Record>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    transport: Option<Transport>,
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
        Self { store, record: RefCell::new(record) }
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

    fn change(&self, change: impl FnOnce(&mut Record) -> bool) -> bool {
        let mut record = self.record.borrow_mut();
        let is_other = change(&mut record);
        if is_other
            && let Some(store) = self.store.clone()
            && let Ok(bytes) = serde_json::to_vec(&*record)
            && bytes.len() <= MAX_BYTES
        {
            // A disk that is slow holds up no message.
            tokio::task::spawn_blocking(move || {
                if let Err(error) = store.save_seen(&bytes) {
                    log(&error.to_string());
                }
            });
        }
        is_other
    }
}
