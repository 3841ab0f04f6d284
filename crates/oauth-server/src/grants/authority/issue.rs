//! Issues access tokens, for users and for clients themselves.

use durable_core::keys::Keys;
use durable_core::wire::RuntimeError;
use futures_util::future::{join, join_all};
use serde_json::json;

use super::exchange::{SealedIdentity, TokenScope};
use super::settings::after;
use super::{Authority, ClientCredentials, GrantRefusal, IssuedTokens, grant_ref};
use crate::event::Event;
use crate::grant::{Grant, GrantInfo, LiveAccess, LiveGrant, header_key};
use crate::hooks::ExchangeKind;
use crate::record::{self, AccessRecord};
use crate::token::{GrantId, Token, TokenKind};

/// Workers KV takes no record that expires sooner, and its clock is not ours. What a record says of its own expiry
/// counts.
const LEAST_SECONDS: u64 = 65;

/// A record for KV.
pub(super) struct KvPut {
    pub(super) key: String,
    pub(super) value: String,
    /// Expiry of the record, in seconds since 1970.
    pub(super) expires: u64,
    pub(super) metadata: Option<String>,
}

/// A new access token, not yet written or sent.
pub(super) struct NewAccessToken {
    pub(super) token: Token,
    pub(super) access: LiveAccess,
    pub(super) put: KvPut,
    pub(super) issued: IssuedTokens,
}

/// Header of a grant, by which administrators find it in KV. The record is plain JSON: user id and props are not in it.
pub(super) fn header(info: &GrantInfo, expires: u64) -> KvPut {
    let value = json!({
        "v": 1,
        "clientId": info.client_id,
        "scope": info.scopes,
        "resource": info.audience,
        "createdAt": info.created / 1000,
        "expiresAt": expires,
    });
    let key = header_key(&info.handle, &info.id);
    KvPut {
        key,
        value: value.to_string(),
        expires,
        metadata: Some(info.client_id.clone()),
    }
}

fn issued(token: &Token, access: AccessRecord, now: u64) -> IssuedTokens {
    IssuedTokens {
        access_token: token.text().to_owned(),
        refresh_token: None,
        expires_in: access.expires.saturating_sub(now),
        scopes: access.scopes,
        audience: access.audience,
        grant: access.grant,
    }
}

impl Authority {
    /// A new code, access token or refresh token of a grant.
    pub(super) fn new_token(
        &self,
        kind: TokenKind,
        keys: &Keys,
        info: &GrantInfo,
    ) -> Result<Token, RuntimeError> {
        Token::issue(kind, &info.handle, &info.id, keys, self.host.random())
    }

    /// Makes an access token that expires with its grant at the latest.
    pub(super) fn new_access_token(
        &self,
        keys: &Keys,
        info: &GrantInfo,
        identity: SealedIdentity,
        token_scope: &TokenScope,
        seconds: u64,
    ) -> Result<NewAccessToken, RuntimeError> {
        let token = self.new_token(TokenKind::Access, keys, info)?;
        let (hash, now) = (token.hash(), self.host.now() / 1000);
        let expires = now.saturating_add(seconds).min(info.ends / 1000);
        let access = AccessRecord {
            subject: identity.subject,
            grant: info.id.as_str().to_owned(),
            client_id: info.client_id.clone(),
            scopes: token_scope.scopes.clone(),
            audience: token_scope.audience.clone(),
            issued: now,
            expires,
            sessions_since: info.sessions_since,
            props: identity.props,
        };
        let put = KvPut {
            key: record::key(info.handle.as_str(), info.id.as_str(), &hash),
            value: access.to_json(keys, &token, self.host.random())?,
            expires,
            metadata: None,
        };
        Ok(NewAccessToken {
            issued: issued(&token, access, now),
            token,
            access: LiveAccess {
                hash,
                expires,
                own: true,
            },
            put,
        })
    }

    /// Writes new records to KV and deletes superseded ones before the row is committed. Records of a grant are deleted
    /// last, when all else has worked, so that a retry still finds the grant.
    pub(super) async fn replace(
        &self,
        puts: &[KvPut],
        gone: &[String],
    ) -> Result<(), GrantRefusal> {
        let (kv, least) = (self.host.kv(), self.host.now() / 1000 + LEAST_SECONDS);
        let putting = join_all(puts.iter().map(|put| {
            let expires = put.expires.max(least);
            kv.put(&put.key, &put.value, expires, put.metadata.as_deref())
        }));
        let deleting = |tokens: bool| {
            let keys = gone.iter().filter(move |key| record::is_key(key) == tokens);
            join_all(keys.map(|key| kv.delete(key)))
        };
        let (put, deleted) = join(putting, deleting(true)).await;
        let all = put
            .into_iter()
            .chain(deleted)
            .collect::<Result<(), RuntimeError>>();
        all.map_err(|fault| self.failed(&fault))?;
        let all = deleting(false)
            .await
            .into_iter()
            .collect::<Result<(), RuntimeError>>();
        all.map_err(|fault| self.failed(&fault))
    }

    /// Issues an access token for the client itself, RFC 6749 section 4.4.
    pub(super) async fn client_credentials(
        &self,
        issue: ClientCredentials,
    ) -> Result<IssuedTokens, GrantRefusal> {
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        let (info, identity) = self
            .grant_of_client(issue)
            .map_err(|fault| self.failed(&fault))?;
        let token_scope = TokenScope {
            scopes: info.scopes.clone(),
            audience: info.audience.clone(),
        };
        let terms = self
            .consult(ExchangeKind::Client, &info, identity, &token_scope)
            .await?;
        let new_token = self.new_access_token(
            &keys,
            &info,
            terms.identity,
            &token_scope,
            terms.access_seconds,
        );
        let new_token = new_token.map_err(|fault| self.failed(&fault))?;
        self.replace(&[new_token.put], &[]).await?;
        self.make_place(&info.client_id)
            .map_err(|fault| self.failed(&fault))?;
        let live = LiveGrant {
            access: vec![new_token.access],
            ..LiveGrant::new(info.clone(), info.created)
        };
        self.commit(&info.id, Grant::Live(live))?;
        self.host.event(&Event::Issued(grant_ref(&info)));
        Ok(new_token.issued)
    }

    /// A new grant of a client for itself, which is its own user.
    fn grant_of_client(
        &self,
        issue: ClientCredentials,
    ) -> Result<(GrantInfo, SealedIdentity), RuntimeError> {
        let id = GrantId::random(self.host.random())?;
        let now = self.host.now();
        let sessions_since = self.sessions_since(&issue.client_id)?;
        let identity = SealedIdentity {
            subject: issue.client_id.clone(),
            props: issue.props,
        };
        let info = GrantInfo {
            handle: issue.handle,
            id,
            client_id: issue.client_id,
            client_name: issue.client_name,
            public: false,
            refreshable: false,
            scopes: issue.scopes,
            audience: issue.audience,
            root: issue.root,
            created: now,
            ends: after(now, self.lifetimes.longest),
            adopted: false,
            sessions_since,
            sign_in: String::new(),
        };
        Ok((info, identity))
    }
}
