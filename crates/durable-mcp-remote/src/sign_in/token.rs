//! Requests to the token endpoint (RFC 6749), with the client's proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value};

use super::assertion::{ASSERTION_TYPE, ClientKey};
use super::error::SignInError;
use super::http::{Answer, Failure, OAuthHttp, encode_form};
use crate::log::remember_secret;
use crate::store::records::StoredClient;

/// Token endpoint as one client uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenEndpoint<'a> {
    pub(crate) url: &'a Url,
    pub(crate) client: &'a StoredClient,
    /// Key that signs the client's assertions, and their audience.
    pub(crate) key: Option<(&'a ClientKey, &'a str)>,
    /// Methods of the metadata.
    pub(crate) methods: &'a [String],
    /// Method of `--static-oauth-client-metadata`, which goes before the registration's.
    pub(crate) configured_method: Option<&'a str>,
}

/// Answer that has no tokens.
#[derive(Debug)]
pub(crate) enum TokenError {
    /// The server refused, by an error code.
    Refused {
        /// The member `error` (RFC 6749, section 5.2).
        code: String,
        /// Description of the error, for people.
        words: String,
    },
    /// No answer came; the request may be sent once more.
    Lost(SignInError),
    /// The request failed, and would so again.
    Failed(SignInError),
}

/// Codes of a refresh token that is worth nothing; the first is the specification's, GitHub has the second.
const INVALID_GRANT: [&str; 3] = [
    "invalid_grant",
    "bad_refresh_token",
    "invalid_refresh_token",
];

/// Codes that say that the same request may succeed later.
const PASSING: [&str; 2] = ["temporarily_unavailable", "server_error"];

/// Further codes that count with any status. Gateways have an `error` in their answers, too, which says nothing about the grant.
const OAUTH_CODES: [&str; 6] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "invalid_client",
    "slow_down",
    "unauthorized_client",
];

impl TokenError {
    /// Whether the server does not know the client.
    pub(crate) fn is_of_client(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "invalid_client" || code == "unauthorized_client")
    }

    /// Whether the server is done with the grant.
    pub(crate) fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if INVALID_GRANT.contains(&code.as_str()))
    }
}

impl From<TokenError> for SignInError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused { words, .. } => {
                Self::Impossible(format!("the token endpoint refused: {words}"))
            }
            TokenError::Lost(error) | TokenError::Failed(error) => error,
        }
    }
}

impl TokenEndpoint<'_> {
    /// Posts the form with the client's proof.
    pub(crate) async fn request(
        &self,
        http: &OAuthHttp,
        form: &[(&str, &str)],
    ) -> Result<Map<String, Value>, TokenError> {
        let answer = self
            .post(http, self.url, form)
            .await
            .map_err(|failure| match failure {
                Failure::Refused(error) => TokenError::Failed(error),
                Failure::Lost(error) => TokenError::Lost(error),
            })?;
        tokens(&answer)
    }

    /// Posts a form with the client's proof to any endpoint of the server.
    pub(crate) async fn post(
        &self,
        http: &OAuthHttp,
        url: &Url,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let mut form = form.to_vec();
        let id = self.client.client_id();
        let secret = self.client.secret();
        let mut authorization = None;
        let assertion = self.assertion().map_err(Failure::Refused)?;
        match (self.method(), secret) {
            _ if assertion.is_some() => form.extend([
                ("client_id", id),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.as_deref().unwrap_or_default()),
            ]),
            (Method::Basic, Some(secret)) => authorization = basic(id, secret),
            (Method::Post, Some(secret)) => {
                form.extend([("client_id", id), ("client_secret", secret)]);
            }
            _ => form.push(("client_id", id)),
        }
        http.post_form(url, &form, authorization).await
    }

    fn assertion(&self) -> Result<Option<String>, SignInError> {
        let Some((key, audience)) = self.key else {
            return Ok(None);
        };
        let assertion = key.assertion(self.client.client_id(), audience, self.client.key_id())?;
        // A server's error may repeat it.
        remember_secret(&assertion);
        Ok(Some(assertion))
    }

    fn method(&self) -> Method {
        if self.client.secret().is_none() {
            return Method::None;
        }
        let offers = |name: &str| {
            self.methods.is_empty() || self.methods.iter().any(|method| method == name)
        };
        let registered = self
            .configured_method
            .or(self.client.auth_method())
            .filter(|method| offers(method));
        match registered {
            Some("client_secret_basic") => Method::Basic,
            Some("client_secret_post") => Method::Post,
            Some("none") => Method::None,
            _ if offers("client_secret_basic") => Method::Basic,
            _ => Method::Post,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    None,
    Post,
    Basic,
}

/// Tokens of an answer. A refusal by code counts with any status: GitHub refuses with 200.
fn tokens(answer: &Answer) -> Result<Map<String, Value>, TokenError> {
    let object = answer.object().unwrap_or_default();
    let is_success = answer.status.is_success();
    if is_success && object.get("access_token").is_some_and(Value::is_string) {
        return Ok(object);
    }
    let is_of_gateway =
        answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
    let code = answer.error().unwrap_or_default();
    let is_known = |codes: &[&str]| codes.contains(&code.as_str());
    let is_passing = is_known(&PASSING);
    if is_known(&INVALID_GRANT)
        || is_known(&OAUTH_CODES)
        || !(code.is_empty() || is_of_gateway || is_passing)
    {
        return Err(TokenError::Refused {
            code,
            words: answer.words(),
        });
    }
    let text = if is_success {
        format!(
            "the token endpoint gave no access token: {}",
            answer.words()
        )
    } else {
        format!("the token endpoint answers {}", answer.words())
    };
    Err(TokenError::Failed(if is_of_gateway || is_passing {
        SignInError::Unreachable(text)
    } else {
        SignInError::Impossible(text)
    }))
}

/// Basic authentication of RFC 6749, section 2.3.1: both parts are form-encoded first.
fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    let encode = |text: &str| {
        encode_form(&[("", text)])
            .trim_start_matches('=')
            .to_owned()
    };
    let pair = format!("{}:{}", encode(id), encode(secret));
    HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn method(client: Value, methods: &[&str]) -> Method {
        let client = StoredClient::parse(serde_json::from_value(client).unwrap()).unwrap();
        let methods: Vec<String> = methods.iter().map(|method| (*method).to_owned()).collect();
        let url = Url::parse("https://as.example/token").unwrap();
        TokenEndpoint {
            url: &url,
            client: &client,
            key: None,
            methods: &methods,
            configured_method: None,
        }
        .method()
    }

    fn outcome(status: u16, body: &Value) -> Result<Map<String, Value>, TokenError> {
        tokens(&Answer::of(
            StatusCode::from_u16(status).unwrap(),
            body.to_string().as_bytes(),
        ))
    }

    #[test]
    fn an_error_code_without_a_token_is_a_refusal_with_any_status() {
        for (status, code) in [
            (200, "bad_refresh_token"),
            (200, "invalid_refresh_token"),
            (400, "invalid_grant"),
            (500, "invalid_grant"),
        ] {
            let refused = outcome(status, &json!({ "error": code })).unwrap_err();
            assert!(refused.is_invalid_grant(), "{status} {code}");
        }
        for (status, code) in [
            (200, "authorization_pending"),
            (429, "slow_down"),
            (200, "incorrect_client_credentials"),
            (400, "vendor"),
        ] {
            let refused = outcome(status, &json!({ "error": code })).unwrap_err();
            assert!(
                matches!(refused, TokenError::Refused { code: other, .. } if other == code),
                "{status} {code}"
            );
        }
        assert!(outcome(200, &json!({ "access_token": "a", "error": "" })).is_ok());
    }

    #[test]
    fn an_error_of_a_gateway_does_not_end_the_grant() {
        for (status, body) in [
            (200, json!({ "error": "temporarily_unavailable" })),
            (400, json!({ "error": "server_error" })),
            (429, json!({ "error": "Too many requests" })),
            (502, json!({ "error": "Bad gateway" })),
            (503, json!(null)),
        ] {
            let failed = outcome(status, &body).unwrap_err();
            assert!(
                matches!(failed, TokenError::Failed(SignInError::Unreachable(_))),
                "{status} {body}"
            );
        }
        for (status, body) in [(200, json!({})), (404, json!(null))] {
            let failed = outcome(status, &body).unwrap_err();
            assert!(
                matches!(failed, TokenError::Failed(SignInError::Impossible(_))),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_client_without_a_secret_sends_none() {
        let client =
            json!({ "client_id": "c", "token_endpoint_auth_method": "client_secret_basic" });
        assert_eq!(method(client, &[]), Method::None);
    }

    #[test]
    fn an_error_that_repeats_the_assertion_is_masked() {
        // The key of RFC 8410, section 10.3.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = ClientKey::from_pem(pem.as_bytes()).unwrap();
        let client = StoredClient::public("id");
        let url = Url::parse("https://as.example/token").unwrap();
        let endpoint = TokenEndpoint {
            url: &url,
            client: &client,
            key: Some((&key, "https://as.example")),
            methods: &[],
            configured_method: None,
        };
        let assertion = endpoint.assertion().unwrap().unwrap();
        let words = crate::log::without_secrets(&format!("bad assertion {assertion}"));
        assert_eq!(words, "bad assertion ***");
    }

    #[test]
    fn the_registered_auth_method_is_used_while_the_server_offers_it() {
        let client = json!({ "client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post" });
        assert_eq!(
            method(
                client.clone(),
                &["client_secret_basic", "client_secret_post"]
            ),
            Method::Post
        );
        assert_eq!(method(client.clone(), &[]), Method::Post);
        assert_eq!(method(client, &["client_secret_basic"]), Method::Basic);
        assert_eq!(
            method(json!({ "client_id": "c", "client_secret": "s" }), &[]),
            Method::Basic
        );
        assert_eq!(
            method(
                json!({ "client_id": "c", "client_secret": "s" }),
                &["client_secret_post"]
            ),
            Method::Post
        );
    }

    #[test]
    fn the_parts_of_basic_credentials_are_encoded() {
        let header = basic("a:b", "c d=é").unwrap();
        assert_eq!(
            header.to_str().unwrap(),
            format!("Basic {}", STANDARD.encode("a%3Ab:c+d%3D%C3%A9"))
        );
    }
}
