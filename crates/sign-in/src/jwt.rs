//! JSON Web Tokens (RFC 7519) that a provider signed (RFC 7515, compact form).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::wire::{read_json, text_member};
use oauth_server::secret::same;
use serde_json::Value;

/// Characters of a token: those with many groups have some 4 KiB, and headers end at 16.
pub const MAX_TOKEN_CHARS: usize = 16 * 1024;

/// Tolerated difference of the provider's clock, in seconds.
pub const LEEWAY_SECONDS: u64 = 60;

/// Accepted signature algorithms of a token. A closed list, without `none` and the symmetric algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The value of the header parameter `alg` (RFC 7518 section 3.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256]
            .into_iter()
            .find(|known| known.as_str() == name)
    }

    /// Checks whether a JSON Web Key (RFC 7517) is for this algorithm and for signatures.
    #[must_use]
    pub fn fits(self, key: &Value) -> bool {
        let kind = match self {
            Self::Rs256 => text_member(key, "kty") == Some("RSA"),
            Self::Es256 => {
                text_member(key, "kty") == Some("EC") && text_member(key, "crv") == Some("P-256")
            }
        };
        kind && text_member(key, "use").is_none_or(|use_| use_ == "sig")
            && text_member(key, "alg").is_none_or(|alg| alg == self.as_str())
    }
}

/// A parsed token, its signature not verified yet.
pub struct UnverifiedJwt<'a> {
    /// The algorithm that the token's header claims.
    pub algorithm: Algorithm,
    /// The key id that the token's header claims.
    pub key_id: Option<String>,
    /// The signed part.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
    claims: Value,
}

impl<'a> UnverifiedJwt<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// With the reason, which tells nothing of the token's content.
    pub fn parse(token: &'a str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN_CHARS {
            return Err("the token is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("that is no signed token")?;
        let (header, claims) = signed.split_once('.').ok_or("that is no signed token")?;
        let header = object(header).ok_or("the token's header is no JSON object")?;
        let claims = object(claims).ok_or("the token's claims are no JSON object")?;
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .and_then(Algorithm::parse);
        // RFC 7515 section 4.1.11: what has to be understood and is not makes the token invalid.
        if header.get("crit").is_some() {
            return Err("the token has critical extensions");
        }
        Ok(Self {
            algorithm: algorithm.ok_or("the token is not signed with RS256 or ES256")?,
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| "the token's signature is no base64url")?,
            claims,
        })
    }

    /// Validates the claims of a token whose signature is verified (`OpenID` Connect Core 1.0 section 3.1.3.7), and returns them.
    ///
    /// # Errors
    /// With the reason, which tells nothing of the token's content.
    pub fn claims(self, expected: &ExpectedClaims<'_>) -> Result<Value, &'static str> {
        if !text_member(&self.claims, "iss")
            .is_some_and(|issuer| expected.issuers.contains(&issuer))
        {
            return Err("the token is of another issuer (iss)");
        }
        check_audience(&self.claims, expected.audience)?;
        check_time(&self.claims, expected.now)?;
        match expected.nonce {
            Some(nonce)
                if !text_member(&self.claims, "nonce").is_some_and(|own| same(own, nonce)) =>
            {
                Err("the token is of another sign-in (nonce)")
            }
            _ => Ok(self.claims),
        }
    }
}

/// The claims that a token must have.
#[derive(Clone, Copy)]
pub struct ExpectedClaims<'a> {
    /// The issuer's names.
    pub issuers: &'a [&'a str],
    /// Whom it is for.
    pub audience: &'a str,
    /// The sign-in that it is of; none if it is of none.
    pub nonce: Option<&'a str>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

fn object(part: &str) -> Option<Value> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    read_json(&json).filter(Value::is_object)
}

fn check_audience(claims: &Value, expected: &str) -> Result<(), &'static str> {
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == expected,
        Some(Value::Array(several)) => several.iter().any(|audience| audience == expected),
        _ => false,
    };
    // The authorized party, which a token for several audiences has to name (OpenID Connect Core 1.0 section 3.1.3.7).
    let party = claims.get("azp").and_then(Value::as_str);
    let several = claims
        .get("aud")
        .and_then(Value::as_array)
        .is_some_and(|several| several.len() > 1);
    match party {
        _ if !for_us => Err("the token is for another client (aud)"),
        Some(party) if party != expected => Err("the token was given to another client (azp)"),
        None if several => {
            Err("the token is for several clients, and does not say for whom it was made (azp)")
        }
        _ => Ok(()),
    }
}

fn check_time(claims: &Value, now: u64) -> Result<(), &'static str> {
    // Some providers have fractions of seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are far from where whole numbers end"
    )]
    let (early, late) = (
        now.saturating_sub(LEEWAY_SECONDS) as f64,
        now.saturating_add(LEEWAY_SECONDS) as f64,
    );
    let [expires, not_before, issued] =
        ["exp", "nbf", "iat"].map(|name| claims.get(name).and_then(Value::as_f64));
    match (expires, not_before, issued) {
        (None, ..) => Err("the token does not say when it ends (exp)"),
        (Some(expires), ..) if expires <= early => Err("the token has ended (exp)"),
        (_, Some(start), _) if start > late => Err("the token is not good yet (nbf)"),
        (.., Some(issued)) if issued > late => Err("the token is of the future (iat)"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const EXPECTED: ExpectedClaims<'static> = ExpectedClaims {
        issuers: &["https://id.example"],
        audience: "me",
        nonce: Some("n"),
        now: NOW,
    };

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn good() -> Value {
        json!({ "iss": "https://id.example", "aud": "me", "sub": "1", "nonce": "n", "iat": NOW, "exp": NOW + 300 })
    }

    fn claims(changes: &Value) -> Result<Value, &'static str> {
        let mut claims = good();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = token(&json!({ "alg": "RS256" }), &claims);
        UnverifiedJwt::parse(&token).unwrap().claims(&EXPECTED)
    }

    #[test]
    fn the_claims_of_a_valid_token_are_returned() {
        assert_eq!(claims(&json!({})), Ok(good()));
        for fine in [
            json!({ "aud": ["me"] }),
            json!({ "aud": ["me", "other"], "azp": "me" }),
            json!({ "azp": "me" }),
            json!({ "exp": NOW - LEEWAY_SECONDS + 1 }),
            json!({ "exp": 1_700_000_300.5 }),
            json!({ "nbf": NOW + LEEWAY_SECONDS, "iat": NOW + LEEWAY_SECONDS }),
        ] {
            assert!(claims(&fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn a_claim_that_is_not_as_expected_is_refused_by_name() {
        for (change, claim) in [
            (json!({ "iss": "https://id.example/" }), "(iss)"),
            (json!({ "iss": "https://evil.example" }), "(iss)"),
            (json!({ "iss": null }), "(iss)"),
            (json!({ "aud": "other" }), "(aud)"),
            (json!({ "aud": ["other"] }), "(aud)"),
            (json!({ "aud": [] }), "(aud)"),
            (json!({ "aud": null }), "(aud)"),
            (json!({ "aud": ["me", "other"] }), "(azp)"),
            (json!({ "azp": "other" }), "(azp)"),
            (json!({ "nonce": "m" }), "(nonce)"),
            (json!({ "nonce": null }), "(nonce)"),
            (json!({ "exp": NOW - LEEWAY_SECONDS }), "(exp)"),
            (json!({ "exp": null }), "(exp)"),
            (json!({ "exp": "never" }), "(exp)"),
            (json!({ "nbf": NOW + LEEWAY_SECONDS + 1 }), "(nbf)"),
            (json!({ "iat": NOW + LEEWAY_SECONDS + 1 }), "(iat)"),
        ] {
            assert!(
                claims(&change).is_err_and(|reason| reason.contains(claim)),
                "{change}"
            );
        }
    }

    #[test]
    fn only_rs256_and_es256_are_accepted() {
        for algorithm in ["RS256", "ES256"] {
            let token = token(&json!({ "alg": algorithm, "kid": "k" }), &good());
            let read = UnverifiedJwt::parse(&token).unwrap();
            assert_eq!(
                (read.algorithm.as_str(), read.key_id.as_deref()),
                (algorithm, Some("k"))
            );
        }
        for algorithm in [
            json!("none"),
            json!("None"),
            json!("HS256"),
            json!("rs256"),
            json!("RS512"),
            Value::Null,
        ] {
            let token = token(&json!({ "alg": algorithm }), &good());
            assert!(UnverifiedJwt::parse(&token).is_err(), "{algorithm}");
        }
    }

    #[test]
    fn a_malformed_token_is_refused() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        for token in [
            "",
            ".",
            "..",
            "a.b.c",
            &format!("{header}.e30"),
            &format!("{header}.W10.c2ln"),
            &format!("{header}.e30.*"),
        ] {
            assert!(UnverifiedJwt::parse(token).is_err(), "{token}");
        }
        assert!(
            UnverifiedJwt::parse(&format!("{header}.e30."))
                .is_ok_and(|token| token.signature.is_empty())
        );
        assert!(
            UnverifiedJwt::parse(&token(&json!({ "alg": "RS256", "crit": ["b64"] }), &good()))
                .is_err()
        );
        assert!(UnverifiedJwt::parse(&"a".repeat(MAX_TOKEN_CHARS + 1)).is_err());
    }

    #[test]
    fn a_key_fits_one_algorithm_and_use() {
        let (rsa, curve) = (
            json!({ "kty": "RSA" }),
            json!({ "kty": "EC", "crv": "P-256", "use": "sig" }),
        );
        assert!(Algorithm::Rs256.fits(&rsa) && Algorithm::Es256.fits(&curve));
        assert!(!Algorithm::Es256.fits(&rsa) && !Algorithm::Rs256.fits(&curve));
        for key in [
            json!({ "kty": "RSA", "use": "enc" }),
            json!({ "kty": "RSA", "alg": "RS512" }),
            json!({ "kty": "oct", "k": "AAAA" }),
            json!({}),
        ] {
            assert!(!Algorithm::Rs256.fits(&key), "{key}");
        }
        assert!(!Algorithm::Es256.fits(&json!({ "kty": "EC", "crv": "P-384" })));
    }
}
