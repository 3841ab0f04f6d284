//! The records of workers-oauth-provider, so that a deployment can switch over and keep its users signed in.
//!
//! A record holds props encrypted with a key of their own (AES-256-GCM, a nonce of zeros), and that key wrapped (AES-KW,
//! RFC 3394) with an HMAC of the token. Nothing else in a record is authenticated.

use std::borrow::Cow;
use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use aes_kw::KwAes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable_core::wire::{RuntimeError, read_json};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use crate::record::{AccessRecord, RecordError};
use crate::resource::Resource;
use crate::scope::{Scope, Scopes};
use crate::secret::{same, sha256_hex};

/// The key of the HMAC. It is public: the token alone protects what is wrapped.
const WRAPPING: [u8; 32] = [
    0x22, 0x7e, 0x26, 0x86, 0x8d, 0xf1, 0xe1, 0x6d, 0x80, 0x70, 0xea, 0x17, 0x97, 0x5b, 0x47, 0xa6,
    0x82, 0x18, 0xfa, 0x87, 0x28, 0xae, 0xde, 0x85, 0xb5, 0x1d, 0x4a, 0xd9, 0x96, 0xca, 0xca, 0x43,
];

const KEY_BYTES: usize = 32;
const WRAPPED_BYTES: usize = KEY_BYTES + 8;
const NONCE: [u8; 12] = [0; 12];

/// A grant in the records of workers-oauth-provider.
#[derive(Clone)]
pub struct LegacyGrant {
    /// Id of the grant.
    pub id: String,
    /// The client that it was given to.
    pub client_id: String,
    /// The user's id.
    pub user: String,
    /// Scopes of the grant.
    pub scopes: Scopes,
    /// Resources that the grant is valid for; empty if the record names none.
    pub audience: Vec<Resource>,
    /// Time at which the grant was created, in seconds since 1970.
    pub created: u64,
    /// Expiry of the refresh token, in seconds since 1970; `None` if it never expires.
    pub expires: Option<u64>,
    /// The redirect URI that its code went to.
    pub redirect_uri: Option<String>,
    props: String,
    current: Option<WrappedKey>,
    previous: Option<WrappedKey>,
}

/// The key of the props, for the refresh token of that hash.
#[derive(Clone)]
struct WrappedKey {
    hash: String,
    key: String,
}

impl fmt::Debug for LegacyGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyGrant")
            .field("id", &self.id)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The key of a grant in KV.
#[must_use]
pub fn grant_key(user: &str, grant: &str) -> String {
    ["grant", user, grant].join(":")
}

/// The error of a record that is there and cannot be read: it stays as it is, and its user is not signed out.
pub(crate) fn unreadable(what: &str) -> RuntimeError {
    RuntimeError(format!(
        "the record of a {what} of workers-oauth-provider cannot be read and is left alone"
    ))
}

impl LegacyGrant {
    /// Reads a record; none if it is not one.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let record: GrantRecord = serde_json::from_str(json).ok()?;
        Some(Self {
            id: record.id,
            client_id: record.client_id,
            user: record.user_id,
            scopes: scopes(record.scope),
            audience: audience(&record.resource)?,
            created: record.created_at,
            expires: record.expires_at,
            redirect_uri: record.redirect_uri,
            props: record.encrypted_props,
            current: wrapped(record.refresh_token_id, record.refresh_token_wrapped_key),
            previous: wrapped(
                record.previous_refresh_token_id,
                record.previous_refresh_token_wrapped_key,
            ),
        })
    }

    /// Decrypts the props of the user with the grant's current or previous refresh token; `None` for any other token.
    #[must_use]
    pub fn open(&self, refresh_token: &str) -> Option<Value> {
        let hash = sha256_hex(refresh_token);
        let known = [&self.current, &self.previous]
            .into_iter()
            .flatten()
            .find(|known| same(&known.hash, &hash))?;
        open(refresh_token, &known.key, &self.props)
    }

    /// True if the grant has a refresh token.
    #[must_use]
    pub const fn has_refresh_token(&self) -> bool {
        self.current.is_some()
    }

    /// Checks whether the token is the newest refresh token of the grant.
    #[must_use]
    pub fn is_current(&self, refresh_token: &str) -> bool {
        self.current
            .as_ref()
            .is_some_and(|known| same(&known.hash, &sha256_hex(refresh_token)))
    }
}

impl AccessRecord {
    /// Reads a record of workers-oauth-provider with the token that it is of. The audience is empty where it bound its token
    /// to none.
    ///
    /// # Errors
    /// When it is not that token's, or the token has ended.
    pub fn from_legacy_json(json: &str, text: &str, now_s: u64) -> Result<Self, RecordError> {
        access_from_json(json, text)
            .ok_or(RecordError::NotOne)?
            .living(now_s)
    }
}

/// Reads the record of an access token, whose props only that token decrypts. The audience is empty if the record names
/// none.
fn access_from_json(json: &str, token: &str) -> Option<AccessRecord> {
    let record: TokenRecord = serde_json::from_str(json).ok()?;
    let props = open(
        token,
        &record.wrapped_encryption_key,
        &record.grant.encrypted_props,
    )?;
    Some(AccessRecord {
        subject: record.user_id.into_owned(),
        grant: record.grant_id.into_owned(),
        client_id: record.grant.client_id.into_owned(),
        scopes: scopes(record.scope.unwrap_or(record.grant.scope)),
        audience: audience(&record.audience)?,
        issued: record.created_at,
        expires: record.expires_at,
        sessions_since: 0,
        props,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenRecord<'a> {
    #[serde(borrow)]
    grant_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    created_at: u64,
    expires_at: u64,
    #[serde(default)]
    audience: Value,
    scope: Option<Vec<String>>,
    #[serde(borrow)]
    wrapped_encryption_key: Cow<'a, str>,
    #[serde(borrow)]
    grant: GrantOfToken<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GrantOfToken<'a> {
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(default)]
    scope: Vec<String>,
    #[serde(borrow)]
    encrypted_props: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GrantRecord {
    id: String,
    client_id: String,
    user_id: String,
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    resource: Value,
    encrypted_props: String,
    created_at: u64,
    expires_at: Option<u64>,
    redirect_uri: Option<String>,
    refresh_token_id: Option<String>,
    refresh_token_wrapped_key: Option<String>,
    previous_refresh_token_id: Option<String>,
    previous_refresh_token_wrapped_key: Option<String>,
}

fn wrapped(hash: Option<String>, key: Option<String>) -> Option<WrappedKey> {
    Some(WrappedKey {
        hash: hash?,
        key: key?,
    })
}

/// Valid scopes among the texts: old releases accepted any text as a scope.
fn scopes(texts: Vec<String>) -> Scopes {
    texts
        .into_iter()
        .filter_map(|text| Scope::try_from(text).ok())
        .collect()
}

/// Resources that a record names: one or, in releases before 1.0, several. `None` if there are some and not one can be
/// parsed: that must not pass for a record that names none.
fn audience(named: &Value) -> Option<Vec<Resource>> {
    let texts = match named {
        Value::Null => return Some(Vec::new()),
        Value::Array(texts) => texts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let read = texts
        .iter()
        .filter_map(|text| Resource::parse(text.as_str()?).ok());
    Some(read.collect::<Vec<_>>()).filter(|read| !read.is_empty())
}

fn open(token: &str, wrapped_key: &str, encrypted: &str) -> Option<Value> {
    let key = unwrap(token, wrapped_key)?;
    let mut props = STANDARD.decode(encrypted).ok()?;
    Aes256Gcm::new(&key.into())
        .decrypt_in_place(&NONCE.into(), &[], &mut props)
        .ok()?;
    read_json(&props)
}

fn unwrap(token: &str, wrapped: &str) -> Option<[u8; KEY_BYTES]> {
    let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(&WRAPPING).ok()?;
    hmac.update(token.as_bytes());
    let wrapping: [u8; KEY_BYTES] = hmac.finalize().into_bytes().into();
    let wrapped = STANDARD
        .decode(wrapped)
        .ok()
        .filter(|bytes| bytes.len() == WRAPPED_BYTES)?;
    let mut key = [0; KEY_BYTES];
    KwAes256::new(&wrapping.into())
        .unwrap_key(&wrapped, &mut key)
        .ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record;

    const NEW: &str = include_str!("../../../../tests/integration/legacy/1.2.3.json");
    const OLD: &str = include_str!("../../../../tests/integration/legacy/0.10.3.json");

    /// Tokens that one version issued and the records that it stored: generated by
    /// tests/integration/legacy/generate.mjs.
    struct Vector(Value);

    impl Vector {
        fn all() -> [Self; 2] {
            [NEW, OLD].map(|text| Self(serde_json::from_str(text).unwrap()))
        }

        fn text(&self, path: &str) -> &str {
            self.0.pointer(path).and_then(Value::as_str).unwrap()
        }

        fn key_of_grant(token: &str) -> String {
            let mut parts = token.split(':');
            grant_key(parts.next().unwrap(), parts.next().unwrap())
        }

        fn record_of(&self, token: &str) -> &str {
            let mut parts = token.split(':');
            let key = record::old_key(
                parts.next().unwrap(),
                parts.next().unwrap(),
                &sha256_hex(token),
            );
            self.0["kept"][key].as_str().unwrap()
        }

        fn audience(&self) -> Vec<Resource> {
            let named = self.text("/version") != "0.10.3";
            named
                .then(|| Resource::parse("https://mcp.example.com/mcp").unwrap())
                .into_iter()
                .collect()
        }
    }

    #[test]
    fn access_tokens_of_the_other_library_are_read() {
        for vector in Vector::all() {
            for (which, scopes) in [("first", "read write"), ("second", "read")] {
                let token = vector.text(&format!("/{which}/access_token"));
                let access = access_from_json(vector.record_of(token), token).unwrap();
                assert_eq!(
                    (access.subject.as_str(), access.client_id.as_str()),
                    ("ada@example.com", vector.text("/client_id"))
                );
                assert_eq!(access.scopes, Scopes::parse(scopes).unwrap());
                assert_eq!(access.audience, vector.audience());
                assert_eq!(access.expires - access.issued, 3600);
                assert_eq!(access.props, vector.0["props"]);
                assert_eq!(Some(access.grant.as_str()), token.split(':').nth(1));
            }
        }
    }

    #[test]
    fn a_legacy_record_opens_with_its_own_token_alone() {
        for vector in Vector::all() {
            let [first, second] =
                ["/first/access_token", "/second/access_token"].map(|path| vector.text(path));
            assert!(access_from_json(vector.record_of(first), second).is_none());
            assert!(
                access_from_json(vector.record_of(first), vector.text("/first/refresh_token"))
                    .is_none()
            );
        }
    }

    #[test]
    fn a_legacy_grant_opens_with_its_current_and_previous_refresh_token() {
        for vector in Vector::all() {
            let [first, second] =
                ["/first/refresh_token", "/second/refresh_token"].map(|path| vector.text(path));
            let key = Vector::key_of_grant(first);
            let once = LegacyGrant::from_json(vector.0["first"]["grants"][&key].as_str().unwrap())
                .unwrap();
            assert_eq!(once.open(first).as_ref(), Some(&vector.0["props"]));
            assert!(once.open(second).is_none() && once.is_current(first));

            let grant = LegacyGrant::from_json(vector.0["kept"][&key].as_str().unwrap()).unwrap();
            assert_eq!(grant.open(first).as_ref(), Some(&vector.0["props"]));
            assert_eq!(grant.open(second).as_ref(), Some(&vector.0["props"]));
            assert!(grant.is_current(second) && !grant.is_current(first));
            assert!(grant.open(vector.text("/first/access_token")).is_none());
        }
    }

    #[test]
    fn a_legacy_grant_has_its_client_scopes_audience_and_expiry() {
        for vector in Vector::all() {
            let key = Vector::key_of_grant(vector.text("/first/refresh_token"));
            let grant = LegacyGrant::from_json(vector.0["kept"][&key].as_str().unwrap()).unwrap();
            assert_eq!(grant_key(&grant.user, &grant.id), key);
            assert_eq!(grant.client_id, vector.text("/client_id"));
            assert_eq!(grant.scopes, Scopes::parse("read write").unwrap());
            assert_eq!(grant.audience, vector.audience());
            assert!(
                grant
                    .expires
                    .is_none_or(|expires| expires == grant.created + 30 * 24 * 3600)
            );
            assert!(!format!("{grant:?}").contains(&grant.user));
        }
    }

    #[test]
    fn a_legacy_grant_without_a_redeemed_code_opens_for_no_token() {
        let grant = json!({
            "id": "g", "clientId": "c", "userId": "u", "scope": ["a", "not one"], "encryptedProps": "AA==",
            "createdAt": 1, "authCodeId": "x", "authCodeWrappedKey": "AA==", "metadata": null,
        });
        let grant = LegacyGrant::from_json(&grant.to_string()).unwrap();
        assert_eq!(
            (grant.scopes.to_string().as_str(), grant.expires),
            ("a", None)
        );
        assert!(grant.open("u:g:s").is_none() && !grant.is_current("u:g:s"));
    }

    #[test]
    fn an_unreadable_audience_is_not_taken_for_an_absent_one() {
        let of = |value: Value| audience(&value);
        let resource = Resource::parse("https://a/mcp").unwrap();
        assert_eq!(of(Value::Null), Some(Vec::new()));
        assert_eq!(of(json!("https://a/mcp")), Some(vec![resource.clone()]));
        assert_eq!(of(json!(["https://a/mcp", "x"])), Some(vec![resource]));
        assert_eq!(of(json!("x")), None);
        assert_eq!(of(json!([])), None);
        assert_eq!(of(json!(1)), None);
    }

    #[test]
    fn a_text_that_is_no_legacy_record_is_refused() {
        for json in ["", "{}", "[]", "null", "1", r#"{"v":1}"#] {
            assert!(LegacyGrant::from_json(json).is_none(), "{json}");
            assert!(access_from_json(json, "u:g:s").is_none(), "{json}");
        }
    }

    #[test]
    fn wrapped_keys_are_opened_as_in_rfc_3394() {
        // Section 4.6: 256 bits of key data with a 256-bit key.
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let wrapped = [
            0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87,
            0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7,
            0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21,
        ];
        let mut unwrapped = [0; 32];
        KwAes256::new(&key.into())
            .unwrap_key(&wrapped, &mut unwrapped)
            .unwrap();
        let expected: Vec<u8> = (0..16)
            .map(|nibble: u8| nibble * 0x11)
            .chain(0..16)
            .collect();
        assert_eq!(unwrapped.as_slice(), expected);
    }
}
