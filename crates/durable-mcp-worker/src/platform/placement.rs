//! The placement of this deployment's objects, for code that reaches them outside of a request.

use std::cell::RefCell;

use durable_core::wire::RuntimeError;

use crate::http::app::Placement;

thread_local! {
    static JURISDICTION: RefCell<Result<Option<String>, String>> = const { RefCell::new(Ok(None)) };
}

/// Stores the application's jurisdiction, once in each isolate.
pub(super) fn set(placement: &Placement) {
    JURISDICTION.set(placement.jurisdiction.clone());
}

/// The jurisdiction of objects that are found by name.
pub(super) fn jurisdiction() -> Result<Option<String>, RuntimeError> {
    JURISDICTION.with_borrow(Clone::clone).map_err(RuntimeError)
}
