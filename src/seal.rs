//! What only this deployment can read, or only together with the holder of a token.
//!
//! ```text
//! byte  0..4  id of the key
//!       4..16 nonce
//!      16..   AES-256-GCM ciphertext with its tag
//! ```
//! in base64url. The key of the cipher is a MAC over the token by a key of the deployment: neither a copy of the storage
//! nor a token opens it alone, and each token has a key of its own. What a client or a browser carries to and fro has a key
//! a purpose.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::{KeyId, Keys};
use crate::runtime::Random;
use crate::wire::Fault;

const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;

const TOKEN: &str = "seal";
const PAGE: &str = "page";
const CARRIED: &str = "carried";

/// Why nothing is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// It was not sealed so, or with another token or header.
    NotSealed,
    /// It was sealed with a key that is not known: one that is newer than the keys in memory, or long gone.
    UnknownKey,
}

/// Seals `plaintext` under a token, bound to `header`.
///
/// # Errors
/// When there is no randomness.
pub fn seal(keys: &Keys, token: &str, header: &[u8], plaintext: &[u8], random: &dyn Random) -> Result<String, Fault> {
    close(keys, (TOKEN, token), header, plaintext, random)
}

/// Opens what was sealed under that token and header; none if it was not.
#[must_use]
pub fn open(keys: &Keys, token: &str, header: &[u8], sealed: &str) -> Option<Vec<u8>> {
    try_open(keys, token, header, sealed).ok()
}

/// Opens what was sealed under that token and header.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open(keys: &Keys, token: &str, header: &[u8], sealed: &str) -> Result<Vec<u8>, OpenError> {
    disclose(keys, (TOKEN, token), header, sealed)
}

/// Seals what a browser carries from one page to the next.
///
/// # Errors
/// When there is no randomness.
pub fn seal_page(keys: &Keys, purpose: &str, plaintext: &[u8], random: &dyn Random) -> Result<String, Fault> {
    close(keys, (PAGE, purpose), &[], plaintext, random)
}

/// Opens what was sealed for that purpose; none if it was not.
#[must_use]
pub fn open_page(keys: &Keys, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
    try_open_page(keys, purpose, sealed).ok()
}

/// Opens what was sealed for that purpose.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open_page(keys: &Keys, purpose: &str, sealed: &str) -> Result<Vec<u8>, OpenError> {
    disclose(keys, (PAGE, purpose), &[], sealed)
}

/// Seals what a client carries from one request to the next, bound to `header`.
///
/// # Errors
/// When there is no randomness.
pub fn seal_carried(
    keys: &Keys,
    purpose: &str,
    header: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, Fault> {
    close(keys, (CARRIED, purpose), header, plaintext, random)
}

/// Opens what was sealed for that purpose and header.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open_carried(keys: &Keys, purpose: &str, header: &[u8], sealed: &str) -> Result<Vec<u8>, OpenError> {
    disclose(keys, (CARRIED, purpose), header, sealed)
}

fn cipher(keys: &Keys, id: KeyId, (purpose, under): (&str, &str)) -> Option<Aes256Gcm> {
    keys.prf(id, purpose, under.as_bytes()).map(|key| Aes256Gcm::new(&key.into()))
}

fn close(
    keys: &Keys,
    under: (&str, &str),
    header: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, Fault> {
    let id = keys.current_id();
    let cipher = cipher(keys, id, under).ok_or_else(|| Fault("there is no current key".to_owned()))?;
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce)?;
    let mut text = plaintext.to_vec();
    cipher.encrypt_in_place(&nonce.into(), header, &mut text).map_err(|_| Fault("too long to seal".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode([id.0.as_slice(), &nonce, &text].concat()))
}

fn disclose(keys: &Keys, under: (&str, &str), header: &[u8], sealed: &str) -> Result<Vec<u8>, OpenError> {
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| OpenError::NotSealed)?;
    let (id, rest) = bytes.split_first_chunk::<KEY_ID_BYTES>().ok_or(OpenError::NotSealed)?;
    let nonce = *rest.first_chunk::<NONCE_BYTES>().ok_or(OpenError::NotSealed)?;
    let cipher = cipher(keys, KeyId(*id), under).ok_or(OpenError::UnknownKey)?;
    bytes.drain(..KEY_ID_BYTES + NONCE_BYTES);
    cipher.decrypt_in_place(&nonce.into(), header, &mut bytes).map_err(|_| OpenError::NotSealed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KEY_BYTES;

    struct Counted(std::cell::Cell<u8>);

    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
            self.0.set(self.0.get() + 1);
            bytes.fill(self.0.get());
            Ok(())
        }
    }

    fn counted() -> Counted {
        Counted(std::cell::Cell::new(0))
    }

    #[test]
    fn what_is_sealed_opens_with_its_token_and_header_alone() {
        let keys = Keys::from_secret("k");
        let sealed = seal(&keys, "token", b"header", b"text", &counted()).unwrap();
        assert_eq!(open(&keys, "token", b"header", &sealed).as_deref(), Some(b"text".as_slice()));
        assert_eq!(open(&keys, "other", b"header", &sealed), None);
        assert_eq!(open(&keys, "token", b"other", &sealed), None);
        assert_eq!(open_page(&keys, "token", &sealed), None);
        assert_eq!(open(&Keys::from_secret("l"), "token", b"header", &sealed), None);
    }

    #[test]
    fn what_is_sealed_cannot_be_changed() {
        let keys = Keys::from_secret("k");
        let sealed = seal(&keys, "token", b"", b"a text of some length", &counted()).unwrap();
        for at in 0..sealed.len() {
            let mut text = sealed.clone().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&keys, "token", b"", std::str::from_utf8(&text).unwrap()), None, "{at}");
            assert_eq!(open(&keys, "token", b"", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn the_same_is_never_sealed_the_same_way() {
        let (keys, random) = (Keys::from_secret("k"), counted());
        let [one, two] = [(); 2].map(|()| seal(&keys, "token", b"", b"text", &random).unwrap());
        assert_ne!(one, two);
    }

    #[test]
    fn a_page_opens_for_its_purpose_alone() {
        let keys = Keys::from_secret("k");
        let sealed = seal_page(&keys, "consent", b"", &counted()).unwrap();
        assert_eq!(open_page(&keys, "consent", &sealed).as_deref(), Some(b"".as_slice()));
        assert_eq!(open_page(&keys, "callback", &sealed), None);
        assert_eq!(open(&keys, "consent", b"", &sealed), None);
    }

    #[test]
    fn an_old_key_opens_and_an_unknown_one_is_told() {
        let old = Keys::generate([1; KEY_BYTES], 0);
        let new = old.clone().rotated([2; KEY_BYTES], 1, 1000);
        let sealed = seal(&old, "token", b"", b"text", &counted()).unwrap();
        assert!(open(&new, "token", b"", &sealed).is_some());
        let sealed = seal(&new, "token", b"", b"text", &counted()).unwrap();
        assert_eq!(try_open(&old, "token", b"", &sealed), Err(OpenError::UnknownKey));
        assert_eq!(try_open(&new, "tokem", b"", &sealed), Err(OpenError::NotSealed));
    }

    #[test]
    fn a_text_that_was_never_sealed_does_not_open() {
        let keys = Keys::from_secret("k");
        let id = keys.current_id().0;
        for sealed in [
            String::new(),
            "*".to_owned(),
            URL_SAFE_NO_PAD.encode(id),
            URL_SAFE_NO_PAD.encode([id.as_slice(), &[0; NONCE_BYTES]].concat()),
            URL_SAFE_NO_PAD.encode([id.as_slice(), &[0; 64]].concat()),
        ] {
            assert_eq!(try_open(&keys, "token", b"", &sealed), Err(OpenError::NotSealed), "{sealed}");
        }
    }
}
