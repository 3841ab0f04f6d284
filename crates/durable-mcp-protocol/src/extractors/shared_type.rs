//! The type of a shared value that a handler takes.

use std::any::{TypeId, type_name};

/// A type of which a handler takes the shared value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedType {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl SharedType {
    pub(crate) fn of<T: 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
        }
    }

    /// The fault of a handler that takes it from a server without it.
    pub(crate) fn problem(&self) -> String {
        let name = self.name;
        format!(
            "its handler takes `Shared<{name}>`, which the server was not given; add `.with_state(..)` with a value of that type"
        )
    }
}
