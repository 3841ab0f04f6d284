//! The allowances of the chat and of the relay: the person's, and for the chat that of the whole deployment. Each is counted in an
//! object of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;
use oauth_server::auth_server::OAuthRuntime;
use oauth_server::authority::{
    Allowance, DailySpending, GrantCommand, GrantOutcome, GrantRefusal, SpendingQuota,
};
use oauth_server::token::UserHandle;

const ID_BYTES: usize = 12;

/// Limits of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatQuotas {
    /// By one person.
    pub user: SpendingQuota,
    /// By all.
    pub total: SpendingQuota,
}

/// A spending that was counted.
#[derive(Debug, Clone)]
pub struct Receipt {
    user: UserHandle,
    total: UserHandle,
    id: String,
}

impl Receipt {
    async fn new(runtime: &dyn OAuthRuntime, caller: &Caller) -> Result<Self, RuntimeError> {
        let keys = runtime.keys(false).await?;
        let mut id = [0; ID_BYTES];
        runtime.random().fill(&mut id)?;
        Ok(Self {
            user: UserHandle::of(&keys, caller.subject.as_deref().unwrap_or_default()),
            total: UserHandle::of_all(&keys),
            id: URL_SAFE_NO_PAD.encode(id),
        })
    }
}

/// Whether a request may be made.
#[derive(Debug)]
pub enum SpendingDecision {
    /// The request may go on, with so many tokens.
    Granted(Receipt, u64),
    /// The person's allowance does not let it.
    Personal(Allowance),
    /// The deployment's does not.
    Total(Allowance),
}

/// Counts a request of a caller, with so many tokens at most, before it is made.
pub(in crate::http) async fn spend(
    runtime: &dyn OAuthRuntime,
    caller: &Caller,
    quotas: &ChatQuotas,
    tokens: u64,
) -> Result<SpendingDecision, RuntimeError> {
    let receipt = Receipt::new(runtime, caller).await?;
    let command = |grant, tokens, quota| GrantCommand::Spend {
        id: receipt.id.clone(),
        grant,
        tokens,
        quota,
    };
    // Tokens of the page have a grant. A caller without one is refused, as one whose grant has ended.
    let grant = Some(caller.grant.clone().unwrap_or_default());
    let tokens = match ask(runtime, &receipt.user, &command(grant, tokens, quotas.user)).await? {
        GrantOutcome::Allowance(Allowance::Granted { tokens }) => tokens,
        GrantOutcome::Allowance(refused) => return Ok(SpendingDecision::Personal(refused)),
        _ => return Err(Format::GrantOutcome.unreadable()),
    };
    let of_all = command(None, tokens, quotas.total);
    let spending = match ask(runtime, &receipt.total, &of_all).await {
        Ok(GrantOutcome::Allowance(Allowance::Granted { tokens })) => {
            return Ok(SpendingDecision::Granted(receipt, tokens));
        }
        Ok(GrantOutcome::Allowance(refused)) => Ok(SpendingDecision::Total(refused)),
        Ok(_) => Err(Format::GrantOutcome.unreadable()),
        Err(fault) => Err(fault),
    };
    correct(runtime, &receipt.user, &receipt.id, None);
    spending
}

/// Corrects what was counted to the tokens that were used; to nothing, if the request was not made.
pub(in crate::http) fn correct_spending(
    runtime: &dyn OAuthRuntime,
    receipt: &Receipt,
    used: Option<u64>,
) {
    for handle in [&receipt.user, &receipt.total] {
        correct(runtime, handle, &receipt.id, used);
    }
}

/// Whether an answer to a caller may go on: the access has not ended. Where that cannot be found out, it may.
pub(in crate::http) async fn goes_on(
    runtime: &dyn OAuthRuntime,
    receipt: &Receipt,
    caller: &Caller,
) -> bool {
    let grant = caller.grant.clone().unwrap_or_default();
    !matches!(
        ask(runtime, &receipt.user, &GrantCommand::GoOn { grant }).await,
        Ok(GrantOutcome::Allowance(Allowance::Ended))
    )
}

/// Spending of a person today.
pub(in crate::http) async fn spent(
    runtime: &dyn OAuthRuntime,
    subject: &str,
) -> Result<DailySpending, RuntimeError> {
    let keys = runtime.keys(false).await?;
    match ask(
        runtime,
        &UserHandle::of(&keys, subject),
        &GrantCommand::Spent,
    )
    .await?
    {
        GrantOutcome::Spent(spent) => Ok(spent),
        _ => Err(Format::GrantOutcome.unreadable()),
    }
}

/// Counts a request that the relay is to send for a caller, which holds a slot from then on.
pub(in crate::http) async fn begin_relay(
    runtime: &dyn OAuthRuntime,
    caller: &Caller,
    id: &str,
    stays_open: bool,
) -> Result<Allowance, RuntimeError> {
    let command = GrantCommand::BeginRelay {
        grant: caller.grant.clone().unwrap_or_default(),
        id: id.to_owned(),
        stays_open,
    };
    allowance(runtime, caller, &command).await
}

/// Has a relayed request hold its slot for longer.
pub(in crate::http) async fn extend_relay(
    runtime: &dyn OAuthRuntime,
    caller: &Caller,
    id: &str,
) -> Result<Allowance, RuntimeError> {
    let command = GrantCommand::ExtendRelay {
        grant: caller.grant.clone().unwrap_or_default(),
        id: id.to_owned(),
    };
    allowance(runtime, caller, &command).await
}

/// Frees the slot of a relayed request, which is over. A slot that cannot be freed is held until its time is over.
pub(in crate::http) async fn end_relay(runtime: &dyn OAuthRuntime, caller: &Caller, id: &str) {
    let Ok(handle) = handle_of(runtime, caller).await else {
        return;
    };
    if let Ok(json) = serde_json::to_string(&GrantCommand::EndRelay { id: id.to_owned() }) {
        runtime.command_later(&handle, json);
    }
}

async fn allowance(
    runtime: &dyn OAuthRuntime,
    caller: &Caller,
    command: &GrantCommand,
) -> Result<Allowance, RuntimeError> {
    match ask(runtime, &handle_of(runtime, caller).await?, command).await? {
        GrantOutcome::Allowance(allowance) => Ok(allowance),
        _ => Err(Format::GrantOutcome.unreadable()),
    }
}

/// The routing handle of a caller.
pub(in crate::http) async fn handle_of(
    runtime: &dyn OAuthRuntime,
    caller: &Caller,
) -> Result<UserHandle, RuntimeError> {
    let keys = runtime.keys(false).await?;
    Ok(UserHandle::of(
        &keys,
        caller.subject.as_deref().unwrap_or_default(),
    ))
}

fn correct(runtime: &dyn OAuthRuntime, handle: &UserHandle, id: &str, used: Option<u64>) {
    match serde_json::to_string(&GrantCommand::CorrectSpending {
        id: id.to_owned(),
        used,
    }) {
        Ok(json) => runtime.command_later(handle, json),
        Err(error) => runtime.warn(&format!("a chat is not settled: {error}")),
    }
}

async fn ask(
    runtime: &dyn OAuthRuntime,
    handle: &UserHandle,
    command: &GrantCommand,
) -> Result<GrantOutcome, RuntimeError> {
    let json = serde_json::to_string(command)
        .map_err(|error| RuntimeError(format!("a command: {error}")))?;
    let outcome = runtime.command(handle, json).await?;
    let outcome: Result<GrantOutcome, GrantRefusal> =
        serde_json::from_str(&outcome).map_err(|_| Format::GrantOutcome.unreadable())?;
    outcome.map_err(|refused| RuntimeError(format!("an allowance cannot be counted: {refused:?}")))
}
