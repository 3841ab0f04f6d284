//! Requests to the token endpoint (RFC 6749), with the client's proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value};

use super::error::SignInError;
use super::http::{Answer, Failure, OAuthHttp, encode_form};
use crate::store::records::StoredClient;

/// Token endpoint as one client uses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenEndpoint<'a> {
    pub(crate) url: &'a Url,
    pub(crate) client: &'a StoredClient,
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

impl TokenError {
    /// Whether the server does not know the client.
    pub(crate) fn is_of_client(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "invalid_client" || code == "unauthorized_client")
    }

    /// Whether the server is done with the grant.
    pub(crate) fn is_invalid_grant(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "invalid_grant")
    }
}

impl From<TokenError> for SignInError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused { words, .. } => Self::Impossible(format!("the token endpoint refused: {words}")),
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
        let answer = self.post(http, self.url, form).await.map_err(|failure| match failure {
            Failure::Refused(error) => TokenError::Failed(error),
            Failure::Lost(error) => TokenError::Lost(error),
        })?;
        if answer.status.is_success() {
            return answer
                .object()
                .filter(|answer| answer.get("access_token").is_some_and(Value::is_string))
                .ok_or_else(|| {
                    TokenError::Failed(SignInError::impossible(format!(
                        "the token endpoint gave no access token: {}",
                        answer.words()
                    )))
                });
        }
        Err(refusal(&answer))
    }

    /// Posts a form with the client's proof to any endpoint of the server.
    pub(crate) async fn post(&self, http: &OAuthHttp, url: &Url, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut form = form.to_vec();
        let id = self.client.client_id();
        let secret = self.client.secret();
        let mut authorization = None;
        match (self.method(), secret) {
            (Method::Basic, Some(secret)) => authorization = basic(id, secret),
            (Method::Post, Some(secret)) => form.extend([("client_id", id), ("client_secret", secret)]),
            _ => form.push(("client_id", id)),
        }
        http.post_form(url, &form, authorization).await
    }

    fn method(&self) -> Method {
        if self.client.secret().is_none() {
            return Method::None;
        }
        let offers = |name: &str| self.methods.is_empty() || self.methods.iter().any(|method| method == name);
        let registered = self.configured_method.or(self.client.auth_method()).filter(|method| offers(method));
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

fn refusal(answer: &Answer) -> TokenError {
    if let Some(code) = answer.error() {
        let is_passing = code == "temporarily_unavailable" || code == "server_error";
        if !is_passing && answer.status.is_client_error() {
            return TokenError::Refused { code, words: answer.words() };
        }
    }
    let is_passing = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
    let text = format!("the token endpoint answers {}", answer.words());
    TokenError::Failed(if is_passing { SignInError::Unreachable(text) } else { SignInError::Impossible(text) })
}

/// Basic authentication of RFC 6749, section 2.3.1: both parts are form-encoded first.
fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    let encode = |text: &str| encode_form(&[("", text)]).trim_start_matches('=').to_owned();
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
        TokenEndpoint { url: &url, client: &client, methods: &methods, configured_method: None }.method()
    }

    #[test]
    fn a_client_without_a_secret_sends_none() {
        let client = json!({ "client_id": "c", "token_endpoint_auth_method": "client_secret_basic" });
        assert_eq!(method(client, &[]), Method::None);
    }

    #[test]
    fn the_registered_method_counts_if_the_server_still_offers_it() {
        let client =
            json!({ "client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post" });
        assert_eq!(method(client.clone(), &["client_secret_basic", "client_secret_post"]), Method::Post);
        assert_eq!(method(client.clone(), &[]), Method::Post);
        assert_eq!(method(client, &["client_secret_basic"]), Method::Basic);
        assert_eq!(method(json!({ "client_id": "c", "client_secret": "s" }), &[]), Method::Basic);
        assert_eq!(method(json!({ "client_id": "c", "client_secret": "s" }), &["client_secret_post"]), Method::Post);
    }

    #[test]
    fn the_parts_of_basic_credentials_are_encoded() {
        let header = basic("a:b", "c d=é").unwrap();
        assert_eq!(header.to_str().unwrap(), format!("Basic {}", STANDARD.encode("a%3Ab:c+d%3D%C3%A9")));
    }
}
