//! Reasons for which a sign-in or renewal fails.

use std::fmt;

use durable_core::wire::RuntimeError;

/// Reason why a sign-in or renewal failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// The person did not want to, or the provider did not let them. The text is for the log.
    Denied(String),
    /// The provider refuses for good: the same code or token will never work. The text is for the log.
    Refused(String),
    /// The provider is away, or answers what it should not: it may work later. The text is for the log.
    Unavailable(String),
    /// The person is signed in, but may not use this server. The text names the person, to be shown.
    NotAllowed(String),
    /// The deployment is misconfigured. The text names the variable and the remedy, and no secret; it may be shown.
    Misconfigured(String),
}

impl IdentityError {
    /// The error code for the client (RFC 6749 section 4.1.2.1).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) | Self::NotAllowed(_) => "access_denied",
            Self::Unavailable(_) => "temporarily_unavailable",
            Self::Refused(_) | Self::Misconfigured(_) => "server_error",
        }
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(text) => write!(f, "sign-in was denied: {text}"),
            Self::Refused(text) => write!(f, "the identity provider refuses: {text}"),
            Self::Unavailable(text) => write!(f, "the identity provider is not to be had: {text}"),
            Self::NotAllowed(who) => write!(f, "not on the list of who may sign in: {who}"),
            Self::Misconfigured(text) => f.write_str(text),
        }
    }
}

impl From<RuntimeError> for IdentityError {
    fn from(fault: RuntimeError) -> Self {
        Self::Unavailable(fault.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_errors_have_the_oauth_code_for_their_cause() {
        let codes = [
            IdentityError::Denied(String::new()),
            IdentityError::NotAllowed(String::new()),
            IdentityError::Unavailable(String::new()),
            IdentityError::Refused(String::new()),
            IdentityError::Misconfigured(String::new()),
        ]
        .map(|error| error.code());
        assert_eq!(
            codes,
            [
                "access_denied",
                "access_denied",
                "temporarily_unavailable",
                "server_error",
                "server_error"
            ]
        );
    }
}
