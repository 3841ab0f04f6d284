//! Serialises every state change of one user's grants; runs in the `GrantAuthority` object.
//!
//! An access token's record is put into KV first, then the grant's row is written, then the client is answered. So
//! whatever fails in between leaves either nothing changed, or a record of a token that was never sent.

mod adopt;
mod command;
mod disconnect;
mod end;
mod exchange;
mod exchange_token;
mod in_flight;
mod issue;
mod issue_code;
mod narrow;
mod redeem;
mod redeemed_codes;
mod refresh;
mod relay_quota;
mod rows;
mod settings;
mod spending;
mod spending_quota;
mod sweep;
mod unreadable;

pub use command::{
    Adopt, ClientCredentials, ErrorDescription, ExchangeToken, GrantCommand, GrantOutcome,
    GrantRefusal, IssueCode, IssuedCode, IssuedTokens, ListedGrant, Redeem, Refresh,
};
pub use settings::{
    ADOPTED_TOMBSTONE_MS, ENDS_AT_ONCE, GO_ON_MS, KV_LISTS_WITHIN_MS, LOCK_MS,
    LOOK_AT_UNREADABLE_MS, Lifetimes, MAX_ACCESS_TOKENS, MAX_DISCONNECTED, MAX_GRANTS,
    MAX_WRONG_VERIFIERS, REMEMBERED_CONSENT_SECONDS, RETRY_DELETES_MS, SESSIONS_END_SECONDS,
    SIGN_IN_MS, SWEEP_EVERY_MS, SWEEP_HOLDING_MS,
};

pub use relay_quota::{RELAYED_A_MINUTE, RELAYED_AT_ONCE, RELAYED_STREAMS, SLOT_MS};
pub use spending::SPENDING_MS;
pub use spending_quota::{Allowance, DailySpending, SpendingQuota};

use std::cell::Cell;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use self::end::GrantSelection;
use self::in_flight::InFlight;
use self::redeemed_codes::RedeemedCodes;
use self::rows::GrantRows;
use self::sweep::NextAlarm;
use crate::event::{Event, GrantRef};
use crate::grant::{EVERY_CLIENT, Grant, GrantInfo, RemoteHolding};
use crate::grant_store::GrantStore;
use crate::hooks::Hooks;
use crate::port::Kv;
use crate::token::{self, GrantId, PresentedToken, TokenKind, UserHandle};

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

    /// Asks another object to end what a grant held there. By default resources have neither sessions nor tasks.
    fn end<'a>(
        &'a self,
        remote: RemoteHolding<'a>,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        let _ = remote;
        ready(Ok(())).boxed_local()
    }

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
    rows: GrantRows,
    in_flight: InFlight,
    redeemed: RedeemedCodes,
    wakes: Cell<NextAlarm>,
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
        let (rows, in_flight, redeemed, wakes) = (
            GrantRows::default(),
            InFlight::default(),
            RedeemedCodes::default(),
            Cell::default(),
        );
        Self {
            host,
            lifetimes,
            hooks,
            longest_session,
            rows,
            in_flight,
            redeemed,
            wakes,
        }
    }

    /// Executes a command of [`OAuthRuntime::command`](crate::auth_server::OAuthRuntime::command), and returns its outcome; both are
    /// JSON.
    ///
    /// # Errors
    /// When the command cannot be read: another version of this crate wrote it.
    pub async fn handle_json(&self, command: &str) -> Result<String, RuntimeError> {
        let command =
            serde_json::from_str(command).map_err(|_| Format::GrantCommand.unreadable())?;
        let outcome = self.handle(command).await;
        serde_json::to_string(&outcome)
            .map_err(|error| RuntimeError(format!("an outcome: {error}")))
    }

    /// Executes a command.
    ///
    /// # Errors
    /// When it is refused, or something it needs is not there.
    pub async fn handle(&self, command: GrantCommand) -> Result<GrantOutcome, GrantRefusal> {
        self.redeemed.forget_old(self.host.now());
        self.know_wake()
            .await
            .map_err(|fault| self.failed(&fault))?;
        self.carry_out(command).await
    }

    async fn carry_out(&self, command: GrantCommand) -> Result<GrantOutcome, GrantRefusal> {
        match command {
            GrantCommand::IssueCode(begin) => self.issue_code(begin).await.map(GrantOutcome::Code),
            GrantCommand::Redeem(redeem) => self.redeem(redeem).await.map(GrantOutcome::Issued),
            GrantCommand::Refresh(refresh) => self.refresh(refresh).await.map(GrantOutcome::Issued),
            GrantCommand::ExchangeToken(mint) => {
                self.exchange_token(mint).await.map(GrantOutcome::Issued)
            }
            GrantCommand::ClientCredentials(issue) => self
                .client_credentials(issue)
                .await
                .map(GrantOutcome::Issued),
            GrantCommand::RevokeToken { token, client_id } => {
                self.revoke_token(&token, &client_id).await
            }
            GrantCommand::RevokeGrant { grant } => {
                self.revoke_selected(GrantSelection::Grant(&grant)).await
            }
            GrantCommand::RevokeClient { client_id } => self.revoke_client(&client_id).await,
            GrantCommand::RevokeAll => self.revoke_all().await,
            GrantCommand::List => self.list(),
            GrantCommand::NoteSession { grant, session } => {
                self.note_session(&grant, session).await
            }
            GrantCommand::NoteTask {
                grant,
                key,
                expires,
            } => self.note_task(&grant, key, expires).await,
            GrantCommand::ForgetSession { grant, key } => self.forget_session(&grant, &key),
            GrantCommand::Adopt(adopt) => self.adopt(adopt).await,
            counted @ (GrantCommand::Spend { .. }
            | GrantCommand::GoOn { .. }
            | GrantCommand::CorrectSpending { .. }
            | GrantCommand::Spent
            | GrantCommand::BeginRelay { .. }
            | GrantCommand::ExtendRelay { .. }
            | GrantCommand::EndRelay { .. }) => self.count(counted),
        }
    }

    async fn revoke_client(&self, client_id: &str) -> Result<GrantOutcome, GrantRefusal> {
        self.withdraw_consents(client_id)?;
        self.revoke_selected(GrantSelection::Client(client_id))
            .await
    }

    async fn revoke_all(&self) -> Result<GrantOutcome, GrantRefusal> {
        self.withdraw_consents(EVERY_CLIENT)?;
        self.revoke_selected(GrantSelection::All).await
    }

    /// Carries out a command about the spending of the chat, or requests of the relay; others are refused.
    fn count(&self, command: GrantCommand) -> Result<GrantOutcome, GrantRefusal> {
        match command {
            GrantCommand::Spend {
                id,
                grant,
                tokens,
                quota,
            } => self
                .spend(id, grant.as_deref(), tokens, &quota)
                .map(GrantOutcome::Allowance),
            GrantCommand::GoOn { grant } => self.go_on(&grant).map(GrantOutcome::Allowance),
            GrantCommand::CorrectSpending { id, used } => self
                .correct_spending(&id, used)
                .map(|()| GrantOutcome::Done),
            GrantCommand::Spent => self.spent().map(GrantOutcome::Spent),
            GrantCommand::BeginRelay {
                grant,
                id,
                stays_open,
            } => self
                .begin_relay(&grant, id, stays_open)
                .map(GrantOutcome::Allowance),
            GrantCommand::ExtendRelay { grant, id } => {
                self.extend_relay(&grant, &id).map(GrantOutcome::Allowance)
            }
            GrantCommand::EndRelay { id } => self.end_relay(&id).map(|()| GrantOutcome::Done),
            _ => Err(GrantRefusal::InvalidRequest(
                "The command counts nothing.".into(),
            )),
        }
    }

    /// Reads a token with the keys in memory, or with newly loaded ones if it names an unknown key.
    async fn verify_token(
        &self,
        text: &str,
        kind: TokenKind,
    ) -> Result<(Rc<Keys>, PresentedToken), GrantRefusal> {
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        match token::classify(text, kind, &keys) {
            PresentedToken::UnknownKey(_) => {
                let keys = self
                    .host
                    .keys(true)
                    .await
                    .map_err(|fault| self.failed(&fault))?;
                let presented = token::classify(text, kind, &keys);
                // The Worker knew the key, or the token would not have come here.
                if let PresentedToken::UnknownKey(id) = &presented
                    && self.host.awaits_key(*id)
                {
                    return Err(self.failed(&Format::Token.of_unknown_key()));
                }
                Ok((keys, presented))
            }
            presented => Ok((keys, presented)),
        }
    }

    fn row(&self, id: &GrantId) -> Result<Option<Grant>, GrantRefusal> {
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

    fn commit(&self, id: &GrantId, grant: Grant) -> Result<(), GrantRefusal> {
        self.write(id, grant).map_err(|fault| self.failed(&fault))
    }

    /// Logs a failure of this server and refuses the command as temporarily unavailable: it may work later.
    fn failed(&self, fault: &RuntimeError) -> GrantRefusal {
        self.host.warn(&format!("a user's grants: {}", fault.0));
        GrantRefusal::Unavailable {
            retry_after: RETRY_AFTER_SECONDS,
        }
    }
}

fn grant_ref(info: &GrantInfo) -> GrantRef {
    let (handle, grant) = (info.handle.as_str().to_owned(), info.id.as_str().to_owned());
    GrantRef {
        handle,
        grant,
        client: info.client_id.clone(),
    }
}
