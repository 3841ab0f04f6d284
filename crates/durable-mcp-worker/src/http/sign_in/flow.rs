//! A sign-in in progress, sealed into a cookie of its browser. Each sign-in has its own cookie, so that two tabs do not
//! disturb each other. The server stores nothing of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::formats::Format;
use durable_core::runtime::Random;
use durable_core::wire::{RuntimeError, read_json};
use oauth_server::authority::SIGN_IN_MS;
use oauth_server::secret::{same, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::purpose::{ID_CHARS, SignInPurpose, StateParameter};
use super::visit::Visit;
use crate::http::cookies::TooLong;

/// `Max-Age` of the cookie, in seconds. It outlives the flow, so that a person who comes back too late gets a page with advice.
const KEPT_SECONDS: u32 = 60 * 60;

/// Sign-ins under way in one browser; with one more, the oldest is given up.
const MAX_FLOWS: usize = 8;

/// Characters of all flows together: the other headers of a request need room too.
const MAX_FLOW_CHARS: usize = 24 * 1024;

const COOKIE: &str = "flow-";
const PURPOSE: &str = "sign-in";

/// Digits of the hash that names a sign-in: 96 bits, so that no two collide.
const NAME_CHARS: usize = 24;

const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 24;

/// A sign-in under way.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInFlow {
    pub(super) id: String,
    /// Stands in the page's form, too: another site can send a form here, but not read a page.
    csrf: String,
    /// In milliseconds since 1970.
    expires: u64,
    pub(super) aim: SignInPurpose,
    pub(super) left: Option<RedirectedFlow>,
}

/// The browser has left for the identity provider.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectedFlow {
    /// The secret in the state that the provider has to return.
    secret: String,
    /// The provider's own data, for its return.
    pub(super) kept: Value,
    /// The person was asked, in this very sign-in.
    pub(super) asked: bool,
    /// True if the browser remembers the consent.
    pub(super) remember: bool,
}

/// A flow that a request names.
pub(super) enum FoundFlow {
    /// The flow is valid.
    Living(SignInFlow),
    /// The flow has expired.
    Expired(SignInFlow),
    /// The browser has no flow of that id.
    Nothing,
}

impl SignInFlow {
    pub(super) fn new(
        aim: SignInPurpose,
        now: u64,
        random: &dyn Random,
    ) -> Result<Self, RuntimeError> {
        let (id, csrf) = (token::<ID_BYTES>(random)?, token::<SECRET_BYTES>(random)?);
        Ok(Self {
            id,
            csrf,
            expires: now.saturating_add(SIGN_IN_MS),
            aim,
            left: None,
        })
    }

    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    pub(super) fn is_form_of(&self, csrf: &str) -> bool {
        same(&self.csrf, csrf)
    }

    /// A state for the identity provider to return, made before the flow is marked as left.
    pub(super) fn state(&self, random: &dyn Random) -> Result<StateParameter, RuntimeError> {
        Ok(StateParameter {
            text: format!("{}{}", self.id, token::<SECRET_BYTES>(random)?),
        })
    }

    /// Records the redirect to the identity provider, and starts the flow's lifetime anew.
    pub(super) fn redirected(
        self,
        state: &StateParameter,
        kept: Value,
        asked: bool,
        remember: bool,
        now: u64,
    ) -> Self {
        let left = RedirectedFlow {
            secret: sha256_hex(state.secret()),
            kept,
            asked,
            remember,
        };
        Self {
            left: Some(left),
            expires: now.saturating_add(SIGN_IN_MS),
            ..self
        }
    }

    /// Time of the redirect to the identity provider, in milliseconds since 1970. A user who was asked consented then.
    pub(super) fn redirected_at(&self) -> u64 {
        self.expires.saturating_sub(SIGN_IN_MS)
    }

    /// The flow that the browser has under that id.
    pub(super) async fn load(visit: &Visit<'_>, id: &str) -> Result<FoundFlow, RuntimeError> {
        let is_id = id.len() == ID_CHARS
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let sealed = is_id.then(|| visit.cookies.get(&cookie(id))).flatten();
        let Some(sealed) = sealed else {
            return Ok(FoundFlow::Nothing);
        };
        let flow = match visit.open(Format::FlowCookie, PURPOSE, &sealed).await? {
            Some(json) => {
                Some(read_json::<Self>(&json).ok_or_else(|| Format::FlowCookie.unreadable())?)
            }
            None => None,
        };
        Ok(match flow.filter(|flow| flow.id == id) {
            Some(flow) if flow.expires > visit.auth_server.runtime.now() => FoundFlow::Living(flow),
            Some(flow) => FoundFlow::Expired(flow),
            None => FoundFlow::Nothing,
        })
    }

    /// Seals the flow into its cookie.
    ///
    /// # Errors
    /// The inner one when the flow is too long for a cookie.
    pub(super) async fn store(
        &self,
        visit: &mut Visit<'_>,
    ) -> Result<Result<(), TooLong>, RuntimeError> {
        let json = serde_json::to_vec(self)
            .map_err(|error| RuntimeError(format!("a sign-in: {error}")))?;
        let sealed = visit.seal(PURPOSE, &json).await?;
        let (name, cookies) = (cookie(&self.id), &mut visit.cookies);
        let mut others = cookies.names(COOKIE);
        others.retain(|other| *other != name);
        let mut chars: usize = sealed.len();
        // The newest first: those that no longer fit are given up.
        for (at, other) in others.iter().rev().enumerate() {
            chars += cookies.get(other).map_or(0, |value| value.len());
            if at + 1 >= MAX_FLOWS || chars > MAX_FLOW_CHARS {
                cookies.delete(other);
            }
        }
        Ok(cookies.set(&name, &sealed, KEPT_SECONDS))
    }

    /// Deletes the cookie of the flow, which is over.
    pub(super) fn forget(&self, visit: &mut Visit<'_>) {
        visit.cookies.delete(&cookie(&self.id));
    }
}

impl RedirectedFlow {
    /// Name of the sign-in in the rows of its user.
    pub(super) fn name(&self) -> String {
        self.secret.get(..NAME_CHARS).unwrap_or_default().to_owned()
    }

    pub(super) fn is_of(&self, state: &StateParameter) -> bool {
        same(&self.secret, &sha256_hex(state.secret()))
    }
}

fn cookie(id: &str) -> String {
    format!("{COOKIE}{id}")
}

/// Random token in base64url.
pub(super) fn token<const BYTES: usize>(random: &dyn Random) -> Result<String, RuntimeError> {
    let mut bytes = [0; BYTES];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
