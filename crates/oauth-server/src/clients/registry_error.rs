//! Errors in looking up a client.

use std::fmt;

use durable_core::wire::RuntimeError;

use crate::metadata_document::DocumentError;

/// Error in looking up a client. An unknown client is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryError {
    /// The client's metadata document is refused or cannot be fetched.
    Document(DocumentError),
    /// The store failed.
    Unavailable(RuntimeError),
}

impl RegistryError {
    /// True if a later attempt may succeed.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Document(error) => error.is_temporary(),
            Self::Unavailable(_) => true,
        }
    }
}

impl RegistryError {
    /// Text for operators.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Document(error) => error.cause(),
            Self::Unavailable(RuntimeError(cause)) => format!("{self} ({cause})"),
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(error) => error.fmt(f),
            Self::Unavailable(_) => {
                f.write_str("The client could not be looked up. Try again in a moment.")
            }
        }
    }
}
