//! Authorization of requests to the server.

use reqwest::StatusCode;
use reqwest::header::HeaderValue;

/// Source of the `Authorization` header.
pub(crate) enum SignIn {
    /// None: the server is asked without, or with a header of the command line.
    None,
}

impl SignIn {
    /// Value of `Authorization` for the next request.
    #[expect(clippy::unused_async, reason = "a token may have to be refreshed first")]
    pub(crate) async fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::None => None,
        }
    }

    /// Reacts to a 401 or 403 answer with its `WWW-Authenticate` header. `Ok(true)` means that the request is to be sent
    /// again, `Ok(false)` that its answer stands.
    ///
    /// # Errors
    ///
    /// One sentence for the client: why there is no authorization, and what to do.
    #[expect(clippy::unused_async, reason = "a person may have to sign in first")]
    pub(crate) async fn challenged(&self, status: StatusCode, _challenge: Option<&str>) -> Result<bool, String> {
        match self {
            Self::None if status == StatusCode::UNAUTHORIZED => {
                Err("the server asks for authorization (HTTP 401): sign in, or give a token with --header".to_owned())
            }
            Self::None => Ok(false),
        }
    }
}
