//! A provider of plain OAuth 2.0, which tells its user by one more request (RFC 6749, RFC 7636).

use std::borrow::Cow;
use std::fmt;

use http::Request;
use http::header::AUTHORIZATION;
use serde_json::Value;

use crate::code_flow::{CodeFlow, ProviderCredentials, UPSTREAM, set};
use crate::identity_error::IdentityError;
use crate::provider::{Callback, Identity, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::begins_with;
use crate::upstream::{Upstream, get_json};

/// The URLs of a provider.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The authorization endpoint (RFC 6749 section 3.1).
    pub authorize: Cow<'static, str>,
    /// The token endpoint (RFC 6749 section 3.2).
    pub token: Cow<'static, str>,
    /// The URL whose JSON, asked for with the access token, describes the user.
    pub user: Cow<'static, str>,
}

/// A user, as the provider's JSON describes them.
#[derive(Clone, PartialEq)]
pub struct Profile {
    /// The provider's id for the person: stable, unique and never given to another, unlike a name or an address.
    pub id: String,
    /// The name that pages show.
    pub name: Option<String>,
    /// The props that tools get, an object. The provider's tokens are put beside them, as [`UPSTREAM`].
    pub props: Value,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

type ReadProfile = dyn Fn(&Value) -> Option<Profile>;

/// A provider of plain OAuth 2.0. Tokens that expire are renewed.
///
/// ```
/// use serde_json::json;
/// use sign_in::code_flow::ProviderCredentials;
/// use sign_in::oauth2::{Endpoints, OAuth2Provider, Profile};
/// use sign_in::IdentityProvider;
///
/// let variable = |name: &str| Some(format!("the value of {name}"));
/// let credentials = ProviderCredentials::from_variables(&variable, "FORGE")?;
/// let endpoints = Endpoints {
///     authorize: "https://forge.example/oauth/authorize".into(),
///     token: "https://forge.example/oauth/token".into(),
///     user: "https://forge.example/api/me".into(),
/// };
/// let forge = OAuth2Provider::new("forge", credentials, endpoints, |me| {
///     Some(Profile {
///         id: me["id"].as_u64()?.to_string(),
///         name: me["name"].as_str().map(str::to_owned),
///         props: json!({ "name": me["name"] }),
///     })
/// })
/// .scopes("profile")
/// .title("Forge");
/// assert!(forge.knows("forge:1") && !forge.knows("github:1"));
/// # Ok::<(), sign_in::IdentityError>(())
/// ```
pub struct OAuth2Provider {
    /// The name, with a colon: subjects begin with it.
    subjects: String,
    title: String,
    credentials: ProviderCredentials,
    endpoints: Endpoints,
    in_body: bool,
    scopes: String,
    read: Box<ReadProfile>,
}

impl OAuth2Provider {
    /// A provider with a name, such as `forge`, by which its users are told from those of others: `forge:42`. `read` finds the user in
    /// the JSON of [`Endpoints::user`]; `None` if that is not a user's.
    pub fn new(
        name: &str,
        credentials: ProviderCredentials,
        endpoints: Endpoints,
        read: impl Fn(&Value) -> Option<Profile> + 'static,
    ) -> Self {
        Self {
            subjects: format!("{name}:"),
            title: name.to_owned(),
            credentials,
            endpoints,
            in_body: false,
            scopes: String::new(),
            read: Box::new(read),
        }
    }

    /// The name for people, as in "Continue to Forge".
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// The scopes that are asked for, separated by spaces.
    #[must_use]
    pub fn scopes(mut self, scopes: &str) -> Self {
        scopes.clone_into(&mut self.scopes);
        self
    }

    /// Sends the credentials in the body (`client_secret_post`) in place of the header (`client_secret_basic`).
    #[must_use]
    pub fn credentials_in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    fn flow(&self) -> CodeFlow<'_> {
        CodeFlow {
            authorize: &self.endpoints.authorize,
            token: &self.endpoints.token,
            credentials: &self.credentials,
            in_body: self.in_body,
            scopes: &self.scopes,
        }
    }
}

impl fmt::Debug for OAuth2Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Provider")
            .field("title", &self.title)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl IdentityProvider for OAuth2Provider {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        self.flow().start(&request, &[])
    }

    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let tokens = self.flow().redeem(&callback).await?;
        let request = Request::get(&*self.endpoints.user)
            .header(AUTHORIZATION, format!("Bearer {}", tokens.access_token));
        let user = get_json(callback.web, request).await?;
        let profile = (self.read)(&user.body).filter(|_| user.status == 200);
        let Profile {
            id,
            name,
            mut props,
        } = profile.ok_or_else(|| user.unexpected("the user"))?;
        set(&mut props, UPSTREAM, tokens.to_props());
        Ok(Identity {
            subject: format!("{}{id}", self.subjects),
            name,
            props,
        })
    }

    async fn renew(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let tokens = self.flow().renew(props, web).await?;
        Ok(tokens.map(|tokens| {
            let mut renewed = props.clone();
            set(&mut renewed, UPSTREAM, tokens.to_props());
            renewed
        }))
    }

    fn knows(&self, subject: &str) -> bool {
        begins_with(subject, &self.subjects)
    }

    fn title(&self) -> &str {
        &self.title
    }
}

#[cfg(test)]
mod tests {
    use oauth_server::secret::Secret;
    use serde_json::json;

    use super::*;
    use crate::testing::{FakeUpstream, NOW, finish, renew, start};

    const TOKEN: &str = "https://forge.example/token";
    const USER: &str = "https://forge.example/me";

    fn forge() -> OAuth2Provider {
        let credentials = ProviderCredentials {
            id: "an id".to_owned(),
            secret: Some(Secret::new("a secret".to_owned())),
            variables: "FORGE",
        };
        let endpoints = Endpoints {
            authorize: "https://forge.example/authorize".into(),
            token: TOKEN.into(),
            user: USER.into(),
        };
        OAuth2Provider::new("forge", credentials, endpoints, |me| {
            Some(Profile {
                id: me["id"].as_u64()?.to_string(),
                name: me["name"].as_str().map(str::to_owned),
                props: json!({ "name": me["name"] }),
            })
        })
        .scopes("profile email")
        .title("Forge")
    }

    fn web() -> FakeUpstream {
        let web = FakeUpstream::default();
        let tokens = json!({ "access_token": "at", "token_type": "bearer", "expires_in": 60, "refresh_token": "rt" });
        web.post(TOKEN, 200, &tokens);
        web.get(USER, 200, &json!({ "id": 42, "name": "Ann" }));
        web
    }

    #[test]
    fn the_browser_is_sent_to_the_authorization_endpoint_with_the_scopes() {
        let url = start(&forge(), None).unwrap().url;
        assert!(url.starts_with("https://forge.example/authorize?"), "{url}");
        assert!(
            url.contains("scope=profile+email") && url.contains("code_challenge="),
            "{url}"
        );
    }

    #[test]
    fn the_user_is_read_from_the_answer_and_the_tokens_are_kept() {
        let web = web();
        let identity = finish(&forge(), "code=c", &web).unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.name.as_deref()),
            ("forge:42", Some("Ann"))
        );
        assert_eq!(
            identity.props,
            json!({ "name": "Ann", "upstream": { "access_token": "at", "refresh_token": "rt", "expires": NOW / 1000 + 60 } })
        );
        assert!(forge().knows("forge:42") && !forge().knows("github:42"));
    }

    #[test]
    fn an_answer_without_a_user_signs_nobody_in() {
        let web = web();
        for (status, body) in [
            (200, json!({ "name": "Ann" })),
            (500, json!({ "id": 42 })),
            (404, json!({ "id": 42 })),
        ] {
            web.get(USER, status, &body);
            let refused = finish(&forge(), "code=c", &web);
            assert!(
                matches!(refused, Err(IdentityError::Unavailable(_))),
                "{status}: {refused:?}"
            );
        }
        web.get(USER, 401, &json!({}));
        assert!(matches!(
            finish(&forge(), "code=c", &web),
            Err(IdentityError::Refused(_))
        ));
    }

    #[test]
    fn tokens_are_renewed_when_they_end_and_other_props_stay() {
        let web = web();
        let props = |expires: u64| json!({ "name": "Ann", "upstream": { "access_token": "old", "refresh_token": "rt", "expires": expires } });
        let renewed = renew(&forge(), &props(NOW / 1000 + 60), &web)
            .unwrap()
            .unwrap();
        assert_eq!(
            (&renewed["name"], &renewed["upstream"]["access_token"]),
            (&json!("Ann"), &json!("at"))
        );
        assert_eq!(renew(&forge(), &props(NOW / 1000 + 86_400), &web), Ok(None));
    }
}
