//! Exchanges a code for tokens, once. A client that sends two requests at the same time gets the same tokens twice.

use std::time::Duration;

use durable_core::keys::Keys;
use durable_core::wire::RuntimeError;

use super::exchange::{ExchangeTerms, SealedIdentity, TokenScope};
use super::in_flight::RefreshResult;
use super::issue::{NewAccessToken, header};
use super::settings::{LOCK_MS, MAX_WRONG_VERIFIERS, after};
use super::{Authority, GrantRefusal, IssuedTokens, Redeem, grant_ref};
use crate::event::Event;
use crate::grant::{CurrentRefresh, Grant, GrantInfo, LiveGrant, PendingGrant};
use crate::hooks::{ExchangeKind, HOOK_MS};
use crate::secret::same;
use crate::token::{PresentedToken, Token, TokenKind};

/// Maximum wait for another redemption of the same code, in milliseconds. A client that is turned away tries again,
/// which ends the grant, so the wait covers the hook and what comes after it.
const REDEMPTION_MS: u32 = HOOK_MS + LOCK_MS;

/// Reason for which a code is not redeemed. Only a wrong verifier counts towards the limit of tries.
enum Mismatch {
    Verifier,
    Other(GrantRefusal),
}

impl From<GrantRefusal> for Mismatch {
    fn from(refused: GrantRefusal) -> Self {
        Self::Other(refused)
    }
}

fn bad_code() -> GrantRefusal {
    GrantRefusal::InvalidGrant("The code is unknown, used, expired, or another client's.".into())
}

impl Authority {
    pub(super) async fn redeem(&self, redeem: Redeem) -> Result<IssuedTokens, GrantRefusal> {
        let (keys, PresentedToken::Ours(code)) =
            self.verify_token(&redeem.code, TokenKind::Code).await?
        else {
            return Err(bad_code());
        };
        loop {
            let pending = match self.row(&code.grant)? {
                Some(Grant::Pending(pending)) => pending,
                Some(Grant::Live(live)) => return self.redeemed_again(&live, &code, &redeem).await,
                Some(Grant::Ending(ending)) if ending.client_id == redeem.client_id => {
                    self.finish(&code.grant).await?;
                    return Err(bad_code());
                }
                Some(Grant::Ending(_)) | None => return Err(bad_code()),
            };
            let token_scope = match self.check(&pending, &code, &redeem) {
                Ok(token_scope) => token_scope,
                Err(Mismatch::Verifier) => return Err(self.missed(pending).await),
                Err(Mismatch::Other(refused)) => return Err(refused),
            };
            match self.in_flight.start(&code.grant) {
                Ok(flight) => {
                    let answer = self.redeem_first(&keys, pending, &code, token_scope).await;
                    flight.resolve(&answer);
                    return answer;
                }
                // The answer of the redemption that is under way; it is another try if that one was given up.
                Err(other) => {
                    if let Some(answer) = self.wait_for(other, REDEMPTION_MS).await {
                        return self.shared(&pending.info, answer, &token_scope).await;
                    }
                }
            }
        }
    }

    /// Answers for a code that was redeemed before: with the same tokens if its client's other request was under way at the
    /// same time, and else by ending the grant.
    async fn redeemed_again(
        &self,
        live: &LiveGrant,
        code: &Token,
        redeem: &Redeem,
    ) -> RefreshResult {
        let info = &live.info;
        if let Some((pending, issued)) = self.redeemed.at(&code.hash(), redeem.received)
            && let Ok(token_scope) = self.check(&pending, code, redeem)
        {
            return self.shared(info, Ok(issued), &token_scope).await;
        }
        if live.began_with(&code.hash(), self.host.now()) && info.client_id == redeem.client_id {
            self.replayed(info).await?;
        }
        Err(bad_code())
    }

    /// Shares the answer with another request of the client, if that asks for the same scopes and resources.
    async fn shared(
        &self,
        info: &GrantInfo,
        answer: RefreshResult,
        token_scope: &TokenScope,
    ) -> RefreshResult {
        let issued = answer?;
        if issued.scopes != token_scope.scopes || issued.audience != token_scope.audience {
            self.replayed(info).await?;
            return Err(bad_code());
        }
        self.host.event(&Event::Repeated(grant_ref(info)));
        Ok(issued)
    }

    /// Checks client, redirect URI and PKCE, and narrows scopes and audience to those that are asked for.
    fn check(
        &self,
        pending: &PendingGrant,
        code: &Token,
        redeem: &Redeem,
    ) -> Result<TokenScope, Mismatch> {
        let info = &pending.info;
        let known = same(&pending.code, &code.hash()) && self.host.now() < pending.expires;
        if !known || info.client_id != redeem.client_id {
            return Err(bad_code().into());
        }
        if !pending.came_by(redeem.redirect_uri.as_deref()) {
            let reason = "redirect_uri is not the one that the code was sent to.";
            return Err(GrantRefusal::InvalidGrant(reason.into()).into());
        }
        match (&pending.challenge, redeem.verifier.as_deref()) {
            (Some(challenge), Some(verifier)) if !pending.fits(challenge, verifier) => {
                return Err(Mismatch::Verifier);
            }
            (Some(_), None) => {
                return Err(
                    GrantRefusal::InvalidRequest("code_verifier is missing.".into()).into(),
                );
            }
            (None, Some(_)) => {
                let reason =
                    "code_verifier was sent, but the authorization request had no code_challenge.";
                return Err(GrantRefusal::InvalidRequest(reason.into()).into());
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(TokenScope::narrowed(
            info,
            redeem.scopes.as_ref(),
            &redeem.resources,
        )?)
    }

    /// Counts a wrong verifier; at [`MAX_WRONG_VERIFIERS`] the grant ends.
    async fn missed(&self, pending: PendingGrant) -> GrantRefusal {
        let info = pending.info.clone();
        let pending = pending.missed();
        let kept = if pending.misses < MAX_WRONG_VERIFIERS {
            self.commit(&info.id, Grant::Pending(pending))
        } else {
            self.host.event(&Event::CodeBurnt(grant_ref(&info)));
            self.end(&info.id).await
        };
        kept.err().unwrap_or_else(|| {
            GrantRefusal::InvalidGrant("code_verifier does not fit the code_challenge.".into())
        })
    }

    /// Ends the grant of a code that was presented twice: at least one of the requests was not of the client that the
    /// code was sent to (RFC 6749 section 4.1.2).
    async fn replayed(&self, info: &GrantInfo) -> Result<(), GrantRefusal> {
        self.host.event(&Event::CodeReplayed(grant_ref(info)));
        self.end(&info.id).await
    }

    /// Redeems a code, and keeps the answer for redemptions that were sent at the same time.
    async fn redeem_first(
        &self,
        keys: &Keys,
        pending: PendingGrant,
        code: &Token,
        token_scope: TokenScope,
    ) -> RefreshResult {
        let answer = self
            .redeem_once(keys, pending.clone(), code, token_scope)
            .await;
        if let Ok(issued) = &answer {
            self.redeemed.put(pending, issued.clone(), self.host.now());
        }
        answer
    }

    async fn redeem_once(
        &self,
        keys: &Keys,
        pending: PendingGrant,
        code: &Token,
        token_scope: TokenScope,
    ) -> Result<IssuedTokens, GrantRefusal> {
        let sessions_since = self
            .sessions_since(&pending.info.client_id)
            .map_err(|fault| self.failed(&fault))?;
        let pending = pending.with_sessions_since(sessions_since);
        let info = pending.info;
        let identity = SealedIdentity::open(keys, code.text(), &info, &pending.sealed)
            .map_err(|fault| self.failed(&fault))?;
        let terms = self
            .consult(ExchangeKind::Code, &info, identity, &token_scope)
            .await?;
        let (new_token, refresh) = self
            .first(keys, &info, &terms, &token_scope)
            .map_err(|fault| self.failed(&fault))?;
        let header_expires = if refresh.is_some() {
            info.ends / 1000
        } else {
            new_token.access.expires
        };
        let puts = [new_token.put, header(&info, header_expires)];
        if let Err(refused) = self.replace(&puts, &[]).await {
            self.keep_props(keys, code.text(), &info, &terms);
            return Err(refused);
        }
        let Some(Grant::Pending(fresh)) = self.row(&info.id)? else {
            self.undo(&info, puts.map(|put| put.key).to_vec()).await;
            return Err(bad_code());
        };
        let fresh = fresh.with_sessions_since(sessions_since);
        let live = fresh.redeemed(self.host.now(), new_token.access, refresh, header_expires);
        self.commit(&info.id, Grant::Live(live))?;
        self.host.event(&Event::Issued(grant_ref(&info)));
        Ok(new_token.issued)
    }

    /// The first tokens of a grant, with a refresh token if its client gets those.
    fn first(
        &self,
        keys: &Keys,
        info: &GrantInfo,
        terms: &ExchangeTerms,
        token_scope: &TokenScope,
    ) -> Result<(NewAccessToken, Option<CurrentRefresh>), RuntimeError> {
        let mut new_token = self.new_access_token(
            keys,
            info,
            terms.identity.clone(),
            token_scope,
            terms.access_seconds,
        )?;
        if !info.refreshable {
            return Ok((new_token, None));
        }
        let token = self.new_token(TokenKind::Refresh, keys, info)?;
        let sealed = self.seal(keys, token.text(), info, &terms.identity)?;
        let expires = self.refresh_expires(info, terms.refresh_lifetime);
        let current = CurrentRefresh {
            generation: 0,
            hash: token.hash(),
            expires,
            sealed,
        };
        new_token.issued.refresh_token = Some(token.text().to_owned());
        Ok((new_token, Some(current)))
    }

    /// Expiry of a new refresh token that is not used, in milliseconds since 1970: the end of its grant at the latest.
    pub(super) fn refresh_expires(&self, info: &GrantInfo, lifetime: Duration) -> u64 {
        after(self.host.now(), lifetime).min(info.ends)
    }

    /// Keeps the props that the hook returned although issuing failed: an upstream token in them may be the only valid
    /// one. They are sealed under the code or refresh token that was presented.
    pub(super) fn keep_props(
        &self,
        keys: &Keys,
        presented: &str,
        info: &GrantInfo,
        terms: &ExchangeTerms,
    ) {
        if !terms.changed {
            return;
        }
        let Ok(sealed) = self.seal(keys, presented, info, &terms.identity) else {
            return;
        };
        let resealed = match self.row(&info.id) {
            Ok(Some(Grant::Pending(pending))) => Grant::Pending(pending.resealed(sealed)),
            Ok(Some(Grant::Live(live))) => Grant::Live(live.resealed(sealed)),
            _ => return,
        };
        // A failure even here is logged, and the next exchange has the old props.
        let _ = self.commit(&info.id, resealed);
    }
}
