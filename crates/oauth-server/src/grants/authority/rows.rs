//! A user's grants, read once and kept in memory: nothing else writes their rows.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;

use crate::grant::Grant;
use crate::grant_store::GrantStore;
use crate::token::GrantId;

#[derive(Default)]
pub(super) struct GrantRows {
    known: RefCell<BTreeMap<String, Grant>>,
    /// Ids of rows of another version, which count as grants and stay until these are ended.
    unreadable: RefCell<BTreeSet<String>>,
    /// True once every row has been read.
    complete: Cell<bool>,
}

fn parse_grant(json: &str) -> Result<Grant, RuntimeError> {
    serde_json::from_str(json).map_err(|_| Format::GrantRow.unreadable())
}

impl GrantRows {
    /// The grant of a row.
    ///
    /// # Errors
    /// When storage fails, or the row is of another version.
    pub(super) fn get(
        &self,
        store: &dyn GrantStore,
        id: &GrantId,
    ) -> Result<Option<Grant>, RuntimeError> {
        let known = self.known.borrow().get(id.as_str()).cloned();
        if known.is_some() {
            return Ok(known);
        }
        if self.complete.get() && !self.unreadable.borrow().contains(id.as_str()) {
            return Ok(None);
        }
        let found = store
            .get(id.as_str())?
            .map(|json| parse_grant(&json))
            .transpose()?;
        if let Some(grant) = &found {
            self.known
                .borrow_mut()
                .insert(id.as_str().to_owned(), grant.clone());
        }
        Ok(found)
    }

    pub(super) fn put(
        &self,
        store: &dyn GrantStore,
        id: &GrantId,
        grant: Grant,
    ) -> Result<(), RuntimeError> {
        let json =
            serde_json::to_string(&grant).map_err(|error| RuntimeError(error.to_string()))?;
        store.put(id.as_str(), &json)?;
        self.unreadable.borrow_mut().remove(id.as_str());
        self.known
            .borrow_mut()
            .insert(id.as_str().to_owned(), grant);
        Ok(())
    }

    pub(super) fn delete(&self, store: &dyn GrantStore, id: &GrantId) -> Result<(), RuntimeError> {
        store.delete(id.as_str())?;
        self.known.borrow_mut().remove(id.as_str());
        Ok(())
    }

    /// The values that `pick` makes of the grants whose rows can be read.
    pub(super) fn pick<T>(
        &self,
        store: &dyn GrantStore,
        pick: impl Fn(&str, &Grant) -> Option<T>,
    ) -> Result<Vec<T>, RuntimeError> {
        self.complete(store)?;
        Ok(self
            .known
            .borrow()
            .iter()
            .filter_map(|(id, grant)| pick(id, grant))
            .collect())
    }

    /// The grants whose rows are of another version.
    pub(super) fn unreadable(&self, store: &dyn GrantStore) -> Result<Vec<GrantId>, RuntimeError> {
        self.complete(store)?;
        Ok(self
            .unreadable
            .borrow()
            .iter()
            .cloned()
            .map(GrantId::of_other_version)
            .collect())
    }

    fn complete(&self, store: &dyn GrantStore) -> Result<(), RuntimeError> {
        if self.complete.get() {
            return Ok(());
        }
        let (mut known, mut unreadable) = (self.known.borrow_mut(), self.unreadable.borrow_mut());
        for (id, json) in store.all()? {
            match parse_grant(&json) {
                Ok(grant) if GrantId::parse(&id).is_some() => {
                    known.entry(id).or_insert(grant);
                }
                _ => {
                    unreadable.insert(id);
                }
            }
        }
        self.complete.set(true);
        Ok(())
    }
}
