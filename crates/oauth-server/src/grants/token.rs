//! Codes, access tokens and refresh tokens.
//!
//! A token is `{handle}:{grant}:{secret}`, 88 characters that a URL and a header take as they are. The secret is
//! ```text
//! byte  0..24 random
//!      24..28 id of the key
//!      28..36 HMAC-SHA-256 over kind, handle, grant and the random bytes, cut to 64 bits
//! ```
//! in base64url. The MAC is a filter: a token that was made up costs no storage a read. The record that is stored under
//! the token's SHA-256 decides.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ctutils::CtEq;
use durable_core::keys::{KeyId, Keys};
use durable_core::runtime::Random;
use durable_core::wire::RuntimeError;
use serde::{Deserialize, Serialize};

use crate::secret::{Secret, sha256_hex};

const HANDLE_BYTES: usize = 16;
const GRANT_BYTES: usize = 12;
const RANDOM_BYTES: usize = 24;
const KEY_ID_BYTES: usize = 4;
const MAC_BYTES: usize = 8;
const SECRET_BYTES: usize = RANDOM_BYTES + KEY_ID_BYTES + MAC_BYTES;
/// Length of the base64url of [`SECRET_BYTES`].
const SECRET_CHARACTERS: usize = 48;

const LEGACY_GRANT_CHARACTERS: usize = 16;
const LEGACY_SECRET_CHARACTERS: usize = 32;
/// Longest user id, in bytes: a longer one would not have fitted the name of the record in KV, 512 bytes.
const LEGACY_USER_BYTES: usize = 424;

/// Kind of a token. One kind is never accepted for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An authorization code (RFC 6749 section 4.1.2).
    Code,
    /// An access token (RFC 6749 section 1.4).
    Access,
    /// A refresh token (RFC 6749 section 1.5).
    Refresh,
}

impl TokenKind {
    fn purpose(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Access => "access token",
            Self::Refresh => "refresh token",
        }
    }
}

/// Names a user's object, and tells nothing of the user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserHandle(String);

/// Names a grant of a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GrantId(String);

/// The text is no handle, or no id of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidNameError;

impl fmt::Display for InvalidNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a user's object or of a grant")
    }
}

impl TryFrom<String> for UserHandle {
    type Error = InvalidNameError;

    fn try_from(text: String) -> Result<Self, InvalidNameError> {
        Self::parse(&text).ok_or(InvalidNameError)
    }
}

impl TryFrom<String> for GrantId {
    type Error = InvalidNameError;

    fn try_from(text: String) -> Result<Self, InvalidNameError> {
        Self::parse(&text).ok_or(InvalidNameError)
    }
}

impl UserHandle {
    /// The handle of a user. It stays the same for as long as the deployment's anchor key does.
    #[must_use]
    pub fn of(keys: &Keys, user_id: &str) -> Self {
        let mac = keys.anchor_mac("handle", user_id.as_bytes());
        Self(
            URL_SAFE_NO_PAD.encode(
                mac.first_chunk::<HANDLE_BYTES>()
                    .unwrap_or(&[0; HANDLE_BYTES]),
            ),
        )
    }

    /// The handle of what all users share, which is no user's.
    #[must_use]
    pub fn of_all(keys: &Keys) -> Self {
        let mac = keys.anchor_mac("handle of all", b"");
        Self(
            URL_SAFE_NO_PAD.encode(
                mac.first_chunk::<HANDLE_BYTES>()
                    .unwrap_or(&[0; HANDLE_BYTES]),
            ),
        )
    }

    /// Reads a handle.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        bytes::<HANDLE_BYTES>(text).map(|_| Self(text.to_owned()))
    }

    /// The handle as its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of all users that this one is in, of 64: users of one part share an object. To make an object takes as
    /// long as a whole sign-in, so not each user has one; and one object carries out some hundred commands a second, of
    /// which each user has about one an hour.
    #[must_use]
    pub fn part(&self) -> &str {
        self.0.get(..1).unwrap_or_default()
    }
}

impl GrantId {
    /// A new id.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn random(random: &dyn Random) -> Result<Self, RuntimeError> {
        let mut bytes = [0; GRANT_BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        bytes::<GRANT_BYTES>(text).map(|_| Self(text.to_owned()))
    }

    /// The id of a row of another version of this server, in any form.
    pub(crate) fn of_other_version(id: String) -> Self {
        Self(id)
    }

    /// The id as its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token of this deployment: `{handle}:{grant}:{48 characters}`.
#[derive(Debug)]
pub struct Token {
    /// Handle that leads to the object of the token's grant.
    pub handle: UserHandle,
    /// Id of the token's grant.
    pub grant: GrantId,
    text: Secret,
}

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn issue(
        kind: TokenKind,
        handle: &UserHandle,
        grant: &GrantId,
        keys: &Keys,
        random: &dyn Random,
    ) -> Result<Self, RuntimeError> {
        let mut bytes = [0; RANDOM_BYTES];
        random.fill(&mut bytes)?;
        let id = keys.current_id();
        let mac = mac(kind, handle.as_str(), grant.as_str(), &bytes, id, keys);
        let mac = mac.ok_or_else(|| RuntimeError("there is no current key".to_owned()))?;
        let secret = URL_SAFE_NO_PAD.encode([bytes.as_slice(), &id.0, &mac].concat());
        let text = Secret::new([handle.as_str(), grant.as_str(), &secret].join(":"));
        Ok(Self {
            handle: handle.clone(),
            grant: grant.clone(),
            text,
        })
    }

    /// The token as the client has it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.secret()
    }

    /// SHA-256 of the token in hexadecimal, which is stored in its place.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(self.text())
    }
}

/// A token that workers-oauth-provider may have issued: `{user}:{grant}:{32 characters}`.
#[derive(Debug)]
pub struct LegacyToken {
    /// The user's id.
    pub user: String,
    /// The grant's id.
    pub grant: String,
    text: Secret,
}

impl LegacyToken {
    /// The token as the client has it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.secret()
    }

    /// SHA-256 of the token in hexadecimal, which is stored in its place.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256_hex(self.text())
    }
}

/// Classified text that a client presented as a token.
#[derive(Debug)]
pub enum PresentedToken {
    /// A token of this deployment. Its record decides whether it is still good.
    Ours(Token),
    /// A token in the form of workers-oauth-provider's. Its record decides whether it is one.
    Legacy(LegacyToken),
    /// A token that names an unknown key: one that is newer than the keys in memory, or made up.
    UnknownKey(KeyId),
    /// No token of that kind.
    Unknown,
}

/// Reads what was presented as a token of that kind.
#[must_use]
pub fn classify(text: &str, kind: TokenKind, keys: &Keys) -> PresentedToken {
    let mut parts = text.split(':');
    let (Some(first), Some(grant), Some(secret), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return PresentedToken::Unknown;
    };
    match secret.len() {
        SECRET_CHARACTERS => {
            ours(text, [first, grant, secret], kind, keys).unwrap_or(PresentedToken::Unknown)
        }
        LEGACY_SECRET_CHARACTERS if is_legacy(first, grant, secret) => {
            PresentedToken::Legacy(LegacyToken {
                user: first.to_owned(),
                grant: grant.to_owned(),
                text: Secret::new(text.to_owned()),
            })
        }
        _ => PresentedToken::Unknown,
    }
}

fn ours(
    text: &str,
    [handle, grant, secret]: [&str; 3],
    kind: TokenKind,
    keys: &Keys,
) -> Option<PresentedToken> {
    let secret = bytes::<SECRET_BYTES>(secret)?;
    let (random, rest) = secret.split_first_chunk::<RANDOM_BYTES>()?;
    let (id, given) = rest.split_first_chunk::<KEY_ID_BYTES>()?;
    let (handle, grant) = (UserHandle::parse(handle)?, GrantId::parse(grant)?);
    let Some(mac) = mac(
        kind,
        handle.as_str(),
        grant.as_str(),
        random,
        KeyId(*id),
        keys,
    ) else {
        return Some(PresentedToken::UnknownKey(KeyId(*id)));
    };
    let is_good = mac.as_slice().ct_eq(given).to_bool();
    is_good.then(|| {
        PresentedToken::Ours(Token {
            handle,
            grant,
            text: Secret::new(text.to_owned()),
        })
    })
}

fn mac(
    kind: TokenKind,
    handle: &str,
    grant: &str,
    random: &[u8; RANDOM_BYTES],
    id: KeyId,
    keys: &Keys,
) -> Option<[u8; MAC_BYTES]> {
    // The parts have fixed lengths, so that nothing need stand between them.
    let mac = keys.prf(
        id,
        kind.purpose(),
        &[handle.as_bytes(), grant.as_bytes(), random].concat(),
    )?;
    mac.first_chunk().copied()
}

/// The bytes that the text is the base64url of, if there are `N` of them.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Checks whether workers-oauth-provider can have a user of that id. This server's own keys in KV have nothing in the
/// user's place.
#[must_use]
pub fn is_legacy_user(user: &str) -> bool {
    (1..=LEGACY_USER_BYTES).contains(&user.len())
        && !user.starts_with(':')
        && !user.chars().any(char::is_control)
}

fn is_legacy(user: &str, grant: &str, secret: &str) -> bool {
    is_legacy_user(user)
        && grant.len() == LEGACY_GRANT_CHARACTERS
        && is_base64url(grant)
        && is_base64url(secret)
}

fn is_base64url(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use durable_core::keys::KEY_BYTES;

    use super::*;

    struct Filled(u8);

    impl Random for Filled {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    struct Empty;

    impl Random for Empty {
        fn fill(&self, _: &mut [u8]) -> Result<(), RuntimeError> {
            Err(RuntimeError("none".to_owned()))
        }
    }

    const KINDS: [TokenKind; 3] = [TokenKind::Code, TokenKind::Access, TokenKind::Refresh];

    fn issue(kind: TokenKind, keys: &Keys) -> Token {
        let grant = GrantId::random(&Filled(7)).unwrap();
        Token::issue(
            kind,
            &UserHandle::of(keys, "user"),
            &grant,
            keys,
            &Filled(9),
        )
        .unwrap()
    }

    fn is_ours(text: &str, kind: TokenKind, keys: &Keys) -> bool {
        matches!(classify(text, kind, keys), PresentedToken::Ours(_))
    }

    #[test]
    fn an_issued_token_is_read_again() {
        let keys = Keys::from_secret("k");
        for kind in KINDS {
            let token = issue(kind, &keys);
            let PresentedToken::Ours(read) = classify(token.text(), kind, &keys) else {
                panic!("{}", token.text())
            };
            assert_eq!(
                (&read.handle, &read.grant, read.text()),
                (&token.handle, &token.grant, token.text())
            );
            assert_eq!(read.hash(), sha256_hex(token.text()));
            assert_eq!(token.text().len(), 88);
        }
    }

    #[test]
    fn a_token_is_never_read_as_another_kind() {
        let keys = Keys::from_secret("k");
        for kind in KINDS {
            let token = issue(kind, &keys);
            let others = KINDS.into_iter().filter(|other| *other != kind);
            assert!(others.into_iter().all(|other| matches!(
                classify(token.text(), other, &keys),
                PresentedToken::Unknown
            )));
        }
    }

    #[test]
    fn a_changed_token_is_unknown() {
        let keys = Keys::from_secret("k");
        let token = issue(TokenKind::Access, &keys);
        for at in 0..token.text().len() {
            let mut text = token.text().to_owned().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            assert!(
                !is_ours(
                    std::str::from_utf8(&text).unwrap(),
                    TokenKind::Access,
                    &keys
                ),
                "{at}"
            );
        }
        for text in [
            format!("{} ", token.text()),
            format!("{}:", token.text()),
            token.text()[1..].to_owned(),
        ] {
            assert!(!is_ours(&text, TokenKind::Access, &keys), "{text}");
        }
    }

    #[test]
    fn an_unknown_key_differs_from_a_wrong_mac() {
        let old = Keys::generate([1; KEY_BYTES], 0);
        let new = old.clone().rotated([2; KEY_BYTES], 1, 1000);
        assert!(is_ours(
            issue(TokenKind::Refresh, &old).text(),
            TokenKind::Refresh,
            &new
        ));
        let token = issue(TokenKind::Refresh, &new);
        assert!(matches!(
            classify(token.text(), TokenKind::Refresh, &old),
            PresentedToken::UnknownKey(_)
        ));
    }

    #[test]
    fn a_user_handle_survives_rotation_and_hides_the_user() {
        let old = Keys::generate([1; KEY_BYTES], 0);
        let new = old
            .clone()
            .rotated([2; KEY_BYTES], 1, 0)
            .rotated([3; KEY_BYTES], 9, 0);
        let handle = UserHandle::of(&old, "a:user \u{e9}");
        assert_eq!(handle, UserHandle::of(&new, "a:user \u{e9}"));
        assert_ne!(handle, UserHandle::of(&old, "a:user e"));
        assert_ne!(
            handle,
            UserHandle::of(&Keys::from_secret("k"), "a:user \u{e9}")
        );
        assert_eq!(handle.as_str().len(), 22);
        assert_eq!(UserHandle::parse(handle.as_str()), Some(handle));
    }

    #[test]
    fn handles_and_grant_ids_must_be_canonical() {
        let good = "A".repeat(22);
        assert!(UserHandle::parse(&good).is_some() && GrantId::parse(&good[..16]).is_some());
        let bad = format!("{}B", &good[1..]);
        for text in [
            "",
            &good[1..],
            &bad,
            &"A".repeat(23),
            &"+".repeat(22),
            &format!("{}=", &good[1..]),
        ] {
            assert!(UserHandle::parse(text).is_none(), "{text}");
            assert!(
                serde_json::from_value::<UserHandle>((*text).into()).is_err(),
                "{text}"
            );
        }
        for text in [
            "",
            &good[..15],
            &good[..17],
            "AAAAAAAAAAAAAAA:",
            "AAAAAAAAAAAAAAA=",
        ] {
            assert!(GrantId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn tokens_of_the_other_library_are_recognised_by_their_form() {
        let keys = Keys::from_secret("k");
        let (grant, secret) = ("g".repeat(16), "s".repeat(32));
        let text = format!("user@example.com:{grant}:{secret}");
        let PresentedToken::Legacy(token) = classify(&text, TokenKind::Refresh, &keys) else {
            panic!("{text}")
        };
        assert_eq!(
            (token.user.as_str(), &token.grant, token.text()),
            ("user@example.com", &grant, text.as_str())
        );
        assert_eq!(token.hash(), sha256_hex(&text));
        let long = "u".repeat(LEGACY_USER_BYTES + 1);
        for text in [
            format!(":{grant}:{secret}"),
            format!("{long}:{grant}:{secret}"),
            format!("u\n:{grant}:{secret}"),
            format!("u:{grant}g:{secret}"),
            format!("u:{}*:{secret}", &grant[1..]),
            format!("u:{grant}:{}*", &secret[1..]),
            format!("a:u:{grant}:{secret}"),
            format!("{grant}:{secret}"),
            secret.clone(),
            String::new(),
        ] {
            assert!(
                matches!(
                    classify(&text, TokenKind::Refresh, &keys),
                    PresentedToken::Unknown
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn no_token_is_issued_without_randomness() {
        let keys = Keys::from_secret("k");
        let token = issue(TokenKind::Code, &keys);
        assert!(GrantId::random(&Empty).is_err());
        assert!(Token::issue(TokenKind::Code, &token.handle, &token.grant, &keys, &Empty).is_err());
    }

    #[test]
    fn debug_output_hides_tokens() {
        let token = issue(TokenKind::Code, &Keys::from_secret("k"));
        let (_, secret) = token.text().rsplit_once(':').unwrap();
        assert!(!format!("{token:?}").contains(secret));
    }

    #[test]
    fn a_user_that_could_collide_with_own_keys_is_no_legacy_user() {
        assert!(is_legacy_user("ann") && is_legacy_user("a:b"));
        for user in ["", ":", ":ann", "a\nb"] {
            assert!(!is_legacy_user(user), "{user:?}");
        }
    }
}
