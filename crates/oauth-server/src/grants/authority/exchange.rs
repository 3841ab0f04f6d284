//! The application's hook, bounded in time.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::seal;
use durable_core::wire::{RuntimeError, read_json};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Authority, GrantRefusal, Lifetimes, RETRY_AFTER_SECONDS, grant_ref, narrow};
use crate::event::Event;
use crate::grant::GrantInfo;
use crate::hooks::{Exchange, ExchangeChanges, ExchangeError, ExchangeKind, HOOK_MS};
use crate::resource::Resource;
use crate::scope::Scopes;

/// User id and props, sealed under a code or a refresh token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedIdentity {
    pub(super) subject: String,
    pub(super) props: Value,
}

/// Scopes and audience of the access token to issue.
#[derive(Clone)]
pub(super) struct TokenScope {
    pub(super) scopes: Scopes,
    pub(super) audience: Vec<Resource>,
}

impl TokenScope {
    /// Scopes and resources of a grant, or fewer if the client asks for fewer.
    pub(super) fn narrowed(
        info: &GrantInfo,
        scopes: Option<&Scopes>,
        resources: &[Resource],
    ) -> Result<Self, GrantRefusal> {
        Ok(Self {
            scopes: narrow::scopes(&info.scopes, scopes)?,
            audience: narrow::audience(&info.audience, resources, &info.root)?,
        })
    }
}

/// Props and token lifetimes of an exchange, as the hook or the defaults set them.
pub(super) struct ExchangeTerms {
    pub(super) identity: SealedIdentity,
    /// True if the hook returned other props.
    pub(super) changed: bool,
    pub(super) access_seconds: u64,
    pub(super) refresh_lifetime: Duration,
}

/// Failure of the hook.
enum ExchangeRefusal {
    /// Temporary: the exchange may succeed later.
    Later,
    /// Permanent: the grant has to end.
    Ended,
}

/// Header that sealed text is bound to: it names user, grant and client.
fn header(info: &GrantInfo) -> String {
    [
        "inside",
        info.handle.as_str(),
        info.id.as_str(),
        &info.client_id,
    ]
    .join(":")
}

impl SealedIdentity {
    /// Opens the sealed identity with the token that it was sealed under.
    ///
    /// # Errors
    /// When the token does not open it: another version sealed it.
    pub(super) fn open(
        keys: &Keys,
        token: &str,
        info: &GrantInfo,
        sealed: &str,
    ) -> Result<Self, RuntimeError> {
        let plain = seal::open(keys, token, header(info).as_bytes(), sealed);
        plain
            .and_then(|plain| read_json(&plain))
            .ok_or_else(|| Format::SealedForToken.unreadable())
    }
}

impl Authority {
    /// Seals user id and props for the holder of a code or a refresh token.
    pub(super) fn seal(
        &self,
        keys: &Keys,
        token: &str,
        info: &GrantInfo,
        identity: &SealedIdentity,
    ) -> Result<String, RuntimeError> {
        let plain =
            serde_json::to_vec(identity).map_err(|error| RuntimeError(error.to_string()))?;
        seal::seal(
            keys,
            token,
            header(info).as_bytes(),
            &plain,
            self.host.random(),
        )
    }

    /// Terms of an exchange, as the hook or the defaults set them.
    ///
    /// # Errors
    /// When the hook declines; the grant has ended then if the hook ended it.
    pub(super) async fn consult(
        &self,
        kind: ExchangeKind,
        info: &GrantInfo,
        identity: SealedIdentity,
        token_scope: &TokenScope,
    ) -> Result<ExchangeTerms, GrantRefusal> {
        match self.call_hook(kind, info, identity, token_scope).await {
            Ok(terms) => Ok(terms),
            Err(declined) => Err(self.declined(info, declined).await),
        }
    }

    /// Calls the hook, if there is one, for at most [`HOOK_MS`].
    async fn call_hook(
        &self,
        kind: ExchangeKind,
        info: &GrantInfo,
        identity: SealedIdentity,
        token_scope: &TokenScope,
    ) -> Result<ExchangeTerms, ExchangeRefusal> {
        let Some(hook) = &self.hooks.on_exchange else {
            return Ok(terms(&self.lifetimes, identity, ExchangeChanges::default()));
        };
        let exchange = Exchange {
            kind,
            subject: identity.subject.clone(),
            client_id: info.client_id.clone(),
            grant: info.id.as_str().to_owned(),
            scopes: token_scope.scopes.clone(),
            audience: token_scope.audience.clone(),
            props: identity.props.clone(),
        };
        // Called inside the future, so that a panic on the way to one is caught as well.
        let work = AssertUnwindSafe(async move { hook(exchange).await })
            .catch_unwind()
            .boxed_local();
        let outcome = match select(work, self.host.sleep(HOOK_MS)).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(_), _)) => Err(ExchangeError::Transient("it panicked".to_owned())),
            Either::Right(_) => Err(ExchangeError::Transient("it took too long".to_owned())),
        };
        outcome
            .map(|exchanged| terms(&self.lifetimes, identity, exchanged))
            .map_err(|error| self.hook_failed(error))
    }

    fn hook_failed(&self, error: ExchangeError) -> ExchangeRefusal {
        match error {
            ExchangeError::Transient(why) => {
                self.host
                    .warn(&format!("the hook of an exchange failed: {why}"));
                ExchangeRefusal::Later
            }
            ExchangeError::Ended(why) => {
                self.host
                    .warn(&format!("the hook of an exchange ended a grant: {why}"));
                ExchangeRefusal::Ended
            }
        }
    }

    /// Refusal of an exchange that the hook declined; ends the grant if the hook ended it.
    async fn declined(&self, info: &GrantInfo, declined: ExchangeRefusal) -> GrantRefusal {
        match declined {
            ExchangeRefusal::Later => GrantRefusal::Unavailable {
                retry_after: RETRY_AFTER_SECONDS,
            },
            ExchangeRefusal::Ended => {
                self.host.event(&Event::EndedByHook(grant_ref(info)));
                match self.end(&info.id).await {
                    Ok(()) => GrantRefusal::InvalidGrant(
                        "The grant has ended. Ask for authorization again.".into(),
                    ),
                    Err(refused) => refused,
                }
            }
        }
    }
}

fn terms(
    lifetimes: &Lifetimes,
    identity: SealedIdentity,
    exchanged: ExchangeChanges,
) -> ExchangeTerms {
    let changed = exchanged.props.is_some();
    ExchangeTerms {
        identity: SealedIdentity {
            props: exchanged.props.unwrap_or(identity.props),
            ..identity
        },
        changed,
        access_seconds: exchanged
            .access_lifetime
            .unwrap_or(lifetimes.access)
            .as_secs()
            .max(1),
        refresh_lifetime: exchanged
            .refresh_lifetime
            .unwrap_or(lifetimes.refresh)
            .max(Duration::from_secs(1)),
    }
}
