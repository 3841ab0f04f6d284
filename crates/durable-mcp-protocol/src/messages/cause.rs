//! Causes of failures, which the log has and no client.

use std::error::Error;
use std::fmt::{self, Write};

use crate::cut::cut_text;

/// The most characters of a cause in the log: a statement of SQL with the database's words fits, and an answer of another server
/// that somebody made an error of does not fill the log.
const MAX_CAUSE_CHARS: usize = 2000;

/// The text of an error and its sources, which is only for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HiddenCause(Box<str>);

impl HiddenCause {
    /// The message of an error with a hidden cause, until the call gives the cause an id.
    pub(crate) const MESSAGE: &str = "The server failed.";

    /// The cause of a failure by that error.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self(cut_text(&Chain(error), MAX_CAUSE_CHARS).into())
    }

    /// The cause under an id for the client and the log.
    pub(crate) fn under_id(self, id: String) -> LoggedCause {
        LoggedCause { id, text: self.0 }
    }
}

/// The cause of a failed call, for its line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCause {
    /// The id that the client was told.
    pub id: String,
    /// The text of the error, with those of its sources.
    pub text: Box<str>,
}

impl LoggedCause {
    /// The sentence that the client is told.
    pub(crate) fn message(&self) -> String {
        format!(
            "The server failed. Its log has the cause under {}.",
            self.id
        )
    }
}

/// An error with its sources, of which many repeat the text of the next one already.
struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = cut_text(self.0, MAX_CAUSE_CHARS);
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = cut_text(error, MAX_CAUSE_CHARS);
            if !said.contains(&text) {
                f.write_str(": ")?;
                f.write_str(&text)?;
                said.write_str(&text)?;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Failed(&'static str, Option<Box<Failed>>);

    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn text(error: &Failed) -> String {
        HiddenCause::of(error).0.into()
    }

    #[test]
    fn a_cause_has_the_texts_of_all_sources_once() {
        let deepest = Failed("no such table", None);
        let middle = Failed("query failed: no such table", Some(Box::new(deepest)));
        let outer = Failed("books", Some(Box::new(middle)));
        assert_eq!(text(&outer), "books: query failed: no such table");
    }

    #[test]
    fn a_long_cause_is_cut() {
        let long: &'static str = String::leak("é".repeat(MAX_CAUSE_CHARS + 1));
        let cut = text(&Failed(long, Some(Box::new(Failed("more", None)))));
        assert_eq!(cut.chars().count(), MAX_CAUSE_CHARS + 1);
        assert!(cut.ends_with("é…"), "{cut}");
    }
}
