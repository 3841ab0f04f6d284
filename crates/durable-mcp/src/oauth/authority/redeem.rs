//! Exchanges a code for tokens, once. A client that sends two requests at the same time gets the same tokens twice.

use super::exchange::{Agreed, SealedIdentity, Shape};
use super::in_flight::Answer;
use super::issue::{NewAccessToken, header};
use super::settings::{LOCK_MS, MAX_WRONG_VERIFIERS, after};
use super::{Authority, Issued, Redeem, Refused, about, narrow};
use crate::keys::Keys;
use crate::oauth::event::Event;
use crate::oauth::grant::{Current, Grant, GrantInfo, Live, Pending};
use crate::oauth::hooks::{ExchangeKind, HOOK_MS};
use crate::oauth::secret::same;
use crate::oauth::token::{Kind, Presented, Token};
use crate::wire::RuntimeError;

/// Maximum wait for another redemption of the same code, in milliseconds. A client that is turned away tries again,
/// which ends the grant, so the wait covers the hook and what comes after it.
const REDEMPTION_MS: u32 = HOOK_MS + LOCK_MS;

/// Reason for which a code is not redeemed. Only a wrong verifier counts towards the limit of tries.
enum Mismatch {
    Verifier,
    Other(Refused),
}

impl From<Refused> for Mismatch {
    fn from(refused: Refused) -> Self {
        Self::Other(refused)
    }
}

fn bad_code() -> Refused {
    Refused::InvalidGrant("The code is unknown, used, expired, or another client's.".into())
}

impl Authority {
    pub(super) async fn redeem(&self, redeem: Redeem) -> Result<Issued, Refused> {
        let (keys, Presented::Ours(code)) = self.read(&redeem.code, Kind::Code).await? else {
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
            let shape = match self.check(&pending, &code, &redeem) {
                Ok(shape) => shape,
                Err(Mismatch::Verifier) => return Err(self.missed(pending).await),
                Err(Mismatch::Other(refused)) => return Err(refused),
            };
            match self.flights.begin(&code.grant) {
                Ok(flight) => {
                    let answer = self.redeem_once(&keys, pending.clone(), &code, shape).await;
                    if let Ok(issued) = &answer {
                        self.redeemed.put(pending, issued.clone(), self.host.now());
                    }
                    flight.land(&answer);
                    return answer;
                }
                // The answer of the redemption that is under way; it is another try if that one was given up.
                Err(other) => {
                    if let Some(answer) = self.wait_for(other, REDEMPTION_MS).await {
                        return self.shared(&pending.facts, answer, &shape).await;
                    }
                }
            }
        }
    }

    /// Answers for a code that was redeemed before: with the same tokens if its client's other request was under way at the
    /// same time, and else by ending the grant.
    async fn redeemed_again(&self, live: &Live, code: &Token, redeem: &Redeem) -> Answer {
        let facts = &live.facts;
        if let Some((pending, issued)) = self.redeemed.at(&code.hash(), redeem.received)
            && let Ok(shape) = self.check(&pending, code, redeem)
        {
            return self.shared(facts, Ok(issued), &shape).await;
        }
        if live.began_with(&code.hash(), self.host.now()) && facts.client_id == redeem.client_id {
            self.replayed(facts).await?;
        }
        Err(bad_code())
    }

    /// Shares the answer with another request of the client, if that asks for the same scopes and resources.
    async fn shared(&self, facts: &GrantInfo, answer: Answer, shape: &Shape) -> Answer {
        let issued = answer?;
        if issued.scopes != shape.scopes || issued.audience != shape.audience {
            self.replayed(facts).await?;
            return Err(bad_code());
        }
        self.host.event(&Event::Repeated(about(facts)));
        Ok(issued)
    }

    /// Checks client, redirect URI and PKCE, and narrows scopes and audience to those that are asked for.
    fn check(&self, pending: &Pending, code: &Token, redeem: &Redeem) -> Result<Shape, Mismatch> {
        let facts = &pending.facts;
        let known = same(&pending.code, &code.hash()) && self.host.now() < pending.expires;
        if !known || facts.client_id != redeem.client_id {
            return Err(bad_code().into());
        }
        if !pending.came_by(redeem.redirect_uri.as_deref()) {
            let reason = "redirect_uri is not the one that the code was sent to.";
            return Err(Refused::InvalidGrant(reason.into()).into());
        }
        match (&pending.challenge, redeem.verifier.as_deref()) {
            (Some(challenge), Some(verifier)) if !pending.fits(challenge, verifier) => {
                return Err(Mismatch::Verifier);
            }
            (Some(_), None) => {
                return Err(Refused::InvalidRequest("code_verifier is missing.".into()).into());
            }
            (None, Some(_)) => {
                let reason =
                    "code_verifier was sent, but the authorization request had no code_challenge.";
                return Err(Refused::InvalidRequest(reason.into()).into());
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(Shape {
            scopes: narrow::scopes(&facts.scopes, redeem.scopes.as_ref())?,
            audience: narrow::audience(&facts.audience, &redeem.resources, &facts.root)?,
        })
    }

    /// Counts a wrong verifier; at [`MAX_WRONG_VERIFIERS`] the grant ends.
    async fn missed(&self, pending: Pending) -> Refused {
        let facts = pending.facts.clone();
        let pending = pending.missed();
        let kept = if pending.misses < MAX_WRONG_VERIFIERS {
            self.commit(&facts.id, Grant::Pending(pending))
        } else {
            self.host.event(&Event::CodeBurnt(about(&facts)));
            self.end(&facts.id).await
        };
        kept.err().unwrap_or_else(|| {
            Refused::InvalidGrant("code_verifier does not fit the code_challenge.".into())
        })
    }

    /// Ends the grant of a code that was presented twice: at least one of the requests was not of the client that the
    /// code was sent to (RFC 6749 section 4.1.2).
    async fn replayed(&self, facts: &GrantInfo) -> Result<(), Refused> {
        self.host.event(&Event::CodeReplayed(about(facts)));
        self.end(&facts.id).await
    }

    async fn redeem_once(
        &self,
        keys: &Keys,
        pending: Pending,
        code: &Token,
        shape: Shape,
    ) -> Result<Issued, Refused> {
        let sessions_since = self
            .sessions_since(&pending.facts.client_id)
            .map_err(|fault| self.failed(&fault))?;
        let facts = GrantInfo {
            sessions_since,
            ..pending.facts
        };
        let inside = SealedIdentity::open(keys, code.text(), &facts, &pending.sealed)
            .map_err(|fault| self.failed(&fault))?;
        let agreed = match self
            .consult(ExchangeKind::Code, &facts, inside, &shape)
            .await
        {
            Ok(agreed) => agreed,
            Err(declined) => return Err(self.declined(&facts, declined).await),
        };
        let first = self
            .first(keys, &facts, &agreed, &shape)
            .map_err(|fault| self.failed(&fault))?;
        let (
            NewAccessToken {
                access,
                put,
                mut issued,
                ..
            },
            refresh,
        ) = first;
        let refresh = refresh.map(|(text, current)| {
            issued.refresh_token = Some(text);
            current
        });
        let header_expires = if refresh.is_some() {
            facts.ends / 1000
        } else {
            access.expires
        };
        let puts = [put, header(&facts, header_expires)];
        if let Err(refused) = self.replace(&puts, &[]).await {
            self.keep_props(keys, code.text(), &facts, &agreed);
            return Err(refused);
        }
        let Some(Grant::Pending(fresh)) = self.row(&facts.id)? else {
            self.undo(&facts, puts.map(|put| put.key).to_vec()).await;
            return Err(bad_code());
        };
        let fresh = fresh.with_sessions_since(sessions_since);
        let live = fresh.redeemed(self.host.now(), access, refresh, header_expires);
        self.commit(&facts.id, Grant::Live(live))?;
        self.host.event(&Event::Issued(about(&facts)));
        Ok(issued)
    }

    fn first(
        &self,
        keys: &Keys,
        facts: &GrantInfo,
        agreed: &Agreed,
        shape: &Shape,
    ) -> Result<(NewAccessToken, Option<(String, Current)>), RuntimeError> {
        let made = self.make(
            keys,
            facts,
            agreed.inside.clone(),
            shape,
            agreed.access_seconds,
        )?;
        if !facts.refreshable {
            return Ok((made, None));
        }
        let token = Token::issue(
            Kind::Refresh,
            &facts.handle,
            &facts.id,
            keys,
            self.host.random(),
        )?;
        let sealed = self.seal(keys, token.text(), facts, &agreed.inside)?;
        let expires = self.refresh_expires(facts, agreed.refresh_seconds);
        let current = Current {
            generation: 0,
            hash: token.hash(),
            expires,
            sealed,
        };
        Ok((made, Some((token.text().to_owned(), current))))
    }

    /// Expiry of a new refresh token that is not used, in milliseconds since 1970: the end of its grant at the latest.
    pub(super) fn refresh_expires(&self, facts: &GrantInfo, seconds: u64) -> u64 {
        after(self.host.now(), seconds).min(facts.ends)
    }

    /// Keeps the props that the hook returned although issuing failed: an upstream token in them may be the only valid
    /// one. They are sealed under the code or refresh token that was presented.
    pub(super) fn keep_props(
        &self,
        keys: &Keys,
        presented: &str,
        facts: &GrantInfo,
        agreed: &Agreed,
    ) {
        if !agreed.changed {
            return;
        }
        let Ok(sealed) = self.seal(keys, presented, facts, &agreed.inside) else {
            return;
        };
        let resealed = match self.row(&facts.id) {
            Ok(Some(Grant::Pending(pending))) => Grant::Pending(pending.resealed(sealed)),
            Ok(Some(Grant::Live(live))) => Grant::Live(live.resealed(sealed)),
            _ => return,
        };
        // Where even that fails the log says so, and the next exchange has the old props.
        let _ = self.commit(&facts.id, resealed);
    }
}
