//! Cloudflare accounts, by an OAuth client (developers.cloudflare.com/fundamentals/oauth).

use durable_core::wire::text_member;
use futures_util::future::join;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::code_flow::{CodeFlow, ProviderCredentials, UPSTREAM, set};
use super::upstream::{JsonResponse, Upstream, get_json, is_stand_in};
use super::{Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::{CLOUDFLARE_SUBJECTS, begins_with};

/// The authorization endpoint, unless `CLOUDFLARE_AUTHORIZE_URL` is set.
pub const AUTHORIZE_URL: &str = "https://dash.cloudflare.com/oauth2/auth";

/// The token endpoint, unless `CLOUDFLARE_TOKEN_URL` is set.
pub const TOKEN_URL: &str = "https://dash.cloudflare.com/oauth2/token";

/// The API, unless `CLOUDFLARE_API_URL` says otherwise.
pub const API_URL: &str = "https://api.cloudflare.com/client/v4";

/// The scopes, unless `CLOUDFLARE_SCOPES` is set: the user, their accounts, and a refresh token.
pub const SCOPES: &str = "user-details.read account-settings.read offline_access";

/// Accounts that are kept: props are carried with every token.
const MAX_ACCOUNTS: usize = 50;

/// People with a Cloudflare account.
#[derive(Debug)]
pub struct Cloudflare {
    pub(super) credentials: ProviderCredentials,
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) api: String,
    pub(super) scopes: String,
}

impl Cloudflare {
    async fn finished(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let tokens = self.flow().redeem(&callback).await?;
        let (token, web) = (tokens.access_token.as_str(), callback.web);
        let (user, accounts) = join(self.user(token, web), self.accounts(token, web)).await;
        let user = user?;
        let text = |name| text_member(&user, name).filter(|text| !text.is_empty());
        let id = text("id")
            .ok_or_else(|| IdentityError::Unavailable("Cloudflare's user has no id".to_owned()))?;
        let names: Vec<_> = [text("first_name"), text("last_name")]
            .into_iter()
            .flatten()
            .collect();
        let name = Some(names.join(" ")).filter(|name| !name.is_empty());
        let props = json!({
            "id": id,
            "name": name,
            "email": text("email"),
            "accounts": accounts?,
            UPSTREAM: tokens.to_props(),
        });
        let name = name.or_else(|| text("email").map(str::to_owned));
        Ok(Identity {
            subject: format!("{CLOUDFLARE_SUBJECTS}{id}"),
            name,
            props,
        })
    }

    async fn renewed(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let tokens = self.flow().renew(props, web).await?;
        Ok(tokens.map(|tokens| {
            let mut props = props.clone();
            set(&mut props, UPSTREAM, tokens.to_props());
            props
        }))
    }

    async fn user(&self, token: &str, web: &dyn Upstream) -> Result<Value, IdentityError> {
        let answer = self.ask("/user", token, web).await?;
        if answer.status == 403 {
            return Err(IdentityError::Misconfigured(
                "Cloudflare does not tell who signed in. Give the OAuth client of CLOUDFLARE_CLIENT_ID the scope User \
                 Details Read, and name it in CLOUDFLARE_SCOPES if that is set."
                    .to_owned(),
            ));
        }
        result(answer, "Cloudflare's user")
    }

    /// The accounts, each with id and name; an empty list if the client or the person did not allow to read them.
    async fn accounts(&self, token: &str, web: &dyn Upstream) -> Result<Vec<Value>, IdentityError> {
        let answer = self
            .ask(&format!("/accounts?per_page={MAX_ACCOUNTS}"), token, web)
            .await?;
        if answer.status == 403 && !answer.is_throttled {
            return Ok(Vec::new());
        }
        let accounts = result(answer, "Cloudflare's accounts")?;
        let accounts = accounts.as_array().into_iter().flatten().take(MAX_ACCOUNTS);
        Ok(accounts
            .filter_map(|account| {
                Some(json!({ "id": account.get("id")?, "name": account.get("name")? }))
            })
            .collect())
    }

    async fn ask(
        &self,
        path: &str,
        token: &str,
        web: &dyn Upstream,
    ) -> Result<JsonResponse, IdentityError> {
        let request = Request::get(format!("{}{path}", self.api))
            .header(AUTHORIZATION, format!("Bearer {token}"));
        get_json(web, request).await
    }

    fn flow(&self) -> CodeFlow<'_> {
        CodeFlow {
            authorize: &self.authorize,
            token: &self.token,
            credentials: &self.credentials,
            in_body: false,
            scopes: &self.scopes,
        }
    }
}

/// The content of an API response's envelope.
fn result(mut answer: JsonResponse, what: &str) -> Result<Value, IdentityError> {
    match answer.body.get_mut("result").map(Value::take) {
        Some(result)
            if answer.status == 200 && answer.body.get("success") == Some(&Value::Bool(true)) =>
        {
            Ok(result)
        }
        _ => Err(answer.unexpected(what)),
    }
}

impl IdentityProvider for Cloudflare {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        self.flow().start(&request, &[])
    }

    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        self.finished(callback).await
    }

    async fn renew(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        self.renewed(props, web).await
    }

    fn knows(&self, subject: &str) -> bool {
        begins_with(subject, CLOUDFLARE_SUBJECTS)
    }

    fn title(&self) -> &'static str {
        if is_stand_in(&self.authorize) {
            "Cloudflare (stand-in)"
        } else {
            "Cloudflare"
        }
    }
}

#[cfg(test)]
mod tests {
    use oauth_server::params::RequestParams;
    use oauth_server::secret::Secret;

    use super::*;
    use crate::testing::{FakeUpstream, NOW, finish, renew, start};

    const USER: &str = "https://api.cloudflare.com/client/v4/user";
    const ACCOUNTS: &str = "https://api.cloudflare.com/client/v4/accounts?per_page=50";

    fn provider() -> Cloudflare {
        let secret = Some(Secret::new("secret".to_owned()));
        Cloudflare {
            credentials: ProviderCredentials {
                id: "me".to_owned(),
                secret,
                variables: "CLOUDFLARE",
            },
            authorize: AUTHORIZE_URL.to_owned(),
            token: TOKEN_URL.to_owned(),
            api: API_URL.to_owned(),
            scopes: SCOPES.to_owned(),
        }
    }

    fn enveloped(result: &Value) -> Value {
        json!({ "success": true, "errors": [], "messages": [], "result": result })
    }

    fn web() -> FakeUpstream {
        let web = FakeUpstream::default();
        let given = json!({ "access_token": "cf1", "token_type": "bearer", "expires_in": 3600, "refresh_token": "r1" });
        web.post(TOKEN_URL, 200, &given);
        let user = json!({ "id": "u1", "email": "ann@example.com", "first_name": "Ann", "last_name": null });
        web.get(USER, 200, &enveloped(&user));
        let accounts = json!([{ "id": "a1", "name": "Acme", "settings": {} }, { "id": "a2", "name": "Other" }]);
        web.get(ACCOUNTS, 200, &enveloped(&accounts));
        web
    }

    #[test]
    fn the_browser_goes_to_the_cloudflare_dashboard() {
        let redirect = start(&provider(), None).unwrap();
        let (url, query) = redirect.url.split_once('?').unwrap();
        let params = RequestParams::parse(query).unwrap();
        assert_eq!(url, AUTHORIZE_URL);
        assert_eq!(
            (params.get("scope"), params.get("code_challenge_method")),
            (Some(SCOPES), Some("S256"))
        );
    }

    #[test]
    fn a_user_has_address_accounts_and_tokens() {
        let web = web();
        let identity = finish(&provider(), "code=c", &web).unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.name.as_deref()),
            ("cloudflare:u1", Some("Ann"))
        );
        let expected = json!({
            "id": "u1",
            "name": "Ann",
            "email": "ann@example.com",
            "accounts": [{ "id": "a1", "name": "Acme" }, { "id": "a2", "name": "Other" }],
            "upstream": { "access_token": "cf1", "refresh_token": "r1", "expires": NOW / 1000 + 3600 },
        });
        assert_eq!(identity.props, expected);
        let sent = web.sent();
        assert!(
            sent[0].authorization.starts_with("Basic ") && sent[1].authorization == "Bearer cf1"
        );
    }

    #[test]
    fn accounts_that_cloudflare_withholds_are_empty() {
        let web = web();
        web.get(
            ACCOUNTS,
            403,
            &json!({ "success": false, "errors": [{ "code": 10000 }], "result": null }),
        );
        assert_eq!(
            finish(&provider(), "code=c", &web).unwrap().props["accounts"],
            json!([])
        );
        web.get(ACCOUNTS, 500, &json!({}));
        assert!(matches!(
            finish(&provider(), "code=c", &web),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn denial_expiry_timeout_and_failure_are_different_errors() {
        let web = web();
        let error = |query| finish(&provider(), query, &web).unwrap_err();
        assert!(matches!(
            error("error=access_denied"),
            IdentityError::Denied(_)
        ));
        assert!(
            matches!(error("error=invalid_scope"), IdentityError::Misconfigured(text) if text.contains("CLOUDFLARE_SCOPES"))
        );
        web.post(TOKEN_URL, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(error("code=c"), IdentityError::Refused(_)));
        web.hang(&format!("POST {TOKEN_URL}"));
        assert!(matches!(error("code=c"), IdentityError::Unavailable(_)));
        let web = self::web();
        let error = || finish(&provider(), "code=c", &web).unwrap_err();
        web.get(USER, 403, &json!({ "success": false }));
        assert!(
            matches!(error(), IdentityError::Misconfigured(text) if text.contains("User Details Read"))
        );
        for (status, body) in [
            (500, json!({})),
            (200, json!({ "success": false, "result": {} })),
            (200, enveloped(&json!({}))),
        ] {
            web.get(USER, status, &body);
            assert!(
                matches!(error(), IdentityError::Unavailable(_)),
                "{status} {body}"
            );
        }
        web.hang(&format!("GET {USER}"));
        assert!(matches!(error(), IdentityError::Unavailable(_)));
    }

    #[test]
    fn a_token_that_ends_soon_is_renewed_and_other_props_stay() {
        let web = web();
        let kept = |lives: u64| {
            let upstream = json!({ "access_token": "cf0", "refresh_token": "r0", "expires": NOW / 1000 + lives });
            json!({ "id": "u1", "accounts": [1], "upstream": upstream })
        };
        let props = renew(&provider(), &kept(60), &web).unwrap().unwrap();
        assert_eq!(
            (&props["upstream"]["refresh_token"], &props["accounts"]),
            (&json!("r1"), &json!([1]))
        );
        assert!(web.sent()[0].body.contains("refresh_token=r0"));
        assert_eq!(renew(&provider(), &kept(100_000), &web), Ok(None));
        web.post(TOKEN_URL, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(
            renew(&provider(), &kept(60), &web),
            Err(IdentityError::Refused(_))
        ));
    }
}
