//! Commands of the Worker and of other objects to the hub.

use durable_core::wire::RuntimeError;

use super::Hub;
use super::quota::{QuotaExceeded, QuotaSubject};
use crate::session::publication::Publication;

/// Path of a publication for those who listen.
pub const PUBLISH: &str = "/publish";

/// Path of a session's object that is told of changes from now on.
pub const JOIN: &str = "/join";

/// Path of a session's object that is told no more.
pub const LEAVE: &str = "/leave";

/// Path of a grant that has ended.
pub const END: &str = "/end";

/// A command to the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubCommand {
    /// Sends a publication to those who listen for it.
    Publish(Publication),
    /// Adds a session's object to those that are notified.
    Join {
        /// Id of the object.
        object: String,
        /// The user or network whose quota counts it.
        counted: QuotaSubject,
        /// Expiry of the session, in milliseconds since 1970.
        expires: u64,
    },
    /// Removes a session's object from those that are notified.
    Leave {
        /// Id of the object.
        object: String,
        /// Time from which on it is not told, in milliseconds since 1970.
        time: u64,
    },
    /// Ends the streams of a grant.
    End {
        /// Id of the grant.
        grant: String,
        /// Expiry of its last token, in milliseconds since 1970.
        until: u64,
    },
}

impl HubCommand {
    /// Reads a command from the path and the body of its request. A path that this version does not know is no command.
    #[must_use]
    pub fn parse(path: &str, text: &str) -> Option<Self> {
        match path {
            PUBLISH => Publication::parse(text).map(Self::Publish),
            JOIN => {
                let (session, counted) = match text.split_once('\n') {
                    Some((session, counted)) => (session, QuotaSubject::parse(counted)?),
                    // An object of an earlier version does not say who it is counted with.
                    None => (text, QuotaSubject::default()),
                };
                let (object, expires) = timed(session)?;
                Some(Self::Join {
                    object,
                    counted,
                    expires,
                })
            }
            LEAVE => timed(text).map(|(object, time)| Self::Leave { object, time }),
            END => timed(text).map(|(grant, until)| Self::End { grant, until }),
            _ => None,
        }
    }
}

/// A name and a time, with a space between.
fn timed(text: &str) -> Option<(String, u64)> {
    let (name, time) = text.split_once(' ')?;
    if name.is_empty() {
        None
    } else {
        Some((name.to_owned(), time.parse().ok()?))
    }
}

impl Hub {
    /// Carries a command out; returns the quota that it exceeds, if any.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn carry_out(
        &self,
        command: HubCommand,
    ) -> Result<Option<QuotaExceeded>, RuntimeError> {
        match command {
            HubCommand::Publish(publication) => self.publish(&publication).await.map(|()| None),
            HubCommand::Join {
                object,
                counted,
                expires,
            } => self.join(&object, &counted, expires),
            HubCommand::Leave { object, time } => self.leave(&object, time).map(|()| None),
            HubCommand::End { grant, until } => self.end_grant(&grant, until).map(|()| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_an_unknown_path_or_body_is_unreadable() {
        for (path, text) in [
            ("/", "a 1"),
            ("", "a 1"),
            ("/listening", "a 1"),
            ("/rejoin", "a 1"),
            (JOIN, "a"),
            (JOIN, " 1"),
            (JOIN, "a soon"),
            (JOIN, "a 1\n"),
            (JOIN, "a 1\n- n"),
            (LEAVE, "a 1\n"),
            (END, "g"),
            (END, "g 1 2"),
            (PUBLISH, "a 1"),
        ] {
            assert_eq!(HubCommand::parse(path, text), None, "{path} {text}");
        }
    }

    #[test]
    fn a_session_of_an_earlier_version_joins_without_user_and_network() {
        let (object, counted) = ("a".to_owned(), QuotaSubject::default());
        assert_eq!(
            HubCommand::parse(JOIN, "a 1"),
            Some(HubCommand::Join {
                object,
                counted,
                expires: 1
            })
        );
    }
}
