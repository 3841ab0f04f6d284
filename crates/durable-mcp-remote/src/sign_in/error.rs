//! Reasons why there is no authorization, each one sentence for people.

use std::error::Error;
use std::fmt;

use crate::log::without_secrets;
use crate::store::StoreError;

/// Reason why there is no authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// A person has yet to sign in, at this link if it is known.
    Pending {
        /// Link, and the code to type there with the device grant.
        link: Option<String>,
    },
    /// A person, or the authorization server, said no.
    Denied(String),
    /// A server could not be reached; later it may.
    Unreachable(String),
    /// The metadata or answer of a server cannot be used, or must not be.
    Impossible(String),
}

impl SignInError {
    pub(crate) fn impossible(reason: impl Into<String>) -> Self {
        Self::Impossible(reason.into())
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { link: Some(link) } => {
                write!(
                    formatter,
                    "sign in at {link} and try again: the server asks for authorization"
                )
            }
            Self::Pending { link: None } => formatter.write_str(
                "finish the sign-in that another instance has opened in the browser, and try again",
            ),
            Self::Denied(reason) => write!(formatter, "the sign-in was refused: {reason}"),
            Self::Unreachable(reason) | Self::Impossible(reason) => formatter.write_str(reason),
        }
    }
}

impl Error for SignInError {}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Impossible(error.to_string())
    }
}

/// Longest text of a server that is repeated.
const MAX_SERVER_TEXT: usize = 300;

/// Text of a server as it may be shown on a terminal: secrets masked, control characters escaped, and not too long.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::new();
    for character in without_secrets(text).chars().take(MAX_SERVER_TEXT) {
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Characters that change the direction or the place of what is around them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_servers_are_escaped() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{202e}c\n"),
            "a\\u{1b}[31mb\\u{202e}c\\u{a}"
        );
        assert_eq!(printable("拒绝"), "拒绝");
    }

    #[test]
    fn secrets_that_a_server_repeats_are_masked_before_the_text_is_cut() {
        crate::log::remember_secret("repeated-refresh-token");
        assert_eq!(printable("unknown: repeated-refresh-token"), "unknown: ***");
        let long = format!("{}repeated-refresh-token", "x".repeat(MAX_SERVER_TEXT - 10));
        assert!(!printable(&long).contains("repeated"));
    }
}
