//! Any provider with `OpenID` Connect (Core 1.0, code flow), found by its discovery document; and Google as one of them, which
//! is told from the others by its issuer, also under `OIDC_ISSUER`.

mod claims;
mod discovery;
mod prompt;
mod renewal;

use serde_json::Value;

use self::claims::{DomainClaim, IdTokenClaims};
use self::discovery::{Discovery, ProviderMetadata};
pub use self::prompt::Prompt;
use super::allowed::AllowList;
use super::code_flow::{CodeFlow, ProviderCredentials, flow_value, random_text, set};
use super::jwks::KeySet;
use super::jwt::ExpectedClaims;
use super::upstream::Upstream;
use super::{Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::{GOOGLE_SUBJECTS, OIDC_SUBJECTS, begins_with};

/// The scopes, unless `OIDC_SCOPES` is set.
pub const SCOPES: &str = "openid profile email";

/// The same, at a provider that lists `offline_access` (Core 1.0 section 11): without a refresh token, people are signed
/// out when their access token there expires.
const OFFLINE_SCOPES: &str = "openid profile email offline_access";

/// Google's issuer.
pub const GOOGLE: &str = "https://accounts.google.com";

/// The other `iss` that Google's tokens may have.
const GOOGLE_BARE: &str = "accounts.google.com";

/// People of one issuer.
pub struct Oidc {
    credentials: ProviderCredentials,
    title: String,
    scopes: String,
    prompt: Option<Prompt>,
    allowed: AllowList,
    discovery: Discovery,
    keys: KeySet,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc")
            .field("issuer", &self.discovery.issuer())
            .finish_non_exhaustive()
    }
}

impl Oidc {
    /// A provider for `issuer`. `allowed` lists the people who may sign in; an empty list allows everybody.
    #[must_use]
    pub fn new(
        issuer: String,
        credentials: ProviderCredentials,
        scopes: String,
        allowed: AllowList,
    ) -> Self {
        let host = issuer
            .split("//")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default();
        let title = if issuer == GOOGLE {
            "Google".to_owned()
        } else {
            host.to_owned()
        };
        let discovery = Discovery::new(issuer, credentials.variables);
        Self {
            credentials,
            title,
            scopes,
            prompt: None,
            allowed,
            discovery,
            keys: KeySet::default(),
        }
    }

    /// The same, with what the provider is to ask each time.
    #[must_use]
    pub fn prompt(self, prompt: Option<Prompt>) -> Self {
        Self { prompt, ..self }
    }

    fn is_google(&self) -> bool {
        self.discovery.issuer() == GOOGLE
    }

    async fn redirect(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        let found = self.discovery.find(request.web).await?;
        let nonce = random_text(request.random)?;
        let mut more = vec![("nonce", nonce.as_str())];
        more.extend(request.name.map(|name| ("login_hint", name)));
        more.extend(
            self.prompt
                .as_ref()
                .map(|prompt| ("prompt", prompt.as_str())),
        );
        if self.is_google() {
            // Only so does Google give a refresh token, each time (developers.google.com/identity/openid-connect/reference).
            more.extend([("access_type", "offline"), ("prompt", "consent")]);
        }
        let mut redirect = self.flow(&found).start(&request, &more)?;
        set(&mut redirect.flow_state, "nonce", nonce.as_str());
        Ok(redirect)
    }

    async fn finished(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let found = self.discovery.find(callback.web).await?;
        // RFC 9207: a callback of another server is not taken for this one's.
        if callback
            .params
            .get("iss")
            .is_some_and(|issuer| issuer != found.issuer)
        {
            return Err(IdentityError::Refused(
                "the callback is of another issuer".to_owned(),
            ));
        }
        let nonce = flow_value(callback.flow_state, "nonce")?;
        let tokens = self.flow(&found).redeem(&callback).await?;
        let id_token = tokens.id_token.as_deref();
        let id_token = id_token
            .ok_or_else(|| IdentityError::Unavailable("there is no id_token".to_owned()))?;
        let mut claims = self
            .verified(&found, id_token, Some(nonce), callback.web)
            .await?;
        let subject = claims.subject()?.to_owned();
        if let Some(userinfo) = &found.userinfo {
            claims
                .complete(userinfo, &tokens.access_token, callback.web)
                .await?;
        }
        let props = claims.to_props(&tokens, self.domains());
        self.admit(&props)?;
        let name = claims.name().map(str::to_owned);
        let subject = if self.is_google() {
            format!("{GOOGLE_SUBJECTS}{subject}")
        } else {
            format!("{OIDC_SUBJECTS}{}#{subject}", found.issuer)
        };
        Ok(Identity {
            subject,
            name,
            props,
        })
    }

    async fn verified(
        &self,
        found: &ProviderMetadata,
        id_token: &str,
        nonce: Option<&str>,
        web: &dyn Upstream,
    ) -> Result<IdTokenClaims, IdentityError> {
        let issuers = [found.issuer.as_str(), GOOGLE_BARE];
        let issuers = issuers
            .get(..if self.is_google() { 2 } else { 1 })
            .unwrap_or_default();
        let expected = ExpectedClaims {
            issuers,
            audience: &self.credentials.id,
            nonce,
            now: web.now() / 1000,
        };
        IdTokenClaims::new(
            self.keys
                .verify(&found.keys, id_token, &expected, web)
                .await?,
        )
    }

    /// The claim that proves a person's domain. At Google, a personal account may have an address of any domain, so only the
    /// claim `hd` tells which organisation manages the account.
    fn domains(&self) -> DomainClaim {
        if self.is_google() {
            DomainClaim::Hosted
        } else {
            DomainClaim::OfAddress
        }
    }

    fn admit(&self, props: &Value) -> Result<(), IdentityError> {
        if self.allowed.is_empty() || self.allowed.has(props) {
            return Ok(());
        }
        let email = props
            .get("email")
            .and_then(Value::as_str)
            .unwrap_or("somebody without an address");
        let is_verified = props.get("email_verified") == Some(&Value::Bool(true));
        let unverified = if is_verified { "" } else { " (not verified)" };
        let personal = match (self.domains(), props.get("hd")) {
            (DomainClaim::Hosted, None) => " (a personal account)",
            _ => "",
        };
        Err(IdentityError::NotAllowed(format!(
            "{email}{unverified}{personal}"
        )))
    }

    fn flow<'a>(&'a self, found: &'a ProviderMetadata) -> CodeFlow<'a> {
        CodeFlow {
            authorize: &found.authorize,
            token: &found.token,
            credentials: &self.credentials,
            in_body: found.in_body,
            scopes: if found.is_offline && self.scopes == SCOPES {
                OFFLINE_SCOPES
            } else {
                &self.scopes
            },
        }
    }
}

impl IdentityProvider for Oidc {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        self.redirect(request).await
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
        if self.is_google() {
            return begins_with(subject, GOOGLE_SUBJECTS);
        }
        let Some(rest) = subject.strip_prefix(OIDC_SUBJECTS) else {
            return begins_with(subject, OIDC_SUBJECTS);
        };
        let issuer = rest.split_once('#').map_or(rest, |(issuer, _)| issuer);
        issuer.trim_end_matches('/') == self.discovery.issuer().trim_end_matches('/')
    }

    fn title(&self) -> &str {
        &self.title
    }
}

#[cfg(test)]
mod tests {
    use oauth_server::params::RequestParams;
    use oauth_server::secret::Secret;
    use serde_json::json;

    use super::*;
    use crate::testing::{
        FakeUpstream, NOW, finish, finish_with, head, key, keys, renew, signed, start_on, token,
    };

    const ISSUER: &str = "https://id.example";
    const CONFIGURATION: &str = "https://id.example/.well-known/openid-configuration";
    const TOKEN: &str = "https://id.example/token";
    const KEYS: &str = "https://id.example/keys";
    const USERINFO: &str = "https://id.example/userinfo";

    fn provider_at(issuer: &str, allowed: &str) -> Oidc {
        let secret = Some(Secret::new("secret".to_owned()));
        let credentials = ProviderCredentials {
            id: "me".to_owned(),
            secret,
            variables: "OIDC",
        };
        Oidc::new(
            issuer.to_owned(),
            credentials,
            SCOPES.to_owned(),
            AllowList::parse(allowed).unwrap(),
        )
    }

    fn provider() -> Oidc {
        provider_at(ISSUER, "")
    }

    fn configuration() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": TOKEN,
            "jwks_uri": KEYS,
            "userinfo_endpoint": USERINFO,
        })
    }

    /// The nonce of every flow: randomness in a test repeats itself.
    fn nonce() -> String {
        let web = web();
        start_on(&provider(), None, &web).unwrap().flow_state["nonce"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn web() -> FakeUpstream {
        let web = FakeUpstream::default();
        web.get(CONFIGURATION, 200, &configuration());
        web.get(KEYS, 200, &keys(&["k"]));
        web
    }

    fn claims(changes: &Value) -> Value {
        let now = NOW / 1000;
        let mut claims = json!({
            "iss": ISSUER, "aud": "me", "sub": "u1", "iat": now, "exp": now + 300, "nonce": nonce(),
            "name": "Ann", "email": "ann@example.com", "email_verified": true,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn give(web: &FakeUpstream, id_token: &str) {
        let given = json!({
            "access_token": "at", "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt", "id_token": id_token,
        });
        web.post(TOKEN, 200, &given);
    }

    fn signed_in(changes: &Value) -> Result<Identity, IdentityError> {
        let web = web();
        give(&web, &signed("k", &claims(changes)));
        finish(&provider(), "code=c", &web)
    }

    #[test]
    fn the_browser_goes_to_the_discovered_endpoint_with_a_nonce() {
        let web = web();
        let redirect = start_on(&provider(), Some("ann"), &web).unwrap();
        let (url, query) = redirect.url.split_once('?').unwrap();
        let params = RequestParams::parse(query).unwrap();
        assert_eq!(url, "https://id.example/authorize");
        assert_eq!(
            (params.get("scope"), params.get("login_hint")),
            (Some(SCOPES), Some("ann"))
        );
        assert_eq!(params.get("nonce"), redirect.flow_state["nonce"].as_str());
        assert!(
            params.get("nonce").is_some_and(|nonce| nonce.len() == 43)
                && params.get("access_type").is_none()
        );
        assert_ne!(
            redirect.flow_state["nonce"],
            redirect.flow_state["verifier"]
        );
    }

    #[test]
    fn a_configured_prompt_is_sent_to_the_provider() {
        let prompt = |prompt: Option<&str>| {
            let url = start_on(
                &provider().prompt(prompt.and_then(Prompt::parse)),
                None,
                &web(),
            )
            .unwrap()
            .url;
            RequestParams::parse(url.split_once('?').unwrap().1)
                .unwrap()
                .get("prompt")
                .map(str::to_owned)
        };
        assert_eq!(prompt(None), None);
        assert_eq!(
            prompt(Some("login consent")).as_deref(),
            Some("login consent")
        );
    }

    #[test]
    fn the_user_of_the_id_token_is_signed_in() {
        let identity = signed_in(&json!({ "groups": ["staff"] })).unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.name.as_deref()),
            ("oidc:https://id.example#u1", Some("Ann"))
        );
        let expected = json!({
            "sub": "u1", "name": "Ann", "email": "ann@example.com", "email_verified": true, "groups": ["staff"],
            "known_as": ["@example.com", "ann@example.com"],
            "upstream": { "access_token": "at", "refresh_token": "rt", "expires": NOW / 1000 + 300 },
        });
        assert_eq!(identity.props, expected);
    }

    #[test]
    fn an_id_token_of_another_issuer_client_sign_in_or_time_is_refused() {
        for change in [
            json!({ "iss": "https://evil.example" }),
            json!({ "aud": "other" }),
            json!({ "azp": "other" }),
            json!({ "nonce": "other" }),
            json!({ "nonce": null }),
            json!({ "exp": NOW / 1000 - 61 }),
            json!({ "sub": null }),
            json!({ "sub": "" }),
        ] {
            assert!(
                matches!(signed_in(&change), Err(IdentityError::Refused(_))),
                "{change}"
            );
        }
    }

    #[test]
    fn an_id_token_without_a_valid_signature_is_refused() {
        let foreign = json!({ "kty": "RSA", "kid": "k", "n": "foreign" });
        for id_token in [
            token("none", &key("k"), &claims(&json!({}))),
            token("HS256", &key("k"), &claims(&json!({}))),
            token("RS256", &foreign, &claims(&json!({}))),
            signed("unknown", &claims(&json!({}))),
            "x.y.z".to_owned(),
        ] {
            let web = web();
            give(&web, &id_token);
            assert!(
                matches!(
                    finish(&provider(), "code=c", &web),
                    Err(IdentityError::Refused(_))
                ),
                "{id_token}"
            );
        }
        let web = web();
        web.post(
            TOKEN,
            200,
            &json!({ "access_token": "at", "token_type": "Bearer" }),
        );
        assert!(matches!(
            finish(&provider(), "code=c", &web),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn an_answer_of_another_issuer_redeems_no_code() {
        let web = web();
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(finish(&provider(), "code=c&iss=https%3A%2F%2Fid.example", &web).is_ok());
        let other = finish(&provider(), "code=c&iss=https%3A%2F%2Fevil.example", &web);
        assert!(matches!(other, Err(IdentityError::Refused(_))));
        assert!(matches!(
            finish(&provider(), "error=access_denied", &web),
            Err(IdentityError::Denied(_))
        ));
        web.post(TOKEN, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(
            finish(&provider(), "code=old", &web),
            Err(IdentityError::Refused(_))
        ));
        web.hang(&format!("POST {TOKEN}"));
        assert!(matches!(
            finish(&provider(), "code=c", &web),
            Err(IdentityError::Unavailable(_))
        ));
        let kept = json!({ "verifier": "v".repeat(43) });
        assert!(matches!(
            finish_with(&provider(), &head("code=c", &[]), &kept, &web),
            Err(IdentityError::Refused(_))
        ));
    }

    #[test]
    fn only_verified_addresses_match_the_allow_list() {
        let sign_in = |allowed: &str, changes: &Value| {
            let web = web();
            give(&web, &signed("k", &claims(changes)));
            finish(&provider_at(ISSUER, allowed), "code=c", &web)
        };
        for allowed in [
            "ann@example.com",
            "@example.com",
            "bob@example.com ANN@example.com",
        ] {
            assert!(sign_in(allowed, &json!({})).is_ok(), "{allowed}");
            for unverified in [
                json!({ "email_verified": false }),
                json!({ "email_verified": null }),
                json!({ "email_verified": "true" }),
            ] {
                let error = sign_in(allowed, &unverified);
                assert!(
                    matches!(error, Err(IdentityError::NotAllowed(who)) if who.contains("not verified")),
                    "{unverified}"
                );
            }
        }
        assert!(
            matches!(sign_in("@example.org", &json!({})), Err(IdentityError::NotAllowed(who)) if who == "ann@example.com")
        );
    }

    #[test]
    fn the_secret_is_sent_in_the_body_if_the_provider_supports_only_that() {
        let mut post = configuration();
        post["token_endpoint_auth_methods_supported"] =
            json!(["client_secret_post", "private_key_jwt"]);
        let web = web();
        web.get(CONFIGURATION, 200, &post);
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(finish(&provider(), "code=c", &web).is_ok());
        let sent = web
            .sent()
            .into_iter()
            .find(|sent| sent.line.starts_with("POST"))
            .unwrap();
        assert!(sent.authorization.is_empty() && sent.body.contains("client_secret=secret"));
    }

    #[test]
    fn google_has_two_issuer_names_and_offline_access() {
        let (provider, web) = google_with("");
        assert_eq!(provider.title(), "Google");
        assert!(
            start_on(&provider, None, &web)
                .unwrap()
                .url
                .contains("access_type=offline")
        );
        for issuer in [GOOGLE, "accounts.google.com"] {
            give(&web, &signed("k", &claims(&json!({ "iss": issuer }))));
            assert_eq!(
                finish(&provider, "code=c", &web).unwrap().subject,
                "google:u1"
            );
        }
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(matches!(
            finish(&provider, "code=c", &web),
            Err(IdentityError::Refused(_))
        ));
        assert!(matches!(
            signed_in(&json!({ "iss": "accounts.google.com" })),
            Err(IdentityError::Refused(_))
        ));
    }

    fn google_with(allowed: &str) -> (Oidc, FakeUpstream) {
        let (web, mut google) = (FakeUpstream::default(), configuration());
        google["issuer"] = json!(GOOGLE);
        web.get(
            "https://accounts.google.com/.well-known/openid-configuration",
            200,
            &google,
        );
        web.get(KEYS, 200, &keys(&["k"]));
        (provider_at(GOOGLE, allowed), web)
    }

    #[test]
    fn a_google_domain_is_that_of_the_organisation_not_of_the_address() {
        let (provider, web) = google_with("@example.com");
        let comes = |changes: Value| {
            let mut all = json!({ "iss": GOOGLE });
            all.as_object_mut()
                .unwrap()
                .extend(changes.as_object().unwrap().clone());
            give(&web, &signed("k", &claims(&all)));
            finish(&provider, "code=c", &web)
        };
        assert!(comes(json!({ "hd": "Example.com" })).is_ok());
        for personal in [
            json!({}),
            json!({ "hd": "other.example" }),
            json!({ "hd": "" }),
        ] {
            assert!(
                matches!(comes(personal.clone()), Err(IdentityError::NotAllowed(_))),
                "{personal}"
            );
        }
        let told = comes(json!({})).unwrap_err();
        assert_eq!(
            told,
            IdentityError::NotAllowed("ann@example.com (a personal account)".to_owned())
        );
        let (provider, web) = google_with("ann@example.com");
        give(&web, &signed("k", &claims(&json!({ "iss": GOOGLE }))));
        assert!(
            finish(&provider, "code=c", &web).is_ok(),
            "an address is one"
        );
    }

    #[test]
    fn the_allow_list_is_checked_at_each_renewal() {
        let (provider, web) = google_with("@example.com");
        let upstream =
            json!({ "access_token": "a0", "refresh_token": "r0", "expires": NOW / 1000 });
        let kept = |hd: Value, known_as: &str| {
            json!({
                "sub": "u1", "email": "ann@example.com", "email_verified": true, "hd": hd, "known_as": [known_as],
                "upstream": upstream,
            })
        };
        let renewed = |claims: &Value, kept: &Value| {
            give(&web, &signed("k", claims));
            renew(&provider, kept, &web)
        };
        let stays = claims(&json!({ "iss": GOOGLE, "hd": "example.com" }));
        let props = renewed(&stays, &kept(json!("example.com"), "@example.com"))
            .unwrap()
            .unwrap();
        assert_eq!(
            props["known_as"],
            json!(["ann@example.com", "@example.com"])
        );
        // Signed in when the address was looked at, or left the organisation since.
        let refused = renewed(&stays, &kept(Value::Null, "@example.com"));
        assert!(
            matches!(refused, Err(IdentityError::NotAllowed(_))),
            "{refused:?}"
        );
        let left = renewed(
            &claims(&json!({ "iss": GOOGLE })),
            &kept(json!("example.com"), "@example.com"),
        );
        assert!(
            matches!(left, Err(IdentityError::NotAllowed(_))),
            "{left:?}"
        );
    }

    #[test]
    fn offline_access_is_requested_where_the_provider_supports_it() {
        let url = |supported: Value| {
            let (web, mut configuration) = (FakeUpstream::default(), configuration());
            configuration["scopes_supported"] = supported;
            web.get(CONFIGURATION, 200, &configuration);
            start_on(&provider(), None, &web).unwrap().url
        };
        assert!(url(json!(["openid", "offline_access"])).contains("email+offline_access&"));
        assert!(
            !url(json!(["openid"])).contains("offline_access")
                && !url(Value::Null).contains("offline_access")
        );
    }

    #[test]
    fn a_token_that_ends_soon_is_renewed_for_the_same_user_alone() {
        let web = web();
        let kept = |lives: u64| {
            let upstream = json!({ "access_token": "a0", "refresh_token": "r0", "expires": NOW / 1000 + lives });
            let address = json!({ "email": "ann@example.com", "email_verified": true });
            let mut kept = json!({ "sub": "u1", "known_as": ["@example.com", "ann@example.com"], "upstream": upstream });
            kept.as_object_mut()
                .unwrap()
                .extend(address.as_object().unwrap().clone());
            kept
        };
        assert_eq!(
            renew(&provider(), &kept(100_000), &FakeUpstream::default()),
            Ok(None)
        );
        give(&web, &signed("k", &claims(&json!({ "nonce": null }))));
        assert_eq!(
            renew(&provider(), &kept(60), &web).unwrap().unwrap()["upstream"]["access_token"],
            "at"
        );
        web.post(
            TOKEN,
            200,
            &json!({ "access_token": "a2", "token_type": "bearer", "expires_in": 60 }),
        );
        let renewed = renew(&provider(), &kept(60), &web).unwrap().unwrap();
        assert_eq!(
            (&renewed["upstream"]["refresh_token"], &renewed["sub"]),
            (&json!("r0"), &json!("u1"))
        );
        give(&web, &signed("k", &claims(&json!({ "sub": "u2" }))));
        assert!(matches!(
            renew(&provider(), &kept(60), &web),
            Err(IdentityError::Refused(_))
        ));
        web.hang(&format!("GET {KEYS}"));
        assert_eq!(
            renew(&provider(), &kept(60), &web).unwrap().unwrap()["upstream"]["refresh_token"],
            "rt"
        );
        web.post(TOKEN, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(
            renew(&provider(), &kept(60), &web),
            Err(IdentityError::Refused(_))
        ));
        let other = provider_at(ISSUER, "bob@example.com");
        assert!(matches!(
            renew(&other, &kept(100_000), &web),
            Err(IdentityError::NotAllowed(_))
        ));
    }
}
