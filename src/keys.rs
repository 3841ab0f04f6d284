//! The keys that session ids are signed with.
//!
//! They come from a secret of the deployment, or are made by its `KeyRing` object. Each has an id, which a signature
//! carries, so that a new key can take over while old signatures stay good.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Bytes of a key: as many as the hash has, by RFC 2104 section 3.
pub const KEY_BYTES: usize = 32;

/// Bytes of a MAC: 128 bits cannot be guessed, and a session id stays short.
pub const MAC_BYTES: usize = 16;

/// A key rings in a new one after this long.
pub const ROTATE_AFTER_MS: u64 = 30 * 24 * 3600 * 1000;

/// Names a key without telling anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 4]);

/// A signing key.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    bytes: [u8; KEY_BYTES],
    /// When it was made, in milliseconds since 1970.
    made: u64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Key {
    fn new(bytes: [u8; KEY_BYTES], made: u64) -> Self {
        let hash = Sha256::digest([b"durable-mcp key id".as_slice(), &bytes].concat());
        let mut id = [0; 4];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self { id: KeyId(id), bytes, made }
    }

    fn mac(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = [0; MAC_BYTES];
        if let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.bytes) {
            hmac.update(message);
            mac.iter_mut().zip(hmac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        }
        mac
    }
}

/// The keys of a deployment, newest last. There is always one.
#[derive(Debug, Clone)]
pub struct Keys {
    older: Vec<Key>,
    current: Key,
}

impl Keys {
    /// The only key, from a secret. Any text will do; it should have 32 random bytes in it.
    #[must_use]
    pub fn from_secret(secret: &str) -> Self {
        Self { older: Vec::new(), current: Key::new(Sha256::digest(secret.as_bytes()).into(), 0) }
    }

    /// The first key of a ring.
    #[must_use]
    pub fn generate(random: [u8; KEY_BYTES], now: u64) -> Self {
        Self { older: Vec::new(), current: Key::new(random, now) }
    }

    /// The ring as it is kept: a line a key, oldest first, with when it was made and its bytes in base64url.
    #[must_use]
    pub fn to_text(&self) -> String {
        let keys = self.older.iter().chain([&self.current]);
        let lines: Vec<_> = keys.map(|key| format!("{} {}", key.made, URL_SAFE_NO_PAD.encode(key.bytes))).collect();
        lines.join("\n")
    }

    /// Reads a ring that was kept; none if the text is not one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let read = |line: &str| {
            let (made, bytes) = line.split_once(' ')?;
            let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?.try_into().ok()?;
            Some(Key::new(bytes, made.parse().ok()?))
        };
        let mut older = text.lines().map(read).collect::<Option<Vec<_>>>()?;
        let current = older.pop()?;
        Some(Self { older, current })
    }

    /// Whether the ring wants a new key by now.
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        now.saturating_sub(self.current.made) >= ROTATE_AFTER_MS
    }

    /// The ring with a new key, and without keys that nothing valid can be signed with any more: nothing lives longer
    /// than `longest` milliseconds.
    #[must_use]
    pub fn rotated(self, random: [u8; KEY_BYTES], now: u64, longest: u64) -> Self {
        let mut older = self.older;
        older.push(self.current);
        // A key was in use until its successor was made.
        let made: Vec<u64> = older.iter().skip(1).map(|key| key.made).chain([now]).collect();
        let mut retired = made.into_iter();
        older.retain(|_| retired.next().is_none_or(|at| now.saturating_sub(at) <= longest));
        Self { older, current: Key::new(random, now) }
    }

    /// The id of the key that signs now.
    #[must_use]
    pub fn current_id(&self) -> KeyId {
        self.current.id
    }

    /// Signs with the current key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        self.current.mac(message)
    }

    /// Whether there is a key of that id.
    #[must_use]
    pub fn knows(&self, id: KeyId) -> bool {
        self.get(id).is_some()
    }

    /// Whether `mac` is that key's over `message`, in constant time.
    #[must_use]
    pub fn verify(&self, id: KeyId, message: &[u8], mac: &[u8]) -> bool {
        let Some(key) = self.get(id) else {
            return false;
        };
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&key.bytes) else {
            return false;
        };
        hmac.update(message);
        mac.len() == MAC_BYTES && hmac.verify_truncated_left(mac).is_ok()
    }

    fn get(&self, id: KeyId) -> Option<&Key> {
        self.older.iter().chain([&self.current]).find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: u64 = 1000;

    #[test]
    fn a_signature_is_good_for_its_message_and_key_alone() {
        let keys = Keys::from_secret("one");
        let mac = keys.sign(b"message");
        assert!(keys.verify(keys.current_id(), b"message", &mac));
        assert!(!keys.verify(keys.current_id(), b"messagf", &mac));
        assert!(!keys.verify(keys.current_id(), b"message", &mac[..8]));
        assert!(!keys.verify(keys.current_id(), b"message", &[]));
        let other = Keys::from_secret("two");
        assert!(!other.verify(other.current_id(), b"message", &mac));
    }

    #[test]
    fn a_rotated_ring_verifies_old_signatures_until_nothing_of_them_lives() {
        let first = Keys::generate([1; KEY_BYTES], 0);
        let (id, mac) = (first.current_id(), first.sign(b"m"));
        assert!(!first.is_due(ROTATE_AFTER_MS - 1) && first.is_due(ROTATE_AFTER_MS));

        let second = first.rotated([2; KEY_BYTES], 10, LONGEST);
        assert!(second.current_id() != id && second.verify(id, b"m", &mac));
        let third = second.clone().rotated([3; KEY_BYTES], 10 + LONGEST, LONGEST);
        assert!(third.verify(id, b"m", &mac));
        let late = second.rotated([3; KEY_BYTES], 11 + LONGEST, LONGEST);
        assert!(!late.knows(id));
    }

    #[test]
    fn a_ring_is_read_as_it_was_kept() {
        let keys = Keys::generate([1; KEY_BYTES], 5).rotated([2; KEY_BYTES], 10, LONGEST);
        let read = Keys::from_text(&keys.to_text()).unwrap();
        assert_eq!(read.to_text(), keys.to_text());
        assert_eq!(read.current_id(), keys.current_id());
        for text in ["", "x", "1 AAAA", "x AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(Keys::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let shown = format!("{:?}", Keys::generate([77; KEY_BYTES], 0));
        assert!(!shown.contains("77"), "{shown}");
    }
}
