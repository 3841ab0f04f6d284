//! Keys that sign session ids and tokens, and seal what is stored under tokens.
//!
//! Keys come from a secret of the deployment, or are made by its `KeyRing` object. Each has an id, which a signature
//! carries, so that a new key can take over while old signatures stay good. One key stays for ever, the anchor: it gives
//! the names that must not change when keys do.

use std::collections::VecDeque;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::formats::Format;
use crate::wire::RuntimeError;

/// Bytes of a key: as many as the hash has, by RFC 2104 section 3.
pub const KEY_BYTES: usize = 32;

/// Bytes of a MAC: 128 bits cannot be guessed, and a session id stays short.
pub const MAC_BYTES: usize = 16;

/// A key rings in a new one after this long.
pub const ROTATE_AFTER_MS: u64 = 30 * 24 * 3600 * 1000;

/// Time for which a new key is in the ring before it signs, in milliseconds: twice as long as an isolate keeps a ring in
/// memory, so that each that may meet its first signature has the key.
pub const PUBLISHED_BEFORE_MS: u64 = 2 * 3600 * 1000;

/// Milliseconds after its first use for which a key that is not in the newest ring may still arrive here: as long as a
/// deployment of another secret takes to reach every machine.
pub const AWAITED_MS: u64 = 60 * 1000;

/// Unknown keys that are remembered at once. Made-up ids displace each other, and cost a bounded list.
const MAX_AWAITED: usize = 32;

/// No token is used later than this after it was issued, in milliseconds: keys stay for as long.
pub const TOKENS_LIVE_MS: u64 = 365 * 24 * 3600 * 1000;

/// Beginning of the anchor's line.
const ANCHOR: &str = "anchor";

/// The fewest characters of a key: random ones of hexadecimal have 128 bits then, which nobody can try out. Session ids and
/// cookies let everybody try, without asking this server, whether a guess is the key.
pub const MIN_KEY_CHARACTERS: usize = 32;

/// Text for operators and clients about a key that is too short.
pub const SHORT_KEY: &str = "SESSION_KEY has a key of fewer than 32 characters, which could be guessed, so this server lets \
     nobody in. Set it to 32 random bytes as text (node -p 'crypto.randomBytes(32).toString(\"base64url\")'), or remove it: the \
     deployment then makes a key of its own. Several keys are separated by spaces, and each has to be that long.";

/// Id of a key, which reveals nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub [u8; 4]);

/// A signing key.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    bytes: [u8; KEY_BYTES],
    /// Time of creation, in milliseconds since 1970; once the key signs, the time since which it does.
    made: u64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Key {
    fn new(bytes: [u8; KEY_BYTES], made: u64) -> Self {
        let hash = Sha256::digest([b"durable-mcp key id".as_slice(), &bytes].concat());
        let mut id = [0; 4];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self {
            id: KeyId(id),
            bytes,
            made,
        }
    }

    /// Key that is made from one word of `SESSION_KEY`.
    fn of_word(word: &str) -> Self {
        Self::new(Sha256::digest(word.as_bytes()).into(), 0)
    }

    fn mac(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = [0; MAC_BYTES];
        if let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.bytes) {
            hmac.update(message);
            mac.iter_mut()
                .zip(hmac.finalize().into_bytes())
                .for_each(|(to, from)| *to = from);
        }
        mac
    }
}

/// A MAC for one purpose. What sessions sign begins with a byte that no purpose begins with.
fn mac_for(key: &[u8], purpose: &str, message: [&[u8]; 2]) -> [u8; KEY_BYTES] {
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; KEY_BYTES];
    };
    hmac.update(b"durable-mcp ");
    hmac.update(purpose.as_bytes());
    hmac.update(&[0]);
    for part in message {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

/// The keys of a deployment, newest last. There is always one.
#[derive(Debug, Clone)]
pub struct Keys {
    older: Vec<Key>,
    current: Key,
    /// The key that takes over: published, and not signing yet.
    next: Option<Key>,
    /// The first key of the deployment, even when it is no longer among the others.
    anchor: Key,
}

impl Keys {
    /// The keys of the variable `SESSION_KEY`: each word is one, newest first. The last is the anchor, and stays for as long
    /// as users do. None where it holds nothing.
    ///
    /// # Errors
    /// [`SHORT_KEY`] when one has fewer than [`MIN_KEY_CHARACTERS`].
    pub fn from_variable(text: &str) -> Result<Option<Self>, &'static str> {
        if text
            .split_whitespace()
            .any(|word| word.chars().count() < MIN_KEY_CHARACTERS)
        {
            return Err(SHORT_KEY);
        }
        let mut words = text.split_whitespace();
        Ok(words.next().map(|current| Self::of_words(current, words)))
    }

    /// The key of any text, for tests: one that could be guessed is not refused.
    #[doc(hidden)]
    #[must_use]
    pub fn from_secret(secret: &str) -> Self {
        Self::of_words(secret, [].into_iter())
    }

    fn of_words<'a>(current: &str, older: impl Iterator<Item = &'a str>) -> Self {
        let current = Key::of_word(current);
        let mut older: Vec<Key> = older.map(Key::of_word).collect();
        older.reverse();
        let anchor = older.first().unwrap_or(&current).clone();
        Self {
            older,
            current,
            next: None,
            anchor,
        }
    }

    /// The first key of a ring.
    #[must_use]
    pub fn generate(random: [u8; KEY_BYTES], now: u64) -> Self {
        let current = Key::new(random, now);
        Self {
            older: Vec::new(),
            anchor: current.clone(),
            next: None,
            current,
        }
    }

    /// The ring as it is stored: a line for the anchor, then a line a key, oldest first, with the time it was made at and its
    /// bytes in base64url. The last one signs. One that takes over stands before it, and is known by its later time.
    #[must_use]
    pub fn to_text(&self) -> String {
        let keys = self.older.iter().chain(&self.next).chain([&self.current]);
        let lines = keys.map(|key| format!("{} {}", key.made, URL_SAFE_NO_PAD.encode(key.bytes)));
        let anchor = format!("{ANCHOR} {}", URL_SAFE_NO_PAD.encode(self.anchor.bytes));
        [anchor]
            .into_iter()
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Reads a ring that was stored. Where no anchor is named it is the oldest key.
    ///
    /// # Errors
    /// When the text is no ring that this version knows. It must stay as it is then: another version may read it.
    pub fn from_text(text: &str) -> Result<Self, RuntimeError> {
        Self::parse(text).ok_or_else(|| Format::KeyRing.unreadable())
    }

    fn parse(text: &str) -> Option<Self> {
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
        let next = older.pop_if(|last| last.made > current.made);
        let anchor = anchor.unwrap_or_else(|| older.first().unwrap_or(&current).clone());
        Some(Self {
            older,
            current,
            next,
            anchor,
        })
    }

    /// True if the ring is due to be [renewed](Self::renewed).
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        match &self.next {
            Some(next) => now.saturating_sub(next.made) >= PUBLISHED_BEFORE_MS,
            None => now.saturating_sub(self.current.made) >= ROTATE_AFTER_MS,
        }
    }

    /// The ring in its next state: with a key that is published, or with that key signing.
    #[must_use]
    pub fn renewed(mut self, random: [u8; KEY_BYTES], now: u64, longest: u64) -> Self {
        match self.next.take() {
            Some(next) => self.succeeded_by(Key { made: now, ..next }, longest),
            None => Self {
                next: Some(Key::new(random, now)),
                ..self
            },
        }
    }

    /// The ring with a new key that signs at once, and without keys that nothing valid can be signed with any more: nothing
    /// lives longer than `longest` milliseconds.
    #[must_use]
    pub fn rotated(self, random: [u8; KEY_BYTES], now: u64, longest: u64) -> Self {
        self.succeeded_by(Key::new(random, now), longest)
    }

    fn succeeded_by(self, key: Key, longest: u64) -> Self {
        let (mut older, now) = (self.older, key.made);
        older.push(self.current);
        // A key was in use until its successor was made.
        let made: Vec<u64> = older
            .iter()
            .skip(1)
            .map(|key| key.made)
            .chain([now])
            .collect();
        let mut retired = made.into_iter();
        older.retain(|_| {
            retired
                .next()
                .is_none_or(|at| now.saturating_sub(at) <= longest)
        });
        Self {
            older,
            current: key,
            next: None,
            anchor: self.anchor,
        }
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

    /// True if the ring has a key of that id.
    #[must_use]
    pub fn knows(&self, id: KeyId) -> bool {
        self.get(id).is_some()
    }

    /// Verifies `mac` over `message` by the key of that id, in constant time.
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
        mac_for(&self.anchor.bytes, purpose, [message, &[]])
    }

    /// A MAC by the key of that id, to name, to check or to seal with; `None` without such a key.
    #[must_use]
    pub fn prf(&self, id: KeyId, purpose: &str, message: &[u8]) -> Option<[u8; KEY_BYTES]> {
        self.derived(id, purpose, message, &[])
    }

    /// The same over a salt of fixed length and a message: a separate key for each salt.
    #[must_use]
    pub fn derived(
        &self,
        id: KeyId,
        purpose: &str,
        salt: &[u8],
        message: &[u8],
    ) -> Option<[u8; KEY_BYTES]> {
        self.get(id)
            .map(|key| mac_for(&key.bytes, purpose, [salt, message]))
    }

    fn get(&self, id: KeyId) -> Option<&Key> {
        self.older
            .iter()
            .chain([&self.current])
            .chain(&self.next)
            .find(|key| key.id == id)
    }
}

/// Keys that were met and are not in the newest ring, with the time of the first meeting.
///
/// A key can be newer than what an isolate was started with: its secret is of a deployment that is still being rolled out.
/// Whatever such a key signed is good elsewhere, so it is not to be refused for good.
#[derive(Debug, Default)]
pub struct AwaitedKeys(VecDeque<(KeyId, u64)>);

impl AwaitedKeys {
    /// True if the key may still arrive. The first call for a key notes its time.
    pub fn awaits(&mut self, id: KeyId, now: u64) -> bool {
        if let Some((_, since)) = self.0.iter().find(|(known, _)| *known == id) {
            return now.saturating_sub(*since) < AWAITED_MS;
        }
        if self.0.len() >= MAX_AWAITED {
            self.0.pop_front();
        }
        self.0.push_back((id, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: u64 = 1000;

    #[test]
    fn a_signature_is_valid_for_its_message_and_key_alone() {
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
    fn a_rotated_ring_verifies_old_signatures_until_they_expire() {
        let first = Keys::generate([1; KEY_BYTES], 0);
        let (id, mac) = (first.current_id(), first.sign(b"m"));
        assert!(!first.is_due(ROTATE_AFTER_MS - 1) && first.is_due(ROTATE_AFTER_MS));

        let second = first.rotated([2; KEY_BYTES], 10, LONGEST);
        assert!(second.current_id() != id && second.verify(id, b"m", &mac));
        let third = second
            .clone()
            .rotated([3; KEY_BYTES], 10 + LONGEST, LONGEST);
        assert!(third.verify(id, b"m", &mac));
        let late = second.rotated([3; KEY_BYTES], 11 + LONGEST, LONGEST);
        assert!(!late.knows(id));
    }

    #[test]
    fn a_secret_changes_in_two_steps_without_an_unknown_signature() {
        let [old, new] = ["o", "n"].map(|letter| letter.repeat(MIN_KEY_CHARACTERS));
        let steps = [
            old.clone(),
            format!("{old} {new} {old}"),
            format!("{new} {old}"),
        ];
        let steps = steps.map(|text| Keys::from_variable(&text).unwrap().unwrap());
        for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            let (one, other) = (&steps[one], &steps[other]);
            assert!(other.verify(one.current_id(), b"m", &one.sign(b"m")));
            assert_eq!(one.anchor_mac("p", b"m"), other.anchor_mac("p", b"m"));
        }
        assert_ne!(steps[1].current_id(), steps[2].current_id());
    }

    #[test]
    fn a_key_ring_survives_being_stored() {
        let first = Keys::generate([1; KEY_BYTES], 5);
        let second = first.clone().rotated([2; KEY_BYTES], 10, LONGEST);
        let late = second
            .clone()
            .rotated([3; KEY_BYTES], 100 + LONGEST, LONGEST);
        for keys in [first, second, late] {
            let read = Keys::from_text(&keys.to_text()).unwrap();
            assert_eq!(read.to_text(), keys.to_text());
            assert_eq!(read.current_id(), keys.current_id());
            assert_eq!(read.anchor_mac("p", b"m"), keys.anchor_mac("p", b"m"));
        }
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for text in [
            "",
            "x",
            "1 AAAA",
            &format!("x {key}"),
            &format!("anchor {key}"),
            &format!("1 {key}\nx"),
        ] {
            assert!(Keys::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ring_without_a_named_anchor_has_its_oldest_key_as_anchor() {
        let keys = Keys::generate([1; KEY_BYTES], 5).rotated([2; KEY_BYTES], 10, LONGEST);
        let text = keys.to_text();
        let (_, unnamed) = text.split_once('\n').unwrap();
        assert_eq!(Keys::from_text(unnamed).unwrap().to_text(), text);
    }

    #[test]
    fn a_secret_may_list_the_keys_that_it_replaces() {
        let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(MIN_KEY_CHARACTERS));
        let listed = |text: &str| Keys::from_variable(text).unwrap().unwrap();
        let (old, new) = (listed(&a), listed(&format!(" {b}\n {a} ")));
        let mac = old.sign(b"m");
        assert!(
            new.current_id() == Keys::from_secret(&b).current_id()
                && new.verify(old.current_id(), b"m", &mac)
        );
        assert_eq!(new.anchor_mac("p", b"m"), old.anchor_mac("p", b"m"));
        assert_eq!(
            new.prf(old.current_id(), "p", b"m"),
            old.prf(old.current_id(), "p", b"m")
        );
        let three = listed(&format!("{c} {b} {a}"));
        let older: Vec<_> = three.older.iter().map(|key| key.id).collect();
        assert_eq!(older, [old.current_id(), new.current_id()]);
    }

    #[test]
    fn a_guessable_key_is_refused_at_any_place_and_not_shown() {
        let long = "k".repeat(MIN_KEY_CHARACTERS);
        let short = "s3cret".repeat(5);
        for text in [
            "changeme".to_owned(),
            "correct horse battery staple and some more words".to_owned(),
            short.clone(),
            format!("{short} {long}"),
            format!("{long} {short}"),
            format!("{long}\n{}", "\u{e4}".repeat(31)),
        ] {
            let problem = Keys::from_variable(&text).err();
            assert!(
                problem
                    .is_some_and(|text| text.contains("SESSION_KEY") && !text.contains("s3cret")),
                "{text}"
            );
        }
        assert!(SHORT_KEY.contains(&format!("fewer than {MIN_KEY_CHARACTERS} characters")));
    }

    #[test]
    fn an_empty_variable_is_no_key() {
        for text in ["", " ", "\n\t "] {
            assert!(Keys::from_variable(text).unwrap().is_none(), "{text:?}");
        }
    }

    #[test]
    fn the_anchor_outlives_its_own_signatures() {
        let first = Keys::generate([1; KEY_BYTES], 0);
        let mut keys = first.clone();
        for turn in 1..5 {
            keys = keys.rotated(
                [turn + 1; KEY_BYTES],
                u64::from(turn) * 2 * LONGEST,
                LONGEST,
            );
        }
        assert!(!keys.knows(first.current_id()));
        assert_eq!(keys.anchor_mac("p", b"m"), first.anchor_mac("p", b"m"));
    }

    #[test]
    fn a_mac_is_bound_to_one_purpose_message_and_key() {
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
    fn a_key_is_published_before_it_signs() {
        let first = Keys::generate([1; KEY_BYTES], 0);
        let published = first
            .clone()
            .renewed([2; KEY_BYTES], ROTATE_AFTER_MS, u64::MAX);
        let read = Keys::from_text(&published.to_text()).unwrap();
        assert_eq!(
            (read.current_id(), read.to_text()),
            (first.current_id(), published.to_text())
        );
        let starts = ROTATE_AFTER_MS + PUBLISHED_BEFORE_MS;
        assert!(!read.is_due(starts - 1) && read.is_due(starts));
        let signing = read.clone().renewed([3; KEY_BYTES], starts, u64::MAX);
        assert!(signing.current_id() != first.current_id() && read.knows(signing.current_id()));
        assert!(read.verify(signing.current_id(), b"m", &signing.sign(b"m")));
        assert!(signing.knows(first.current_id()) && !signing.is_due(starts + ROTATE_AFTER_MS - 1));
        assert_eq!(
            Keys::from_text(&signing.to_text()).unwrap().to_text(),
            signing.to_text()
        );
    }

    #[test]
    fn an_unknown_key_is_awaited_for_a_while_and_their_number_is_limited() {
        let mut awaited = AwaitedKeys::default();
        let id = |n: usize| KeyId(u32::try_from(n).unwrap().to_be_bytes());
        assert!(awaited.awaits(id(0), 5) && awaited.awaits(id(0), 4 + AWAITED_MS));
        assert!(!awaited.awaits(id(0), 5 + AWAITED_MS));
        assert!((1..100).all(|n| awaited.awaits(id(n), 5)));
        assert_eq!(awaited.0.len(), MAX_AWAITED);
    }

    #[test]
    fn debug_output_hides_keys() {
        let shown = format!("{:?}", Keys::generate([77; KEY_BYTES], 0));
        assert!(!shown.contains("77"), "{shown}");
    }
}
