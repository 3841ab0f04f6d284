//! The authorization code flow (RFC 6749 section 4.1) with PKCE (RFC 7636), as a client of a provider.

mod refusal;
mod tokens;
mod upstream_client;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    Scope, StandardRevocableToken, TokenUrl,
};
use serde_json::{Value, json};

use self::refusal::{failed, refused};
use self::tokens::TokenResponse;
pub use self::tokens::{RENEW_SECONDS, Tokens, UPSTREAM, ends_with, renewable};
use durable_core::runtime::Random;
use oauth_server::secret::Secret;

use self::upstream_client::UpstreamClient;
use super::upstream::Upstream;
use super::{Callback, IdentityError, LoginRequest, Redirect};

/// The credentials of this server at a provider.
pub struct ProviderCredentials {
    /// The client id.
    pub id: String,
    /// The client secret; none for a public client.
    pub secret: Option<Secret>,
    /// Prefix of the names of its variables, as in `GITHUB_CLIENT_ID`.
    pub variables: &'static str,
}

impl fmt::Debug for ProviderCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderCredentials")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// A provider's two endpoints, and this server's registration there.
#[derive(Clone, Copy)]
pub struct CodeFlow<'a> {
    /// The authorization endpoint.
    pub authorize: &'a str,
    /// The token endpoint.
    pub token: &'a str,
    /// The credentials of this server at the provider.
    pub credentials: &'a ProviderCredentials,
    /// True for credentials in the body of a request (`client_secret_post`), false for its header (`client_secret_basic`).
    pub in_body: bool,
    /// The scopes that are asked for, separated by spaces.
    pub scopes: &'a str,
}

type FlowClient = Client<
    BasicErrorResponse,
    TokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl CodeFlow<'_> {
    /// Starts a flow: the URL for the browser, with the provider's extra parameters `more`, and the data for `finish`.
    ///
    /// # Errors
    /// When there is no randomness, or an endpoint is no URL.
    pub fn start(
        &self,
        request: &LoginRequest<'_>,
        more: &[(&str, &str)],
    ) -> Result<Redirect, IdentityError> {
        let verifier = PkceCodeVerifier::new(random_text(request.random)?);
        let client = self.client(request.redirect_uri)?;
        let mut authorize_url = client
            .authorize_url(|| CsrfToken::new(request.state.to_owned()))
            .add_scopes(
                self.scopes
                    .split_whitespace()
                    .map(|scope| Scope::new(scope.to_owned())),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for (name, value) in more {
            authorize_url = authorize_url.add_extra_param(*name, *value);
        }
        Ok(Redirect {
            url: authorize_url.url().0.into(),
            flow_state: json!({ "verifier": verifier.secret() }),
        })
    }

    /// Redeems the code that the browser brought (RFC 6749 section 4.1.3).
    ///
    /// # Errors
    /// When the browser brought an error, or the provider refuses or is away.
    pub async fn redeem(&self, callback: &Callback<'_>) -> Result<Tokens, IdentityError> {
        if let Some(error) = callback.params.get("error") {
            let description = callback.params.get("error_description");
            return Err(failed(error, description, self.credentials.variables));
        }
        let code = callback.params.get("code");
        let code = code.ok_or_else(|| {
            IdentityError::Refused("the callback has neither a code nor an error".to_owned())
        })?;
        let verifier =
            PkceCodeVerifier::new(flow_value(callback.flow_state, "verifier")?.to_owned());
        let client = self.client(callback.redirect_uri)?;
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(verifier);
        let given = request
            .request_async(&UpstreamClient(callback.web))
            .await
            .map_err(|error| refused(error, self.credentials.variables))?;
        Ok(Tokens::new(&given, callback.web.now() / 1000))
    }

    /// Gets the next tokens (RFC 6749 section 6).
    ///
    /// # Errors
    /// When the provider refuses or is away.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        web: &dyn Upstream,
    ) -> Result<Tokens, IdentityError> {
        // Of the callback no mention is made here.
        let client = self.client("http://localhost/")?;
        let refresh_token = RefreshToken::new(refresh_token.to_owned());
        let request = client.exchange_refresh_token(&refresh_token);
        let given = request
            .request_async(&UpstreamClient(web))
            .await
            .map_err(|error| refused(error, self.credentials.variables))?;
        let mut tokens = Tokens::new(&given, web.now() / 1000);
        // A provider that does not rotate them sends none, and the old one stays good.
        tokens
            .refresh_token
            .get_or_insert_with(|| refresh_token.into_secret());
        Ok(tokens)
    }

    /// Renews the tokens in the props if they are [due](renewable); `None` if they are not.
    ///
    /// # Errors
    /// When the provider refuses or is away.
    pub async fn renew(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Tokens>, IdentityError> {
        match renewable(props, web.now() / 1000) {
            Some(token) => self.refresh(token, web).await.map(Some),
            None => Ok(None),
        }
    }

    fn client(&self, callback: &str) -> Result<FlowClient, IdentityError> {
        let wrong = |_| {
            let variables = self.credentials.variables;
            IdentityError::Misconfigured(format!(
                "An endpoint of {variables} is no URL. Correct its variable."
            ))
        };
        let client = Client::new(ClientId::new(self.credentials.id.clone()))
            .set_auth_uri(AuthUrl::new(self.authorize.to_owned()).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(self.token.to_owned()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(callback.to_owned()).map_err(wrong)?)
            .set_auth_type(if self.in_body {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            });
        Ok(match &self.credentials.secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.secret().to_owned())),
            None => client,
        })
    }
}

/// Sets a member of an object. Any other value stays as it is.
pub fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

/// A text of 256 random bits, of 43 characters: a verifier (RFC 7636 section 4.1), or a nonce.
///
/// # Errors
/// When there is no randomness.
pub fn random_text(random: &dyn Random) -> Result<String, IdentityError> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Value of the flow state that `start` returned for `finish`.
///
/// # Errors
/// When it is not there: the flow is of another provider.
pub fn flow_value<'a>(flow_state: &'a Value, name: &str) -> Result<&'a str, IdentityError> {
    let text = flow_state.get(name).and_then(Value::as_str);
    text.ok_or_else(|| IdentityError::Refused("the sign-in began with another provider".to_owned()))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use oauth_server::params::RequestParams;
    use oauth_server::pkce::{CodeChallenge, CodeVerifier};
    use oauth_server::testing::SeededRandom;

    use super::*;
    use crate::testing::{FakeUpstream, NOW, head};

    const TOKEN: &str = "https://id.example/token";
    const CALLBACK: &str = "https://mcp.example/callback";

    fn credentials() -> ProviderCredentials {
        ProviderCredentials {
            id: "me".to_owned(),
            secret: Some(Secret::new("s&cret".to_owned())),
            variables: "X",
        }
    }

    fn flow(credentials: &ProviderCredentials) -> CodeFlow<'_> {
        let authorize = "https://id.example/authorize?tenant=1";
        CodeFlow {
            authorize,
            token: TOKEN,
            credentials,
            in_body: false,
            scopes: "a b",
        }
    }

    fn begin() -> Redirect {
        let (random, web) = (SeededRandom::new(1), FakeUpstream::default());
        let flow_ = LoginRequest {
            redirect_uri: CALLBACK,
            state: "s&t",
            name: None,
            random: &random,
            web: &web,
        };
        flow(&credentials())
            .start(&flow_, &[("prompt", "x")])
            .unwrap()
    }

    fn redeem(query: &str, web: &FakeUpstream) -> Result<Tokens, IdentityError> {
        let (params, head, flow_value) = (
            RequestParams::parse(query).unwrap(),
            head(query, &[]),
            begin().flow_state,
        );
        let answer = Callback {
            redirect_uri: CALLBACK,
            params: &params,
            head: &head,
            flow_state: &flow_value,
            web,
        };
        block_on(flow(&credentials()).redeem(&answer))
    }

    fn refused(status: u16, body: &Value) -> IdentityError {
        let web = FakeUpstream::default();
        web.post(TOKEN, status, body);
        redeem("code=c", &web).unwrap_err()
    }

    #[test]
    fn the_authorization_url_has_state_and_challenge() {
        let redirect = begin();
        let (url, query) = redirect.url.split_once('?').unwrap();
        let params = RequestParams::parse(query).unwrap();
        assert_eq!(url, "https://id.example/authorize");
        for (name, value) in [
            ("tenant", "1"),
            ("response_type", "code"),
            ("client_id", "me"),
            ("redirect_uri", CALLBACK),
            ("scope", "a b"),
            ("state", "s&t"),
            ("code_challenge_method", "S256"),
            ("prompt", "x"),
        ] {
            assert_eq!(params.get(name), Some(value));
        }
        let verifier =
            CodeVerifier::parse(redirect.flow_state["verifier"].as_str().unwrap()).unwrap();
        assert!(
            CodeChallenge::parse(params.get("code_challenge").unwrap())
                .unwrap()
                .is_of(&verifier)
        );
        assert!(
            !redirect
                .url
                .contains(redirect.flow_state["verifier"].as_str().unwrap())
                && !redirect.url.contains("cret")
        );
    }

    #[test]
    fn a_code_is_redeemed_with_its_verifier_and_the_secret() {
        let web = FakeUpstream::default();
        let given = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 60, "refresh_token": "rt" });
        web.post(TOKEN, 200, &given);
        let tokens = redeem("code=c%20d", &web).unwrap();
        let expires = NOW / 1000 + 60;
        assert_eq!(
            tokens.to_props(),
            json!({ "access_token": "at", "refresh_token": "rt", "expires": expires })
        );
        let [sent] = web.sent().try_into().unwrap();
        // RFC 6749 section 2.3.1: both parts are form-encoded.
        assert_eq!(sent.authorization, "Basic bWU6cyUyNmNyZXQ=");
        let params = RequestParams::parse(&sent.body).unwrap();
        assert_eq!(
            (params.get("code"), params.get("redirect_uri")),
            (Some("c d"), Some(CALLBACK))
        );
        assert_eq!(
            params.get("code_verifier"),
            begin().flow_state["verifier"].as_str()
        );
        assert!(!format!("{tokens:?} {:?}", credentials()).contains("cret"));
    }

    #[test]
    fn the_secret_is_sent_in_the_body_if_the_provider_wants_it_there() {
        let (web, credentials) = (FakeUpstream::default(), credentials());
        web.post(
            TOKEN,
            200,
            &json!({ "access_token": "at", "token_type": "bearer" }),
        );
        let flow = CodeFlow {
            in_body: true,
            ..flow(&credentials)
        };
        let tokens = block_on(flow.refresh("old", &web)).unwrap();
        assert_eq!(
            (tokens.refresh_token.as_deref(), tokens.expires),
            (Some("old"), None)
        );
        let [sent] = web.sent().try_into().unwrap();
        assert_eq!(sent.authorization, "");
        let params = RequestParams::parse(&sent.body).unwrap();
        assert_eq!(
            (params.get("client_id"), params.get("client_secret")),
            (Some("me"), Some("s&cret"))
        );
        assert_eq!(
            (params.get("grant_type"), params.get("refresh_token")),
            (Some("refresh_token"), Some("old"))
        );
    }

    #[test]
    fn an_error_in_the_callback_is_classified_by_blame() {
        let web = FakeUpstream::default();
        let said = |query| redeem(query, &web).unwrap_err();
        assert!(
            matches!(said("error=access_denied&error_description=no"), IdentityError::Denied(text) if text == "access_denied: no")
        );
        assert!(matches!(
            said("error=server_error"),
            IdentityError::Unavailable(_)
        ));
        assert!(matches!(
            said("error=redirect_uri_mismatch"),
            IdentityError::Misconfigured(_)
        ));
        assert!(matches!(
            said("error=x&code=c"),
            IdentityError::Unavailable(_)
        ));
        assert!(matches!(said("state=s"), IdentityError::Refused(_)));
        assert!(web.asked().is_empty());
    }

    #[test]
    fn an_error_of_the_token_endpoint_is_classified_by_blame() {
        let error = |code: &str| json!({ "error": code, "error_description": "why" });
        for code in ["invalid_grant", "bad_verification_code"] {
            // An expired code, as everybody else and as GitHub says it.
            assert_eq!(
                refused(400, &error(code)),
                IdentityError::Refused(format!("{code}: why"))
            );
            assert_eq!(
                refused(200, &error(code)),
                IdentityError::Refused(format!("{code}: why"))
            );
        }
        for code in ["invalid_client", "incorrect_client_credentials"] {
            let IdentityError::Misconfigured(text) = refused(401, &error(code)) else {
                panic!("{code}")
            };
            assert!(text.contains("X_CLIENT_ID") && text.contains("X_CLIENT_SECRET"));
        }
        assert!(matches!(
            refused(400, &error("unverified_user_email")),
            IdentityError::Denied(_)
        ));
        assert!(matches!(
            refused(400, &error("made_up")),
            IdentityError::Unavailable(_)
        ));
    }

    #[test]
    fn a_response_that_no_token_endpoint_gives_is_an_outage() {
        let given = json!({ "access_token": "at", "token_type": "bearer" });
        for status in [301, 302, 429, 500, 502, 503] {
            assert!(
                matches!(refused(status, &given), IdentityError::Unavailable(_)),
                "{status}"
            );
            assert!(matches!(
                refused(status, &json!({ "error": "invalid_grant" })),
                IdentityError::Unavailable(_)
            ));
        }
        for body in [
            json!({}),
            json!({ "access_token": "at" }),
            json!("text"),
            json!({ "access_token": "", "error": 1 }),
        ] {
            let IdentityError::Unavailable(text) = refused(200, &body) else {
                panic!("{body}")
            };
            assert!(!text.contains("at\""), "{text}");
        }
        let web = FakeUpstream::default();
        web.set(
            &format!("POST {TOKEN}"),
            200,
            &[("content-type", "text/html")],
            given.to_string().as_bytes(),
        );
        assert!(matches!(
            redeem("code=c", &web),
            Err(IdentityError::Unavailable(_))
        ));
        web.set(
            &format!("POST {TOKEN}"),
            200,
            &[],
            &vec![b' '; super::super::upstream::MAX_ANSWER_BYTES + 1],
        );
        assert!(matches!(
            redeem("code=c", &web),
            Err(IdentityError::Unavailable(_))
        ));
        web.hang(&format!("POST {TOKEN}"));
        assert!(
            matches!(redeem("code=c", &web), Err(IdentityError::Unavailable(text)) if text.contains("in time"))
        );
    }

    #[test]
    fn a_flow_of_another_provider_is_not_finished() {
        let (params, head, flow_value) = (
            RequestParams::parse("code=c").unwrap(),
            head("", &[]),
            json!({ "name": "x" }),
        );
        let web = FakeUpstream::default();
        let answer = Callback {
            redirect_uri: CALLBACK,
            params: &params,
            head: &head,
            flow_state: &flow_value,
            web: &web,
        };
        assert!(matches!(
            block_on(flow(&credentials()).redeem(&answer)),
            Err(IdentityError::Refused(_))
        ));
        assert!(web.asked().is_empty());
    }
}
