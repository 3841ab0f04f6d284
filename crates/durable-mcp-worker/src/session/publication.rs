//! A change as it is sent to the hub, with the notification for those who listen. The hub delivers it (`hub.rs`).

use durable_mcp_protocol::change::Change;

/// A change or a task's progress, on its way to the hub and from there to those who listen for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The change or task that it is about, as listeners subscribe to it.
    pub about: String,
    /// The notification's method.
    pub method: String,
    /// Parameters of the notification, as JSON.
    pub params: String,
    /// The one user who may hear of it, as [`Listener`](crate::hub::Listener) names users; everybody otherwise.
    pub user: Option<String>,
    /// The session's object that it comes from, which has told its own client.
    pub except: Option<String>,
}

/// Stands for what a publication does not have.
const NONE: &str = "-";

/// Stands for every session in the place of the one that a publication comes from, so that no session is told.
const ALL_SESSIONS: &str = "*";

/// Text in the place of a change, by which the hub asks a session's object whether it has a stream.
const QUESTION: &str = "?";

impl Publication {
    /// The publication of a change.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        Self {
            about: change.to_text(),
            method: change.method().to_owned(),
            params: change.params(None),
            user: None,
            except: None,
        }
    }

    /// The same publication for streams that listen for exactly that resource, and for no session: a handle's state is no session's.
    #[must_use]
    pub fn for_no_session(self) -> Self {
        Self {
            except: Some(ALL_SESSIONS.to_owned()),
            ..self
        }
    }

    /// True if the publication goes to sessions too: it is for all users, and was not made [for no session](Self::for_no_session).
    #[must_use]
    pub fn concerns_sessions(&self) -> bool {
        self.user.is_none() && self.except.as_deref() != Some(ALL_SESSIONS)
    }

    /// The question whether a session has a stream.
    #[must_use]
    pub fn question() -> Self {
        let about = QUESTION.to_owned();
        Self {
            about,
            method: String::new(),
            params: String::new(),
            user: None,
            except: None,
        }
    }

    /// True if the text is the hub's [question](Self::question), and no change.
    #[must_use]
    pub fn is_question(about: &str) -> bool {
        about == QUESTION
    }

    /// The publication as five lines. Those that come from outside have no line breaks in them: a URI with one is refused
    /// where it is subscribed to, so nobody listens for it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| NONE.to_owned());
        let about = self.about.replace(['\n', '\r'], " ");
        [
            or_none(&self.user),
            or_none(&self.except),
            about,
            self.method.clone(),
            self.params.clone(),
        ]
        .join("\n")
    }

    /// Reads a publication from its text; none if it is of another version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.splitn(5, '\n').map(str::to_owned);
        let user = lines.next()?;
        let except = lines.next()?;
        let some = |text: String| (text != NONE).then_some(text);
        let (about, method, params) = (lines.next()?, lines.next()?, lines.next()?);
        if !method.starts_with("notifications/") || !params.starts_with('{') {
            return None;
        }
        Some(Self {
            about,
            method,
            params,
            user: some(user),
            except: some(except),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_survives_being_sent() {
        let all = Publication::of(&Change::Resource("a:b".into()));
        let own = Publication {
            user: Some("u".into()),
            except: Some("o".into()),
            ..Publication::of(&Change::Tools)
        };
        for publication in [all, own] {
            assert_eq!(
                Publication::parse(&publication.to_text()),
                Some(publication)
            );
        }
        assert_eq!(Publication::parse("one line"), None);
    }

    #[test]
    fn a_line_break_in_the_subject_of_a_publication_becomes_a_space() {
        let publication = Publication::of(&Change::Resource("a:b\nc".into()));
        let read = Publication::parse(&publication.to_text()).unwrap();
        assert_eq!(
            (read.about.as_str(), read.method.as_str()),
            ("resource a:b c", "notifications/resources/updated")
        );
    }
}
