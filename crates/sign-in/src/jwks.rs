//! The keys of a provider (RFC 7517), kept in memory for as long as the isolate lives.
//!
//! Providers change keys without notice. A token that names an unknown one, or does not fit the one that it names, has
//! them fetched again, but no more often than once a minute: made-up tokens must not become requests.

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::wire::text_member;
use http::Request;
use serde_json::Value;

use super::IdentityError;
use super::jwt::{ExpectedClaims, UnverifiedJwt};
use super::upstream::{UnverifiedSignature, Upstream, get_json};

/// Milliseconds after which keys are fetched again, so that withdrawn ones are dropped.
pub const FRESH_MS: u64 = 6 * 3600 * 1000;

/// Milliseconds after a fetch for which keys are used while the provider cannot be reached.
pub const STALE_MS: u64 = 24 * 3600 * 1000;

/// Least age of keys, in milliseconds, at which a token that none of them verifies causes another fetch.
pub const REFETCH_MS: u64 = 60 * 1000;

/// Limit of keys in a set; providers publish two or three.
const MAX_KEYS: usize = 32;

#[derive(Clone)]
struct FetchedKeys {
    url: String,
    at: u64,
    keys: Rc<[Value]>,
}

/// The keys of one provider.
#[derive(Default)]
pub struct KeySet(RefCell<Option<FetchedKeys>>);

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySet")
    }
}

impl KeySet {
    /// The claims of a token that one of the keys at `url` signed, if they are what is expected.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] if they are not, [`IdentityError::Unavailable`] if there are no keys to be had.
    pub async fn verify(
        &self,
        url: &str,
        token: &str,
        expected: &ExpectedClaims<'_>,
        web: &dyn Upstream,
    ) -> Result<Value, IdentityError> {
        let token = UnverifiedJwt::parse(token).map_err(refused)?;
        let known = self.keys(url, web).await?;
        let mut signed = is_signed(&token, &known.keys, web).await?;
        if !signed && web.now().saturating_sub(known.at) >= REFETCH_MS {
            let newer = self.fetch(url, web).await?;
            signed = is_signed(&token, &newer.keys, web).await?;
        }
        if !signed {
            return Err(refused(
                "the token is signed by none of the provider's keys",
            ));
        }
        token.claims(expected).map_err(refused)
    }

    async fn keys(&self, url: &str, web: &dyn Upstream) -> Result<FetchedKeys, IdentityError> {
        let kept = self.0.borrow().clone().filter(|kept| kept.url == url);
        let Some(kept) = kept else {
            return self.fetch(url, web).await;
        };
        let age = web.now().saturating_sub(kept.at);
        if age < FRESH_MS {
            return Ok(kept);
        }
        match self.fetch(url, web).await {
            Err(_) if age < STALE_MS => Ok(kept),
            fetched => fetched,
        }
    }

    async fn fetch(&self, url: &str, web: &dyn Upstream) -> Result<FetchedKeys, IdentityError> {
        let answer = get_json(web, Request::get(url)).await?;
        let keys = answer
            .body
            .get("keys")
            .and_then(Value::as_array)
            .filter(|_| answer.status == 200);
        let keys = keys.ok_or_else(|| answer.unexpected("the provider's keys"))?;
        let keys = keys.iter().take(MAX_KEYS).cloned().collect();
        let fetched = FetchedKeys {
            url: url.to_owned(),
            at: web.now(),
            keys,
        };
        self.0.replace(Some(fetched.clone()));
        Ok(fetched)
    }
}

fn refused(reason: &str) -> IdentityError {
    IdentityError::Refused(reason.to_owned())
}

async fn is_signed(
    token: &UnverifiedJwt<'_>,
    keys: &[Value],
    web: &dyn Upstream,
) -> Result<bool, IdentityError> {
    for key in keys
        .iter()
        .filter(|key| token.key_id.is_none() || text_member(key, "kid") == token.key_id.as_deref())
        .filter(|key| token.algorithm.fits(key))
    {
        let (algorithm, signed, bytes) = (token.algorithm, token.signed, &*token.signature);
        if web
            .verify(UnverifiedSignature {
                algorithm,
                key,
                signed,
                bytes,
            })
            .await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::testing::{FakeUpstream, NOW, key, keys, signed, token};

    const URL: &str = "https://id.example/keys";

    fn verify(set: &KeySet, token: &str, web: &FakeUpstream) -> Result<Value, IdentityError> {
        let expected = ExpectedClaims {
            issuers: &["https://id.example"],
            audience: "me",
            nonce: None,
            now: web.now() / 1000,
        };
        block_on(set.verify(URL, token, &expected, web))
    }

    fn claims() -> Value {
        json!({ "iss": "https://id.example", "aud": "me", "sub": "1", "exp": NOW / 1000 + 1_000_000 })
    }

    fn web(ids: &[&str]) -> FakeUpstream {
        let web = FakeUpstream::default();
        web.get(URL, 200, &keys(ids));
        web
    }

    #[test]
    fn keys_are_fetched_once_for_many_tokens() {
        let (set, web) = (KeySet::default(), web(&["a", "b"]));
        for _ in 0..3 {
            assert_eq!(verify(&set, &signed("a", &claims()), &web), Ok(claims()));
            assert_eq!(verify(&set, &signed("b", &claims()), &web), Ok(claims()));
        }
        assert_eq!(web.asked(), [format!("GET {URL}")]);
        web.pass_ms(FRESH_MS);
        assert!(verify(&set, &signed("a", &claims()), &web).is_ok());
        assert_eq!(web.asked().len(), 2);
    }

    #[test]
    fn a_rotated_key_is_fetched_and_found() {
        let (set, web) = (KeySet::default(), web(&["a"]));
        assert!(verify(&set, &signed("a", &claims()), &web).is_ok());
        web.get(URL, 200, &keys(&["b"]));
        web.pass_ms(REFETCH_MS);
        assert!(verify(&set, &signed("b", &claims()), &web).is_ok());
        assert!(matches!(
            verify(&set, &signed("a", &claims()), &web),
            Err(IdentityError::Refused(_))
        ));
    }

    #[test]
    fn a_key_that_was_replaced_under_its_id_is_fetched_and_found() {
        let (set, web) = (KeySet::default(), web(&["a"]));
        assert!(verify(&set, &signed("a", &claims()), &web).is_ok());
        let other = json!({ "kty": "RSA", "kid": "a", "n": "another" });
        web.get(URL, 200, &json!({ "keys": [other] }));
        web.pass_ms(REFETCH_MS);
        assert!(verify(&set, &token("RS256", &other, &claims()), &web).is_ok());
    }

    #[test]
    fn an_unknown_key_refetches_the_set_once_a_minute_at_most() {
        let (set, web) = (KeySet::default(), web(&["a"]));
        for _ in 0..5 {
            assert!(matches!(
                verify(&set, &signed("z", &claims()), &web),
                Err(IdentityError::Refused(_))
            ));
        }
        assert_eq!(web.asked().len(), 1);
        web.pass_ms(REFETCH_MS);
        for _ in 0..5 {
            assert!(verify(&set, &signed("z", &claims()), &web).is_err());
        }
        assert_eq!(web.asked().len(), 2);
    }

    #[test]
    fn a_token_without_a_key_id_is_tried_with_every_key() {
        let (set, web) = (KeySet::default(), web(&["a", "b"]));
        let unnamed = json!({ "kty": "RSA", "n": key("b")["n"] });
        assert!(verify(&set, &token("RS256", &unnamed, &claims()), &web).is_ok());
        let foreign = json!({ "kty": "RSA", "n": "foreign" });
        assert!(verify(&set, &token("RS256", &foreign, &claims()), &web).is_err());
    }

    #[test]
    fn a_token_of_another_algorithm_or_without_signature_is_refused() {
        let (set, web) = (KeySet::default(), web(&["a"]));
        for algorithm in ["ES256", "none", "HS256"] {
            let token = token(algorithm, &key("a"), &claims());
            assert!(
                matches!(verify(&set, &token, &web), Err(IdentityError::Refused(_))),
                "{algorithm}"
            );
        }
        let good = signed("a", &claims());
        let (unsigned, _) = good.rsplit_once('.').unwrap();
        assert!(verify(&set, &format!("{unsigned}."), &web).is_err());
    }

    #[test]
    fn keys_survive_an_outage_of_up_to_a_day() {
        let (set, web) = (KeySet::default(), web(&["a"]));
        assert!(verify(&set, &signed("a", &claims()), &web).is_ok());
        web.get(URL, 500, &json!("down"));
        web.pass_ms(STALE_MS - 1);
        assert!(verify(&set, &signed("a", &claims()), &web).is_ok());
        web.pass_ms(1);
        assert!(matches!(
            verify(&set, &signed("a", &claims()), &web),
            Err(IdentityError::Unavailable(_))
        ));
    }

    #[test]
    fn a_response_that_is_no_key_set_is_an_outage() {
        for (status, body) in [
            (200, json!({})),
            (200, json!([])),
            (404, json!({ "keys": [] })),
            (302, json!(null)),
        ] {
            let (set, web) = (KeySet::default(), FakeUpstream::default());
            web.get(URL, status, &body);
            assert!(matches!(
                verify(&set, &signed("a", &claims()), &web),
                Err(IdentityError::Unavailable(_))
            ));
        }
        let gone = FakeUpstream::default();
        assert!(matches!(
            verify(&KeySet::default(), &signed("a", &claims()), &gone),
            Err(IdentityError::Unavailable(_))
        ));
    }
}
