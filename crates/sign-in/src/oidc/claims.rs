//! A provider's claims about a person.

use durable_core::wire::text_member;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value};

use crate::IdentityError;
use crate::allowed::{KNOWN_AS, known_by_email};
use crate::code_flow::{Tokens, UPSTREAM, set};
use crate::upstream::{Upstream, get_json};

/// Claims of the protocol itself, which tell nothing of a person.
const NOT_OF_A_PERSON: [&str; 11] = [
    "iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti",
];

/// The claim that proves a person's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DomainClaim {
    /// By the verified address.
    OfAddress,
    /// By the claim `hd`, the domain of the organisation that manages the account.
    Hosted,
}

/// Names of a person on lists, from the claims in the props.
pub(super) fn known_as(props: &Value, domains: DomainClaim) -> Vec<String> {
    // An address counts only if the provider says that it is verified: anybody could claim another's.
    let is_verified = props.get("email_verified") == Some(&Value::Bool(true));
    let mut known_as = known_by_email(text_member(props, "email").unwrap_or_default(), is_verified);
    if domains == DomainClaim::Hosted {
        known_as.retain(|name| !name.starts_with('@'));
        known_as
            .extend(text_member(props, "hd").map(|domain| format!("@{}", domain.to_lowercase())));
    }
    known_as
}

/// The claims of an `id_token` that was verified.
pub(super) struct IdTokenClaims(Map<String, Value>);

impl IdTokenClaims {
    pub(super) fn new(verified: Value) -> Result<Self, IdentityError> {
        match verified {
            Value::Object(claims) => Ok(Self(claims)),
            _ => Err(IdentityError::Refused(
                "the id_token has no claims".to_owned(),
            )),
        }
    }

    pub(super) fn subject(&self) -> Result<&str, IdentityError> {
        let subject = self.text("sub").filter(|subject| !subject.is_empty());
        subject.ok_or_else(|| {
            IdentityError::Refused("the id_token does not say who signed in (sub)".to_owned())
        })
    }

    /// The name of the person.
    pub(super) fn name(&self) -> Option<&str> {
        self.text("name")
            .or_else(|| self.text("preferred_username"))
            .or_else(|| self.text("email"))
    }

    /// Many providers have a person's name and address only at userinfo (Core 1.0 section 5.4).
    pub(super) async fn complete(
        &mut self,
        userinfo: &str,
        access_token: &str,
        web: &dyn Upstream,
    ) -> Result<(), IdentityError> {
        if self.0.contains_key("email") {
            return Ok(());
        }
        let request =
            Request::get(userinfo).header(AUTHORIZATION, format!("Bearer {access_token}"));
        let answer = get_json(web, request).await?;
        if answer.status != 200 {
            return Err(answer.unexpected("the provider's userinfo"));
        }
        let Value::Object(more) = answer.body else {
            return Err(IdentityError::Unavailable(
                "the provider's userinfo is no JSON object".to_owned(),
            ));
        };
        // Core 1.0 section 5.3.2.
        if more.get("sub") != self.0.get("sub") {
            return Err(IdentityError::Refused(
                "the provider's userinfo is of somebody else".to_owned(),
            ));
        }
        for (name, value) in more {
            self.0.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Props of the person: all claims about them, and the entries of lists that match them.
    pub(super) fn to_props(&self, tokens: &Tokens, domains: DomainClaim) -> Value {
        let mut props = self.0.clone();
        props.retain(|name, _| !NOT_OF_A_PERSON.contains(&name.as_str()));
        let mut props = Value::from(props);
        let known_as = known_as(&props, domains);
        set(&mut props, KNOWN_AS, known_as);
        set(&mut props, UPSTREAM, tokens.to_props());
        props
    }

    /// Brings the props up to date with the claims of a newer `id_token`. Claims that it leaves out stay, since it may
    /// leave out any (Core 1.0 section 12.2), but for `hd` where that says who may: an account that has left its
    /// organisation has none.
    pub(super) fn update(&self, props: &mut Value, domains: DomainClaim) {
        if domains == DomainClaim::Hosted
            && let Some(members) = props.as_object_mut()
        {
            members.remove("hd");
        }
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| !NOT_OF_A_PERSON.contains(&name.as_str()))
        {
            set(props, name, value.clone());
        }
        let known_as = known_as(props, domains);
        set(props, KNOWN_AS, known_as);
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::testing::FakeUpstream;

    const USERINFO: &str = "https://id.example/userinfo";

    fn claims(value: Value) -> IdTokenClaims {
        IdTokenClaims::new(value).unwrap()
    }

    fn tokens() -> Tokens {
        Tokens {
            access_token: "at".to_owned(),
            refresh_token: None,
            expires: None,
            id_token: None,
        }
    }

    fn completed(
        claims: &mut IdTokenClaims,
        status: u16,
        userinfo: &Value,
    ) -> Result<Vec<String>, IdentityError> {
        let web = FakeUpstream::default();
        web.get(USERINFO, status, userinfo);
        block_on(claims.complete(USERINFO, "at", &web))?;
        Ok(web
            .sent()
            .into_iter()
            .map(|sent| sent.authorization)
            .collect())
    }

    #[test]
    fn claims_of_the_protocol_are_left_out_of_the_props() {
        let claims = claims(json!({
            "iss": "i", "aud": "a", "azp": "a", "exp": 1, "iat": 1, "nbf": 1, "nonce": "n", "at_hash": "h", "c_hash": "h",
            "s_hash": "h", "jti": "j", "sub": "u1", "groups": ["staff"],
        }));
        let expected = json!({ "sub": "u1", "groups": ["staff"], "known_as": [], "upstream": { "access_token": "at" } });
        assert_eq!(claims.to_props(&tokens(), DomainClaim::OfAddress), expected);
    }

    #[test]
    fn an_address_counts_only_if_the_provider_verified_it() {
        let known_as = |verified: Value| {
            let claims = claims(
                json!({ "sub": "u1", "email": "ann@example.com", "email_verified": verified }),
            );
            claims.to_props(&tokens(), DomainClaim::OfAddress)[KNOWN_AS].clone()
        };
        assert_eq!(
            known_as(json!(true)),
            json!(["@example.com", "ann@example.com"])
        );
        for unverified in [json!(false), json!(null), json!("true"), json!(1)] {
            assert_eq!(known_as(unverified), json!([]));
        }
    }

    #[test]
    fn a_user_is_called_by_the_best_of_their_names() {
        let name = |value: Value| claims(value).name().map(str::to_owned);
        let all = json!({ "name": "Ann", "preferred_username": "ann", "email": "ann@example.com" });
        assert_eq!(name(all).as_deref(), Some("Ann"));
        assert_eq!(
            name(json!({ "preferred_username": "ann", "email": "e" })).as_deref(),
            Some("ann")
        );
        assert_eq!(name(json!({ "email": "e" })).as_deref(), Some("e"));
        assert_eq!(name(json!({ "sub": "u1", "name": 1 })), None);
    }

    #[test]
    fn name_and_address_may_come_from_userinfo_alone() {
        let mut bare = claims(json!({ "sub": "u1", "nonce": "n" }));
        let userinfo =
            json!({ "sub": "u1", "name": "Ann", "email": "ann@example.com", "nonce": "other" });
        assert_eq!(
            completed(&mut bare, 200, &userinfo),
            Ok(vec!["Bearer at".to_owned()])
        );
        assert_eq!((bare.name(), bare.text("nonce")), (Some("Ann"), Some("n")));
        // All is there now.
        assert_eq!(completed(&mut bare, 200, &userinfo), Ok(Vec::new()));
    }

    #[test]
    fn userinfo_of_another_user_or_of_none_is_an_error() {
        let error = |status, userinfo: &Value| {
            completed(&mut claims(json!({ "sub": "u1" })), status, userinfo).unwrap_err()
        };
        assert!(matches!(
            error(200, &json!({ "sub": "u2", "email": "bob@example.com" })),
            IdentityError::Refused(_)
        ));
        assert!(matches!(
            error(200, &json!({ "email": "bob@example.com" })),
            IdentityError::Refused(_)
        ));
        assert!(matches!(
            error(200, &json!(["u1"])),
            IdentityError::Unavailable(_)
        ));
        assert!(matches!(
            error(500, &json!({ "sub": "u1" })),
            IdentityError::Unavailable(_)
        ));
    }

    #[test]
    fn claims_without_a_subject_are_refused() {
        for value in [
            json!({}),
            json!({ "sub": "" }),
            json!({ "sub": null }),
            json!({ "sub": 1 }),
        ] {
            assert!(matches!(
                claims(value).subject(),
                Err(IdentityError::Refused(_))
            ));
        }
        assert!(matches!(
            IdTokenClaims::new(json!([])),
            Err(IdentityError::Refused(_))
        ));
    }
}
