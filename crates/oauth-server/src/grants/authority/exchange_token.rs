//! Exchanges an access token for another one that is good for less, RFC 8693.

use durable_core::formats::Format;
use durable_core::keys::Keys;

use super::exchange::{SealedIdentity, TokenScope};
use super::issue::NewAccessToken;
use super::settings::MAX_ACCESS_TOKENS;
use super::{
    Authority, ExchangeToken, GrantRefusal, IssuedTokens, RETRY_AFTER_SECONDS, grant_ref, narrow,
};
use crate::event::Event;
use crate::grant::{Grant, GrantInfo, LiveGrant};
use crate::hooks::ExchangeKind;
use crate::record::{AccessRecord, RecordError};
use crate::token::{PresentedToken, Token, TokenKind};

/// Refusal of an unusable subject token: an invalid request, by RFC 8693 section 2.2.2.
fn bad_subject() -> GrantRefusal {
    GrantRefusal::InvalidRequest("subject_token is unknown, expired, or another client's.".into())
}

impl Authority {
    pub(super) async fn exchange_token(
        &self,
        mint: ExchangeToken,
    ) -> Result<IssuedTokens, GrantRefusal> {
        let (keys, PresentedToken::Ours(token)) =
            self.verify_token(&mint.token, TokenKind::Access).await?
        else {
            return Err(bad_subject());
        };
        let hash = token.hash();
        let live = self
            .living(&token, &hash, &mint.client_id)?
            .ok_or_else(bad_subject)?;
        let subject = self.subject(&keys, &token).await?;
        let token_scope = TokenScope {
            scopes: narrow::scopes(&subject.scopes, mint.scopes.as_ref())?,
            audience: narrow::audience(&subject.audience, &mint.resources, &live.info.root)?,
        };
        let info = live.info;
        let new_token = self
            .minted(&keys, &info, subject, &token_scope, mint.seconds)
            .await?;
        let minted = new_token.put.key.clone();
        let Some(live) = self.living(&token, &hash, &mint.client_id)? else {
            return Err(bad_subject());
        };
        let evictions = live.evictions(self.host.now(), MAX_ACCESS_TOKENS);
        self.replace(&[new_token.put], &live.keys_of(&evictions))
            .await?;
        let Some(fresh) = self.living(&token, &hash, &mint.client_id)? else {
            self.undo(&info, vec![minted]).await;
            return Err(bad_subject());
        };
        let fresh = fresh.with_access(new_token.access, self.host.now(), &evictions);
        self.commit(&info.id, Grant::Live(fresh))?;
        self.host.event(&Event::Minted(grant_ref(&info)));
        Ok(new_token.issued)
    }

    /// A new access token, which expires with the subject token at the latest.
    async fn minted(
        &self,
        keys: &Keys,
        info: &GrantInfo,
        subject: AccessRecord,
        token_scope: &TokenScope,
        seconds: Option<u64>,
    ) -> Result<NewAccessToken, GrantRefusal> {
        let identity = SealedIdentity {
            subject: subject.subject,
            props: subject.props,
        };
        let terms = self
            .consult(ExchangeKind::Token, info, identity, token_scope)
            .await?;
        let left = subject.expires.saturating_sub(self.host.now() / 1000);
        let seconds = seconds.unwrap_or(left).min(terms.access_seconds).min(left);
        self.new_access_token(keys, info, terms.identity, token_scope, seconds)
            .map_err(|fault| self.failed(&fault))
    }

    /// The grant of an access token, if both live and are that client's.
    fn living(
        &self,
        token: &Token,
        hash: &str,
        client_id: &str,
    ) -> Result<Option<LiveGrant>, GrantRefusal> {
        let now = self.host.now();
        Ok(match self.row(&token.grant)? {
            Some(Grant::Live(live))
                if live.info.client_id == client_id && live.has_access(hash, now) =>
            {
                Some(live)
            }
            _ => None,
        })
    }

    /// Loads the record of the `subject_token`.
    async fn subject(&self, keys: &Keys, token: &Token) -> Result<AccessRecord, GrantRefusal> {
        let record = AccessRecord::find(self.host.kv(), token)
            .await
            .map_err(|fault| self.failed(&fault))?;
        // The row says that it lives, so KV only does not show it yet.
        let record = record.ok_or(GrantRefusal::Unavailable {
            retry_after: RETRY_AFTER_SECONDS,
        })?;
        AccessRecord::from_json(&record, keys, token.text(), self.host.now() / 1000).map_err(
            |error| {
                match error {
                    RecordError::Expired => bad_subject(),
                    // The row says that the token lives, so its record is of another version rather than none.
                    RecordError::UnknownKey(_) | RecordError::NotOne | RecordError::Unreadable => {
                        self.failed(&Format::AccessRecord.unreadable())
                    }
                }
            },
        )
    }
}
