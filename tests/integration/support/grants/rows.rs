//! The rows of a user's object.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use durable_core::limits::ROW_BYTES;
use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::grant_store::{CountRow, GrantStore};

/// Rows in memory.
#[derive(Default)]
pub(crate) struct MemoryRows {
    rows: RefCell<BTreeMap<String, String>>,
    /// The rows of what is counted for the user.
    counts: RefCell<BTreeMap<CountRow, String>>,
    pub(super) alarm: Cell<Option<u64>>,
    pub(crate) alarms_ordered: Cell<usize>,
    pub(crate) puts: Cell<usize>,
    pub(crate) deletes: Cell<usize>,
    /// The put with that number fails.
    pub(crate) failing_put: Cell<Option<usize>>,
}

impl MemoryRows {
    pub(crate) fn count(&self) -> usize {
        self.rows.borrow().len()
    }

    /// Rows of grants but for those that are only remembered to have ended.
    pub(crate) fn unfinished(&self) -> usize {
        let is_over = |json: &String| json.contains(r#""keys":[]"#) && !json.contains(r#""held""#);
        self.rows
            .borrow()
            .values()
            .filter(|json| !is_over(json))
            .count()
    }

    pub(crate) fn text(&self) -> String {
        self.rows.borrow().values().cloned().collect()
    }

    /// Sets a row, as another version or a fault may have written it.
    pub(crate) fn set(&self, id: &str, json: &str) {
        self.rows
            .borrow_mut()
            .insert(id.to_owned(), json.to_owned());
    }

    /// A row of what is counted.
    pub(crate) fn counted(&self, row: CountRow) -> Option<String> {
        self.counts.borrow().get(&row).cloned()
    }

    /// Sets a row of what is counted, as another version may have written it.
    pub(crate) fn set_count(&self, row: CountRow, json: &str) {
        self.counts.borrow_mut().insert(row, json.to_owned());
    }

    /// All rows, by their names.
    pub(crate) fn all_rows(&self) -> BTreeMap<String, String> {
        self.rows.borrow().clone()
    }

    /// A row as it is.
    pub(crate) fn row(&self, id: &str) -> Option<String> {
        self.rows.borrow().get(id).cloned()
    }
}

impl GrantStore for MemoryRows {
    fn get(&self, id: &str) -> Result<Option<String>, RuntimeError> {
        Ok(self.rows.borrow().get(id).cloned())
    }

    fn put(&self, id: &str, json: &str) -> Result<(), RuntimeError> {
        if id.len() + json.len() > ROW_BYTES {
            return Err(RuntimeError("the row is too large".to_owned()));
        }
        self.puts.set(self.puts.get() + 1);
        if self.failing_put.get() == Some(self.puts.get()) {
            return Err(RuntimeError("the disk is on fire".to_owned()));
        }
        self.rows
            .borrow_mut()
            .insert(id.to_owned(), json.to_owned());
        Ok(())
    }

    fn delete(&self, id: &str) -> Result<(), RuntimeError> {
        self.deletes.set(self.deletes.get() + 1);
        self.rows.borrow_mut().remove(id);
        Ok(())
    }

    fn all(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        Ok(self
            .rows
            .borrow()
            .iter()
            .map(|(id, json)| (id.clone(), json.clone()))
            .collect())
    }

    fn count_row(&self, row: CountRow) -> Result<Option<String>, RuntimeError> {
        Ok(self.counted(row))
    }

    fn put_count_row(&self, row: CountRow, json: Option<&str>) -> Result<(), RuntimeError> {
        let mut counts = self.counts.borrow_mut();
        match json {
            Some(json) => counts.insert(row, json.to_owned()),
            None => counts.remove(&row),
        };
        Ok(())
    }

    fn wakes_at(&self) -> LocalBoxFuture<'_, Result<Option<u64>, RuntimeError>> {
        async { Ok(self.alarm.get()) }.boxed_local()
    }

    fn wake_at(&self, time: u64) -> Result<(), RuntimeError> {
        self.alarms_ordered.set(self.alarms_ordered.get() + 1);
        self.alarm.set(Some(time));
        Ok(())
    }
}
