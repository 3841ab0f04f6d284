//! Proof that a code is redeemed by the client that asked for it (RFC 7636).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::{Secret, same};

/// An S256 challenge (RFC 7636 section 4.2). There is no `plain`: it proves nothing to somebody who sees the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CodeChallenge(String);

/// The verifier of a challenge (RFC 7636 section 4.1).
#[derive(Debug)]
pub struct CodeVerifier(Secret);

/// The text is no challenge or verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PkceError(pub &'static str);

impl fmt::Display for PkceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = PkceError;

    fn try_from(text: String) -> Result<Self, PkceError> {
        Self::parse(&text)
    }
}

impl CodeChallenge {
    /// Reads a challenge: the base64url of a SHA-256.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(hash) if hash.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(PkceError(
                "code_challenge must be the base64url of a SHA-256: 43 characters.",
            )),
        }
    }

    /// The challenge as its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks the challenge against a verifier in constant time (RFC 7636 section 4.6).
    #[must_use]
    pub fn is_of(&self, verifier: &CodeVerifier) -> bool {
        same(
            &self.0,
            &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.0.secret())),
        )
    }
}

impl CodeVerifier {
    /// Reads a verifier.
    ///
    /// # Errors
    /// When it is not 43 to 128 unreserved characters.
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        if (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved) {
            Ok(Self(Secret::new(text.to_owned())))
        } else {
            Err(PkceError(
                "code_verifier must be 43 to 128 letters, digits and -._~.",
            ))
        }
    }
}

/// Checks for `unreserved` of RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_of_rfc_7636_fits_its_challenge() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_of(&CodeVerifier::parse(VERIFIER).unwrap()));
        assert!(!challenge.is_of(&CodeVerifier::parse(&VERIFIER.to_lowercase()).unwrap()));
        // With `plain`, the challenge is the verifier.
        assert!(!challenge.is_of(&CodeVerifier::parse(CHALLENGE).unwrap()));
    }

    #[test]
    fn a_challenge_is_the_base64url_of_32_bytes() {
        let [short, long] = [42, 44].map(|length| "A".repeat(length));
        for text in [
            "",
            "a",
            &short,
            &long,
            &CHALLENGE.replace('-', "+"),
            &format!("{}N", &CHALLENGE[..42]),
        ] {
            assert!(CodeChallenge::parse(text).is_err(), "{text}");
            assert!(
                serde_json::from_value::<CodeChallenge>(text.into()).is_err(),
                "{text}"
            );
        }
        assert_eq!(CodeChallenge::parse(CHALLENGE).unwrap().as_str(), CHALLENGE);
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        let of = |length| "a".repeat(length);
        assert!(CodeVerifier::parse(&of(43)).is_ok() && CodeVerifier::parse(&of(128)).is_ok());
        assert!(CodeVerifier::parse(&format!("{}-._~", of(40))).is_ok());
        for text in [
            of(42),
            of(129),
            format!("{} ", of(43)),
            format!("{}+", of(43)),
            format!("{}\u{e9}", of(43)),
        ] {
            assert!(CodeVerifier::parse(&text).is_err(), "{text}");
        }
        assert!(!format!("{:?}", CodeVerifier::parse(VERIFIER).unwrap()).contains(VERIFIER));
    }
}
