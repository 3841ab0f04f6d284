//! Issues access tokens, for users and for clients themselves.

use futures_util::future::{join, join_all};
use serde_json::json;

use super::exchange::{Declined, SealedIdentity, Shape};
use super::settings::after;
use super::{Authority, Issue, Issued, RETRY_AFTER_SECONDS, Refused, about};
use crate::keys::Keys;
use crate::oauth::event::Event;
use crate::oauth::grant::{Grant, GrantInfo, Legacy, Live, LiveAccess, header_key};
use crate::oauth::hooks::ExchangeKind;
use crate::oauth::record::{self, Access};
use crate::oauth::session_note::{SessionNotes, TaskNotes};
use crate::oauth::token::{GrantId, Kind, Token};
use crate::wire::RuntimeError;

/// Workers KV takes no record that expires sooner, and its clock is not ours. What a record says of its own expiry
/// counts.
const LEAST_SECONDS: u64 = 65;

/// A record for KV.
pub(super) struct KvPut {
    pub(super) key: String,
    pub(super) value: String,
    /// Expiry of the record, in seconds since 1970.
    pub(super) expires: u64,
    pub(super) beside: Option<String>,
}

/// A new access token, not yet written or sent.
pub(super) struct NewAccessToken {
    pub(super) token: Token,
    pub(super) access: LiveAccess,
    pub(super) put: KvPut,
    pub(super) issued: Issued,
}

/// Header of a grant, by which administrators find it in KV. The record is plain JSON: user id and props are not in it.
pub(super) fn header(facts: &GrantInfo, expires: u64) -> KvPut {
    let value = json!({
        "v": 1,
        "clientId": facts.client_id,
        "scope": facts.scopes,
        "resource": facts.audience,
        "createdAt": facts.created / 1000,
        "expiresAt": expires,
    });
    let key = header_key(&facts.handle, &facts.id);
    KvPut {
        key,
        value: value.to_string(),
        expires,
        beside: Some(facts.client_id.clone()),
    }
}

impl Authority {
    /// Makes an access token that expires with its grant at the latest.
    pub(super) fn make(
        &self,
        keys: &Keys,
        facts: &GrantInfo,
        inside: SealedIdentity,
        shape: &Shape,
        seconds: u64,
    ) -> Result<NewAccessToken, RuntimeError> {
        let token = Token::issue(
            Kind::Access,
            &facts.handle,
            &facts.id,
            keys,
            self.host.random(),
        )?;
        let (hash, now) = (token.hash(), self.host.now() / 1000);
        let expires = now.saturating_add(seconds).min(facts.ends / 1000);
        let access = Access {
            subject: inside.subject,
            grant: facts.id.as_str().to_owned(),
            client_id: facts.client_id.clone(),
            scopes: shape.scopes.clone(),
            audience: shape.audience.clone(),
            issued: now,
            expires,
            sessions_since: facts.sessions_since,
            props: inside.props,
        };
        let value = access.write(keys, &token, self.host.random())?;
        let key = record::key(facts.handle.as_str(), facts.id.as_str(), &hash);
        let issued = Issued {
            access_token: token.text().to_owned(),
            refresh_token: None,
            expires_in: expires.saturating_sub(now),
            scopes: access.scopes,
            audience: access.audience,
            grant: access.grant,
        };
        let put = KvPut {
            key,
            value,
            expires,
            beside: None,
        };
        Ok(NewAccessToken {
            token,
            access: LiveAccess {
                hash,
                expires,
                own: true,
            },
            put,
            issued,
        })
    }

    /// Writes new records to KV and deletes superseded ones before the row is committed. Records of a grant are deleted
    /// last, when all else has worked, so that a retry still finds the grant.
    pub(super) async fn replace(&self, puts: &[KvPut], gone: &[String]) -> Result<(), Refused> {
        let (kv, least) = (self.host.kv(), self.host.now() / 1000 + LEAST_SECONDS);
        let putting = join_all(puts.iter().map(|put| {
            let expires = put.expires.max(least);
            kv.put(&put.key, &put.value, expires, put.beside.as_deref())
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

    /// Refusal of an exchange that the hook declined; ends the grant if the hook ended it.
    pub(super) async fn declined(&self, facts: &GrantInfo, declined: Declined) -> Refused {
        match declined {
            Declined::Later => Refused::Unavailable {
                retry_after: RETRY_AFTER_SECONDS,
            },
            Declined::Ended => {
                self.host.event(&Event::EndedByHook(about(facts)));
                match self.end(&facts.id).await {
                    Ok(()) => Refused::InvalidGrant(
                        "The grant has ended. Ask for authorization again.".into(),
                    ),
                    Err(refused) => refused,
                }
            }
        }
    }

    /// Issues an access token for the client itself, RFC 6749 section 4.4.
    pub(super) async fn issue(&self, issue: Issue) -> Result<Issued, Refused> {
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        let id = GrantId::random(self.host.random()).map_err(|fault| self.failed(&fault))?;
        let now = self.host.now();
        let sessions_since = self
            .sessions_since(&issue.client_id)
            .map_err(|fault| self.failed(&fault))?;
        let facts = GrantInfo {
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
        let inside = SealedIdentity {
            subject: facts.client_id.clone(),
            props: issue.props,
        };
        let shape = Shape {
            scopes: facts.scopes.clone(),
            audience: facts.audience.clone(),
        };
        let agreed = match self
            .consult(ExchangeKind::Client, &facts, inside, &shape)
            .await
        {
            Ok(agreed) => agreed,
            Err(declined) => return Err(self.declined(&facts, declined).await),
        };
        let made = self.make(&keys, &facts, agreed.inside, &shape, agreed.access_seconds);
        let NewAccessToken {
            access,
            put,
            issued,
            ..
        } = made.map_err(|fault| self.failed(&fault))?;
        self.replace(&[put], &[]).await?;
        self.make_place(&facts.client_id)
            .map_err(|fault| self.failed(&fault))?;
        let live = Live {
            used: now,
            code: None,
            refresh: None,
            previous: None,
            access: vec![access],
            header_expires: 0,
            own_header: false,
            legacy: Legacy::default(),
            sessions: SessionNotes::default(),
            tasks: TaskNotes::default(),
            facts: facts.clone(),
        };
        self.commit(&facts.id, Grant::Live(live))?;
        self.host.event(&Event::Issued(about(&facts)));
        Ok(issued)
    }
}
