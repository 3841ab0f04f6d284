//! Records of access tokens in Workers KV.

use std::borrow::Cow;
use std::fmt;

use durable_core::keys::{KeyId, Keys};
use durable_core::runtime::Random;
use durable_core::seal::{self, OpenError};
use durable_core::wire::{RuntimeError, is_default, read_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::port::Kv;
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::token::Token;

const VERSION: u32 = 1;

/// Header that a record is sealed with: nothing else that is sealed under a token is accepted as one.
const HEADER: &[u8] = b"access 1";

/// Access that a token grants: its user, client, scopes and resources.
#[derive(Clone, PartialEq)]
pub struct AccessRecord {
    /// The user's id.
    pub subject: String,
    /// The id of the grant.
    pub grant: String,
    /// The client that it was issued to.
    pub client_id: String,
    /// Scopes of the token.
    pub scopes: Scopes,
    /// Resources that the token is valid for (RFC 8707).
    pub audience: Vec<Resource>,
    /// Time of issue, in seconds since 1970.
    pub issued: u64,
    /// Expiry, in seconds since 1970.
    pub expires: u64,
    /// Sessions of the client that were created before this time are refused, in seconds since 1970; 0 refuses none.
    pub sessions_since: u64,
    /// Props of the user, which tools receive.
    pub props: Value,
}

impl fmt::Debug for AccessRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessRecord")
            .field("grant", &self.grant)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Reason for which a record gives no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The record is not that token's.
    NotOne,
    /// The token has ended.
    Expired,
    /// The record was sealed with an unknown key: one that is newer than the keys in memory.
    UnknownKey(KeyId),
    /// Written by another version of this server.
    Unreadable,
}

/// The key of a record in KV. The empty part keeps it apart from every key of workers-oauth-provider, which has a user's id
/// there, and that user may have chosen it.
#[must_use]
pub fn key(handle: &str, grant: &str, hash: &str) -> String {
    ["token", "", handle, grant, hash].join(":")
}

/// The key of a record as earlier versions wrote it, and as workers-oauth-provider does.
#[must_use]
pub fn old_key(user: &str, grant: &str, hash: &str) -> String {
    ["token", user, grant, hash].join(":")
}

/// Checks whether a KV key is that of a record, in the present or the old form.
#[must_use]
pub(crate) fn is_key(key: &str) -> bool {
    key.starts_with("token:")
}

impl AccessRecord {
    /// Looks up a token's record, also under the key of earlier versions: a record that somebody else put there does not
    /// open.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(kv: &dyn Kv, token: &Token) -> Result<Option<String>, RuntimeError> {
        let (handle, grant, hash) = (token.handle.as_str(), token.grant.as_str(), token.hash());
        match kv.get(&key(handle, grant, &hash)).await? {
            Some(json) => Ok(Some(json)),
            None => kv.get(&old_key(handle, grant, &hash)).await,
        }
    }

    /// The record of a token. All of it is sealed: a copy of the storage tells of no user.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn to_json(
        &self,
        keys: &Keys,
        token: &Token,
        random: &dyn Random,
    ) -> Result<String, RuntimeError> {
        let claims = serde_json::to_vec(&RecordClaims::of(self))
            .map_err(|error| RuntimeError(error.to_string()))?;
        let sealed = seal::seal(keys, token.text(), HEADER, &claims, random)?;
        serde_json::to_string(&StoredRecord {
            v: VERSION,
            sealed: &sealed,
        })
        .map_err(|error| RuntimeError(error.to_string()))
    }

    /// Reads a record with the token that it is of.
    ///
    /// # Errors
    /// When it is not that token's, the token has ended, or this version cannot read it.
    pub fn from_json(json: &str, keys: &Keys, text: &str, now_s: u64) -> Result<Self, RecordError> {
        let kept: StoredRecord<'_> =
            serde_json::from_str(json).map_err(|_| RecordError::Unreadable)?;
        if kept.v != VERSION {
            return Err(RecordError::Unreadable);
        }
        open(keys, text, kept.sealed)?.living(now_s)
    }

    pub(crate) fn living(self, now_s: u64) -> Result<Self, RecordError> {
        if now_s < self.expires {
            Ok(self)
        } else {
            Err(RecordError::Expired)
        }
    }
}

fn open(keys: &Keys, text: &str, sealed: &str) -> Result<AccessRecord, RecordError> {
    let claims = seal::try_open(keys, text, HEADER, sealed).map_err(|error| match error {
        OpenError::NotSealed => RecordError::NotOne,
        OpenError::UnknownKey(id) => RecordError::UnknownKey(id),
        OpenError::OtherVersion => RecordError::Unreadable,
    })?;
    read_json::<RecordClaims<'_>>(&claims)
        .map(RecordClaims::into_access)
        .ok_or(RecordError::Unreadable)
}

/// A record as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    v: u32,
    #[serde(borrow)]
    sealed: &'a str,
}

/// Sealed claims of a record, under the names of RFC 7662 section 2.2.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordClaims<'a> {
    sub: Cow<'a, str>,
    grant: Cow<'a, str>,
    client_id: Cow<'a, str>,
    scope: Cow<'a, Scopes>,
    aud: Cow<'a, [Resource]>,
    iat: u64,
    exp: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    sessions_since: u64,
    #[serde(default, skip_serializing_if = "is_null")]
    props: Cow<'a, Value>,
}

fn is_null(props: &Value) -> bool {
    props.is_null()
}

impl<'a> RecordClaims<'a> {
    fn of(access: &'a AccessRecord) -> Self {
        Self {
            sub: Cow::Borrowed(&access.subject),
            grant: Cow::Borrowed(&access.grant),
            client_id: Cow::Borrowed(&access.client_id),
            scope: Cow::Borrowed(&access.scopes),
            aud: Cow::Borrowed(&access.audience),
            iat: access.issued,
            exp: access.expires,
            sessions_since: access.sessions_since,
            props: Cow::Borrowed(&access.props),
        }
    }

    fn into_access(self) -> AccessRecord {
        AccessRecord {
            subject: self.sub.into_owned(),
            grant: self.grant.into_owned(),
            client_id: self.client_id.into_owned(),
            scopes: self.scope.into_owned(),
            audience: self.aud.into_owned(),
            issued: self.iat,
            expires: self.exp,
            sessions_since: self.sessions_since,
            props: self.props.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use durable_core::keys::KEY_BYTES;
    use serde_json::json;

    use super::*;
    use crate::secret::sha256_hex;
    use crate::token::{GrantId, TokenKind, UserHandle};

    struct Filled;

    impl Random for Filled {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
            bytes.fill(7);
            Ok(())
        }
    }

    fn token(keys: &Keys, grant: &str) -> Token {
        let (handle, grant) = (UserHandle::of(keys, "u"), GrantId::parse(grant).unwrap());
        Token::issue(TokenKind::Access, &handle, &grant, keys, &Filled).unwrap()
    }

    fn access() -> AccessRecord {
        AccessRecord {
            subject: "user \u{e9}:1".to_owned(),
            grant: "g".repeat(16),
            client_id: "https://client.example/id".to_owned(),
            scopes: Scopes::parse("read write").unwrap(),
            audience: vec![Resource::parse("https://a/mcp").unwrap()],
            issued: 100,
            expires: 200,
            sessions_since: 0,
            props: json!({"name": "Ada", "deep": [1, {"a": null}]}),
        }
    }

    #[test]
    fn an_access_record_survives_being_stored() {
        let keys = Keys::from_secret("k");
        let token = token(&keys, &"g".repeat(16));
        for access in [
            access(),
            AccessRecord {
                sessions_since: 150,
                ..access()
            },
            AccessRecord {
                props: Value::Null,
                scopes: Scopes::default(),
                ..access()
            },
        ] {
            let json = access.to_json(&keys, &token, &Filled).unwrap();
            assert_eq!(
                AccessRecord::from_json(&json, &keys, token.text(), 199),
                Ok(access)
            );
        }
    }

    #[test]
    fn an_access_record_reveals_nothing_of_its_content() {
        let keys = Keys::from_secret("k");
        let json = access()
            .to_json(&keys, &token(&keys, &"g".repeat(16)), &Filled)
            .unwrap();
        let fields: serde_json::Map<String, Value> = serde_json::from_str(&json).unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["sealed", "v"]);
        assert_eq!(fields["v"], 1);
        let text = format!("{:?}", access());
        assert!(!text.contains("Ada") && !text.contains("user"), "{text}");
    }

    #[test]
    fn an_access_record_opens_with_its_own_token_alone() {
        let keys = Keys::from_secret("k");
        let [one, other] = ["g", "h"].map(|letter| token(&keys, &letter.repeat(16)));
        let json = access().to_json(&keys, &one, &Filled).unwrap();
        assert_eq!(
            AccessRecord::from_json(&json, &keys, other.text(), 150),
            Err(RecordError::NotOne)
        );
        assert_eq!(
            AccessRecord::from_json(&json.replacen('A', "B", 1), &keys, one.text(), 150),
            Err(RecordError::NotOne)
        );
    }

    #[test]
    fn an_access_record_ends_on_time() {
        let keys = Keys::from_secret("k");
        let token = token(&keys, &"g".repeat(16));
        let json = access().to_json(&keys, &token, &Filled).unwrap();
        assert_eq!(
            AccessRecord::from_json(&json, &keys, token.text(), 200),
            Err(RecordError::Expired)
        );
    }

    #[test]
    fn an_access_record_under_an_unknown_key_names_that_key() {
        let old = Keys::generate([1; KEY_BYTES], 0);
        let new = old.clone().rotated([2; KEY_BYTES], 1, 1000);
        let token = token(&old, &"g".repeat(16));
        let json = access().to_json(&new, &token, &Filled).unwrap();
        assert_eq!(
            AccessRecord::from_json(&json, &old, token.text(), 150),
            Err(RecordError::UnknownKey(new.current_id()))
        );
        assert!(AccessRecord::from_json(&json, &new, token.text(), 150).is_ok());
    }

    #[test]
    fn an_unreadable_access_record_differs_from_one_of_another_token() {
        let keys = Keys::from_secret("k");
        for json in [
            "",
            "{}",
            "[]",
            r#"{"v":1}"#,
            r#"{"v":2,"sealed":"AA"}"#,
            r#"{"sealed":"AA"}"#,
        ] {
            assert_eq!(
                AccessRecord::from_json(json, &keys, "a:b:c", 0),
                Err(RecordError::Unreadable),
                "{json}"
            );
        }
        assert_eq!(
            AccessRecord::from_json(r#"{"v":1,"sealed":""}"#, &keys, "a:b:c", 0),
            Err(RecordError::NotOne)
        );
        let newer =
            br#"{"sub":"u","grant":"g","client_id":"c","scope":[],"aud":[],"iat":0,"exp":9,"only_on":"Mondays"}"#;
        let sealed = seal::seal(&keys, "a:b:c", HEADER, newer, &Filled).unwrap();
        let json = json!({ "v": 1, "sealed": sealed }).to_string();
        assert_eq!(
            AccessRecord::from_json(&json, &keys, "a:b:c", 0),
            Err(RecordError::Unreadable),
            "a claim that may narrow"
        );
    }

    #[test]
    fn access_records_of_the_other_library_are_read() {
        let vector: Value = serde_json::from_str(include_str!(
            "../../../../tests/integration/legacy/1.2.3.json"
        ))
        .unwrap();
        let token = vector["first"]["access_token"].as_str().unwrap();
        let (user, grant) = ("ada@example.com", token.split(':').nth(1).unwrap());
        let json = vector["kept"][old_key(user, grant, &sha256_hex(token))]
            .as_str()
            .unwrap();
        let access = AccessRecord::from_legacy_json(json, token, 0).unwrap();
        assert_eq!(
            (access.subject.as_str(), &access.props),
            (user, &vector["props"])
        );
        assert_eq!(
            AccessRecord::from_legacy_json(json, token, access.expires),
            Err(RecordError::Expired)
        );
        assert_eq!(
            AccessRecord::from_legacy_json(json, "u:g:s", 0),
            Err(RecordError::NotOne)
        );
        let keys = Keys::from_secret("k");
        assert_eq!(
            AccessRecord::from_json(json, &keys, token, 0),
            Err(RecordError::Unreadable),
            "it is none of ours"
        );
    }
}
