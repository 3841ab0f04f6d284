//! Cloudflare Access in front of this Worker, as a self-hosted application: every request that it passes is signed in
//! (developers.cloudflare.com/cloudflare-one, "Validate JWTs" and "Application token").

use durable_core::wire::text_member;
use serde_json::{Value, json};

use super::allowed::{KNOWN_AS, known_by_email};
use super::code_flow::UPSTREAM;
use super::jwks::KeySet;
use super::jwt::ExpectedClaims;
use super::upstream::Upstream;
use super::{Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::{ACCESS_SUBJECTS, begins_with};

/// The longest session that Access can be set to, in seconds: one month.
const LONGEST_SESSION_SECONDS: u64 = 730 * 3600;

/// The header that Access adds to a request. Its cookie is not looked at: browsers hold it, and it is not always there.
pub const ASSERTION: &str = "cf-access-jwt-assertion";

/// Identity provider for people whom Cloudflare Access admits.
#[derive(Debug)]
pub struct Access {
    team: String,
    audience: String,
    keys: KeySet,
}

impl Access {
    /// The people of the team at `team`, an `https` URL without a path, in the application with that audience tag.
    #[must_use]
    pub fn new(team: String, audience: String) -> Self {
        Self {
            team,
            audience,
            keys: KeySet::default(),
        }
    }

    async fn finished(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let Some(token) = callback.head.header(ASSERTION) else {
            return Err(IdentityError::Misconfigured(format!(
                "This request did not come through Cloudflare Access. Put {} into the Access application of ACCESS_AUD, and \
                 turn off the addresses of this Worker that go around it.",
                callback.head.path
            )));
        };
        let issuers = [self.team.as_str()];
        let expected = ExpectedClaims {
            issuers: &issuers,
            audience: &self.audience,
            nonce: None,
            now: callback.web.now() / 1000,
        };
        let keys = format!("{}/cdn-cgi/access/certs", self.team);
        let claims = self
            .keys
            .verify(&keys, &token, &expected, callback.web)
            .await?;
        identity(&claims)
    }
}

/// Adds the end of the session at Access to props of a grant from before grants had one; `None` if they have it. It is the
/// latest end that a session at Access can have, so no person is signed out early.
fn with_end(props: &Value, now: u64) -> Option<Value> {
    if props
        .get(UPSTREAM)
        .is_some_and(|upstream| upstream.get("expires").is_some_and(Value::is_u64))
    {
        return None;
    }
    let mut props = props.clone();
    props.as_object_mut()?.insert(
        UPSTREAM.to_owned(),
        json!({ "expires": now + LONGEST_SESSION_SECONDS }),
    );
    Some(props)
}

impl IdentityProvider for Access {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        let redirect = Redirect::to_callback(&request, Value::Null);
        Ok(redirect)
    }

    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        self.finished(callback).await
    }

    async fn renew(
        &self,
        props: &Value,
        web: &dyn Upstream,
    ) -> Result<Option<Value>, IdentityError> {
        let renewed = with_end(props, web.now() / 1000);
        Ok(renewed)
    }

    fn knows(&self, subject: &str) -> bool {
        begins_with(subject, ACCESS_SUBJECTS)
    }

    fn title(&self) -> &'static str {
        "Cloudflare Access"
    }
}

/// The person of an assertion. A service token is nobody: it has no `sub`, and nobody who could agree.
fn identity(claims: &Value) -> Result<Identity, IdentityError> {
    let text = |name| text_member(claims, name).filter(|text| !text.is_empty());
    let subject = text("sub").filter(|_| text("type").is_none_or(|kind| kind == "app"));
    let subject = subject
        .ok_or_else(|| IdentityError::Refused("the assertion is of no person".to_owned()))?;
    let email = text("email");
    let props = json!({
        "sub": subject,
        "email": email,
        "country": text("country"),
        "custom": claims.get("custom"),
        KNOWN_AS: known_by_email(email.unwrap_or_default(), true),
        // A grant ends with the session at Access: who may come through is decided anew there.
        UPSTREAM: { "expires": claims.get("exp") },
    });
    Ok(Identity {
        subject: format!("{ACCESS_SUBJECTS}{subject}"),
        name: email.map(str::to_owned),
        props,
    })
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::jwks::REFETCH_MS;
    use crate::testing::{FakeUpstream, NOW, finish_with, head, key, keys, signed, start, token};

    const TEAM: &str = "https://acme.cloudflareaccess.com";
    const CERTS: &str = "https://acme.cloudflareaccess.com/cdn-cgi/access/certs";

    fn web() -> FakeUpstream {
        let web = FakeUpstream::default();
        web.get(CERTS, 200, &keys(&["now", "before"]));
        web
    }

    fn claims(changes: &Value) -> Value {
        let now = NOW / 1000;
        let mut claims = json!({
            "aud": ["tag"], "email": "Ann@example.com", "exp": now + 60, "iat": now, "nbf": now, "iss": TEAM,
            "type": "app", "identity_nonce": "x", "sub": "7335d417", "country": "US",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn come(
        provider: &Access,
        assertion: &str,
        web: &FakeUpstream,
    ) -> Result<Identity, IdentityError> {
        let head = head("state=state", &[("Cf-Access-Jwt-Assertion", assertion)]);
        finish_with(provider, &head, &Value::Null, web)
    }

    fn provider() -> Access {
        Access::new(TEAM.to_owned(), "tag".to_owned())
    }

    #[test]
    fn sign_in_through_access_returns_to_the_callback_at_once() {
        let redirect = start(&provider(), None).unwrap();
        assert_eq!(redirect.url, "https://mcp.example/callback?state=state");
    }

    #[test]
    fn a_user_whom_access_lets_through_is_signed_in() {
        let web = web();
        for id in ["now", "before"] {
            let identity = come(&provider(), &signed(id, &claims(&json!({}))), &web).unwrap();
            assert_eq!(
                (identity.subject.as_str(), identity.name.as_deref()),
                ("access:7335d417", Some("Ann@example.com"))
            );
            assert_eq!(
                identity.props["known_as"],
                json!(["@example.com", "ann@example.com"])
            );
            assert_eq!(
                identity.props["upstream"],
                json!({ "expires": NOW / 1000 + 60 }),
                "the session at Access"
            );
        }
    }

    #[test]
    fn a_grant_without_an_end_gets_the_longest_session_of_access() {
        let (web, provider) = (web(), provider());
        let renew = |props: &Value| block_on(provider.renew(props, &web)).unwrap();
        let renewed = renew(&json!({ "sub": "7335d417" })).unwrap();
        let end = NOW / 1000 + LONGEST_SESSION_SECONDS;
        assert_eq!(
            renewed,
            json!({ "sub": "7335d417", "upstream": { "expires": end } })
        );
        web.pass_ms(60_000);
        assert_eq!(renew(&renewed), None, "the end stays");
        assert!(renew(&json!({ "upstream": { "expires": null } })).is_some());
    }

    #[test]
    fn an_assertion_of_another_team_application_or_time_is_refused() {
        let web = web();
        for change in [
            json!({ "iss": "https://evil.cloudflareaccess.com" }),
            json!({ "aud": ["other"] }),
            json!({ "exp": NOW / 1000 - 61 }),
            json!({ "nbf": NOW / 1000 + 61 }),
            json!({ "sub": "" }),
            json!({ "sub": null, "common_name": "service.access" }),
            json!({ "type": "org" }),
        ] {
            let come = come(&provider(), &signed("now", &claims(&change)), &web);
            assert!(matches!(come, Err(IdentityError::Refused(_))), "{change}");
        }
    }

    #[test]
    fn an_assertion_without_a_valid_signature_is_refused() {
        let web = web();
        let good = signed("now", &claims(&json!({})));
        let (unsigned, _) = good.rsplit_once('.').unwrap();
        for forged in [
            token("none", &key("now"), &claims(&json!({}))),
            token("HS256", &key("now"), &claims(&json!({}))),
            signed("unknown", &claims(&json!({}))),
            format!("{unsigned}."),
            format!("{unsigned}.AAAA"),
            "ann@example.com".to_owned(),
        ] {
            assert!(
                matches!(
                    come(&provider(), &forged, &web),
                    Err(IdentityError::Refused(_))
                ),
                "{forged}"
            );
        }
    }

    #[test]
    fn a_request_around_access_is_told_which_path_to_protect() {
        let head = head(
            "state=state",
            &[("cf-access-authenticated-user-email", "ann@example.com")],
        );
        let error = finish_with(&provider(), &head, &Value::Null, &web());
        assert!(
            matches!(error, Err(IdentityError::Misconfigured(text)) if text.contains("/callback"))
        );
    }

    #[test]
    fn rotated_keys_of_access_are_fetched() {
        let (web, provider) = (web(), provider());
        assert!(come(&provider, &signed("now", &claims(&json!({}))), &web).is_ok());
        web.get(CERTS, 200, &keys(&["next", "now"]));
        let next = signed("next", &claims(&json!({ "exp": NOW })));
        assert!(come(&provider, &next, &web).is_err());
        web.pass_ms(REFETCH_MS);
        assert!(come(&provider, &next, &web).is_ok());
        let away = FakeUpstream::default();
        assert!(matches!(
            come(&self::provider(), &next, &away),
            Err(IdentityError::Unavailable(_))
        ));
    }
}
