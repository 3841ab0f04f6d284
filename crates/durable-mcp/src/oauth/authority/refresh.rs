//! Exchanges a refresh token for the next pair, once; a client that missed the answer gets the same pair again.

use futures_channel::oneshot::Receiver;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};

use super::exchange::{Agreed, SealedIdentity, Shape};
use super::in_flight::Answer;
use super::issue::{self, NewAccessToken};
use super::settings::{LOCK_MS, MAX_ACCESS_TOKENS, after};
use super::{Authority, Issued, RETRY_AFTER_SECONDS, Refresh, Refused, about, narrow};
use crate::formats::Format;
use crate::keys::Keys;
use crate::oauth::event::Event;
use crate::oauth::grant::{Grant, GrantInfo, Live, Next, RefreshStatus};
use crate::oauth::hooks::ExchangeKind;
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;
use crate::oauth::token::{GrantId, Kind, Presented, Token};
use crate::seal;
use crate::wire::{RuntimeError, read_json};

/// The answer to a refresh, as the holder of the token that was presented can read it again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    access: String,
    refresh: String,
    /// Expiry of the access token, in seconds since 1970.
    expires: u64,
    scopes: Scopes,
    audience: Vec<Resource>,
}

/// A refresh token that was presented.
pub(super) struct Shown {
    pub(super) text: String,
    hash: String,
    grant: GrantId,
    /// True if the token is of this server's format, whose MAC proves that it was issued here.
    ours: bool,
}

fn bad_token() -> Refused {
    Refused::InvalidGrant(
        "The refresh token is unknown, used, expired, or another client's.".into(),
    )
}

fn header(facts: &GrantInfo) -> String {
    [
        "pair",
        facts.handle.as_str(),
        facts.id.as_str(),
        &facts.client_id,
    ]
    .join(":")
}

impl Shown {
    fn new(presented: &Presented, text: String) -> Option<Self> {
        match presented {
            Presented::Ours(token) => Some(Self {
                text,
                hash: token.hash(),
                grant: token.grant.clone(),
                ours: true,
            }),
            Presented::Legacy(token) => Some(Self {
                text,
                hash: token.hash(),
                grant: GrantId::parse(&token.grant)?,
                ours: false,
            }),
            Presented::UnknownKey(_) | Presented::Unknown => None,
        }
    }
}

impl Authority {
    pub(super) async fn refresh(&self, refresh: Refresh) -> Result<Issued, Refused> {
        let (keys, presented) = self.read(&refresh.token, Kind::Refresh).await?;
        let shown = Shown::new(&presented, refresh.token).ok_or_else(bad_token)?;
        loop {
            let live = match self.row(&shown.grant)? {
                Some(Grant::Live(live)) if live.facts.client_id == refresh.client_id => live,
                Some(Grant::Ending(ending)) if ending.client_id == refresh.client_id => {
                    self.finish(&shown.grant).await?;
                    return Err(bad_token());
                }
                _ => return Err(bad_token()),
            };
            let standing = live.standing(&shown.hash, self.host.now(), self.lifetimes.grace_uses);
            if standing == RefreshStatus::Stale {
                return Err(self.stale(&live, &shown).await);
            }
            let shape = Shape {
                scopes: narrow::scopes(&live.facts.scopes, refresh.scopes.as_ref())?,
                audience: narrow::audience(
                    &live.facts.audience,
                    &refresh.resources,
                    &live.facts.root,
                )?,
            };
            if standing == RefreshStatus::Repeat {
                return self.repeat(&keys, live, &shown);
            }
            match self.flights.begin(&shown.grant) {
                Ok(flight) => {
                    let answer = self.rotate(&keys, live, &shown, shape).await;
                    flight.land(&answer);
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
    pub(super) async fn wait_for(&self, other: Receiver<Answer>, ms: u32) -> Option<Answer> {
        match select(other, self.host.sleep(ms)).await {
            Either::Left((answer, _)) => answer.ok(),
            Either::Right(_) => Some(Err(Refused::Unavailable {
                retry_after: RETRY_AFTER_SECONDS,
            })),
        }
    }

    /// Gives the same pair again for a token that was exchanged a moment ago: the answer was lost, or two asked at
    /// once.
    fn repeat(&self, keys: &Keys, live: Live, shown: &Shown) -> Result<Issued, Refused> {
        let sealed = live
            .previous
            .as_ref()
            .map(|previous| previous.pair.as_str())
            .unwrap_or_default();
        let plain = seal::open(keys, &shown.text, header(&live.facts).as_bytes(), sealed);
        let pair: Option<Pair> = plain.and_then(|plain| read_json(&plain));
        let pair = pair.ok_or_else(|| self.failed(&Format::SealedForToken.unreadable()))?;
        let facts = live.facts.clone();
        self.commit(&facts.id, Grant::Live(live.repeated()))?;
        self.host.event(&Event::Repeated(about(&facts)));
        Ok(Issued {
            access_token: pair.access,
            refresh_token: Some(pair.refresh),
            expires_in: pair.expires.saturating_sub(self.host.now() / 1000),
            scopes: pair.scopes,
            audience: pair.audience,
            grant: facts.id.as_str().to_owned(),
        })
    }

    /// Refuses an old token. If its client keeps no secret, the grant ends too: the sender may be a thief, RFC 9700
    /// section 4.14.2. A token that only looks like one of workers-oauth-provider's proves nothing.
    async fn stale(&self, live: &Live, shown: &Shown) -> Refused {
        let expired = live
            .refresh
            .as_ref()
            .is_some_and(|current| current.hash == shown.hash);
        if !shown.ours || !live.facts.public || expired || live.refresh.is_none() {
            return bad_token();
        }
        self.host.event(&Event::Reused(about(&live.facts)));
        self.end(&shown.grant).await.err().unwrap_or_else(bad_token)
    }

    async fn rotate(&self, keys: &Keys, live: Live, shown: &Shown, shape: Shape) -> Answer {
        let facts = live.facts.clone();
        let sealed = live
            .refresh
            .as_ref()
            .map(|current| current.sealed.as_str())
            .unwrap_or_default();
        let inside = SealedIdentity::open(keys, &shown.text, &facts, sealed)
            .map_err(|fault| self.failed(&fault))?;
        let agreed = match self
            .consult(ExchangeKind::Refresh, &facts, inside, &shape)
            .await
        {
            Ok(agreed) => agreed,
            Err(declined) => return Err(self.declined(&facts, declined).await),
        };
        let next = self
            .next(keys, &facts, shown, &agreed, &shape)
            .map_err(|fault| self.failed(&fault))?;
        let (
            NewAccessToken {
                access,
                put,
                issued,
                ..
            },
            next,
        ) = next;
        let room = live.room(self.host.now(), MAX_ACCESS_TOKENS);
        let header = room
            .legacy
            .is_some()
            .then(|| issue::header(&facts, facts.ends / 1000));
        let header_expires = header.as_ref().map(|header| header.expires);
        let puts: Vec<_> = [put].into_iter().chain(header).collect();
        if let Err(refused) = self.replace(&puts, &live.keys_of(&room)).await {
            self.keep_props(keys, &shown.text, &facts, &agreed);
            return Err(refused);
        }
        let Some(Grant::Live(fresh)) = self.row(&facts.id)? else {
            self.undo(&facts, puts.into_iter().map(|put| put.key).collect())
                .await;
            return Err(bad_token());
        };
        let rotated =
            fresh
                .with_header(header_expires)
                .rotated(next, access, self.host.now(), &room);
        self.commit(&facts.id, Grant::Live(rotated))?;
        self.host.event(&Event::Refreshed(about(&facts)));
        Ok(issued)
    }

    fn next(
        &self,
        keys: &Keys,
        facts: &GrantInfo,
        shown: &Shown,
        agreed: &Agreed,
        shape: &Shape,
    ) -> Result<(NewAccessToken, Next), RuntimeError> {
        let mut made = self.make(
            keys,
            facts,
            agreed.inside.clone(),
            shape,
            agreed.access_seconds,
        )?;
        let token = Token::issue(
            Kind::Refresh,
            &facts.handle,
            &facts.id,
            keys,
            self.host.random(),
        )?;
        made.issued.refresh_token = Some(token.text().to_owned());
        let pair = Pair {
            access: made.token.text().to_owned(),
            refresh: token.text().to_owned(),
            expires: made.access.expires,
            scopes: shape.scopes.clone(),
            audience: shape.audience.clone(),
        };
        let plain = serde_json::to_vec(&pair).map_err(|error| RuntimeError(error.to_string()))?;
        let pair = seal::seal(
            keys,
            &shown.text,
            header(facts).as_bytes(),
            &plain,
            self.host.random(),
        )?;
        let next = Next {
            hash: token.hash(),
            expires: self.refresh_expires(facts, agreed.refresh_seconds),
            sealed: self.seal(keys, token.text(), facts, &agreed.inside)?,
            pair,
            grace_until: after(self.host.now(), self.lifetimes.grace),
        };
        Ok((made, next))
    }
}
