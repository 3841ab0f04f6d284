//! Takes over a grant of workers-oauth-provider.

use durable_core::limits::KV_PAGE_KEYS;
use durable_core::wire::RuntimeError;

use super::exchange::SealedIdentity;
use super::settings::after;
use super::{Adopt, Authority, GrantOutcome, GrantRefusal, grant_ref};
use crate::event::Event;
use crate::grant::{CurrentRefresh, Grant, GrantInfo, LegacyRecords, LiveGrant};
use crate::legacy::grant_key;
use crate::record;
use crate::token::{GrantId, LegacyToken, PresentedToken, TokenKind, UserHandle};

/// Time within which the access tokens of an adopted grant expire, in milliseconds, whatever their lifetime was set to.
const LEGACY_ACCESS_MS: u64 = 24 * 3600 * 1000;

/// Pages of access tokens that are read at most: some may be short, or empty.
const MAX_PAGES: usize = 4;

/// Access tokens that the row lists at most: with keys of 512 bytes they are a quarter of what a row may have.
const MAX_TOKENS: usize = KV_PAGE_KEYS;

fn bad_token() -> GrantRefusal {
    GrantRefusal::InvalidGrant(
        "The refresh token is unknown, used, expired, or another client's.".into(),
    )
}

fn legacy_records(token: &LegacyToken, tokens: Vec<String>, now: u64) -> LegacyRecords {
    LegacyRecords {
        grant: Some(grant_key(&token.user, &token.grant)),
        tokens,
        until: now + LEGACY_ACCESS_MS,
    }
}

/// The attributes of a grant that is taken over, and its user.
fn adopted(
    adopt: Adopt,
    handle: UserHandle,
    id: GrantId,
    ends: u64,
) -> (GrantInfo, SealedIdentity) {
    let info = GrantInfo {
        handle,
        id,
        client_id: adopt.client_id,
        client_name: adopt.client_name,
        public: adopt.client_is_public,
        refreshable: true,
        scopes: adopt.scopes,
        audience: adopt.audience,
        root: adopt.root,
        created: adopt.created * 1000,
        // Users who are signed in stay so: the grant may have been begun long ago.
        ends,
        adopted: true,
        sessions_since: 0,
        sign_in: String::new(),
    };
    let identity = SealedIdentity {
        subject: adopt.subject,
        props: adopt.props,
    };
    (info, identity)
}

impl Authority {
    /// Writes the row; the record that it is made from is deleted by the refresh that follows.
    pub(super) async fn adopt(&self, adopt: Adopt) -> Result<GrantOutcome, GrantRefusal> {
        let (keys, PresentedToken::Legacy(token)) =
            self.verify_token(&adopt.token, TokenKind::Refresh).await?
        else {
            return Err(bad_token());
        };
        let id = GrantId::parse(&token.grant).ok_or_else(bad_token)?;
        if let Some(known) = self.row(&id)? {
            return self.known_already(&id, &known).await;
        }
        let tokens = self
            .access_keys(&token)
            .await
            .map_err(|fault| self.failed(&fault))?;
        if let Some(known) = self.row(&id)? {
            return self.known_already(&id, &known).await;
        }
        let now = self.host.now();
        let handle = UserHandle::of(&keys, &adopt.subject);
        let (info, identity) = adopted(adopt, handle, id, after(now, self.lifetimes.longest));
        let sealed = self
            .seal(&keys, token.text(), &info, &identity)
            .map_err(|fault| self.failed(&fault))?;
        let expires = self.refresh_expires(&info, self.lifetimes.refresh);
        let live = LiveGrant {
            refresh: Some(CurrentRefresh {
                generation: 0,
                hash: token.hash(),
                expires,
                sealed,
            }),
            legacy: legacy_records(&token, tokens, now),
            ..LiveGrant::new(info.clone(), now)
        };
        self.make_place(&info.client_id)
            .map_err(|fault| self.failed(&fault))?;
        self.commit(&info.id, Grant::Live(live))?;
        self.host.event(&Event::Adopted(grant_ref(&info)));
        Ok(GrantOutcome::Done)
    }

    /// Answers for a grant that has a row already: a live one stays live, and an ended one stays ended. What is left of
    /// the ended one is deleted first, since the client may be retrying after a deletion failed.
    async fn known_already(
        &self,
        id: &GrantId,
        known: &Grant,
    ) -> Result<GrantOutcome, GrantRefusal> {
        match known {
            Grant::Live(_) => Ok(GrantOutcome::Done),
            Grant::Pending(_) => Err(bad_token()),
            Grant::Ending(_) => {
                self.finish(id).await?;
                Err(bad_token())
            }
        }
    }

    async fn access_keys(&self, token: &LegacyToken) -> Result<Vec<String>, RuntimeError> {
        let prefix = record::old_key(&token.user, &token.grant, "");
        let (mut keys, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let listing = self.host.kv().list(&prefix, cursor.as_deref()).await?;
            keys.extend(listing.keys.into_iter().map(|(key, _)| key));
            cursor = listing.cursor;
            if cursor.is_none() || keys.len() >= MAX_TOKENS {
                break;
            }
        }
        keys.truncate(MAX_TOKENS);
        Ok(keys)
    }
}
