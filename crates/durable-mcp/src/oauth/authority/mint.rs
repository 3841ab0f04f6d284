//! Exchanges an access token for another one that is good for less, RFC 8693.

use super::exchange::{Declined, SealedIdentity, Shape};
use super::issue::NewAccessToken;
use super::settings::MAX_ACCESS_TOKENS;
use super::{Authority, Issued, Mint, RETRY_AFTER_SECONDS, Refused, about, narrow};
use crate::formats::Format;
use crate::keys::Keys;
use crate::oauth::event::Event;
use crate::oauth::grant::{Grant, Live};
use crate::oauth::hooks::ExchangeKind;
use crate::oauth::record::{Access, RecordError};
use crate::oauth::token::{Kind, Presented, Token};

/// Refusal of an unusable subject token: an invalid request, by RFC 8693 section 2.2.2.
fn bad_subject() -> Refused {
    Refused::InvalidRequest("subject_token is unknown, expired, or another client's.".into())
}

impl Authority {
    pub(super) async fn mint(&self, mint: Mint) -> Result<Issued, Refused> {
        let (keys, Presented::Ours(token)) = self.read(&mint.token, Kind::Access).await? else {
            return Err(bad_subject());
        };
        let hash = token.hash();
        let live = self
            .living(&token, &hash, &mint.client_id)?
            .ok_or_else(bad_subject)?;
        let subject = self.subject(&keys, &token).await?;
        let shape = Shape {
            scopes: narrow::scopes(&subject.scopes, mint.scopes.as_ref())?,
            audience: narrow::audience(&subject.audience, &mint.resources, &live.facts.root)?,
        };
        let facts = live.facts;
        let inside = SealedIdentity {
            subject: subject.subject,
            props: subject.props,
        };
        let agreed = match self
            .consult(ExchangeKind::Token, &facts, inside, &shape)
            .await
        {
            Ok(agreed) => agreed,
            Err(Declined::Later) => {
                return Err(Refused::Unavailable {
                    retry_after: RETRY_AFTER_SECONDS,
                });
            }
            Err(declined) => return Err(self.declined(&facts, declined).await),
        };
        let left = subject.expires.saturating_sub(self.host.now() / 1000);
        let seconds = mint
            .seconds
            .unwrap_or(left)
            .min(agreed.access_seconds)
            .min(left);
        let made = self.make(&keys, &facts, agreed.inside, &shape, seconds);
        let NewAccessToken {
            access,
            put,
            issued,
            ..
        } = made.map_err(|fault| self.failed(&fault))?;
        let minted = put.key.clone();
        let Some(live) = self.living(&token, &hash, &mint.client_id)? else {
            return Err(bad_subject());
        };
        let room = live.room(self.host.now(), MAX_ACCESS_TOKENS);
        self.replace(&[put], &live.keys_of(&room)).await?;
        let Some(fresh) = self.living(&token, &hash, &mint.client_id)? else {
            self.undo(&facts, vec![minted]).await;
            return Err(bad_subject());
        };
        self.commit(
            &facts.id,
            Grant::Live(fresh.with_access(access, self.host.now(), &room)),
        )?;
        self.host.event(&Event::Minted(about(&facts)));
        Ok(issued)
    }

    /// The grant of an access token, if both live and are that client's.
    fn living(&self, token: &Token, hash: &str, client_id: &str) -> Result<Option<Live>, Refused> {
        let now = self.host.now();
        Ok(match self.row(&token.grant)? {
            Some(Grant::Live(live))
                if live.facts.client_id == client_id && live.has_access(hash, now) =>
            {
                Some(live)
            }
            _ => None,
        })
    }

    /// Loads the record of the `subject_token`.
    async fn subject(&self, keys: &Keys, token: &Token) -> Result<Access, Refused> {
        let record = Access::find(self.host.kv(), token)
            .await
            .map_err(|fault| self.failed(&fault))?;
        // The row says that it lives, so KV only does not show it yet.
        let record = record.ok_or(Refused::Unavailable {
            retry_after: RETRY_AFTER_SECONDS,
        })?;
        Access::read(&record, keys, token.text(), self.host.now() / 1000).map_err(|error| {
            match error {
                RecordError::Expired => bad_subject(),
                // The row says that the token lives, so its record is of another version rather than none.
                RecordError::UnknownKey(_) | RecordError::NotOne | RecordError::Unreadable => {
                    self.failed(&Format::AccessRecord.unreadable())
                }
            }
        })
    }
}
