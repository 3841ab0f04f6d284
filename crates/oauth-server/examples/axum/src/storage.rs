//! Storage in memory. That of a service is a database: `Kv` a table with expiry, `GrantStore` a table of one user's rows.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use oauth_server::grant_store::GrantStore;
use oauth_server::port::{Kv, KvFuture, KvPage};

use crate::runtime::now;

/// Records of clients and tokens, each until it expires.
#[derive(Default)]
pub(crate) struct MemoryKv(RefCell<BTreeMap<String, Record>>);

struct Record {
    value: String,
    /// In seconds since 1970.
    expires: u64,
    metadata: Option<String>,
}

impl MemoryKv {
    /// Drops what has expired.
    pub(crate) fn sweep(&self) {
        self.0.borrow_mut().retain(|_, record| record.is_valid());
    }

    fn read_page(&self, prefix: &str, cursor: Option<&str>, limit: usize) -> KvPage {
        let records = self.0.borrow();
        let of_prefix = records.iter().filter(|(key, record)| {
            key.starts_with(prefix)
                && cursor.is_none_or(|last| key.as_str() > last)
                && record.is_valid()
        });
        let mut keys = of_prefix.map(|(key, record)| (key.clone(), record.metadata.clone()));
        let page: Vec<_> = keys.by_ref().take(limit).collect();
        let last = page.last().map(|(key, _)| key.clone());
        let cursor = keys.next().and(last);
        KvPage { keys: page, cursor }
    }
}

impl Record {
    fn is_valid(&self) -> bool {
        self.expires > now() / 1000
    }
}

impl Kv for MemoryKv {
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<String>> {
        let records = self.0.borrow();
        let record = records.get(key).filter(|record| record.is_valid());
        ready(Ok(record.map(|record| record.value.clone()))).boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        expires: u64,
        metadata: Option<&'a str>,
    ) -> KvFuture<'a, ()> {
        let record = Record {
            value: value.to_owned(),
            expires,
            metadata: metadata.map(str::to_owned),
        };
        self.0.borrow_mut().insert(key.to_owned(), record);
        ready(Ok(())).boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, ()> {
        self.0.borrow_mut().remove(key);
        ready(Ok(())).boxed_local()
    }

    fn page<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> KvFuture<'a, KvPage> {
        ready(Ok(self.read_page(prefix, cursor, limit))).boxed_local()
    }
}

/// The rows of one user's grants.
#[derive(Default)]
pub(crate) struct MemoryRows {
    rows: RefCell<BTreeMap<String, String>>,
    /// In milliseconds since 1970.
    wakes_at: Cell<Option<u64>>,
}

impl MemoryRows {
    /// True once the time has come that the authority set; it is cleared then.
    pub(crate) fn take_due(&self) -> bool {
        let is_due = self.wakes_at.get().is_some_and(|time| time <= now());
        if is_due {
            self.wakes_at.set(None);
        }
        is_due
    }
}

impl GrantStore for MemoryRows {
    fn get(&self, id: &str) -> Result<Option<String>, RuntimeError> {
        Ok(self.rows.borrow().get(id).cloned())
    }

    fn put(&self, id: &str, json: &str) -> Result<(), RuntimeError> {
        self.rows
            .borrow_mut()
            .insert(id.to_owned(), json.to_owned());
        Ok(())
    }

    fn delete(&self, id: &str) -> Result<(), RuntimeError> {
        self.rows.borrow_mut().remove(id);
        Ok(())
    }

    fn all(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        let rows = self.rows.borrow();
        Ok(rows
            .iter()
            .map(|(id, json)| (id.clone(), json.clone()))
            .collect())
    }

    fn wakes_at(&self) -> LocalBoxFuture<'_, Result<Option<u64>, RuntimeError>> {
        ready(Ok(self.wakes_at.get())).boxed_local()
    }

    fn wake_at(&self, time: u64) -> Result<(), RuntimeError> {
        self.wakes_at.set(Some(time));
        Ok(())
    }
}
