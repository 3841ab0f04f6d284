//! The rows of one user's grants. The authority defines the port; the platform keeps them in the object's storage.

use durable_core::wire::RuntimeError;
use futures_util::future::LocalBoxFuture;

/// A row of what is counted for a user, beside the grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountRow {
    /// Requests and tokens of the chat.
    Spending,
    /// Requests of the relay.
    Relayed,
}

impl CountRow {
    /// Name of the row in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spending => "spending",
            Self::Relayed => "relayed",
        }
    }
}

/// Storage of grants, one row each. A change is one row written, whole or not at all; changes without an `await`
/// between them, that of the alarm among them, are stored or lost together.
pub trait GrantStore {
    /// The row of a grant, if there is one.
    ///
    /// # Errors
    /// When storage fails.
    fn get(&self, id: &str) -> Result<Option<String>, RuntimeError>;

    /// Writes the row of a grant.
    ///
    /// # Errors
    /// When storage fails.
    fn put(&self, id: &str, json: &str) -> Result<(), RuntimeError>;

    /// Deletes the row of a grant.
    ///
    /// # Errors
    /// When storage fails.
    fn delete(&self, id: &str) -> Result<(), RuntimeError>;

    /// Every row, with its id.
    ///
    /// # Errors
    /// When storage fails.
    fn all(&self) -> Result<Vec<(String, String)>, RuntimeError>;

    /// A row of what is counted for the user, if there is one. It is none of [those of grants](Self::all). By default nothing is
    /// counted, which serves a server without [costly resources](crate::provider::CostlyResource).
    ///
    /// # Errors
    /// When storage fails.
    fn count_row(&self, row: CountRow) -> Result<Option<String>, RuntimeError> {
        let _ = row;
        Ok(None)
    }

    /// Writes a row of what is counted for the user, or deletes it.
    ///
    /// # Errors
    /// When storage fails; by default always.
    fn put_count_row(&self, row: CountRow, json: Option<&str>) -> Result<(), RuntimeError> {
        let _ = json;
        Err(RuntimeError(format!("no row for {}", row.name())))
    }

    /// Time of the object's next alarm, in milliseconds since 1970; none if no alarm is set.
    fn wakes_at(&self) -> LocalBoxFuture<'_, Result<Option<u64>, RuntimeError>>;

    /// Sets the object's alarm, in milliseconds since 1970, in place of any earlier one.
    ///
    /// # Errors
    /// When storage fails.
    fn wake_at(&self, time: u64) -> Result<(), RuntimeError>;
}
