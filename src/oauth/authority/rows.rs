//! A user's grants, read once and kept in memory: nobody else writes their rows.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::oauth::grant::Grant;
use crate::oauth::grant_store::GrantStore;
use crate::oauth::token::GrantId;
use crate::wire::Fault;

#[derive(Default)]
pub(super) struct Rows {
    known: RefCell<BTreeMap<String, Grant>>,
    /// Whether every row is known.
    complete: Cell<bool>,
}

fn read(json: &str) -> Result<Grant, Fault> {
    serde_json::from_str(json).map_err(|error| Fault(format!("a grant's row cannot be read: {error}")))
}

impl Rows {
    pub(super) fn get(&self, store: &dyn GrantStore, id: &GrantId) -> Result<Option<Grant>, Fault> {
        let known = self.known.borrow().get(id.as_str()).cloned();
        if known.is_some() || self.complete.get() {
            return Ok(known);
        }
        let found = store.get(id.as_str())?.map(|json| read(&json)).transpose()?;
        if let Some(grant) = &found {
            self.known.borrow_mut().insert(id.as_str().to_owned(), grant.clone());
        }
        Ok(found)
    }

    pub(super) fn put(&self, store: &dyn GrantStore, id: &GrantId, grant: Grant) -> Result<(), Fault> {
        let json = serde_json::to_string(&grant).map_err(|error| Fault(error.to_string()))?;
        store.put(id.as_str(), &json)?;
        self.known.borrow_mut().insert(id.as_str().to_owned(), grant);
        Ok(())
    }

    pub(super) fn delete(&self, store: &dyn GrantStore, id: &GrantId) -> Result<(), Fault> {
        store.delete(id.as_str())?;
        self.known.borrow_mut().remove(id.as_str());
        Ok(())
    }

    /// What `pick` makes of every grant. A row that cannot be read is no grant: it must not be in the way of the others.
    pub(super) fn pick<T>(
        &self,
        store: &dyn GrantStore,
        pick: impl Fn(&str, &Grant) -> Option<T>,
    ) -> Result<Vec<T>, Fault> {
        if !self.complete.get() {
            let mut known = self.known.borrow_mut();
            for (id, json) in store.all()? {
                if let Ok(grant) = read(&json) {
                    known.entry(id).or_insert(grant);
                }
            }
            self.complete.set(true);
        }
        Ok(self.known.borrow().iter().filter_map(|(id, grant)| pick(id, grant)).collect())
    }
}
