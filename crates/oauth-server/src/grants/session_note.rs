//! Notes of the sessions and tasks that a grant's client began: for the user, who sees and ends sessions by them, and
//! for the end of the grant, which ends both.
//!
//! Notes authorize nothing: a session that is missing here works, and one that is here may have ended.

use serde::{Deserialize, Serialize};

/// Sessions that are noted of a grant; the oldest make room. A client has one for each window that it is open in, and a
/// row of its grant stays far from the 128 KiB that storage takes.
pub const MAX_SESSIONS: usize = 32;

/// Tasks that are noted of a grant; the oldest make room, and end by themselves.
pub const MAX_TASKS: usize = 32;

/// Tasks of a grant, oldest first: key and expiry in milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskNotes(Vec<(String, u64)>);

impl TaskNotes {
    /// True if no task is noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a task.
    #[must_use]
    pub fn with(mut self, key: String, expires: u64, now: u64) -> Self {
        self.0
            .retain(|(known, expires)| now < *expires && *known != key);
        self.0.push((key, expires));
        let crowd = self.0.len().saturating_sub(MAX_TASKS);
        self.0.drain(..crowd);
        self
    }

    /// Adds the tasks of `other`, as the last ones.
    #[must_use]
    pub fn and(self, other: Self, now: u64) -> Self {
        other
            .0
            .into_iter()
            .fold(self, |notes, (key, expires)| notes.with(key, expires, now))
    }

    /// Keys of the tasks that have not expired.
    #[must_use]
    pub fn living(&self, now: u64) -> Vec<String> {
        self.0
            .iter()
            .filter(|(_, expires)| now < *expires)
            .map(|(key, _)| key.clone())
            .collect()
    }
}

/// A session, as its user sees it. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionNote {
    /// Key by which the session is ended.
    pub key: String,
    /// The client's name and version, as it introduced itself; empty if it did not.
    pub client: String,
    /// Name of the transport; for Streamable HTTP, with the protocol version.
    pub transport: String,
    /// Time of creation.
    pub began: u64,
    /// Latest time at which the session ends.
    pub expires: u64,
}

/// The sessions of a grant, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionNotes(Vec<SessionNote>);

impl SessionNotes {
    /// True if no session is noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a session.
    #[must_use]
    pub fn with(mut self, note: SessionNote, now: u64) -> Self {
        self.0
            .retain(|known| now < known.expires && known.key != note.key);
        self.0.push(note);
        let crowd = self.0.len().saturating_sub(MAX_SESSIONS);
        self.0.drain(..crowd);
        self
    }

    /// Adds the sessions of `other`, as the last ones.
    #[must_use]
    pub fn and(self, other: Self, now: u64) -> Self {
        other
            .0
            .into_iter()
            .fold(self, |notes, note| notes.with(note, now))
    }

    /// Removes a session that has ended; `None` if there is no note of it.
    #[must_use]
    pub fn without(mut self, key: &str) -> Option<Self> {
        let before = self.0.len();
        self.0.retain(|known| known.key != key);
        (self.0.len() < before).then_some(self)
    }

    /// Sessions that have not expired.
    #[must_use]
    pub fn living(&self, now: u64) -> Vec<SessionNote> {
        self.0
            .iter()
            .filter(|note| now < note.expires)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(key: &str, began: u64) -> SessionNote {
        let (client, transport) = ("Editor 1.0".to_owned(), "Streamable HTTP".to_owned());
        SessionNote {
            key: key.to_owned(),
            client,
            transport,
            began,
            expires: began + 100,
        }
    }

    fn keys(notes: &SessionNotes, now: u64) -> Vec<String> {
        notes.living(now).into_iter().map(|note| note.key).collect()
    }

    #[test]
    fn session_notes_are_added_replaced_and_removed() {
        let notes = SessionNotes::default()
            .with(note("a", 0), 0)
            .with(note("b", 10), 10)
            .with(note("a", 20), 20);
        assert_eq!(keys(&notes, 20), ["b", "a"]);
        assert_eq!(notes.clone().without("c"), None);
        assert_eq!(keys(&notes.without("b").unwrap(), 20), ["a"]);
    }

    #[test]
    fn an_expired_session_note_is_hidden_and_removed_with_the_next() {
        let notes = SessionNotes::default()
            .with(note("a", 0), 0)
            .with(note("b", 50), 50);
        assert_eq!(keys(&notes, 100), ["b"]);
        assert_eq!(notes.with(note("c", 150), 150).0.len(), 1);
    }

    #[test]
    fn the_oldest_session_note_makes_room() {
        let notes = (0..=MAX_SESSIONS).fold(SessionNotes::default(), |notes, at| {
            notes.with(note(&at.to_string(), 0), 0)
        });
        assert_eq!(
            (notes.0.len(), notes.0[0].key.as_str()),
            (MAX_SESSIONS, "1")
        );
    }
}
