//! GitHub, by an OAuth app or a GitHub App (docs.github.com: "Authorizing OAuth apps", "Refreshing user access tokens").

use durable_core::wire::text_member;
use futures_util::future::join_all;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Value, json};

use super::allowed::{AllowList, KNOWN_AS, MAX_GROUPS};
use super::code_flow::{CodeFlow, ProviderCredentials, UPSTREAM, set};
use super::upstream::{JsonResponse, Upstream, get_json, is_stand_in};
use super::{Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::{GITHUB_SUBJECTS, begins_with};

/// GitHub's URL, unless `GITHUB_URL` is set.
pub const URL: &str = "https://github.com";

/// URL of GitHub's API, unless `GITHUB_API_URL` is set.
pub const API_URL: &str = "https://api.github.com";

/// The scopes, unless `GITHUB_SCOPES` is set: the profile and the e-mail addresses. A GitHub App has
/// permissions in their place.
pub const SCOPES: &str = "read:user user:email";

/// The scope for memberships, where they have to be known.
const GROUPS_SCOPE: &str = "read:org";

/// The version of the API.
const VERSION: &str = "2022-11-28";

/// People of GitHub.
#[derive(Debug)]
pub struct GitHub {
    pub(super) credentials: ProviderCredentials,
    pub(super) url: String,
    pub(super) api: String,
    pub(super) scopes: String,
    /// The people who may sign in; an empty list allows everybody.
    pub(super) allowed: AllowList,
    /// Organisations whose memberships are looked up besides, for tools.
    pub(super) groups: AllowList,
}

impl GitHub {
    async fn finished(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let (authorize, token, scopes) = self.endpoints();
        let tokens = self
            .flow(&authorize, &token, &scopes)
            .redeem(&callback)
            .await?;
        let user = self.user(&tokens.access_token, callback.web).await?;
        let (id, login) = (id(&user)?, login(&user)?);
        let email = match text_member(&user.body, "email") {
            Some(email) => Some(email.to_owned()),
            None => {
                self.private_email(&tokens.access_token, callback.web)
                    .await?
            }
        };
        let known_as = self
            .known_as(id, login, &tokens.access_token, callback.web)
            .await?;
        let props = json!({
            "login": login,
            "id": id,
            "name": text_member(&user.body, "name"),
            "email": email,
            KNOWN_AS: known_as,
            UPSTREAM: tokens.to_props(),
        });
        self.admit(&props, login)?;
        Ok(Identity {
            subject: format!("{GITHUB_SUBJECTS}{id}"),
            name: Some(text_member(&user.body, "name").unwrap_or(login).to_owned()),
            props,
        })
    }

    async fn renewed(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let (authorize, token, scopes) = self.endpoints();
        let tokens = self
            .flow(&authorize, &token, &scopes)
            .renew(props, web)
            .await?;
        let mut renewed = props.clone();
        if let Some(tokens) = &tokens {
            set(&mut renewed, UPSTREAM, tokens.to_props());
        }
        if !self.allowed.is_empty() || !self.groups.is_empty() {
            match self.looked_up_again(&renewed, web).await {
                Ok((login, known_as)) => {
                    set(&mut renewed, "login", login);
                    set(&mut renewed, KNOWN_AS, known_as);
                }
                // The old refresh token is used up: the new one must not be lost.
                Err(IdentityError::Unavailable(_)) if tokens.is_some() => {}
                Err(error) => return Err(error),
            }
            self.admit(
                &renewed,
                renewed
                    .get("login")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            )?;
        } else if tokens.is_none() {
            self.check_token(props, web).await?;
        }
        Ok(Some(renewed).filter(|renewed| renewed != props))
    }

    /// Checks a token that does not expire by using it, since the person or GitHub may have revoked it. Without a list, an
    /// outage of GitHub signs nobody out.
    async fn check_token(&self, props: &Value, web: &dyn Upstream) -> Result<(), IdentityError> {
        let upstream = props
            .get(UPSTREAM)
            .filter(|upstream| upstream.get("expires").is_none());
        let Some(token) = upstream
            .and_then(|upstream| upstream.get("access_token"))
            .and_then(Value::as_str)
        else {
            return Ok(());
        };
        match self.user(token, web).await {
            Ok(_) | Err(IdentityError::Unavailable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn looked_up_again(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<(String, Vec<String>), IdentityError> {
        let token = props
            .get(UPSTREAM)
            .and_then(|upstream| upstream.get("access_token"))
            .and_then(Value::as_str);
        let token =
            token.ok_or_else(|| IdentityError::Refused("nothing is kept of GitHub".to_owned()))?;
        let user = self.user(token, web).await?;
        let login = login(&user)?;
        Ok((
            login.to_owned(),
            self.known_as(id(&user)?, login, token, web).await?,
        ))
    }

    fn admit(&self, props: &Value, login: &str) -> Result<(), IdentityError> {
        if self.allowed.is_empty() || self.allowed.has(props) {
            return Ok(());
        }
        Err(IdentityError::NotAllowed(format!("GitHub user {login}")))
    }

    async fn user(&self, token: &str, web: &dyn Upstream) -> Result<JsonResponse, IdentityError> {
        let user = self.ask("/user", token, web).await?;
        if user.status == 200 {
            Ok(user)
        } else {
            Err(user.unexpected("GitHub's user"))
        }
    }

    /// The primary address of a person whose profile shows none; `None` if the application may not read it.
    async fn private_email(
        &self,
        token: &str,
        web: &dyn Upstream,
    ) -> Result<Option<String>, IdentityError> {
        let answer = self.ask("/user/emails", token, web).await?;
        match answer.status {
            200 => {
                let mut addresses = answer.body.as_array().into_iter().flatten();
                let primary = addresses.find(|address| {
                    ["primary", "verified"]
                        .iter()
                        .all(|name| address.get(name) == Some(&Value::Bool(true)))
                });
                Ok(primary
                    .and_then(|address| text_member(address, "email"))
                    .map(str::to_owned))
            }
            403 | 404 if !answer.is_throttled => Ok(None),
            _ => Err(answer.unexpected("GitHub's e-mail addresses")),
        }
    }

    /// Every entry by which a list can match the person.
    async fn known_as(
        &self,
        id: u64,
        login: &str,
        token: &str,
        web: &dyn Upstream,
    ) -> Result<Vec<String>, IdentityError> {
        let lists = self.allowed.clone().and(&self.groups);
        let organisations = lists.organisations().map(|name| {
            (
                format!("org:{name}"),
                format!("/user/memberships/orgs/{name}"),
            )
        });
        let teams = lists.teams().map(|(organisation, team)| {
            (
                format!("{organisation}/{team}"),
                format!("/orgs/{organisation}/teams/{team}/memberships/{login}"),
            )
        });
        let asked = organisations
            .chain(teams)
            .take(MAX_GROUPS)
            .map(async |(group, path)| {
                let answer = self.ask(&path, token, web).await?;
                match answer.status {
                    200 => Ok(
                        (answer.body.get("state").and_then(Value::as_str) == Some("active"))
                            .then_some(group),
                    ),
                    403 | 404 if !answer.is_throttled => Ok(None),
                    _ => Err(answer.unexpected("GitHub's memberships")),
                }
            });
        let mut known = vec![login.to_lowercase(), format!("id:{id}")];
        for group in join_all(asked).await {
            known.extend(group?);
        }
        Ok(known)
    }

    async fn ask(
        &self,
        path: &str,
        token: &str,
        web: &dyn Upstream,
    ) -> Result<JsonResponse, IdentityError> {
        let request = Request::get(format!("{}{path}", self.api))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", VERSION);
        get_json(web, request).await
    }

    /// Both endpoints, and the scopes.
    fn endpoints(&self) -> (String, String, String) {
        let needs_groups = self.allowed.has_groups() || self.groups.has_groups();
        let scopes = if needs_groups {
            format!("{} {GROUPS_SCOPE}", self.scopes)
        } else {
            self.scopes.clone()
        };
        let (authorize, token) = ("/login/oauth/authorize", "/login/oauth/access_token");
        (
            format!("{}{authorize}", self.url),
            format!("{}{token}", self.url),
            scopes,
        )
    }

    fn flow<'a>(&'a self, authorize: &'a str, token: &'a str, scopes: &'a str) -> CodeFlow<'a> {
        CodeFlow {
            authorize,
            token,
            credentials: &self.credentials,
            in_body: true,
            scopes,
        }
    }
}

fn id(user: &JsonResponse) -> Result<u64, IdentityError> {
    user.body
        .get("id")
        .and_then(Value::as_u64)
        .ok_or_else(|| user.unexpected("GitHub's user has no id"))
}

fn login(user: &JsonResponse) -> Result<&str, IdentityError> {
    text_member(&user.body, "login")
        .filter(|login| is_path_segment(login))
        .ok_or_else(|| user.unexpected("GitHub's user has no login"))
}

/// Checks a name that becomes part of a path.
fn is_path_segment(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

impl IdentityProvider for GitHub {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        let (authorize, token, scopes) = self.endpoints();
        let login = request.name.map(|login| ("login", login));
        self.flow(&authorize, &token, &scopes)
            .start(&request, login.as_slice())
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
        begins_with(subject, GITHUB_SUBJECTS)
    }

    fn title(&self) -> &'static str {
        if is_stand_in(&self.url) {
            "GitHub (stand-in)"
        } else {
            "GitHub"
        }
    }
}

#[cfg(test)]
mod tests {
    use oauth_server::params::RequestParams;
    use oauth_server::secret::Secret;

    use super::*;
    use crate::testing::{FakeUpstream, NOW, finish, renew, start};

    const TOKEN: &str = "https://github.com/login/oauth/access_token";

    fn provider(allowed: &str, groups: &str) -> GitHub {
        let secret = Some(Secret::new("secret".to_owned()));
        GitHub {
            credentials: ProviderCredentials {
                id: "me".to_owned(),
                secret,
                variables: "GITHUB",
            },
            url: URL.to_owned(),
            api: API_URL.to_owned(),
            scopes: SCOPES.to_owned(),
            allowed: AllowList::parse(allowed).unwrap(),
            groups: AllowList::parse(groups).unwrap(),
        }
    }

    fn api(path: &str) -> String {
        format!("{API_URL}{path}")
    }

    fn web() -> FakeUpstream {
        let web = FakeUpstream::default();
        web.post(
            TOKEN,
            200,
            &json!({ "access_token": "gho_1", "token_type": "bearer", "scope": "read:user,user:email" }),
        );
        web.get(
            &api("/user"),
            200,
            &json!({ "login": "Octocat", "id": 583_231, "name": "The Octocat", "email": null }),
        );
        let addresses = json!([
            { "email": "old@example.com", "primary": false, "verified": true },
            { "email": "octo@example.com", "primary": true, "verified": true },
        ]);
        web.get(&api("/user/emails"), 200, &addresses);
        web
    }

    #[test]
    fn the_browser_goes_to_github_with_the_login_hint_of_the_client() {
        let redirect = start(&provider("", ""), Some("octocat")).unwrap();
        let (url, query) = redirect.url.split_once('?').unwrap();
        let params = RequestParams::parse(query).unwrap();
        assert_eq!(url, "https://github.com/login/oauth/authorize");
        assert_eq!(
            (params.get("login"), params.get("scope")),
            (Some("octocat"), Some(SCOPES))
        );
        assert_eq!(params.get("code_challenge_method"), Some("S256"));
        let redirect = start(&provider("org:acme", ""), None).unwrap();
        assert!(redirect.url.contains("read%3Aorg") && !redirect.url.contains("login="));
    }

    #[test]
    fn a_github_user_has_login_name_private_address_and_token() {
        let web = web();
        let identity = finish(&provider("", ""), "code=c", &web).unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.name.as_deref()),
            ("github:583231", Some("The Octocat"))
        );
        let expected = json!({
            "login": "Octocat",
            "id": 583_231,
            "name": "The Octocat",
            "email": "octo@example.com",
            "known_as": ["octocat", "id:583231"],
            "upstream": { "access_token": "gho_1" },
        });
        assert_eq!(identity.props, expected);
        let sent = web.sent();
        assert!(
            sent[0].body.contains("client_secret=secret")
                && sent[0].body.contains("code_verifier=")
        );
        assert!(
            sent[1..]
                .iter()
                .all(|sent| sent.authorization == "Bearer gho_1" && !sent.agent.is_empty())
        );
    }

    #[test]
    fn a_public_address_needs_no_second_request() {
        let web = web();
        web.get(
            &api("/user"),
            200,
            &json!({ "login": "octocat", "id": 1, "email": "public@example.com" }),
        );
        let identity = finish(&provider("", ""), "code=c", &web).unwrap();
        assert_eq!(
            (identity.props["email"].as_str(), identity.name.as_deref()),
            (Some("public@example.com"), Some("octocat"))
        );
        assert_eq!(web.asked().len(), 2);
    }

    #[test]
    fn an_address_that_github_withholds_is_null() {
        let web = web();
        for status in [403, 404] {
            web.get(
                &api("/user/emails"),
                status,
                &json!({ "message": "Not Found" }),
            );
            assert_eq!(
                finish(&provider("", ""), "code=c", &web).unwrap().props["email"],
                Value::Null
            );
        }
        web.get(
            &api("/user/emails"),
            200,
            &json!([{ "email": "x@example.com", "primary": true, "verified": false }]),
        );
        assert_eq!(
            finish(&provider("", ""), "code=c", &web).unwrap().props["email"],
            Value::Null
        );
    }

    #[test]
    fn denial_expiry_timeout_and_failure_are_different_errors() {
        let (web, provider) = (web(), provider("", ""));
        let error = |query| finish(&provider, query, &web).unwrap_err();
        assert!(matches!(
            error("error=access_denied"),
            IdentityError::Denied(_)
        ));
        assert!(matches!(
            error("error=application_suspended"),
            IdentityError::Misconfigured(_)
        ));
        web.post(
            TOKEN,
            200,
            &json!({ "error": "bad_verification_code", "error_description": "expired" }),
        );
        assert!(matches!(error("code=c"), IdentityError::Refused(_)));
        web.post(
            TOKEN,
            200,
            &json!({ "error": "incorrect_client_credentials" }),
        );
        assert!(
            matches!(error("code=c"), IdentityError::Misconfigured(text) if text.contains("GITHUB_CLIENT_SECRET"))
        );
        web.hang(&format!("POST {TOKEN}"));
        assert!(matches!(error("code=c"), IdentityError::Unavailable(_)));
        let web = self::web();
        let error = || finish(&provider, "code=c", &web).unwrap_err();
        for status in [500, 502, 429] {
            web.get(&api("/user"), status, &json!("down"));
            assert!(matches!(error(), IdentityError::Unavailable(_)), "{status}");
        }
        web.set(
            &format!("GET {}", api("/user")),
            403,
            &[("x-ratelimit-remaining", "0")],
            b"{}",
        );
        assert!(matches!(error(), IdentityError::Unavailable(_)));
        web.get(&api("/user"), 401, &json!({ "message": "Bad credentials" }));
        assert!(matches!(error(), IdentityError::Refused(_)));
        for user in [
            json!({}),
            json!({ "id": 1, "login": "../x" }),
            json!({ "id": "1", "login": "x" }),
        ] {
            web.get(&api("/user"), 200, &user);
            assert!(matches!(error(), IdentityError::Unavailable(_)), "{user}");
        }
    }

    #[test]
    fn only_users_on_the_list_sign_in() {
        let web = web();
        for list in ["octocat", "OCTOCAT other", "id:583231"] {
            assert!(
                finish(&provider(list, ""), "code=c", &web).is_ok(),
                "{list}"
            );
        }
        for list in ["other", "id:5832310", "octocat@example.com"] {
            let error = finish(&provider(list, ""), "code=c", &web);
            assert!(
                matches!(error, Err(IdentityError::NotAllowed(who)) if who == "GitHub user Octocat"),
                "{list}"
            );
        }
    }

    #[test]
    fn members_of_organisations_and_teams_sign_in() {
        let web = web();
        let (organisation, team) = (
            api("/user/memberships/orgs/acme"),
            api("/orgs/acme/teams/core/memberships/Octocat"),
        );
        let allowed = |list| finish(&provider(list, ""), "code=c", &web);
        web.get(&organisation, 200, &json!({ "state": "active" }));
        web.get(&team, 404, &json!({}));
        assert_eq!(
            allowed("org:acme").unwrap().props["known_as"][2],
            "org:acme"
        );
        assert!(matches!(
            allowed("acme/core"),
            Err(IdentityError::NotAllowed(_))
        ));
        assert!(allowed("acme/core org:acme").is_ok());
        web.get(&organisation, 200, &json!({ "state": "pending" }));
        assert!(matches!(
            allowed("org:acme"),
            Err(IdentityError::NotAllowed(_))
        ));
        web.get(&team, 200, &json!({ "state": "active" }));
        assert_eq!(
            allowed("acme/core").unwrap().props["known_as"][2],
            "acme/core"
        );
        web.get(&team, 500, &json!({}));
        assert!(matches!(
            allowed("acme/core"),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn groups_for_tools_are_looked_up_and_exclude_no_user() {
        let web = web();
        web.get(&api("/user/memberships/orgs/acme"), 403, &json!({}));
        web.get(
            &api("/orgs/acme/teams/core/memberships/Octocat"),
            200,
            &json!({ "state": "active" }),
        );
        let identity = finish(&provider("", "org:acme acme/core"), "code=c", &web).unwrap();
        assert_eq!(
            identity.props["known_as"],
            json!(["octocat", "id:583231", "acme/core"])
        );
        assert!(AllowList::parse("acme/core").unwrap().has(&identity.props));
        assert!(!AllowList::parse("org:acme").unwrap().has(&identity.props));
    }

    fn kept(expires_in: u64) -> Value {
        let upstream = json!({ "access_token": "ghu_1", "refresh_token": "ghr_1", "expires": NOW / 1000 + expires_in });
        json!({ "login": "octocat", "id": 583_231, "known_as": ["octocat", "id:583231"], "upstream": upstream })
    }

    fn next() -> Value {
        json!({
            "access_token": "ghu_2", "expires_in": 28800, "refresh_token": "ghr_2",
            "refresh_token_expires_in": 15_897_600, "scope": "", "token_type": "bearer",
        })
    }

    #[test]
    fn only_an_expiring_token_is_renewed() {
        let (web, provider) = (web(), provider("", ""));
        web.post(TOKEN, 200, &next());
        let props = renew(&provider, &kept(60), &web).unwrap().unwrap();
        let expected = json!({ "access_token": "ghu_2", "refresh_token": "ghr_2", "expires": NOW / 1000 + 28800 });
        assert_eq!(
            (&props["upstream"], &props["login"]),
            (&expected, &json!("octocat"))
        );
        assert_eq!(renew(&provider, &kept(28800), &web), Ok(None));
        assert_eq!(web.asked().len(), 1);
        assert_eq!(
            renew(
                &provider,
                &json!({ "upstream": { "access_token": "gho_1" } }),
                &web
            ),
            Ok(None)
        );
    }

    #[test]
    fn a_used_refresh_token_ends_the_grant_and_an_outage_does_not() {
        let (web, provider) = (web(), provider("", ""));
        web.post(TOKEN, 200, &json!({ "error": "bad_refresh_token" }));
        assert!(matches!(
            renew(&provider, &kept(60), &web),
            Err(IdentityError::Refused(_))
        ));
        web.post(TOKEN, 503, &json!({}));
        assert!(matches!(
            renew(&provider, &kept(60), &web),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn a_user_taken_off_the_list_is_refused_at_the_next_renewal() {
        let web = web();
        assert_eq!(
            renew(&provider("id:583231", ""), &kept(28800), &web)
                .unwrap()
                .unwrap()["login"],
            "Octocat"
        );
        assert!(matches!(
            renew(&provider("other", ""), &kept(28800), &web),
            Err(IdentityError::NotAllowed(_))
        ));
        web.get(&api("/user/memberships/orgs/acme"), 404, &json!({}));
        assert!(matches!(
            renew(&provider("org:acme", ""), &kept(28800), &web),
            Err(IdentityError::NotAllowed(_))
        ));
        web.get(&api("/user"), 401, &json!({}));
        assert!(matches!(
            renew(&provider("octocat", ""), &kept(28800), &web),
            Err(IdentityError::Refused(_))
        ));
    }

    #[test]
    fn a_token_without_an_end_is_valid_until_github_refuses_it() {
        let web = FakeUpstream::default();
        let props = json!({ "upstream": { "access_token": "gho_1" } });
        for (status, ends) in [(200, false), (401, true), (500, false)] {
            web.get(
                &api("/user"),
                status,
                &json!({ "id": 583_231, "login": "octocat" }),
            );
            let renewed = renew(&provider("", ""), &props, &web);
            assert_eq!(
                matches!(renewed, Err(IdentityError::Refused(_))),
                ends,
                "{status}: {renewed:?}"
            );
        }
    }

    #[test]
    fn new_tokens_are_not_lost_when_the_list_cannot_be_checked() {
        let web = web();
        web.post(TOKEN, 200, &next());
        web.get(&api("/user"), 500, &json!({}));
        let provider = provider("octocat", "");
        let props = renew(&provider, &kept(60), &web).unwrap().unwrap();
        assert_eq!(props["upstream"]["refresh_token"], "ghr_2");
        assert!(matches!(
            renew(&provider, &kept(28800), &web),
            Err(IdentityError::Unavailable(_))
        ));
    }
}
