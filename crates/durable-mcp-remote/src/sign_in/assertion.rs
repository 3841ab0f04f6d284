//! Client authentication by a signed assertion (RFC 7523, section 2.2): `private_key_jwt`.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use serde_json::{Value, json};

use super::error::SignInError;
use crate::store::now_ms;

/// `client_assertion_type` of a JWT.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds for which an assertion is valid: one request, and clocks that differ a little.
const LIFETIME: u64 = 120;

/// Signature schemes by the `alg` of a JWT (RFC 7518, RFC 8037), and the bytes of one number of an ECDSA signature.
const ALGORITHMS: [(SignatureScheme, &str, usize); 4] = [
    (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256", 32),
    (SignatureScheme::ECDSA_NISTP384_SHA384, "ES384", 48),
    (SignatureScheme::ED25519, "EdDSA", 0),
    (SignatureScheme::RSA_PKCS1_SHA256, "RS256", 0),
];

/// Private key of a client.
#[derive(Clone)]
pub(crate) struct ClientKey(Arc<dyn SigningKey>);

impl fmt::Debug for ClientKey {
    /// Leaves out the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientKey")
    }
}

impl ClientKey {
    /// Reads a key of EC, RSA or Ed25519 in PEM; `None` if it is none of those.
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
        any_supported_type(&key).ok().map(Self)
    }

    /// Assertion of a client for an authorization server. `key_id` is that by which the server knows the key.
    pub(crate) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        key_id: Option<&str>,
    ) -> Result<String, SignInError> {
        let unusable = |reason: &str| {
            SignInError::impossible(format!(
                "--client-key cannot sign ({reason}): give a key of EC, RSA or Ed25519"
            ))
        };
        let (signer, algorithm, size) = ALGORITHMS
            .iter()
            .find_map(|(scheme, name, size)| {
                Some((self.0.choose_scheme(&[*scheme])?, *name, *size))
            })
            .ok_or_else(|| unusable("it has an algorithm that is not known here"))?;
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let (Some(key_id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), key_id.into());
        }
        let claims = claims(client_id, audience).map_err(|error| unusable(&error.to_string()))?;
        let content = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = signer
            .sign(content.as_bytes())
            .map_err(|error| unusable(&error.to_string()))?;
        let signature = match size {
            0 => signature,
            size => {
                fixed(&signature, size).ok_or_else(|| unusable("its signature is malformed"))?
            }
        };
        Ok(format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Claims of an assertion (RFC 7523, section 3).
fn claims(client_id: &str, audience: &str) -> Result<Value, getrandom::Error> {
    let now = now_ms() / 1000;
    Ok(json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?),
    }))
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string().as_bytes())
}

/// ECDSA signature of ASN.1 as JWTs have it: both numbers in `size` bytes each (RFC 7518, section 3.4).
fn fixed(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    // Signatures of these curves are shorter than 128 bytes, so each length is one byte.
    let numbers = signature.strip_prefix(&[0x30])?.get(1..)?;
    let (first, rest) = number(numbers, size)?;
    let (second, _) = number(rest, size)?;
    Some([first, second].concat())
}

/// First number of ASN.1, in `size` bytes, and what follows it.
fn number(der: &[u8], size: usize) -> Option<(Vec<u8>, &[u8])> {
    let (length, content) = der.strip_prefix(&[0x02])?.split_first()?;
    let (digits, rest) = content.split_at_checked((*length).into())?;
    // A zero before it keeps it positive.
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(zeros..)?;
    let mut number = vec![0; size.checked_sub(digits.len())?];
    number.extend_from_slice(digits);
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_signature_are_padded_to_their_size() {
        let der = [0x30, 9, 0x02, 3, 0, 0x80, 1, 0x02, 2, 0x7f, 2];
        assert_eq!(fixed(&der, 4), Some(vec![0, 0, 0x80, 1, 0, 0, 0x7f, 2]));
        assert_eq!(fixed(&der, 1), None);
        assert_eq!(fixed(&der[..6], 4), None);
        assert_eq!(fixed(&[], 4), None);
    }

    #[test]
    fn a_text_that_is_no_key_is_refused() {
        assert!(ClientKey::from_pem(b"no PEM").is_none());
        let empty = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(ClientKey::from_pem(empty.as_bytes()).is_none());
    }
}
