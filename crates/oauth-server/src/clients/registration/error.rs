//! Errors of a registration, and their wire form (RFC 7591 section 3.2.2).

use durable_core::wire::RuntimeError;

use super::MAX_REGISTRATION_BYTES;
use crate::client_metadata::MetadataError;

/// Error of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationError {
    /// More than [`MAX_REGISTRATION_BYTES`].
    TooLarge,
    /// The metadata is refused (RFC 7591 section 3.2.2).
    Metadata(MetadataError),
    /// Too many new clients were registered lately.
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Storage failed.
    Unavailable(RuntimeError),
}

impl From<MetadataError> for RegistrationError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl RegistrationError {
    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Metadata(_) => 400,
            Self::TooMany { .. } => 429,
            Self::Unavailable(_) => 503,
        }
    }

    /// The error's name on the wire.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Metadata(MetadataError::RedirectUri(_)) => "invalid_redirect_uri",
            Self::TooLarge | Self::Metadata(MetadataError::Other(_)) => "invalid_client_metadata",
            Self::TooMany { .. } | Self::Unavailable(_) => "temporarily_unavailable",
        }
    }

    /// Text for the client's developer.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::TooLarge => {
                format!("A registration may have up to {MAX_REGISTRATION_BYTES} bytes.")
            }
            Self::Metadata(error) => error.to_string(),
            Self::TooMany { retry_after } => {
                format!(
                    "Too many new clients. Try again in {retry_after} s, and keep the client_id you get."
                )
            }
            Self::Unavailable(_) => {
                "The registration could not be kept. Try again in a moment.".to_owned()
            }
        }
    }

    /// The `Retry-After` header of the answer, in seconds.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(1),
            Self::TooLarge | Self::Metadata(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_registration_is_told_when_to_retry() {
        let error = RegistrationError::TooMany { retry_after: 30 };
        assert_eq!(
            (error.status(), error.code(), error.retry_after()),
            (429, "temporarily_unavailable", Some(30))
        );
        assert!(error.description().contains("30 s"));
        let error = RegistrationError::Unavailable(RuntimeError("KV said something".to_owned()));
        assert_eq!((error.status(), error.retry_after()), (503, Some(1)));
        assert!(!error.description().contains("KV said"));
    }
}
