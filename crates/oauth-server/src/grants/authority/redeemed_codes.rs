//! Codes that were redeemed a moment ago, with the answers.
//!
//! Two requests of a client with one code at the same time are one redemption: an effect that ran twice, or a retry by a
//! proxy. The second one may reach the user's object after the first was answered, since each reads the client's record
//! before. They were under way together if the Worker received the second before the first was answered. A request whose
//! body is held back counts from the end of its body, so it gains nothing by having begun before.

use std::cell::RefCell;

use super::IssuedTokens;
use crate::grant::PendingGrant;
use crate::secret::same;

/// Milliseconds for which an answer is known: a Worker may take so long to read a client's metadata document before it asks
/// the user's object.
const KNOWN_MS: u64 = 15_000;

/// Answers that are known at a time: a user signs in to one client at a time.
const MAX_KNOWN: usize = 16;

/// A code that was redeemed.
pub(super) struct RedeemedCode {
    /// The grant as it was before.
    pub(super) pending: PendingGrant,
    /// The answer.
    pub(super) issued: IssuedTokens,
    /// Time of the answer, in milliseconds since 1970.
    at: u64,
}

/// Codes that were redeemed a moment ago, oldest first.
#[derive(Default)]
pub(super) struct RedeemedCodes(RefCell<Vec<RedeemedCode>>);

impl RedeemedCodes {
    pub(super) fn put(&self, pending: PendingGrant, issued: IssuedTokens, at: u64) {
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_KNOWN {
            known.remove(0);
        }
        known.push(RedeemedCode {
            pending,
            issued,
            at,
        });
    }

    /// The redemption of the code of that hash, if it was under way at the time `received`.
    pub(super) fn at(
        &self,
        code: &str,
        received: Option<u64>,
    ) -> Option<(PendingGrant, IssuedTokens)> {
        let (known, received) = (self.0.borrow(), received?);
        let landing = known
            .iter()
            .find(|landing| same(&landing.pending.code, code) && received < landing.at)?;
        Some((landing.pending.clone(), landing.issued.clone()))
    }

    pub(super) fn forget_old(&self, now: u64) {
        self.0
            .borrow_mut()
            .retain(|landing| now.saturating_sub(landing.at) < KNOWN_MS);
    }
}
