//! Exchanges a refresh token for the next pair, once; a client that missed the answer gets the same pair again.

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::seal;
use durable_core::wire::{RuntimeError, read_json};
use futures_channel::oneshot::Receiver;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};

use super::exchange::{ExchangeTerms, SealedIdentity, TokenScope};
use super::in_flight::RefreshResult;
use super::issue::{self, NewAccessToken};
use super::settings::{LOCK_MS, MAX_ACCESS_TOKENS, after};
use super::{Authority, GrantRefusal, IssuedTokens, RETRY_AFTER_SECONDS, Refresh, grant_ref};
use crate::event::Event;
use crate::grant::{Grant, GrantInfo, LiveGrant, NextRefresh, RefreshStatus};
use crate::hooks::ExchangeKind;
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::token::{GrantId, PresentedToken, TokenKind};

/// The answer to a refresh, as the holder of the token that was presented can read it again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenPair {
    access: String,
    refresh: String,
    /// Expiry of the access token, in seconds since 1970.
    expires: u64,
    scopes: Scopes,
    audience: Vec<Resource>,
}

/// A refresh token that was presented.
pub(super) struct PresentedRefreshToken {
    pub(super) text: String,
    hash: String,
    grant: GrantId,
    /// True if the token is of this server's format, whose MAC proves that it was issued here.
    ours: bool,
}

fn bad_token() -> GrantRefusal {
    GrantRefusal::InvalidGrant(
        "The refresh token is unknown, used, expired, or another client's.".into(),
    )
}

fn header(info: &GrantInfo) -> String {
    [
        "pair",
        info.handle.as_str(),
        info.id.as_str(),
        &info.client_id,
    ]
    .join(":")
}

impl PresentedRefreshToken {
    fn new(presented: &PresentedToken, text: String) -> Option<Self> {
        match presented {
            PresentedToken::Ours(token) => Some(Self {
                text,
                hash: token.hash(),
                grant: token.grant.clone(),
                ours: true,
            }),
            PresentedToken::Legacy(token) => Some(Self {
                text,
                hash: token.hash(),
                grant: GrantId::parse(&token.grant)?,
                ours: false,
            }),
            PresentedToken::UnknownKey(_) | PresentedToken::Unknown => None,
        }
    }
}

impl Authority {
    pub(super) async fn refresh(&self, refresh: Refresh) -> Result<IssuedTokens, GrantRefusal> {
        let (keys, presented) = self
            .verify_token(&refresh.token, TokenKind::Refresh)
            .await?;
        let presented =
            PresentedRefreshToken::new(&presented, refresh.token).ok_or_else(bad_token)?;
        loop {
            let live = match self.row(&presented.grant)? {
                Some(Grant::Live(live)) if live.info.client_id == refresh.client_id => live,
                Some(Grant::Ending(ending)) if ending.client_id == refresh.client_id => {
                    self.finish(&presented.grant).await?;
                    return Err(bad_token());
                }
                _ => return Err(bad_token()),
            };
            let refresh_status =
                live.refresh_status(&presented.hash, self.host.now(), self.lifetimes.grace_uses);
            if refresh_status == RefreshStatus::Stale {
                return Err(self.stale(&live, &presented).await);
            }
            let token_scope =
                TokenScope::narrowed(&live.info, refresh.scopes.as_ref(), &refresh.resources)?;
            if refresh_status == RefreshStatus::Repeat {
                return self.repeat(&keys, live, &presented);
            }
            match self.in_flight.start(&presented.grant) {
                Ok(flight) => {
                    let answer = self.rotate(&keys, live, &presented, token_scope).await;
                    flight.resolve(&answer);
                    return answer;
                }
                Err(other) => {
                    if let Some(answer) = self.wait_for(other, LOCK_MS).await {
                        return answer;
                    }
                }
            }
        }
    }

    /// Waits up to `ms` for the answer of the transition that is under way; `None` if it was dropped. The timer is
    /// needed in any case: the runtime cancels a request that waits for no time and no I/O of its own.
    pub(super) async fn wait_for(
        &self,
        other: Receiver<RefreshResult>,
        ms: u32,
    ) -> Option<RefreshResult> {
        match select(other, self.host.sleep(ms)).await {
            Either::Left((answer, _)) => answer.ok(),
            Either::Right(_) => Some(Err(GrantRefusal::Unavailable {
                retry_after: RETRY_AFTER_SECONDS,
            })),
        }
    }

    /// Gives the same pair again for a token that was exchanged a moment ago: the answer was lost, or two asked at
    /// once.
    fn repeat(
        &self,
        keys: &Keys,
        live: LiveGrant,
        presented: &PresentedRefreshToken,
    ) -> Result<IssuedTokens, GrantRefusal> {
        let sealed = live
            .previous
            .as_ref()
            .map(|previous| previous.pair.as_str())
            .unwrap_or_default();
        let plain = seal::open(keys, &presented.text, header(&live.info).as_bytes(), sealed);
        let pair: Option<TokenPair> = plain.and_then(|plain| read_json(&plain));
        let pair = pair.ok_or_else(|| self.failed(&Format::SealedForToken.unreadable()))?;
        let info = live.info.clone();
        self.commit(&info.id, Grant::Live(live.repeated()))?;
        self.host.event(&Event::Repeated(grant_ref(&info)));
        Ok(IssuedTokens {
            access_token: pair.access,
            refresh_token: Some(pair.refresh),
            expires_in: pair.expires.saturating_sub(self.host.now() / 1000),
            scopes: pair.scopes,
            audience: pair.audience,
            grant: info.id.as_str().to_owned(),
        })
    }

    /// Refuses an old token. If its client keeps no secret, the grant ends too: the sender may be a thief, RFC 9700
    /// section 4.14.2. A token that only looks like one of workers-oauth-provider's proves nothing.
    async fn stale(&self, live: &LiveGrant, presented: &PresentedRefreshToken) -> GrantRefusal {
        let expired = live
            .refresh
            .as_ref()
            .is_some_and(|current| current.hash == presented.hash);
        if !presented.ours || !live.info.public || expired || live.refresh.is_none() {
            return bad_token();
        }
        self.host.event(&Event::Reused(grant_ref(&live.info)));
        self.end(&presented.grant)
            .await
            .err()
            .unwrap_or_else(bad_token)
    }

    async fn rotate(
        &self,
        keys: &Keys,
        live: LiveGrant,
        presented: &PresentedRefreshToken,
        token_scope: TokenScope,
    ) -> RefreshResult {
        let info = live.info.clone();
        let identity = SealedIdentity::open(keys, &presented.text, &info, live.sealed())
            .map_err(|fault| self.failed(&fault))?;
        let terms = self
            .consult(ExchangeKind::Refresh, &info, identity, &token_scope)
            .await?;
        let (new_token, next) = self
            .next(keys, &info, presented, &terms, &token_scope)
            .map_err(|fault| self.failed(&fault))?;
        let evictions = live.evictions(self.host.now(), MAX_ACCESS_TOKENS);
        let header = evictions
            .legacy
            .is_some()
            .then(|| issue::header(&info, info.ends / 1000));
        let header_expires = header.as_ref().map(|header| header.expires);
        let puts: Vec<_> = [new_token.put].into_iter().chain(header).collect();
        if let Err(refused) = self.replace(&puts, &live.keys_of(&evictions)).await {
            self.keep_props(keys, &presented.text, &info, &terms);
            return Err(refused);
        }
        let Some(Grant::Live(fresh)) = self.row(&info.id)? else {
            self.undo(&info, puts.into_iter().map(|put| put.key).collect())
                .await;
            return Err(bad_token());
        };
        let fresh = fresh.with_header(header_expires);
        let rotated = fresh.rotated(next, new_token.access, self.host.now(), &evictions);
        self.commit(&info.id, Grant::Live(rotated))?;
        self.host.event(&Event::Refreshed(grant_ref(&info)));
        Ok(new_token.issued)
    }

    fn next(
        &self,
        keys: &Keys,
        info: &GrantInfo,
        presented: &PresentedRefreshToken,
        terms: &ExchangeTerms,
        token_scope: &TokenScope,
    ) -> Result<(NewAccessToken, NextRefresh), RuntimeError> {
        let mut new_token = self.new_access_token(
            keys,
            info,
            terms.identity.clone(),
            token_scope,
            terms.access_seconds,
        )?;
        let token = self.new_token(TokenKind::Refresh, keys, info)?;
        new_token.issued.refresh_token = Some(token.text().to_owned());
        let pair = TokenPair {
            access: new_token.token.text().to_owned(),
            refresh: token.text().to_owned(),
            expires: new_token.access.expires,
            scopes: token_scope.scopes.clone(),
            audience: token_scope.audience.clone(),
        };
        let next = NextRefresh {
            hash: token.hash(),
            expires: self.refresh_expires(info, terms.refresh_lifetime),
            pair: self.seal_pair(keys, &presented.text, info, &pair)?,
            sealed: self.seal(keys, token.text(), info, &terms.identity)?,
            grace_until: after(self.host.now(), self.lifetimes.grace),
        };
        Ok((new_token, next))
    }

    /// Seals the next pair for the holder of the refresh token that was presented.
    fn seal_pair(
        &self,
        keys: &Keys,
        presented: &str,
        info: &GrantInfo,
        pair: &TokenPair,
    ) -> Result<String, RuntimeError> {
        let plain = serde_json::to_vec(pair).map_err(|error| RuntimeError(error.to_string()))?;
        seal::seal(
            keys,
            presented,
            header(info).as_bytes(),
            &plain,
            self.host.random(),
        )
    }
}
