//! The port to a session's rows, which `platform/sql_store.rs` implements with the object's SQLite. State is written by
//! [`state`](super::state).

use durable_core::formats::Format;
use durable_mcp_protocol::log_level::LogLevel;

/// Storage failed. The cause is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(pub String);

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("The session's storage failed. Try again.")
    }
}

/// Rows that the object found when it woke.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// True if the session has stored rows.
    pub anything: bool,
    /// True if the session has ended.
    pub ended: bool,
    /// Last known use of the session, in milliseconds since 1970; 0 if that is not known.
    pub used: u64,
    /// The log level that the client set.
    pub log_level: Option<LogLevel>,
    /// The resources that the client wants to hear of.
    pub subscriptions: Vec<String>,
}

impl Kept {
    /// Adds a stored row by its kind, its value (or its name, where the value is empty) and its time.
    ///
    /// # Errors
    /// When the kind or the value is of another version of this server.
    pub fn take(&mut self, kind: &str, text: &str, at: u64) -> Result<(), StoreError> {
        self.used = self.used.max(at);
        match kind {
            "ended" => self.ended = true,
            "log_level" => self.log_level = Some(LogLevel::parse(text).ok_or_else(unreadable)?),
            "subscription" => self.subscriptions.push(text.to_owned()),
            "used" | "state" => {}
            _ => return Err(unreadable()),
        }
        Ok(())
    }
}

/// The error of rows that another version wrote.
#[must_use]
pub fn unreadable() -> StoreError {
    StoreError(Format::SessionRows.unreadable().0)
}

/// The rows of one session. Each method that changes something writes one row, or several for a long event, and is whole
/// or not at all.
///
/// Nothing is written for a call as such. Rows are: the handlers' own state; log level and subscriptions, when a client
/// sets them; events that a client may have missed; when the session was last used, now and then, if there is any other
/// row; and that it has ended, after which nothing can be written any more.
pub trait Store {
    /// Reads what is kept, without writing.
    ///
    /// # Errors
    /// When storage fails.
    fn load(&self) -> Result<Kept, StoreError>;

    /// The state of that name.
    ///
    /// # Errors
    /// When storage fails.
    fn state(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Stores a state.
    ///
    /// # Errors
    /// When storage fails.
    fn put_state(&self, name: &str, json: &str) -> Result<(), StoreError>;

    /// Stores the log level.
    ///
    /// # Errors
    /// When storage fails.
    fn put_log_level(&self, level: LogLevel) -> Result<(), StoreError>;

    /// Stores or deletes a subscription.
    ///
    /// # Errors
    /// When storage fails.
    fn put_subscription(&self, uri: &str, subscribed: bool) -> Result<(), StoreError>;

    /// Stores an event until `expires`.
    ///
    /// # Errors
    /// When storage fails.
    fn put_event(
        &self,
        stream: u64,
        sequence: u64,
        frame: &str,
        expires: u64,
    ) -> Result<(), StoreError>;

    /// The events of a stream that come after `sequence`, in order, up to the one with which they have `enough` bytes.
    ///
    /// # Errors
    /// When storage fails.
    fn events(
        &self,
        stream: u64,
        sequence: u64,
        enough: usize,
    ) -> Result<Vec<(u64, String)>, StoreError>;

    /// Deletes events that expired, and tells when the next one does.
    ///
    /// # Errors
    /// When storage fails.
    fn prune_events(&self, now: u64) -> Result<Option<u64>, StoreError>;

    /// Stores that the session is in use.
    ///
    /// # Errors
    /// When storage fails.
    fn put_used(&self, now: u64) -> Result<(), StoreError>;

    /// Deletes everything and keeps only that the session has ended.
    ///
    /// # Errors
    /// When storage fails.
    fn end(&self) -> Result<(), StoreError>;

    /// Deletes everything, so that it can be written to again at once.
    ///
    /// # Errors
    /// When storage fails.
    fn begin_anew(&self) -> Result<(), StoreError>;

    /// Deletes everything.
    fn clear(&self);

    /// Has the object woken at that time, in milliseconds since 1970, in place of any earlier order.
    fn wake_at(&self, time: u64);

    /// Rows written since the object woke.
    fn rows_written(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_another_version_are_an_error() {
        let mut kept = Kept::default();
        for (kind, text, at) in [
            ("log_level", "error", 1),
            ("subscription", "a:b", 2),
            ("state", "", 5),
            ("used", "", 3),
        ] {
            kept.take(kind, text, at).unwrap();
        }
        assert_eq!(
            (kept.log_level, kept.used, kept.subscriptions.as_slice()),
            (Some(LogLevel::Error), 5, ["a:b".to_owned()].as_slice())
        );
        for (kind, text) in [("sealed", "x"), ("", ""), ("log_level", "chatty")] {
            assert_eq!(kept.take(kind, text, 9), Err(unreadable()), "{kind}");
        }
    }
}
