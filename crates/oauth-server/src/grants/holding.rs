//! Kinds of things that a grant can hold, and how each of them ends with it.
//!
//! State of a *user* is not among them: all clients of the user share it, and it stays when one of them is disconnected.

use std::fmt;

/// Time within which a holding ends after the row of its grant says that the grant has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndDelay {
    /// With the write of that row.
    AtOnce,
    /// With one request to the object that it lives in, which is repeated each minute until it is answered.
    OneRequest,
    /// With the spread of the record's deletion to every location of Workers KV: 60 seconds or a little more.
    Kv,
    /// Never: no grant holds it.
    NotHeld,
    /// With the answer that is being made.
    Answer,
}

impl fmt::Display for EndDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at once",
            Self::OneRequest => "one request, repeated each minute until it is answered",
            Self::Kv => {
                "1 s where it was ended, elsewhere what Workers KV takes: 60 s or a little more"
            }
            Self::NotHeld => "no grant holds one",
            Self::Answer => "the answer",
        })
    }
}

macro_rules! holdings {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Kind of a thing that a grant can hold. Code that ends grants matches every kind, so that a new one does not compile
        /// before its end is defined.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum GrantHolding {
            $($(#[doc = $doc])+ $name,)+
        }

        impl GrantHolding {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

holdings! {
    /// Authorization code (RFC 6749 section 4.1.2).
    Code,
    /// Access token (RFC 6749 section 1.4).
    AccessToken,
    /// Refresh token (RFC 6749 section 1.5).
    RefreshToken,
    /// Session that was begun with one of its access tokens.
    Session,
    /// Event stream of a session, opened by `GET`.
    GetStream,
    /// Event stream of HTTP+SSE, which is a session.
    SseStream,
    /// Stream of `subscriptions/listen`.
    Listener,
    /// Task, with its result and what it tells.
    Task,
    /// Request state of a call of several rounds.
    RequestState,
    /// Handle of a state that has no user.
    StateHandle,
    /// Stateless call that is being answered.
    Call,
    /// Consent that a browser remembers.
    RememberedConsent,
    /// Sign-in under way in a browser.
    SignInFlow,
}

impl GrantHolding {
    /// Name of the kind, for documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::AccessToken => "access token",
            Self::RefreshToken => "refresh token",
            Self::Session => "session",
            Self::GetStream => "stream of a session (`GET`)",
            Self::SseStream => "HTTP+SSE stream",
            Self::Listener => "`subscriptions/listen` stream",
            Self::Task => "task",
            Self::RequestState => "`requestState`",
            Self::StateHandle => "state handle",
            Self::Call => "stateless call under way",
            Self::RememberedConsent => "remembered consent",
            Self::SignInFlow => "sign-in under way",
        }
    }

    /// Object or step that ends things of this kind, for documentation.
    #[must_use]
    pub const fn ended_by(self) -> &'static str {
        match self {
            Self::Code | Self::RefreshToken => "the grant's row, which every exchange reads",
            Self::AccessToken => "the user's object deletes its record from KV",
            Self::Session => {
                "the user's object asks the session's to end; tokens of later grants refuse ids from before the end"
            }
            Self::GetStream | Self::SseStream => "its session's object, with the session",
            Self::Listener => {
                "the hub closes it, and refuses new ones until the last token of the grant has expired"
            }
            Self::Task => {
                "the user's object asks the task's to stop and to delete its result; tokens of later grants refuse ids \
                 from before the end"
            }
            Self::RequestState => {
                "tokens of later grants do not open it; by itself after 10 minutes"
            }
            Self::StateHandle => "states of signed-in users have no handles",
            Self::Call => {
                "its own end: it was let in before, and is stopped where it runs in a session or task"
            }
            Self::RememberedConsent => {
                "a disconnect alone: the user's object gives no code for a consent that is older"
            }
            Self::SignInFlow => {
                "a disconnect alone: the user's object gives no code for a consent that is older; by itself after 10 \
                 minutes"
            }
        }
    }

    /// Time within which things of this kind have ended.
    #[must_use]
    pub const fn bound(self) -> EndDelay {
        match self {
            Self::Code | Self::RefreshToken | Self::RememberedConsent | Self::SignInFlow => {
                EndDelay::AtOnce
            }
            Self::AccessToken | Self::RequestState => EndDelay::Kv,
            Self::Session | Self::GetStream | Self::SseStream | Self::Listener | Self::Task => {
                EndDelay::OneRequest
            }
            Self::StateHandle => EndDelay::NotHeld,
            Self::Call => EndDelay::Answer,
        }
    }

    /// Table of all kinds, as Markdown.
    #[must_use]
    pub fn table() -> String {
        let rows: String = Self::ALL.iter().copied().map(Self::row).collect();
        format!("| a grant's | ended by | within |\n|---|---|---|\n{rows}")
    }

    fn row(self) -> String {
        format!(
            "| {} | {} | {} |\n",
            self.name(),
            self.ended_by(),
            self.bound()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_how_each_kind_of_holding_ends() {
        let text = include_str!("../../../../docs/oauth.md");
        let table = GrantHolding::table();
        assert!(
            text.contains(&table),
            "docs/oauth.md lacks this table:\n{table}"
        );
    }
}
