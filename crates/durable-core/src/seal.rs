//! Texts that only this deployment can read, or only together with the holder of a token.
//!
//! Sealed under a token, in base64url:
//! ```text
//! byte  0..4  id of the key
//!       4..16 nonce
//!      16..   AES-256-GCM ciphertext with its tag
//! ```
//! The key of the cipher is a MAC over the token by a key of the deployment: neither a copy of the storage nor a token opens
//! it alone, and each token has a key of its own.
//!
//! Sealed for a client or a browser to carry, `2.` and in base64url:
//! ```text
//! byte  0..4  id of the key
//!       4..28 salt
//!      28..   AES-256-GCM ciphertext with its tag
//! ```
//! The key of the cipher is a MAC over the salt and the purpose: each text has a key of its own, so the nonce need not
//! differ. Without the mark it is version 1, which had a key a purpose, and a nonce as under a token. Random nonces of 96
//! bits meet again too soon for a key that is used without end.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::formats::Format;
use crate::keys::{KeyId, Keys};
use crate::runtime::{Random, Runtime};
use crate::wire::RuntimeError;

const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;

/// Random bytes that make the key of one text: 192 bits meet no other salt.
const SALT_BYTES: usize = 24;

/// The nonce where every text has a key of its own.
const NO_NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// Separator between a version and the sealed text. It is not in the alphabet of base64url.
const MARK: char = '.';
const SALTED: &str = "2";

const TOKEN: &str = "seal";
const PAGE: &str = "page";
const CARRIED: &str = "carried";
const SALTED_PAGE: &str = "salted page";
const SALTED_CARRIED: &str = "salted carried";

/// Reason for which a sealed text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// The text was not sealed so, or with another token or header.
    NotSealed,
    /// The text was sealed with an unknown key: one that is newer than the keys in memory, or long gone.
    UnknownKey(KeyId),
    /// Of an unknown version.
    OtherVersion,
}

/// Opens a sealed text with the keys in memory, or else with the newest; `None` if it was not sealed with them.
///
/// # Errors
/// When there are no keys, or `format` is of another version.
pub async fn open_with<T>(
    runtime: &dyn Runtime,
    format: Format,
    open: impl Fn(&Keys) -> Result<T, OpenError>,
) -> Result<Option<T>, RuntimeError> {
    let mut opened = open(&*runtime.keys(false).await?);
    if matches!(opened, Err(OpenError::UnknownKey(_))) {
        opened = open(&*runtime.keys(true).await?);
    }
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(OpenError::OtherVersion) => Err(format.unreadable()),
        Err(OpenError::UnknownKey(_) | OpenError::NotSealed) => Ok(None),
    }
}

/// Seals `plaintext` under a token, bound to `header`.
///
/// # Errors
/// When there is no randomness.
pub fn seal(
    keys: &Keys,
    token: &str,
    header: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    encrypt(keys, (TOKEN, token), header, plaintext, random)
}

/// Decrypts a text that was sealed under that token and header; `None` for any other text.
#[must_use]
pub fn open(keys: &Keys, token: &str, header: &[u8], sealed: &str) -> Option<Vec<u8>> {
    try_open(keys, token, header, sealed).ok()
}

/// Opens what was sealed under that token and header.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open(
    keys: &Keys,
    token: &str,
    header: &[u8],
    sealed: &str,
) -> Result<Vec<u8>, OpenError> {
    decrypt(keys, (TOKEN, token), header, sealed)
}

/// Seals what a browser carries from one page to the next.
///
/// # Errors
/// When there is no randomness.
pub fn seal_page(
    keys: &Keys,
    purpose: &str,
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    encrypt_salted(keys, (SALTED_PAGE, purpose), &[], plaintext, random)
}

/// Decrypts a text that was sealed for that purpose; `None` for any other text.
#[must_use]
pub fn open_page(keys: &Keys, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
    try_open_page(keys, purpose, sealed).ok()
}

/// Opens what was sealed for that purpose.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open_page(keys: &Keys, purpose: &str, sealed: &str) -> Result<Vec<u8>, OpenError> {
    decrypt_carried(keys, [PAGE, SALTED_PAGE], purpose, &[], sealed)
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
) -> Result<String, RuntimeError> {
    encrypt_salted(keys, (SALTED_CARRIED, purpose), header, plaintext, random)
}

/// Opens what was sealed for that purpose and header.
///
/// # Errors
/// When it was not, or its key is not known.
pub fn try_open_carried(
    keys: &Keys,
    purpose: &str,
    header: &[u8],
    sealed: &str,
) -> Result<Vec<u8>, OpenError> {
    decrypt_carried(keys, [CARRIED, SALTED_CARRIED], purpose, header, sealed)
}

fn cipher(keys: &Keys, id: KeyId, (purpose, under): (&str, &str)) -> Option<Aes256Gcm> {
    keys.prf(id, purpose, under.as_bytes())
        .map(|key| Aes256Gcm::new(&key.into()))
}

fn encrypt(
    keys: &Keys,
    under: (&str, &str),
    header: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    let id = keys.current_id();
    let cipher = cipher(keys, id, under)
        .ok_or_else(|| RuntimeError("there is no current key".to_owned()))?;
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce)?;
    let mut text = plaintext.to_vec();
    cipher
        .encrypt_in_place(&nonce.into(), header, &mut text)
        .map_err(|_| RuntimeError("too long to seal".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode([id.0.as_slice(), &nonce, &text].concat()))
}

fn decrypt(
    keys: &Keys,
    under: (&str, &str),
    header: &[u8],
    sealed: &str,
) -> Result<Vec<u8>, OpenError> {
    let (id, nonce, mut bytes) = sealed_parts::<NONCE_BYTES>(sealed)?;
    let cipher = cipher(keys, id, under).ok_or(OpenError::UnknownKey(id))?;
    cipher
        .decrypt_in_place(&nonce.into(), header, &mut bytes)
        .map_err(|_| OpenError::NotSealed)?;
    Ok(bytes)
}

/// Parts of a sealed text: the id of its key, the nonce or salt of `N` bytes, and the ciphertext.
fn sealed_parts<const N: usize>(sealed: &str) -> Result<(KeyId, [u8; N], Vec<u8>), OpenError> {
    let mut bytes = URL_SAFE_NO_PAD
        .decode(sealed)
        .map_err(|_| OpenError::NotSealed)?;
    let (id, rest) = bytes
        .split_first_chunk::<KEY_ID_BYTES>()
        .ok_or(OpenError::NotSealed)?;
    let start = *rest.first_chunk::<N>().ok_or(OpenError::NotSealed)?;
    let id = KeyId(*id);
    bytes.drain(..KEY_ID_BYTES + N);
    Ok((id, start, bytes))
}

fn encrypt_salted(
    keys: &Keys,
    (purpose, under): (&str, &str),
    header: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    let id = keys.current_id();
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt)?;
    let key = keys.derived(id, purpose, &salt, under.as_bytes());
    let key = key.ok_or_else(|| RuntimeError("there is no current key".to_owned()))?;
    let mut text = plaintext.to_vec();
    let cipher = Aes256Gcm::new(&key.into());
    cipher
        .encrypt_in_place(&NO_NONCE.into(), header, &mut text)
        .map_err(|_| RuntimeError("too long to seal".to_owned()))?;
    let sealed = URL_SAFE_NO_PAD.encode([id.0.as_slice(), &salt, &text].concat());
    Ok(format!("{SALTED}{MARK}{sealed}"))
}

/// Opens either version, each with its own purpose.
fn decrypt_carried(
    keys: &Keys,
    [unsalted, salted]: [&str; 2],
    under: &str,
    header: &[u8],
    sealed: &str,
) -> Result<Vec<u8>, OpenError> {
    match sealed.split_once(MARK) {
        None => decrypt(keys, (unsalted, under), header, sealed).map_err(|error| match error {
            // No newer key seals in version 1: the text is made up, or older than every key of the ring.
            OpenError::UnknownKey(_) => OpenError::NotSealed,
            error => error,
        }),
        Some((SALTED, sealed)) => decrypt_salted(keys, (salted, under), header, sealed),
        Some((version, _)) if is_version(version) => Err(OpenError::OtherVersion),
        Some(_) => Err(OpenError::NotSealed),
    }
}

fn is_version(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn decrypt_salted(
    keys: &Keys,
    (purpose, under): (&str, &str),
    header: &[u8],
    sealed: &str,
) -> Result<Vec<u8>, OpenError> {
    let (id, salt, mut bytes) = sealed_parts::<SALT_BYTES>(sealed)?;
    let key = keys
        .derived(id, purpose, &salt, under.as_bytes())
        .ok_or(OpenError::UnknownKey(id))?;
    let cipher = Aes256Gcm::new(&key.into());
    cipher
        .decrypt_in_place(&NO_NONCE.into(), header, &mut bytes)
        .map_err(|_| OpenError::NotSealed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KEY_BYTES;

    struct Counted(std::cell::Cell<u8>);

    impl Random for Counted {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
            self.0.set(self.0.get() + 1);
            bytes.fill(self.0.get());
            Ok(())
        }
    }

    fn counted() -> Counted {
        Counted(std::cell::Cell::new(0))
    }

    #[test]
    fn a_sealed_text_opens_with_its_token_and_header_alone() {
        let keys = Keys::from_secret("k");
        let sealed = seal(&keys, "token", b"header", b"text", &counted()).unwrap();
        assert_eq!(
            open(&keys, "token", b"header", &sealed).as_deref(),
            Some(b"text".as_slice())
        );
        assert_eq!(open(&keys, "other", b"header", &sealed), None);
        assert_eq!(open(&keys, "token", b"other", &sealed), None);
        assert_eq!(open_page(&keys, "token", &sealed), None);
        assert_eq!(
            open(&Keys::from_secret("l"), "token", b"header", &sealed),
            None
        );
    }

    #[test]
    fn a_changed_sealed_text_does_not_open() {
        let keys = Keys::from_secret("k");
        let sealed = seal(&keys, "token", b"", b"a text of some length", &counted()).unwrap();
        for at in 0..sealed.len() {
            let mut text = sealed.clone().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                open(&keys, "token", b"", std::str::from_utf8(&text).unwrap()),
                None,
                "{at}"
            );
            assert_eq!(open(&keys, "token", b"", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same_way() {
        let (keys, random) = (Keys::from_secret("k"), counted());
        let [one, two] = [(); 2].map(|()| seal(&keys, "token", b"", b"text", &random).unwrap());
        assert_ne!(one, two);
    }

    #[test]
    fn a_sealed_page_opens_for_its_purpose_alone() {
        let keys = Keys::from_secret("k");
        let sealed = seal_page(&keys, "consent", b"", &counted()).unwrap();
        assert_eq!(
            open_page(&keys, "consent", &sealed).as_deref(),
            Some(b"".as_slice())
        );
        assert_eq!(open_page(&keys, "callback", &sealed), None);
        assert_eq!(open(&keys, "consent", b"", &sealed), None);
    }

    #[test]
    fn carried_texts_never_share_a_key_stream() {
        let (keys, random) = (Keys::from_secret("k"), counted());
        let sealed = [(); 3].map(|()| seal_carried(&keys, "p", b"", &[0; 32], &random).unwrap());
        let streams = sealed.each_ref().map(|text| {
            let bytes = URL_SAFE_NO_PAD
                .decode(text.strip_prefix("2.").unwrap())
                .unwrap();
            bytes[KEY_ID_BYTES + SALT_BYTES..].to_vec()
        });
        assert!(streams[0] != streams[1] && streams[1] != streams[2] && streams[0] != streams[2]);
        assert!(
            sealed
                .iter()
                .all(|text| try_open_carried(&keys, "p", b"", text).unwrap() == [0; 32])
        );
        assert_eq!(
            try_open_carried(&keys, "p", b"h", &sealed[0]),
            Err(OpenError::NotSealed)
        );
        assert_eq!(
            try_open_page(&keys, "p", &sealed[0]),
            Err(OpenError::NotSealed)
        );
    }

    #[test]
    fn an_unknown_version_differs_from_a_text_that_was_never_sealed() {
        let keys = Keys::from_secret("k");
        for (text, error) in [
            ("3.AAAA", OpenError::OtherVersion),
            ("x.AAAA", OpenError::NotSealed),
        ] {
            assert_eq!(try_open_carried(&keys, "p", b"", text), Err(error));
            assert_eq!(try_open_page(&keys, "p", text), Err(error));
        }
        let newer = seal_page(&Keys::from_secret("l"), "p", b"", &counted()).unwrap();
        let id = Keys::from_secret("l").current_id();
        assert_eq!(
            try_open_page(&keys, "p", &newer),
            Err(OpenError::UnknownKey(id))
        );
    }

    #[test]
    fn an_old_key_opens_a_text_and_an_unknown_key_is_named() {
        let old = Keys::generate([1; KEY_BYTES], 0);
        let new = old.clone().rotated([2; KEY_BYTES], 1, 1000);
        let sealed = seal(&old, "token", b"", b"text", &counted()).unwrap();
        assert!(open(&new, "token", b"", &sealed).is_some());
        let sealed = seal(&new, "token", b"", b"text", &counted()).unwrap();
        assert_eq!(
            try_open(&old, "token", b"", &sealed),
            Err(OpenError::UnknownKey(new.current_id()))
        );
        assert_eq!(
            try_open(&new, "tokem", b"", &sealed),
            Err(OpenError::NotSealed)
        );
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
            assert_eq!(
                try_open(&keys, "token", b"", &sealed),
                Err(OpenError::NotSealed),
                "{sealed}"
            );
        }
    }
}
