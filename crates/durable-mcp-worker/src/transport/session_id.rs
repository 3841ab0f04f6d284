//! Session ids: made for `initialize`, and verified in every request of a session.
//!
//! A session id names the session's object and says what `initialize` settled, so that no request has to look it up.
//! A MAC keeps it true: whoever holds a good id got it from this deployment, for the same user and client. Its key is named in
//! the id, so ids outlive a rotation of keys ([`durable_core::keys`]).
//!
//! ```text
//! byte  0      format, 1
//!       1..5   id of the key
//!       5..37  the object
//!      37..42  issue time, seconds since 1970
//!      42      protocol version, counted from 2024-11-05; 128 more on HTTP+SSE
//!      43      capabilities of the client
//!      44..60  SHA-256 over user and client, cut to 128 bits; zeros for a public server
//!      60..    the client's name, at most 40 bytes of UTF-8
//!      last 16 HMAC-SHA-256 over all before, cut to 128 bits
//! ```
//! in base64url, 102 to 155 characters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::keys::{KeyId, Keys, MAC_BYTES};
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::context::ClientInfo;
use sha2::{Digest, Sha256};

use super::lifecycle::Transport;

const FORMAT: u8 = 1;
const NAME_AT: usize = 60;

/// Marks the version of a session that is reached by HTTP+SSE.
const OVER_SSE: u8 = 0x80;

/// Longer names are cut: the name is for logs, and the id goes with every request.
const MAX_NAME_BYTES: usize = 40;

/// Default lifetime of a session id, in seconds: a month is longer than clients keep one.
pub const DEFAULT_MAX_AGE_SECONDS: u64 = 30 * 24 * 3600;

/// The id of a Durable Object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectId(pub [u8; 32]);

impl ObjectId {
    /// The id of 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The id as 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        use std::fmt::Write;
        self.0
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }
}

/// The owner of a session: the user and the client they signed in with, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; 16]);

impl Binding {
    /// The binding of sessions of that caller.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        let mut binding = [0; 16];
        if let Some(subject) = &caller.subject {
            let client = caller.client_id.as_deref().unwrap_or_default();
            // The length keeps one pair apart from another that joins to the same text.
            let hash = Sha256::new()
                .chain_update(
                    u64::try_from(subject.len())
                        .unwrap_or_default()
                        .to_be_bytes(),
                )
                .chain_update(subject)
                .chain_update(client)
                .finalize();
            binding
                .iter_mut()
                .zip(hash)
                .for_each(|(to, from)| *to = from);
        }
        Self(binding)
    }

    /// Bytes of the hash; all zero for a caller without a user.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The content of a session id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClaims {
    /// The session's object.
    pub object: ObjectId,
    /// Time of issue, in seconds since 1970.
    pub issued: u64,
    /// The transport that the session was begun by: the id is not accepted on the other one.
    pub transport: Transport,
    /// The outcome of `initialize`. On HTTP+SSE the id comes before that, and has initial values.
    pub client: ClientInfo,
    /// The owner, who alone may use it.
    pub binding: Binding,
}

/// Reason for which a session id is not accepted. The client sees one answer for all but those that may pass: a key that is
/// not known yet, and another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The id is not one of this deployment's, or not whole.
    Forged,
    /// The id is signed with a key that these keys lack; newer ones may have it.
    UnknownKey(KeyId),
    /// The id is this deployment's, and was issued by a later version of this server.
    OtherVersion,
    /// The id is too old.
    Expired,
    /// The id belongs to another user or client.
    Foreign,
    /// The user disconnected the client after the id was issued.
    Disconnected,
}

impl SessionClaims {
    /// Issue time of a new session id: now, but not before the caller's `sessions_since`, or the caller could not use the id.
    #[must_use]
    pub fn issued_now(caller: &Caller, now: u64) -> u64 {
        now.max(caller.sessions_since)
    }

    /// Names the session to the deployment, without its secret: enough to end it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}.{}", self.object.to_hex(), self.issued)
    }

    /// Partial claims (object and issue time only), parsed from [`key()`](Self::key).
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        let (object, issued) = key.split_once('.')?;
        let client = ClientInfo {
            version: ProtocolVersion::V2024_11_05,
            capabilities: ClientCapabilities::default(),
            name: String::new(),
        };
        let (object, issued) = (ObjectId::from_hex(object)?, issued.parse().ok()?);
        let binding = Binding::of(&Caller::default());
        Some(Self {
            object,
            issued,
            transport: Transport::Streamable,
            client,
            binding,
        })
    }

    /// The id that says this.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        let name = cut(&self.client.name, MAX_NAME_BYTES);
        let mut bytes = Vec::with_capacity(NAME_AT + name.len() + MAC_BYTES);
        bytes.push(FORMAT);
        bytes.extend(keys.current_id().0);
        bytes.extend(self.object.0);
        bytes.extend(self.issued.to_be_bytes().iter().skip(3));
        let marked = if self.transport == Transport::Sse {
            OVER_SSE
        } else {
            0
        };
        bytes.push(version_byte(self.client.version) | marked);
        bytes.push(self.client.capabilities.bits());
        bytes.extend(self.binding.0);
        bytes.extend(name.as_bytes());
        let mac = keys.sign(&bytes);
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Takes an id from outside.
    ///
    /// # Errors
    /// When it is not to be taken; nothing was looked up for it.
    pub fn verify(
        id: &str,
        keys: &Keys,
        caller: &Caller,
        now: u64,
        max_age: u64,
    ) -> Result<Self, Refused> {
        let bytes = URL_SAFE_NO_PAD.decode(id).map_err(|_| Refused::Forged)?;
        let (message, mac) = bytes
            .split_last_chunk::<MAC_BYTES>()
            .ok_or(Refused::Forged)?;
        let key = message
            .get(1..5)
            .and_then(|id| id.try_into().ok())
            .map(KeyId)
            .ok_or(Refused::Forged)?;
        if !keys.knows(key) {
            // Hardly any made-up id begins with the format byte.
            let is_ours = message.first() == Some(&FORMAT);
            return Err(if is_ours {
                Refused::UnknownKey(key)
            } else {
                Refused::Forged
            });
        }
        if !keys.verify(key, message, mac) {
            return Err(Refused::Forged);
        }
        let claims = Self::read(message).ok_or(Refused::OtherVersion)?;
        if now.saturating_sub(claims.issued) > max_age {
            return Err(Refused::Expired);
        }
        if claims.binding != Binding::of(caller) {
            return Err(Refused::Foreign);
        }
        if claims.issued < caller.sessions_since {
            return Err(Refused::Disconnected);
        }
        Ok(claims)
    }

    /// Reads an id that was verified on its way here.
    #[must_use]
    pub fn read_verified(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        Self::read(bytes.split_last_chunk::<MAC_BYTES>()?.0)
    }

    fn read(message: &[u8]) -> Option<Self> {
        if message.first() != Some(&FORMAT) {
            return None;
        }
        let version = *message.get(42)?;
        let issued = message
            .get(37..42)?
            .iter()
            .fold(0, |seconds, byte| seconds << 8 | u64::from(*byte));
        Some(Self {
            object: ObjectId(message.get(5..37)?.try_into().ok()?),
            issued,
            transport: if version & OVER_SSE == 0 {
                Transport::Streamable
            } else {
                Transport::Sse
            },
            client: ClientInfo {
                version: *ProtocolVersion::ALL.get(usize::from(version & !OVER_SSE))?,
                capabilities: ClientCapabilities::from_bits(*message.get(43)?),
                name: std::str::from_utf8(message.get(NAME_AT..)?)
                    .ok()?
                    .to_owned(),
            },
            binding: Binding(message.get(44..NAME_AT)?.try_into().ok()?),
        })
    }
}

fn version_byte(version: ProtocolVersion) -> u8 {
    let place = ProtocolVersion::ALL
        .iter()
        .position(|other| *other == version);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or_default()
}

/// The longest beginning of `text` of at most `bytes` bytes that is whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(name: &str) -> SessionClaims {
        SessionClaims {
            object: ObjectId([0xab; 32]),
            issued: 1_795_000_000,
            transport: Transport::Streamable,
            client: ClientInfo {
                version: ProtocolVersion::V2025_06_18,
                capabilities: ClientCapabilities::SAMPLING.and(ClientCapabilities::ROOTS),
                name: name.to_owned(),
            },
            binding: Binding::of(&caller("ann", "c1")),
        }
    }

    fn caller(subject: &str, client: &str) -> Caller {
        Caller {
            subject: Some(subject.to_owned()),
            client_id: Some(client.to_owned()),
            ..Caller::default()
        }
    }

    fn verify(id: &str, caller: &Caller, now: u64) -> Result<SessionClaims, Refused> {
        SessionClaims::verify(id, &Keys::from_secret("k"), caller, now, 100)
    }

    #[test]
    fn a_session_id_carries_the_signed_claims_and_fits_a_header() {
        for name in [
            "",
            "Inspector",
            "客户端客户端客户端客户端客户端客户端客户端",
        ] {
            let claims = claims(name);
            let id = claims.sign(&Keys::from_secret("k"));
            assert!(
                id.len() <= 155 && id.bytes().all(|b| b.is_ascii_graphic()),
                "{id}"
            );
            let read = verify(&id, &caller("ann", "c1"), claims.issued + 100).unwrap();
            assert_eq!(SessionClaims::read_verified(&id).unwrap(), read);
            assert!(claims.client.name.starts_with(&read.client.name));
            assert_eq!(
                SessionClaims {
                    client: ClientInfo {
                        name: String::new(),
                        ..read.client
                    },
                    ..read
                },
                {
                    SessionClaims {
                        client: ClientInfo {
                            name: String::new(),
                            ..claims.client.clone()
                        },
                        ..claims
                    }
                }
            );
        }
    }

    #[test]
    fn a_session_id_with_a_changed_or_missing_byte_is_refused() {
        let claims = claims("x");
        let id = URL_SAFE_NO_PAD
            .decode(claims.sign(&Keys::from_secret("k")))
            .unwrap();
        for at in 0..id.len() {
            let mut forged = id.clone();
            forged[at] ^= 1;
            assert!(
                verify(
                    &URL_SAFE_NO_PAD.encode(&forged),
                    &caller("ann", "c1"),
                    claims.issued
                )
                .is_err(),
                "{at}"
            );
            let cut = URL_SAFE_NO_PAD.encode(&id[..at]);
            assert!(
                verify(&cut, &caller("ann", "c1"), claims.issued).is_err(),
                "{at}"
            );
        }
    }

    #[test]
    fn a_session_id_is_valid_for_its_owner_its_time_and_its_key() {
        let claims = claims("x");
        let id = claims.sign(&Keys::from_secret("k"));
        assert_eq!(
            verify(&id, &caller("bob", "c1"), claims.issued),
            Err(Refused::Foreign)
        );
        assert_eq!(
            verify(&id, &caller("ann", "c2"), claims.issued),
            Err(Refused::Foreign)
        );
        assert_eq!(
            verify(&id, &caller("annc", "1"), claims.issued),
            Err(Refused::Foreign)
        );
        assert_eq!(
            verify(&id, &Caller::default(), claims.issued),
            Err(Refused::Foreign)
        );
        assert_eq!(
            verify(&id, &caller("ann", "c1"), claims.issued + 101),
            Err(Refused::Expired)
        );
        let other = Keys::from_secret("other");
        assert_eq!(
            SessionClaims::verify(&id, &other, &caller("ann", "c1"), 0, 100),
            Err(Refused::UnknownKey(Keys::from_secret("k").current_id()))
        );
    }

    #[test]
    fn a_session_id_from_before_a_new_grant_is_refused() {
        let claims = claims("x");
        let id = claims.sign(&Keys::from_secret("k"));
        let again = |sessions_since| Caller {
            sessions_since,
            ..caller("ann", "c1")
        };
        assert!(verify(&id, &again(claims.issued), claims.issued).is_ok());
        assert_eq!(
            verify(&id, &again(claims.issued + 1), claims.issued),
            Err(Refused::Disconnected)
        );
        let issued = SessionClaims::issued_now(&again(claims.issued + 60), claims.issued);
        let next = SessionClaims {
            issued,
            ..claims.clone()
        }
        .sign(&Keys::from_secret("k"));
        assert!(verify(&next, &again(claims.issued + 60), claims.issued).is_ok());
    }

    #[test]
    fn a_session_key_names_object_and_time_of_its_session() {
        let claims = claims("x");
        let read = SessionClaims::of_key(&claims.key()).unwrap();
        assert_eq!((read.object, read.issued), (claims.object, claims.issued));
        for key in [
            "",
            ".",
            "0f.1",
            &claims.object.to_hex(),
            &format!("{}.x", claims.object.to_hex()),
        ] {
            assert_eq!(SessionClaims::of_key(key), None, "{key}");
        }
    }

    #[test]
    fn a_session_id_of_a_later_version_is_not_reported_as_forged() {
        let (claims, keys) = (claims("x"), Keys::from_secret("k"));
        let id = URL_SAFE_NO_PAD.decode(claims.sign(&keys)).unwrap();
        let message = &id[..id.len() - MAC_BYTES];
        // Another format, and a protocol version that is not known yet.
        for (at, byte) in [(0, FORMAT + 1), (42, 0x7f)] {
            let mut later = message.to_vec();
            later[at] = byte;
            let mac = keys.sign(&later);
            later.extend(mac);
            let later = URL_SAFE_NO_PAD.encode(later);
            assert_eq!(
                verify(&later, &caller("ann", "c1"), claims.issued),
                Err(Refused::OtherVersion),
                "{at}"
            );
            assert_eq!(SessionClaims::read_verified(&later), None);
        }
    }

    #[test]
    fn a_text_that_is_no_session_id_is_refused() {
        for id in [
            "",
            "x",
            "!!!!",
            "AAAA",
            &"A".repeat(400),
            "null",
            "1868a90c-2a1b-4d2f-9a93-1f6f5b8d2e11",
        ] {
            assert!(verify(id, &Caller::default(), 0).is_err(), "{id}");
        }
    }

    #[test]
    fn a_session_id_carries_its_transport() {
        for transport in [Transport::Streamable, Transport::Sse] {
            let id = SessionClaims {
                transport,
                ..claims("x")
            }
            .sign(&Keys::from_secret("k"));
            let read = SessionClaims::read_verified(&id).unwrap();
            assert_eq!(
                (read.transport, read.client),
                (transport, claims("x").client)
            );
        }
    }

    #[test]
    fn an_object_id_survives_conversion_to_hex() {
        let id = ObjectId::from_hex(&"0f".repeat(32)).unwrap();
        assert_eq!(id.to_hex(), "0f".repeat(32));
        assert_eq!(ObjectId::from_hex("0f"), None);
        assert_eq!(ObjectId::from_hex(&"zz".repeat(32)), None);
    }
}
