//! The aim of a sign-in, and the `state` by which the identity provider returns to it.

use oauth_server::sign_in::Authorization;
use serde::{Deserialize, Serialize};

/// Characters of a flow's id.
pub(super) const ID_CHARS: usize = 11;

/// The aim of a sign-in.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum SignInPurpose {
    /// To let a client in.
    Client(Box<Authorization>),
    /// To see `/account`.
    Account,
}

/// The `state` at the identity provider: the flow's id and a secret.
pub(super) struct StateParameter {
    pub(super) text: String,
}

impl StateParameter {
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.is_ascii() && text.len() > ID_CHARS).then(|| Self {
            text: text.to_owned(),
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn id(&self) -> &str {
        self.text.get(..ID_CHARS).unwrap_or_default()
    }

    pub(super) fn secret(&self) -> &str {
        self.text.get(ID_CHARS..).unwrap_or_default()
    }
}
