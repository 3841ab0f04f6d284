//! Discovery of a provider's endpoints (`OpenID` Connect Discovery 1.0).

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::wire::text_member;
use http::Request;
use serde_json::Value;

use crate::IdentityError;
use crate::jwks::{FRESH_MS, STALE_MS};
use crate::upstream::{Upstream, get_json, is_trustworthy};

/// The provider of an issuer, and what was found of it.
pub(super) struct Discovery {
    issuer: String,
    /// Prefix of the names of its variables.
    variables: &'static str,
    found: RefCell<Option<Rc<ProviderMetadata>>>,
}

/// The metadata of a provider (section 3).
pub(super) struct ProviderMetadata {
    at: u64,
    pub(super) issuer: String,
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) keys: String,
    pub(super) userinfo: Option<String>,
    /// True if the provider wants the client's secret in the body of a request.
    pub(super) in_body: bool,
    /// True if `scopes_supported` has `offline_access`, the scope for refresh tokens.
    pub(super) is_offline: bool,
}

impl ProviderMetadata {
    /// Reads the configuration of an issuer (`OpenID` Connect Discovery 1.0 section 3).
    fn read(issuer: &str, body: &Value, now: u64) -> Result<Self, IdentityError> {
        // Plain HTTP is for an issuer on loopback: tokens of any other issuer must not travel in the clear.
        let is_local = issuer.starts_with("http://");
        let url = |name: &str| {
            text_member(body, name)
                .filter(|url| is_trustworthy(url) && (is_local || url.starts_with("https://")))
                .map(str::to_owned)
        };
        let needed = |name: &str| {
            url(name)
                .ok_or_else(|| IdentityError::Unavailable(format!("the provider has no {name}")))
        };
        let methods = body
            .get("token_endpoint_auth_methods_supported")
            .and_then(Value::as_array);
        Ok(Self {
            at: now,
            issuer: issuer.to_owned(),
            authorize: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            keys: needed("jwks_uri")?,
            userinfo: url("userinfo_endpoint"),
            is_offline: offers(body, "scopes_supported", "offline_access"),
            // The default is the header.
            in_body: methods.is_some_and(|methods| {
                !methods.iter().any(|method| method == "client_secret_basic")
            }),
        })
    }
}

impl Discovery {
    pub(super) fn new(issuer: String, variables: &'static str) -> Self {
        Self {
            issuer,
            variables,
            found: RefCell::default(),
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The provider's cached metadata; in an outage, those of the last day.
    pub(super) async fn find(
        &self,
        web: &dyn Upstream,
    ) -> Result<Rc<ProviderMetadata>, IdentityError> {
        let known = self.found.borrow().clone();
        let age = known
            .as_ref()
            .map_or(u64::MAX, |known| web.now().saturating_sub(known.at));
        match known {
            Some(known) if age < FRESH_MS => Ok(known),
            known => match (self.fetch(web).await, known) {
                (Err(_), Some(known)) if age < STALE_MS => Ok(known),
                (found, _) => {
                    let found = Rc::new(found?);
                    self.found.replace(Some(Rc::clone(&found)));
                    Ok(found)
                }
            },
        }
    }

    async fn fetch(&self, web: &dyn Upstream) -> Result<ProviderMetadata, IdentityError> {
        let base = self.issuer.trim_end_matches('/');
        let answer = get_json(
            web,
            Request::get(format!("{base}/.well-known/openid-configuration")),
        )
        .await?;
        if answer.status == 404 {
            return Err(self.misconfigured("has no OpenID configuration"));
        }
        let issuer = text_member(&answer.body, "issuer").filter(|_| answer.status == 200);
        let issuer = issuer.ok_or_else(|| answer.unexpected("the provider's configuration"))?;
        if issuer.trim_end_matches('/') != base {
            return Err(self.misconfigured("says that its issuer is another one"));
        }
        ProviderMetadata::read(issuer, &answer.body, web.now())
    }

    fn misconfigured(&self, problem: &str) -> IdentityError {
        let (base, variables) = (self.issuer.trim_end_matches('/'), self.variables);
        IdentityError::Misconfigured(format!(
            "{base} {problem}. Set {variables}_ISSUER to the issuer that your identity provider names."
        ))
    }
}

/// True if a list in the provider's metadata has that value.
fn offers(configuration: &Value, list: &str, value: &str) -> bool {
    configuration
        .get(list)
        .and_then(Value::as_array)
        .is_some_and(|values| values.iter().any(|known| known == value))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::testing::FakeUpstream;

    const ISSUER: &str = "https://id.example";
    const CONFIGURATION: &str = "https://id.example/.well-known/openid-configuration";

    fn configuration() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
        })
    }

    /// The outcome of discovery for metadata with one member changed.
    fn found(
        issuer: &str,
        name: &str,
        value: Value,
    ) -> Result<Rc<ProviderMetadata>, IdentityError> {
        let (web, mut configuration) = (FakeUpstream::default(), configuration());
        configuration[name] = value;
        web.get(CONFIGURATION, 200, &configuration);
        block_on(Discovery::new(issuer.to_owned(), "OIDC").find(&web))
    }

    #[test]
    fn the_configuration_is_fetched_once_and_survives_an_outage_of_a_day() {
        let (web, discovery) = (
            FakeUpstream::default(),
            Discovery::new(ISSUER.to_owned(), "OIDC"),
        );
        web.get(CONFIGURATION, 200, &configuration());
        for _ in 0..3 {
            assert!(block_on(discovery.find(&web)).is_ok());
        }
        assert_eq!(web.asked().len(), 1);
        web.get(CONFIGURATION, 500, &json!({}));
        web.pass_ms(STALE_MS - 1);
        assert!(block_on(discovery.find(&web)).is_ok());
        assert_eq!(web.asked().len(), 2);
        web.pass_ms(1);
        assert!(matches!(
            block_on(discovery.find(&web)),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn a_configuration_of_another_issuer_is_not_used() {
        let evil = found(ISSUER, "issuer", json!("https://evil.example")).err();
        assert!(
            matches!(evil, Some(IdentityError::Misconfigured(text)) if text.contains("OIDC_ISSUER"))
        );
        assert!(found("https://id.example/", "issuer", json!(ISSUER)).is_ok());
        assert!(found(ISSUER, "issuer", json!("https://id.example/")).is_ok());
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for url in [
                json!("http://id.example/x"),
                json!("http://127.0.0.1/x"),
                json!("javascript:alert(1)"),
                json!(""),
                Value::Null,
            ] {
                assert!(
                    matches!(found(ISSUER, name, url), Err(IdentityError::Unavailable(_))),
                    "{name}"
                );
            }
        }
        let web = FakeUpstream::default();
        web.get(CONFIGURATION, 404, &json!({}));
        let nothing = block_on(Discovery::new(ISSUER.to_owned(), "OIDC").find(&web)).err();
        assert!(
            matches!(nothing, Some(IdentityError::Misconfigured(text)) if text.contains("OIDC_ISSUER"))
        );
    }

    #[test]
    fn the_secret_is_sent_in_the_body_if_the_provider_supports_only_that() {
        let in_body = |methods: Value| {
            found(ISSUER, "token_endpoint_auth_methods_supported", methods)
                .unwrap()
                .in_body
        };
        assert!(in_body(json!(["client_secret_post", "private_key_jwt"])));
        assert!(
            !in_body(json!(["client_secret_post", "client_secret_basic"])) && !in_body(Value::Null)
        );
    }
}
