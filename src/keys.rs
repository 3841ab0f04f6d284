//! The keys that session ids and tokens are signed with, and that what is kept of tokens is sealed with.
//!
//! They come from a secret of the deployment, or are made by its `KeyRing` object. Each has an id, which a signature
//! carries, so that a new key can take over while old signatures stay good. One key stays for ever, the anchor: it gives
//! the names that must not change when keys do.

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

/// No token is used later than this after it was issued, in milliseconds: keys stay for as long.
pub const TOKENS_LIVE_MS: u64 = 365 * 24 * 3600 * 1000;

/// What the line of the anchor begins with.
const ANCHOR: &str = "anchor";

/// Secrets of fewer characters are not taken for several: the words of a passphrase would be weak keys.
const LISTED_CHARACTERS: usize = 32;

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

/// A MAC for one purpose. What sessions sign begins with a byte that no purpose begins with.
fn mac_for(key: &[u8], purpose: &str, message: &[u8]) -> [u8; KEY_BYTES] {
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; KEY_BYTES];
    };
    hmac.update(b"durable-mcp ");
    hmac.update(purpose.as_bytes());
    hmac.update(&[0]);
    hmac.update(message);
    hmac.finalize().into_bytes().into()
}

/// The keys of a deployment, newest last. There is always one.
#[derive(Debug, Clone)]
pub struct Keys {
    older: Vec<Key>,
    current: Key,
    /// The first key there ever was, also when it is no longer among the others.
    anchor: Key,
}

impl Keys {
    /// The keys of a secret. Any text will do; it should have 32 random bytes in it. Where every word of it is long enough
    /// to be a secret of its own, each is a key, newest first. The last is the anchor, and stays for as long as users do.
    #[must_use]
    pub fn from_secret(secret: &str) -> Self {
        let key = |word: &str| Key::new(Sha256::digest(word.as_bytes()).into(), 0);
        let lists = secret.split_whitespace().all(|word| word.len() >= LISTED_CHARACTERS);
        let mut words: Vec<&str> = if lists { secret.split_whitespace().collect() } else { vec![secret] };
        words.reverse();
        let current = key(words.pop().unwrap_or_default());
        let older: Vec<Key> = words.into_iter().map(key).collect();
        let anchor = older.first().unwrap_or(&current).clone();
        Self { older, current, anchor }
    }

    /// The first key of a ring.
    #[must_use]
    pub fn generate(random: [u8; KEY_BYTES], now: u64) -> Self {
        let current = Key::new(random, now);
        Self { older: Vec::new(), anchor: current.clone(), current }
    }

    /// The ring as it is kept: a line for the anchor, then a line a key, oldest first, with when it was made and its bytes
    /// in base64url.
    #[must_use]
    pub fn to_text(&self) -> String {
        let keys = self.older.iter().chain([&self.current]);
        let lines = keys.map(|key| format!("{} {}", key.made, URL_SAFE_NO_PAD.encode(key.bytes)));
        let anchor = format!("{ANCHOR} {}", URL_SAFE_NO_PAD.encode(self.anchor.bytes));
        [anchor].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// Reads a ring that was kept; none if the text is not one. Where no anchor is named it is the oldest key.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut anchor = None;
        let mut older = Vec::new();
        for line in text.lines() {
            let (made, bytes) = line.split_once(' ')?;
            let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?.try_into().ok()?;
            match made {
                ANCHOR => anchor = Some(Key::new(bytes, 0)),
                made => older.push(Key::new(bytes, made.parse().ok()?)),
            }
        }
        let current: Key = older.pop()?;
        let anchor = anchor.unwrap_or_else(|| older.first().unwrap_or(&current).clone());
        Some(Self { older, current, anchor })
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
        Self { older, current: Key::new(random, now), anchor: self.anchor }
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

    /// A MAC of the anchor: it stays the same for as long as the deployment lives.
    #[must_use]
    pub fn anchor_mac(&self, purpose: &str, message: &[u8]) -> [u8; KEY_BYTES] {
        mac_for(&self.anchor.bytes, purpose, message)
    }

    /// A MAC of the key of that id, to name, to check or to seal with; none if there is no such key.
    #[must_use]
    pub fn prf(&self, id: KeyId, purpose: &str, message: &[u8]) -> Option<[u8; KEY_BYTES]> {
        self.get(id).map(|key| mac_for(&key.bytes, purpose, message))
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
        let first = Keys::generate([1; KEY_BYTES], 5);
        let second = first.clone().rotated([2; KEY_BYTES], 10, LONGEST);
        let late = second.clone().rotated([3; KEY_BYTES], 100 + LONGEST, LONGEST);
        for keys in [first, second, late] {
            let read = Keys::from_text(&keys.to_text()).unwrap();
            assert_eq!(read.to_text(), keys.to_text());
            assert_eq!(read.current_id(), keys.current_id());
            assert_eq!(read.anchor_mac("p", b"m"), keys.anchor_mac("p", b"m"));
        }
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for text in ["", "x", "1 AAAA", &format!("x {key}"), &format!("anchor {key}"), &format!("1 {key}\nx")] {
            assert!(Keys::from_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_ring_that_names_no_anchor_has_its_oldest_key_for_one() {
        let keys = Keys::generate([1; KEY_BYTES], 5).rotated([2; KEY_BYTES], 10, LONGEST);
        let text = keys.to_text();
        let (_, unnamed) = text.split_once('\n').unwrap();
        assert_eq!(Keys::from_text(unnamed).unwrap().to_text(), text);
    }

    #[test]
    fn a_secret_may_list_the_keys_that_it_replaces() {
        let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(LISTED_CHARACTERS));
        let (old, new) = (Keys::from_secret(&a), Keys::from_secret(&format!(" {b}\n {a} ")));
        let mac = old.sign(b"m");
        assert!(new.current_id() == Keys::from_secret(&b).current_id() && new.verify(old.current_id(), b"m", &mac));
        assert_eq!(new.anchor_mac("p", b"m"), old.anchor_mac("p", b"m"));
        assert_eq!(new.prf(old.current_id(), "p", b"m"), old.prf(old.current_id(), "p", b"m"));
        let three = Keys::from_secret(&format!("{c} {b} {a}"));
        let older: Vec<_> = three.older.iter().map(|key| key.id).collect();
        assert_eq!(older, [old.current_id(), new.current_id()]);
    }

    #[test]
    fn the_words_of_a_passphrase_are_no_keys() {
        let keys = Keys::from_secret("correct horse battery staple");
        assert!(keys.older.is_empty() && !keys.knows(Keys::from_secret("correct").current_id()));
        assert!(Keys::from_secret("").older.is_empty() && Keys::from_secret(" ").older.is_empty());
    }

    #[test]
    fn the_anchor_outlives_its_own_signatures() {
        let first = Keys::generate([1; KEY_BYTES], 0);
        let mut keys = first.clone();
        for turn in 1..5 {
            keys = keys.rotated([turn + 1; KEY_BYTES], u64::from(turn) * 2 * LONGEST, LONGEST);
        }
        assert!(!keys.knows(first.current_id()));
        assert_eq!(keys.anchor_mac("p", b"m"), first.anchor_mac("p", b"m"));
    }

    #[test]
    fn a_mac_is_for_one_purpose_message_and_key() {
        let (keys, other) = (Keys::from_secret("one"), Keys::from_secret("two"));
        let id = keys.current_id();
        let mac = keys.prf(id, "p", b"m").unwrap();
        assert_ne!(Some(mac), keys.prf(id, "q", b"m"));
        assert_ne!(Some(mac), keys.prf(id, "p", b"n"));
        assert_ne!(Some(mac), other.prf(other.current_id(), "p", b"m"));
        assert_ne!(keys.prf(id, "p", b"m"), keys.prf(id, "pm", b""));
        assert_eq!(other.prf(id, "p", b"m"), None);
        assert_eq!(mac, keys.anchor_mac("p", b"m"));
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let shown = format!("{:?}", Keys::generate([77; KEY_BYTES], 0));
        assert!(!shown.contains("77"), "{shown}");
    }
}
