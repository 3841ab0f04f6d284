//! Any provider with `OpenID` Connect (Core 1.0, code flow), found by its discovery document; and Google as one of them.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::FutureExt;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use super::allowed::{AllowList, KNOWN_AS, known_by_email};
use super::code_flow::{CodeFlow, Credentials, Tokens, UPSTREAM, kept, random_text, renewable, set};
use super::jwks::{FRESH_MS, KeySet, STALE_MS};
use super::jwt::Expected;
use super::upstream::{Upstream, get_json, is_trustworthy};
use super::{Answer, Asked, Begun, Flow, Identity, IdentityError, IdentityProvider};

/// What is asked for, unless `OIDC_SCOPES` says otherwise.
pub const SCOPES: &str = "openid profile email";

/// Google's issuer.
pub const GOOGLE: &str = "https://accounts.google.com";

/// The name that Google's tokens may have for it besides.
const GOOGLE_BARE: &str = "accounts.google.com";

/// Claims of the protocol itself, which tell nothing of a person.
const NOT_OF_A_PERSON: [&str; 11] =
    ["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti"];

/// What a provider says of itself (`OpenID` Connect Discovery 1.0 section 3).
#[derive(Clone)]
struct Discovered {
    at: u64,
    issuer: String,
    authorize: String,
    token: String,
    keys: String,
    userinfo: Option<String>,
    in_body: bool,
}

/// People of one issuer.
pub struct Oidc {
    credentials: Credentials,
    issuer: String,
    title: String,
    scopes: String,
    allowed: AllowList,
    discovered: RefCell<Option<Rc<Discovered>>>,
    keys: KeySet,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// The people of `issuer`; `allowed` says who may sign in, and everybody may if it is empty.
    #[must_use]
    pub fn new(issuer: String, credentials: Credentials, scopes: String, allowed: AllowList) -> Self {
        let host = issuer.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let title = if issuer == GOOGLE { "Google".to_owned() } else { host.to_owned() };
        let (discovered, keys) = (RefCell::default(), KeySet::default());
        Self { credentials, issuer, title, scopes, allowed, discovered, keys }
    }

    fn is_google(&self) -> bool {
        self.issuer == GOOGLE
    }

    async fn begun(&self, flow: Flow<'_>) -> Result<Begun, IdentityError> {
        let found = self.discover(flow.web).await?;
        let nonce = random_text(flow.random)?;
        let mut more = vec![("nonce", nonce.as_str())];
        more.extend(flow.name.map(|name| ("login_hint", name)));
        if self.is_google() {
            // Only so does Google give a refresh token (developers.google.com/identity/openid-connect/reference).
            more.push(("access_type", "offline"));
        }
        let mut begun = self.flow(&found).begin(&flow, &more)?;
        set(&mut begun.kept, "nonce", nonce.as_str());
        Ok(begun)
    }

    async fn finished(&self, answer: Answer<'_>) -> Result<Identity, IdentityError> {
        let found = self.discover(answer.web).await?;
        // RFC 9207: an answer of another server is not taken for this one's.
        if answer.params.get("iss").is_some_and(|issuer| issuer != found.issuer) {
            return Err(IdentityError::Refused("the answer is of another issuer".to_owned()));
        }
        let nonce = kept(answer.kept, "nonce")?;
        let tokens = self.flow(&found).redeem(&answer).await?;
        let id_token = tokens.id_token.as_deref();
        let id_token = id_token.ok_or_else(|| IdentityError::Unavailable("there is no id_token".to_owned()))?;
        let mut claims = self.verified(&found, id_token, Some(nonce), answer.web).await?;
        let subject = subject(&claims)?.to_owned();
        // Many have a person's name and address only there (Core 1.0 section 5.4).
        if let (Some(url), None) = (&found.userinfo, claims.get("email")) {
            self.add_userinfo(url, &tokens, &mut claims, answer.web).await?;
        }
        let props = props_of(&claims, &tokens);
        self.admit(&props)?;
        let text = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email"));
        // An id is unique within its issuer alone.
        let subject =
            if self.is_google() { format!("google:{subject}") } else { format!("oidc:{}#{subject}", found.issuer) };
        Ok(Identity { subject, name, props })
    }

    async fn renewed(&self, props: &Value, web: &dyn Upstream) -> Result<Option<Value>, IdentityError> {
        self.admit(props)?;
        if renewable(props, web.now() / 1000).is_none() {
            return Ok(None);
        }
        let found = self.discover(web).await?;
        let Some(tokens) = self.flow(&found).renew(props, web).await? else {
            return Ok(None);
        };
        if let Some(id_token) = &tokens.id_token {
            match self.verified(&found, id_token, None, web).await {
                // Core 1.0 section 12.2: a new one is of the same person.
                Ok(claims) if props.get("sub").and_then(Value::as_str) == Some(subject(&claims)?) => {}
                Ok(_) => return Err(IdentityError::Refused("the renewed tokens are of somebody else".to_owned())),
                // They came from the token endpoint itself, and the old refresh token may be used up.
                Err(IdentityError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut props = props.clone();
        set(&mut props, UPSTREAM, tokens.to_props());
        Ok(Some(props))
    }

    async fn verified(
        &self,
        found: &Discovered,
        id_token: &str,
        nonce: Option<&str>,
        web: &dyn Upstream,
    ) -> Result<Map<String, Value>, IdentityError> {
        let issuers = [found.issuer.as_str(), GOOGLE_BARE];
        let issuers = issuers.get(..if self.is_google() { 2 } else { 1 }).unwrap_or_default();
        let expected = Expected { issuers, audience: &self.credentials.id, nonce, now: web.now() / 1000 };
        match self.keys.verify(&found.keys, id_token, &expected, web).await? {
            Value::Object(claims) => Ok(claims),
            _ => Err(IdentityError::Refused("the id_token has no claims".to_owned())),
        }
    }

    async fn add_userinfo(
        &self,
        url: &str,
        tokens: &Tokens,
        claims: &mut Map<String, Value>,
        web: &dyn Upstream,
    ) -> Result<(), IdentityError> {
        let request = Request::get(url).header(AUTHORIZATION, format!("Bearer {}", tokens.access_token));
        let answer = get_json(web, request).await?;
        if answer.status != 200 {
            return Err(answer.unexpected("the provider's userinfo"));
        }
        let Value::Object(more) = answer.body else {
            return Err(IdentityError::Unavailable("the provider's userinfo is no JSON object".to_owned()));
        };
        // Core 1.0 section 5.3.2.
        if more.get("sub") != claims.get("sub") {
            return Err(IdentityError::Refused("the provider's userinfo is of somebody else".to_owned()));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn admit(&self, props: &Value) -> Result<(), IdentityError> {
        if self.allowed.is_empty() || self.allowed.has(props) {
            return Ok(());
        }
        let email = props.get("email").and_then(Value::as_str).unwrap_or("somebody without an address");
        let is_verified = props.get("email_verified") == Some(&Value::Bool(true));
        let unverified = if is_verified { "" } else { " (not verified)" };
        Err(IdentityError::NotAllowed(format!("{email}{unverified}")))
    }

    fn flow<'a>(&'a self, found: &'a Discovered) -> CodeFlow<'a> {
        CodeFlow {
            authorize: &found.authorize,
            token: &found.token,
            credentials: &self.credentials,
            in_body: found.in_body,
            scopes: &self.scopes,
        }
    }

    async fn discover(&self, web: &dyn Upstream) -> Result<Rc<Discovered>, IdentityError> {
        let known = self.discovered.borrow().clone();
        let age = known.as_ref().map_or(u64::MAX, |known| web.now().saturating_sub(known.at));
        match known {
            Some(known) if age < FRESH_MS => Ok(known),
            known => match (self.fetch(web).await, known) {
                (Err(_), Some(known)) if age < STALE_MS => Ok(known),
                (found, _) => {
                    let found = Rc::new(found?);
                    self.discovered.replace(Some(Rc::clone(&found)));
                    Ok(found)
                }
            },
        }
    }

    async fn fetch(&self, web: &dyn Upstream) -> Result<Discovered, IdentityError> {
        let base = self.issuer.trim_end_matches('/');
        let answer = get_json(web, Request::get(format!("{base}/.well-known/openid-configuration"))).await?;
        let variables = self.credentials.variables;
        if answer.status == 404 {
            return Err(IdentityError::Misconfigured(format!(
                "{base} has no OpenID configuration. Set {variables}_ISSUER to the issuer that your identity provider names."
            )));
        }
        let text = |name: &str| answer.body.get(name).and_then(Value::as_str);
        let issuer = text("issuer").filter(|_| answer.status == 200);
        let issuer = issuer.ok_or_else(|| answer.unexpected("the provider's configuration"))?;
        if issuer.trim_end_matches('/') != base {
            return Err(IdentityError::Misconfigured(format!(
                "{base} says that its issuer is another one. Set {variables}_ISSUER to the issuer that your identity provider \
                 names."
            )));
        }
        let url = |name: &str| text(name).filter(|url| is_trustworthy(url)).map(str::to_owned);
        let needed =
            |name: &str| url(name).ok_or_else(|| IdentityError::Unavailable(format!("the provider has no {name}")));
        let methods = answer.body.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        Ok(Discovered {
            at: web.now(),
            issuer: issuer.to_owned(),
            authorize: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            keys: needed("jwks_uri")?,
            userinfo: url("userinfo_endpoint"),
            // Discovery 1.0 section 3: who does not say means the header.
            in_body: methods.is_some_and(|methods| !methods.iter().any(|method| method == "client_secret_basic")),
        })
    }
}

/// Everything that the provider says of the person, and what they are known as on lists.
fn props_of(claims: &Map<String, Value>, tokens: &Tokens) -> Value {
    let email = claims.get("email").and_then(Value::as_str).unwrap_or_default();
    // Who does not say that an address is verified has not verified it: anybody could claim yours.
    let is_verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)));
    let mut props = claims.clone();
    props.retain(|name, _| !NOT_OF_A_PERSON.contains(&name.as_str()));
    props.insert(KNOWN_AS.to_owned(), known_by_email(email, is_verified).into());
    props.insert(UPSTREAM.to_owned(), tokens.to_props());
    props.into()
}

fn subject(claims: &Map<String, Value>) -> Result<&str, IdentityError> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    subject.ok_or_else(|| IdentityError::Refused("the id_token does not say who signed in (sub)".to_owned()))
}

impl IdentityProvider for Oidc {
    fn begin<'a>(&'a self, flow: Flow<'a>) -> Asked<'a, Begun> {
        self.begun(flow).boxed_local()
    }

    fn finish<'a>(&'a self, answer: Answer<'a>) -> Asked<'a, Identity> {
        self.finished(answer).boxed_local()
    }

    fn renew<'a>(&'a self, props: &'a Value, web: &'a dyn Upstream) -> Asked<'a, Option<Value>> {
        self.renewed(props, web).boxed_local()
    }

    fn title(&self) -> &str {
        &self.title
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::stand_in::{
        NOW, StandIn, begin_on, finish, finish_with, head, key, keys, renew, signed, token,
    };
    use crate::oauth::params::Params;
    use crate::oauth::secret::Secret;

    const ISSUER: &str = "https://id.example";
    const CONFIGURATION: &str = "https://id.example/.well-known/openid-configuration";
    const TOKEN: &str = "https://id.example/token";
    const KEYS: &str = "https://id.example/keys";
    const USERINFO: &str = "https://id.example/userinfo";

    fn provider_at(issuer: &str, allowed: &str) -> Oidc {
        let secret = Some(Secret::new("secret".to_owned()));
        let credentials = Credentials { id: "me".to_owned(), secret, variables: "OIDC" };
        Oidc::new(issuer.to_owned(), credentials, SCOPES.to_owned(), AllowList::parse(allowed).unwrap())
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
        begin_on(&provider(), None, &web).unwrap().kept["nonce"].as_str().unwrap().to_owned()
    }

    fn web() -> StandIn {
        let web = StandIn::default();
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

    fn give(web: &StandIn, id_token: &str) {
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
    fn the_browser_goes_where_discovery_says_with_a_nonce() {
        let web = web();
        let begun = begin_on(&provider(), Some("ann"), &web).unwrap();
        let (url, query) = begun.url.split_once('?').unwrap();
        let params = Params::parse(query).unwrap();
        assert_eq!(url, "https://id.example/authorize");
        assert_eq!((params.get("scope"), params.get("login_hint")), (Some(SCOPES), Some("ann")));
        assert_eq!(params.get("nonce"), begun.kept["nonce"].as_str());
        assert!(params.get("nonce").is_some_and(|nonce| nonce.len() == 43) && params.get("access_type").is_none());
        assert_ne!(begun.kept["nonce"], begun.kept["verifier"]);
    }

    #[test]
    fn who_is_in_the_id_token_is_signed_in() {
        let identity = signed_in(&json!({ "groups": ["staff"] })).unwrap();
        assert_eq!((identity.subject.as_str(), identity.name.as_deref()), ("oidc:https://id.example#u1", Some("Ann")));
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
            assert!(matches!(signed_in(&change), Err(IdentityError::Refused(_))), "{change}");
        }
    }

    #[test]
    fn an_id_token_that_anybody_could_write_is_refused() {
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
            assert!(matches!(finish(&provider(), "code=c", &web), Err(IdentityError::Refused(_))), "{id_token}");
        }
        let web = web();
        web.post(TOKEN, 200, &json!({ "access_token": "at", "token_type": "Bearer" }));
        assert!(matches!(finish(&provider(), "code=c", &web), Err(IdentityError::Unavailable(_))));
    }

    #[test]
    fn a_name_and_an_address_may_be_in_userinfo_alone() {
        let web = web();
        let bare = claims(&json!({ "name": null, "email": null, "email_verified": null }));
        let mut bare = bare;
        bare.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        give(&web, &signed("k", &bare));
        let userinfo =
            json!({ "sub": "u1", "name": "Ann", "email": "ann@example.com", "email_verified": true, "iss": "x" });
        web.get(USERINFO, 200, &userinfo);
        let identity = finish(&provider(), "code=c", &web).unwrap();
        assert_eq!(
            (identity.name.as_deref(), identity.props["known_as"][1].as_str()),
            (Some("Ann"), Some("ann@example.com"))
        );
        assert_eq!(web.sent().last().unwrap().authorization, "Bearer at");
        web.get(USERINFO, 200, &json!({ "sub": "u2", "email": "bob@example.com" }));
        assert!(matches!(finish(&provider(), "code=c", &web), Err(IdentityError::Refused(_))));
        web.get(USERINFO, 500, &json!({}));
        assert!(matches!(finish(&provider(), "code=c", &web), Err(IdentityError::Unavailable(_))));
    }

    #[test]
    fn an_answer_of_another_issuer_redeems_no_code() {
        let web = web();
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(finish(&provider(), "code=c&iss=https%3A%2F%2Fid.example", &web).is_ok());
        let other = finish(&provider(), "code=c&iss=https%3A%2F%2Fevil.example", &web);
        assert!(matches!(other, Err(IdentityError::Refused(_))));
        assert!(matches!(finish(&provider(), "error=access_denied", &web), Err(IdentityError::Denied(_))));
        web.post(TOKEN, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(finish(&provider(), "code=old", &web), Err(IdentityError::Refused(_))));
        web.hang(&format!("POST {TOKEN}"));
        assert!(matches!(finish(&provider(), "code=c", &web), Err(IdentityError::Unavailable(_))));
        let kept = json!({ "verifier": "v".repeat(43) });
        assert!(matches!(finish_with(&provider(), &head("code=c", &[]), &kept, &web), Err(IdentityError::Refused(_))));
    }

    #[test]
    fn only_verified_addresses_are_on_a_list() {
        let sign_in = |allowed: &str, changes: &Value| {
            let web = web();
            give(&web, &signed("k", &claims(changes)));
            finish(&provider_at(ISSUER, allowed), "code=c", &web)
        };
        for allowed in ["ann@example.com", "@example.com", "bob@example.com ANN@example.com"] {
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
    fn discovery_is_asked_once_and_outlasts_an_outage_for_a_day() {
        let (web, provider) = (web(), provider());
        for _ in 0..3 {
            assert!(begin_on(&provider, None, &web).is_ok());
        }
        assert_eq!(web.asked().len(), 1);
        web.get(CONFIGURATION, 500, &json!({}));
        web.pass_ms(STALE_MS - 1);
        assert!(begin_on(&provider, None, &web).is_ok());
        assert_eq!(web.asked().len(), 2);
        web.pass_ms(1);
        assert!(matches!(begin_on(&provider, None, &web), Err(IdentityError::Unavailable(_))));
    }

    #[test]
    fn a_configuration_that_is_not_the_issuers_is_not_used() {
        let web = web();
        let error = |issuer, name: &str, value: Value| {
            let mut configuration = configuration();
            configuration[name] = value;
            web.get(CONFIGURATION, 200, &configuration);
            begin_on(&provider_at(issuer, ""), None, &web).err()
        };
        let evil = error(ISSUER, "issuer", json!("https://evil.example"));
        assert!(matches!(evil, Some(IdentityError::Misconfigured(text)) if text.contains("OIDC_ISSUER")));
        assert_eq!(error("https://id.example/", "issuer", json!(ISSUER)), None);
        assert_eq!(error(ISSUER, "issuer", json!("https://id.example/")), None);
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for url in [json!("http://id.example/x"), json!("javascript:alert(1)"), json!(""), Value::Null] {
                assert!(matches!(error(ISSUER, name, url), Some(IdentityError::Unavailable(_))), "{name}");
            }
        }
        web.get(CONFIGURATION, 404, &json!({}));
        assert!(matches!(begin_on(&provider(), None, &web), Err(IdentityError::Misconfigured(_))));
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        let mut post = configuration();
        post["token_endpoint_auth_methods_supported"] = json!(["client_secret_post", "private_key_jwt"]);
        let web = web();
        web.get(CONFIGURATION, 200, &post);
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(finish(&provider(), "code=c", &web).is_ok());
        let sent = web.sent().into_iter().find(|sent| sent.line.starts_with("POST")).unwrap();
        assert!(sent.authorization.is_empty() && sent.body.contains("client_secret=secret"));
    }

    #[test]
    fn google_has_two_names_and_gives_refresh_tokens_when_asked() {
        let web = StandIn::default();
        let mut google = configuration();
        google["issuer"] = json!(GOOGLE);
        web.get("https://accounts.google.com/.well-known/openid-configuration", 200, &google);
        web.get(KEYS, 200, &keys(&["k"]));
        let provider = provider_at(GOOGLE, "");
        assert_eq!(provider.title(), "Google");
        assert!(begin_on(&provider, None, &web).unwrap().url.contains("access_type=offline"));
        for issuer in [GOOGLE, "accounts.google.com"] {
            give(&web, &signed("k", &claims(&json!({ "iss": issuer }))));
            assert_eq!(finish(&provider, "code=c", &web).unwrap().subject, "google:u1");
        }
        give(&web, &signed("k", &claims(&json!({}))));
        assert!(matches!(finish(&provider, "code=c", &web), Err(IdentityError::Refused(_))));
        assert!(matches!(signed_in(&json!({ "iss": "accounts.google.com" })), Err(IdentityError::Refused(_))));
    }

    #[test]
    fn what_ends_soon_is_renewed_for_the_same_person_alone() {
        let web = web();
        let kept = |lives: u64| {
            let upstream = json!({ "access_token": "a0", "refresh_token": "r0", "expires": NOW / 1000 + lives });
            json!({ "sub": "u1", "known_as": ["ann@example.com"], "upstream": upstream })
        };
        assert_eq!(renew(&provider(), &kept(100_000), &StandIn::default()), Ok(None));
        give(&web, &signed("k", &claims(&json!({ "nonce": null }))));
        assert_eq!(renew(&provider(), &kept(60), &web).unwrap().unwrap()["upstream"]["access_token"], "at");
        web.post(TOKEN, 200, &json!({ "access_token": "a2", "token_type": "bearer", "expires_in": 60 }));
        let renewed = renew(&provider(), &kept(60), &web).unwrap().unwrap();
        assert_eq!((&renewed["upstream"]["refresh_token"], &renewed["sub"]), (&json!("r0"), &json!("u1")));
        give(&web, &signed("k", &claims(&json!({ "sub": "u2" }))));
        assert!(matches!(renew(&provider(), &kept(60), &web), Err(IdentityError::Refused(_))));
        web.hang(&format!("GET {KEYS}"));
        assert_eq!(renew(&provider(), &kept(60), &web).unwrap().unwrap()["upstream"]["refresh_token"], "rt");
        web.post(TOKEN, 400, &json!({ "error": "invalid_grant" }));
        assert!(matches!(renew(&provider(), &kept(60), &web), Err(IdentityError::Refused(_))));
        let other = provider_at(ISSUER, "bob@example.com");
        assert!(matches!(renew(&other, &kept(100_000), &web), Err(IdentityError::NotAllowed(_))));
    }
}
