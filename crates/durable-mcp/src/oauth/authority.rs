//! Serialises every state change of one user's grants; runs in the `GrantAuthority` object.
//!
//! An access token's record is put into KV first, then the grant's row is written, then the client is answered. So
//! whatever fails in between leaves either nothing changed, or a record of a token that was never sent.

mod adopt;
mod begin;
mod command;
mod disconnect;
mod end;
mod exchange;
mod in_flight;
mod issue;
mod landed;
mod mint;
mod narrow;
mod redeem;
mod refresh;
mod relaying;
mod rows;
mod settings;
mod spending;
mod sweep;
mod unreadable;

pub use command::{
    Adopt, Begin, Code, Command, Issue, Issued, Listed, Mint, Outcome, Reason, Redeem, Refresh,
    Refused,
};
pub use settings::{
    ADOPTED_TOMBSTONE_MS, ENDS_AT_ONCE, GO_ON_MS, KV_LISTS_WITHIN_MS, LOCK_MS,
    LOOK_AT_UNREADABLE_MS, Lifetimes, MAX_ACCESS_TOKENS, MAX_DISCONNECTED, MAX_GRANTS,
    MAX_WRONG_VERIFIERS, REMEMBERED_CONSENT_SECONDS, RETRY_DELETES_MS, SESSIONS_END_SECONDS,
    SIGN_IN_MS, SWEEP_EVERY_MS, SWEEP_HOLDING_MS,
};

pub use relaying::{RELAYED_A_MINUTE, RELAYED_AT_ONCE, RELAYED_STREAMS, SLOT_MS};
pub use spending::{Allowance, Quota, SPENDING_MS, Spent};

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use self::end::Meant;
use self::in_flight::InFlight;
use self::landed::Redeemed;
use self::rows::Rows;
use self::sweep::Wakes;
use super::event::{About, Event};
use super::grant::{EVERY_CLIENT, Grant, GrantInfo, Remote};
use super::grant_store::GrantStore;
use super::hooks::Hooks;
use super::port::Kv;
use super::token::{self, GrantId, Kind, Presented, UserHandle};
use crate::formats::Format;
use crate::keys::Keys;
use crate::runtime::Runtime;
use crate::wire::RuntimeError;

/// Seconds after which a client may retry where something failed or takes too long.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The runtime around a user's object.
pub trait AuthorityHost: Runtime {
    /// Workers KV: the records that every Worker reads.
    fn kv(&self) -> &dyn Kv;

    /// The user's own rows.
    fn store(&self) -> &dyn GrantStore;

    /// The user's routing handle.
    fn user(&self) -> &UserHandle;

    /// Asks another object to end what a grant held there.
    fn end<'a>(&'a self, remote: Remote<'a>) -> LocalBoxFuture<'a, Result<(), RuntimeError>>;

    /// Waits.
    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()>;

    /// Reports an event to operators.
    fn event(&self, event: &Event);
}

/// The grants of one user.
pub struct Authority {
    host: Rc<dyn AuthorityHost>,
    lifetimes: Rc<Lifetimes>,
    hooks: Rc<Hooks>,
    /// Maximum lifetime of a session or task, in milliseconds.
    longest_session: u64,
    rows: Rows,
    flights: InFlight,
    redeemed: Redeemed,
    wakes: Cell<Wakes>,
}

impl Authority {
    /// The grants of a user, none of them in memory yet; a session or task lives for `longest_session` milliseconds at
    /// most.
    #[must_use]
    pub fn new(
        host: Rc<dyn AuthorityHost>,
        lifetimes: Rc<Lifetimes>,
        hooks: Rc<Hooks>,
        longest_session: u64,
    ) -> Self {
        let (rows, flights, redeemed, wakes) = (
            Rows::default(),
            InFlight::default(),
            Redeemed::default(),
            Cell::default(),
        );
        Self {
            host,
            lifetimes,
            hooks,
            longest_session,
            rows,
            flights,
            redeemed,
            wakes,
        }
    }

    /// Executes a command.
    ///
    /// # Errors
    /// When it is refused, or something it needs is not there.
    pub async fn handle(&self, command: Command) -> Result<Outcome, Refused> {
        self.redeemed.forget_old(self.host.now());
        self.know_wake()
            .await
            .map_err(|fault| self.failed(&fault))?;
        match command {
            Command::Begin(begin) => self.begin(begin).await.map(Outcome::Code),
            Command::Redeem(redeem) => self.redeem(redeem).await.map(Outcome::Issued),
            Command::Refresh(refresh) => self.refresh(refresh).await.map(Outcome::Issued),
            Command::Mint(mint) => self.mint(mint).await.map(Outcome::Issued),
            Command::Issue(issue) => self.issue(issue).await.map(Outcome::Issued),
            Command::RevokeToken { token, client_id } => {
                self.revoke_token(&token, &client_id).await
            }
            Command::RevokeGrant { grant } => self.revoke_meant(Meant::Grant(&grant)).await,
            Command::RevokeClient { client_id } => {
                self.withdraw_consents(&client_id)?;
                self.revoke_meant(Meant::Client(&client_id)).await
            }
            Command::RevokeAll => {
                self.withdraw_consents(EVERY_CLIENT)?;
                self.revoke_meant(Meant::All).await
            }
            Command::List => self.list(),
            Command::NoteSession { grant, session } => self.note_session(&grant, session).await,
            Command::NoteTask {
                grant,
                key,
                expires,
            } => self.note_task(&grant, key, expires).await,
            Command::ForgetSession { grant, key } => self.forget_session(&grant, &key),
            Command::Adopt(adopt) => self.adopt(adopt).await,
            Command::Spend {
                id,
                grant,
                tokens,
                quota,
            } => self
                .spend(id, grant.as_deref(), tokens, &quota)
                .map(Outcome::Allowance),
            Command::GoOn { grant } => self.go_on(&grant).map(Outcome::Allowance),
            Command::Settle { id, used } => self.settle(&id, used).map(|()| Outcome::Done),
            Command::Spent => self.spent().map(Outcome::Spent),
            Command::BeginRelay {
                grant,
                id,
                stays_open,
            } => self
                .begin_relay(&grant, id, stays_open)
                .map(Outcome::Allowance),
            Command::ExtendRelay { grant, id } => {
                self.extend_relay(&grant, &id).map(Outcome::Allowance)
            }
            Command::EndRelay { id } => self.end_relay(&id).map(|()| Outcome::Done),
        }
    }

    /// Reads a token with the keys in memory, or with newly loaded ones if it names an unknown key.
    async fn read(&self, text: &str, kind: Kind) -> Result<(Rc<Keys>, Presented), Refused> {
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        match token::read(text, kind, &keys) {
            Presented::UnknownKey(_) => {
                let keys = self
                    .host
                    .keys(true)
                    .await
                    .map_err(|fault| self.failed(&fault))?;
                let presented = token::read(text, kind, &keys);
                // The Worker knew the key, or the token would not have come here.
                if let Presented::UnknownKey(id) = &presented
                    && self.host.awaits_key(*id)
                {
                    return Err(self.failed(&Format::Token.of_unknown_key()));
                }
                Ok((keys, presented))
            }
            presented => Ok((keys, presented)),
        }
    }

    fn row(&self, id: &GrantId) -> Result<Option<Grant>, Refused> {
        self.rows
            .get(self.host.store(), id)
            .map_err(|fault| self.failed(&fault))
    }

    /// Writes a grant's row, and sets an alarm for the time at which the row is to be looked at.
    fn write(&self, id: &GrantId, grant: Grant) -> Result<(), RuntimeError> {
        let look_at = sweep::look_at(&grant, self.host.now());
        self.rows.put(self.host.store(), id, grant)?;
        self.wake_by(look_at)
    }

    fn commit(&self, id: &GrantId, grant: Grant) -> Result<(), Refused> {
        self.write(id, grant).map_err(|fault| self.failed(&fault))
    }

    /// Logs a failure of this server and refuses the command as temporarily unavailable: it may work later.
    fn failed(&self, fault: &RuntimeError) -> Refused {
        self.host.warn(&format!("a user's grants: {}", fault.0));
        Refused::Unavailable {
            retry_after: RETRY_AFTER_SECONDS,
        }
    }
}

fn about(facts: &GrantInfo) -> About {
    let (handle, grant) = (
        facts.handle.as_str().to_owned(),
        facts.id.as_str().to_owned(),
    );
    About {
        handle,
        grant,
        client: facts.client_id.clone(),
    }
}
