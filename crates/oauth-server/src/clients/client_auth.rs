//! Client authentication at the token, revocation and introspection endpoints (RFC 6749 section 2.3).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::challenge::BASIC_CHALLENGE;
use crate::client::{AuthMethod, Client};
use crate::params::{RequestParams, decode};
use crate::secret::{Secret, same, sha256_hex};

/// Base64 with or without padding, since some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Client credentials of a request.
#[derive(Debug)]
pub struct RequestCredentials {
    /// The client's id.
    pub client_id: String,
    /// Proof that the request is from that client.
    pub proof: ClientProof,
}

/// Proof of a client's identity.
#[derive(Debug)]
pub enum ClientProof {
    /// No secret, as from a public client.
    None,
    /// A secret in the `Authorization` header.
    Basic(Secret),
    /// A secret among the parameters.
    Post(Secret),
}

/// Error of client authentication (RFC 6749 section 5.2). The text is for the client's developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthError {
    /// 401 `invalid_client`.
    InvalidClient {
        /// True if the request had an `Authorization` header, and so is answered with a challenge.
        by_header: bool,
        /// Text for the client's developer.
        reason: &'static str,
    },
    /// 400 `invalid_request`.
    InvalidRequest(&'static str),
}

impl ClientAuthError {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient { .. } => 401,
            Self::InvalidRequest(_) => 400,
        }
    }

    /// The error's name on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidClient { .. } => "invalid_client",
            Self::InvalidRequest(_) => "invalid_request",
        }
    }

    /// Text for the client's developer.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidClient { reason, .. } | Self::InvalidRequest(reason) => reason,
        }
    }

    /// The `WWW-Authenticate` header of the answer.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidClient {
                by_header: true, ..
            } => Some(BASIC_CHALLENGE),
            _ => None,
        }
    }
}

/// Reads the client credentials of a request from its `Authorization` header and its form.
///
/// # Errors
/// When they are missing, malformed, of an unsupported method, or sent in two ways.
pub fn credentials(
    authorization: Option<&str>,
    params: &RequestParams,
) -> Result<RequestCredentials, ClientAuthError> {
    let (id, secret) = (params.get("client_id"), params.get("client_secret"));
    if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
        let reason = "Client assertions are not supported. Use none, client_secret_basic or client_secret_post.";
        return Err(ClientAuthError::InvalidClient {
            by_header: authorization.is_some(),
            reason,
        });
    }
    let Some(authorization) = authorization else {
        return form_credentials(id, secret);
    };
    let reason =
        "The Authorization header is not Basic base64(form-encoded id:form-encoded secret).";
    let (client_id, header_secret) =
        basic(authorization).ok_or(ClientAuthError::InvalidClient {
            by_header: true,
            reason,
        })?;
    if secret.is_some() {
        return Err(ClientAuthError::InvalidRequest(
            "Send the client's secret in one way, not two.",
        ));
    }
    // Many clients repeat their id in the form, which does no harm.
    if id.is_some_and(|id| id != client_id) {
        return Err(ClientAuthError::InvalidRequest(
            "The Authorization header and client_id name different clients.",
        ));
    }
    Ok(RequestCredentials {
        client_id,
        proof: ClientProof::Basic(Secret::new(header_secret)),
    })
}

fn form_credentials(
    id: Option<&str>,
    secret: Option<&str>,
) -> Result<RequestCredentials, ClientAuthError> {
    let client_id = id.ok_or(ClientAuthError::InvalidClient {
        by_header: false,
        reason: "client_id is missing.",
    })?;
    let proof = secret.map_or(ClientProof::None, |secret| {
        ClientProof::Post(Secret::new(secret.to_owned()))
    });
    Ok(RequestCredentials {
        client_id: client_id.to_owned(),
        proof,
    })
}

/// Checks that a request is from that client.
///
/// # Errors
/// When the proof is wrong, or not of the method that the client registered.
pub fn authenticate(
    client: &Client,
    credentials: &RequestCredentials,
) -> Result<(), ClientAuthError> {
    let by_header = matches!(credentials.proof, ClientProof::Basic(_));
    let refuse = |reason| Err(ClientAuthError::InvalidClient { by_header, reason });
    if client.id != credentials.client_id {
        return refuse("Unknown client.");
    }
    let (method, secret) = match &credentials.proof {
        ClientProof::None => (AuthMethod::None, None),
        ClientProof::Basic(secret) => (AuthMethod::Basic, Some(secret)),
        ClientProof::Post(secret) => (AuthMethod::Post, Some(secret)),
    };
    // RFC 7591 section 2 makes Basic the default, yet clients that named no method often post their secret.
    let either =
        !client.auth_method_explicit && client.auth_method == AuthMethod::Basic && secret.is_some();
    if method != client.auth_method && !either {
        return refuse("The client registered another token_endpoint_auth_method.");
    }
    match (secret, &client.secret_hash) {
        (None, _) => Ok(()),
        (Some(secret), Some(hash)) if same(&sha256_hex(secret.secret()), hash) => Ok(()),
        _ => refuse("Wrong client secret."),
    }
}

/// Id and secret of a `Basic` header (RFC 6749 section 2.3.1).
fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, value) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let id = decode(id).filter(|id| !id.is_empty())?;
    Some((id, decode(secret)?))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD as PADDED;

    use super::*;
    use crate::client::ClientSource;

    fn client(method: AuthMethod) -> Client {
        let secret_hash = (method != AuthMethod::None).then(|| sha256_hex("s3 cret"));
        Client {
            auth_method: method,
            secret_hash,
            ..Client::public("id", Vec::new(), ClientSource::Registered)
        }
    }

    fn header(text: &str) -> String {
        format!("Basic {}", PADDED.encode(text))
    }

    fn read(
        authorization: Option<&str>,
        form: &str,
    ) -> Result<RequestCredentials, ClientAuthError> {
        credentials(authorization, &RequestParams::parse(form).unwrap())
    }

    fn presented(method: AuthMethod) -> RequestCredentials {
        match method {
            AuthMethod::None => read(None, "client_id=id"),
            AuthMethod::Basic => read(Some(&header("id:s3+cret")), ""),
            AuthMethod::Post => read(None, "client_id=id&client_secret=s3+cret"),
        }
        .unwrap()
    }

    #[test]
    fn only_the_registered_auth_method_is_accepted() {
        for registered in AuthMethod::ALL {
            for tried in AuthMethod::ALL {
                let result = authenticate(&client(registered), &presented(tried));
                let Err(error) = result else {
                    assert_eq!(registered, tried);
                    continue;
                };
                assert_ne!(registered, tried);
                assert_eq!((error.status(), error.code()), (401, "invalid_client"));
                assert_eq!(
                    error.challenge().is_some(),
                    tried == AuthMethod::Basic,
                    "{registered:?} {tried:?}"
                );
            }
        }
    }

    #[test]
    fn a_client_without_a_named_auth_method_may_use_basic_or_post() {
        let basic = Client {
            auth_method_explicit: false,
            ..client(AuthMethod::Basic)
        };
        assert_eq!(authenticate(&basic, &presented(AuthMethod::Basic)), Ok(()));
        assert_eq!(authenticate(&basic, &presented(AuthMethod::Post)), Ok(()));
        assert!(authenticate(&basic, &presented(AuthMethod::None)).is_err());
        let public = Client {
            auth_method_explicit: false,
            ..client(AuthMethod::None)
        };
        assert!(authenticate(&public, &presented(AuthMethod::Post)).is_err());
    }

    #[test]
    fn a_wrong_or_unrecorded_secret_is_refused() {
        let basic = client(AuthMethod::Basic);
        for text in ["id:wrong", "id:", "id:s3 cret2"] {
            assert!(
                authenticate(&basic, &read(Some(&header(text)), "").unwrap()).is_err(),
                "{text}"
            );
        }
        let lost = Client {
            secret_hash: None,
            ..client(AuthMethod::Basic)
        };
        assert!(authenticate(&lost, &presented(AuthMethod::Basic)).is_err());
        let other = Client {
            id: "other".to_owned(),
            ..client(AuthMethod::None)
        };
        assert!(authenticate(&other, &presented(AuthMethod::None)).is_err());
    }

    #[test]
    fn both_parts_of_basic_are_form_encoded() {
        let both = read(Some(&header("a%3Ab:%C3%BC%20+%2B:c")), "").unwrap();
        assert_eq!(both.client_id, "a:b");
        assert!(matches!(both.proof, ClientProof::Basic(secret) if secret.secret() == "ü  +:c"));
        let unpadded = header("id:s3+cret")
            .trim_end_matches('=')
            .replace("Basic", "bAsIc ");
        assert!(
            authenticate(
                &client(AuthMethod::Basic),
                &read(Some(&unpadded), "").unwrap()
            )
            .is_ok()
        );
    }

    #[test]
    fn a_malformed_authorization_header_is_answered_with_a_challenge() {
        let good = PADDED.encode("id:s");
        for text in [
            "Basic".to_owned(),
            "Basic !!!".to_owned(),
            "Bearer x".to_owned(),
            good,
            header("no colon"),
            header(":secret"),
            header("id:%zz"),
            header("id:%f"),
            header("id:%"),
            header("id:%+1"),
            header("id:%ff"),
            format!("Basic {}", PADDED.encode([b'i', b':', 0xff])),
        ] {
            let error = read(Some(&text), "client_id=id").unwrap_err();
            assert_eq!(
                (error.status(), error.challenge()),
                (401, Some(BASIC_CHALLENGE)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_client_may_authenticate_by_one_method_only() {
        let basic = header("id:s3+cret");
        assert!(read(Some(&basic), "client_id=id").is_ok());
        assert!(read(Some(&basic), "client_id=id&client_secret=").is_ok());
        for form in [
            "client_id=other",
            "client_id=id&client_secret=s3+cret",
            "client_secret=x",
        ] {
            let error = read(Some(&basic), form).unwrap_err();
            assert_eq!(
                (error.status(), error.code(), error.challenge()),
                (400, "invalid_request", None),
                "{form}"
            );
        }
    }

    #[test]
    fn a_request_without_a_client_id_is_refused() {
        let error = read(None, "grant_type=authorization_code").unwrap_err();
        assert_eq!(
            (error.status(), error.code(), error.challenge()),
            (401, "invalid_client", None)
        );
        assert_eq!(error.description(), "client_id is missing.");
        assert!(read(None, "client_secret=s").is_err());
        assert!(read(None, "client_id=id&client_assertion=x").is_err());
    }

    #[test]
    fn debug_output_hides_presented_secrets() {
        let text = format!(
            "{:?} {:?}",
            presented(AuthMethod::Basic),
            presented(AuthMethod::Post)
        );
        assert!(!text.contains("cret\""), "{text}");
        assert!(!text.contains("s3"), "{text}");
    }
}
