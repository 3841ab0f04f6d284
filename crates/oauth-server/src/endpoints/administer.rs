//! Administration of grants by users and administrators: list them, end them or a session of theirs, forget a client.
//!
//! Grants of workers-oauth-provider that were not taken over yet are listed and ended too.

use std::cell::Cell;

use durable_core::formats::Format;
use durable_core::limits::KV_PAGE_KEYS;
use durable_core::wire::RuntimeError;

use crate::auth_server::AuthServer;
use crate::authority::{GrantCommand, GrantOutcome, GrantRefusal, ListedGrant};
use crate::grant::{GRANTS, of_header_key};
use crate::legacy::{LegacyGrant, grant_key};
use crate::port::KvPage;
use crate::record;
use crate::resource::Resource;
use crate::secret::sha256_hex;
use crate::token::{UserHandle, is_legacy_user};

/// Operations that one request may spend on ending grants, of the thousand that it may make; the rest is for its other work.
const OPERATIONS: usize = 900;

/// Grants of workers-oauth-provider that a user is shown: each is an operation. Others are shown when some have ended.
const MAX_LEGACY_SHOWN: usize = 200;

/// Keys of one page when each may cost an operation: a request gets through several pages.
const PAGE_KEYS: usize = 50;

/// Operations for a grant whose client is deleted: one for the user's object, which ends the grant and all that it held. A
/// grant of workers-oauth-provider is read, listed and deleted with a few tokens.
const MAX_OPERATIONS_A_GRANT: usize = 35;

/// Lifetime of the stored cursor of a deletion of a client that is unfinished, in seconds.
const PLACE_SECONDS: u64 = 3600;

/// A user, as an administrator names them.
#[derive(Debug, Clone, Copy)]
pub enum UserRef<'a> {
    /// The user's id: the `subject` of the sign-in.
    Subject(&'a str),
    /// The handle that stands for the user in the log. Grants of workers-oauth-provider are not found by it.
    Handle(&'a UserHandle),
}

impl<'a> From<&'a str> for UserRef<'a> {
    fn from(subject: &'a str) -> Self {
        Self::Subject(subject)
    }
}

impl<'a> From<&'a String> for UserRef<'a> {
    fn from(subject: &'a String) -> Self {
        Self::Subject(subject)
    }
}

impl<'a> From<&'a UserHandle> for UserRef<'a> {
    fn from(handle: &'a UserHandle) -> Self {
        Self::Handle(handle)
    }
}

impl<'a> UserRef<'a> {
    fn subject(self) -> Option<&'a str> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::Handle(_) => None,
        }
    }
}

/// Operations that are left to a request.
struct Budget(Cell<usize>);

impl Budget {
    const fn new() -> Self {
        Self(Cell::new(OPERATIONS))
    }

    fn spend(&self, operations: usize) {
        self.0.set(self.0.get().saturating_sub(operations));
    }

    fn has(&self, operations: usize) -> bool {
        self.0.get() >= operations
    }
}

/// Error of a request whose operations did not suffice to end everything.
fn not_all() -> RuntimeError {
    RuntimeError("a user's grants could not all be ended yet: do it again".to_owned())
}

impl AuthServer<'_> {
    /// The grants of a user, the newest last.
    ///
    /// # Errors
    /// When storage fails.
    pub fn grants_of<'b>(
        &'b self,
        user: impl Into<UserRef<'b>>,
    ) -> impl Future<Output = Result<Vec<ListedGrant>, RuntimeError>> + 'b {
        self.list(user.into())
    }

    async fn list(&self, user: UserRef<'_>) -> Result<Vec<ListedGrant>, RuntimeError> {
        let outcome = self
            .run_to_end(&self.user_handle(user).await?, &GrantCommand::List)
            .await?;
        let GrantOutcome::Grants(mut grants) = outcome else {
            return Err(Format::GrantOutcome.unreadable());
        };
        if let Some(subject) = user.subject() {
            let budget = Budget(Cell::new(MAX_LEGACY_SHOWN));
            for key in self
                .legacy_keys(subject, MAX_LEGACY_SHOWN, &budget)
                .await?
                .0
            {
                if let Some(legacy) = self.legacy_grant(&key).await?
                    && !grants.iter().any(|grant| grant.grant == legacy.id)
                {
                    grants.push(listed(&legacy));
                }
            }
        }
        ListedGrant::sort(&mut grants);
        Ok(grants)
    }

    /// Checks whether a user has a grant of that id, which has not ended.
    ///
    /// # Errors
    /// When the user's grants cannot be read.
    pub async fn has_grant(&self, user: UserRef<'_>, grant: &str) -> Result<bool, RuntimeError> {
        let GrantOutcome::Grants(grants) = self
            .run_to_end(&self.user_handle(user).await?, &GrantCommand::List)
            .await?
        else {
            return Err(Format::GrantOutcome.unreadable());
        };
        if grants.iter().any(|listed| listed.grant == grant) {
            return Ok(true);
        }
        match user
            .subject()
            .filter(|subject| self.has_legacy(subject) && !grant.contains(':'))
        {
            Some(subject) => Ok(self
                .runtime
                .kv()
                .get(&grant_key(subject, grant))
                .await?
                .is_some()),
            None => Ok(false),
        }
    }

    /// Checks whether a user's grant has a session of that key, which has not ended.
    ///
    /// # Errors
    /// When the user's grants cannot be read.
    pub async fn has_session(
        &self,
        user: UserRef<'_>,
        grant: &str,
        key: &str,
    ) -> Result<bool, RuntimeError> {
        Ok(self
            .sessions(&self.user_handle(user).await?, grant)
            .await?
            .iter()
            .any(|known| known == key))
    }

    /// Ends one grant of a user, and all that it held: see [`GrantHolding`](crate::holding::GrantHolding). A grant that does
    /// not exist counts as ended.
    ///
    /// # Errors
    /// When storage fails; what was begun goes on by itself, and the same call may be made again.
    pub fn end_grant<'b>(
        &'b self,
        user: impl Into<UserRef<'b>>,
        grant: &'b str,
    ) -> impl Future<Output = Result<(), RuntimeError>> + 'b {
        self.end_one(user.into(), grant)
    }

    async fn end_one(&self, user: UserRef<'_>, grant: &str) -> Result<(), RuntimeError> {
        let budget = Budget::new();
        self.disconnect(&self.user_handle(user).await?, grant, &budget)
            .await?;
        match user.subject() {
            Some(subject) => self.end_legacy(subject, grant, &budget).await,
            None => Ok(()),
        }
    }

    /// Ends every grant of a user.
    ///
    /// # Errors
    /// As of [`end_grant`](Self::end_grant).
    pub fn end_grants<'b>(
        &'b self,
        user: impl Into<UserRef<'b>>,
    ) -> impl Future<Output = Result<(), RuntimeError>> + 'b {
        self.end_all(user.into())
    }

    async fn end_all(&self, user: UserRef<'_>) -> Result<(), RuntimeError> {
        let handle = self.user_handle(user).await?;
        let budget = Budget::new();
        budget.spend(1);
        self.run_to_end(&handle, &GrantCommand::RevokeAll).await?;
        match user.subject() {
            Some(subject) => self.end_legacy_grants(subject, &budget).await,
            None => Ok(()),
        }
    }

    /// Ends one session of a user's grant; the grant goes on. A session that the user's list lacks is left alone.
    ///
    /// # Errors
    /// When storage fails, or the session's object.
    pub fn end_session<'b>(
        &'b self,
        user: impl Into<UserRef<'b>>,
        grant: &'b str,
        key: &'b str,
    ) -> impl Future<Output = Result<(), RuntimeError>> + 'b {
        self.end_one_session(user.into(), grant, key)
    }

    async fn end_one_session(
        &self,
        user: UserRef<'_>,
        grant: &str,
        key: &str,
    ) -> Result<(), RuntimeError> {
        let handle = self.user_handle(user).await?;
        if self
            .sessions(&handle, grant)
            .await?
            .iter()
            .any(|known| known == key)
        {
            self.runtime.end_session(key).await?;
            self.run_to_end(
                &handle,
                &GrantCommand::ForgetSession {
                    grant: grant.to_owned(),
                    key: key.to_owned(),
                },
            )
            .await?;
        }
        Ok(())
    }

    /// Forgets a client that registered, and ends every grant that users gave it. True if that is all: with very many
    /// grants some are left, and the call is made again, which goes on where this one stopped. A grant that cannot be
    /// ended is passed over; the purge finds it later.
    ///
    /// # Errors
    /// When the client's record or the list of grants is out of reach.
    pub async fn delete_client(&self, client_id: &str) -> Result<bool, RuntimeError> {
        let keys = self.runtime.keys(false).await?;
        self.registry(&keys).delete(client_id).await?;
        let (kv, budget) = (self.runtime.kv(), Budget::new());
        let place = format!("deleting:{}", sha256_hex(client_id));
        let begun = kv.get(&place).await?;
        let mut cursor = begun.clone();
        loop {
            budget.spend(1);
            let page = kv.page(GRANTS, cursor.as_deref(), PAGE_KEYS).await?;
            if !self.end_those_of(client_id, &page, &budget).await {
                break;
            }
            cursor = page.cursor;
            if cursor.is_none() {
                if begun.is_some() {
                    kv.delete(&place).await?;
                }
                return Ok(true);
            }
        }
        if let Some(cursor) = cursor.filter(|cursor| begun.as_ref() != Some(cursor)) {
            kv.put(
                &place,
                &cursor,
                self.runtime.now() / 1000 + PLACE_SECONDS,
                None,
            )
            .await?;
        }
        Ok(false)
    }

    /// Ends the grants of a page that are the client's; false where the budget does not suffice for all of them.
    async fn end_those_of(&self, client_id: &str, page: &KvPage, budget: &Budget) -> bool {
        for (key, metadata) in &page.keys {
            if metadata
                .as_deref()
                .is_some_and(|client| client != client_id)
            {
                continue;
            }
            if !budget.has(MAX_OPERATIONS_A_GRANT) {
                return false;
            }
            if let Err(fault) = self
                .end_if_of(client_id, key, metadata.as_deref(), budget)
                .await
            {
                self.runtime.warn(&format!(
                    "a grant of a deleted client is passed over: {}",
                    fault.0
                ));
            }
        }
        budget.has(1)
    }

    /// Ends the grant of a key if it is the client's. Grants of this server have the client's id as metadata of the
    /// key, those of workers-oauth-provider in their record.
    async fn end_if_of(
        &self,
        client_id: &str,
        key: &str,
        metadata: Option<&str>,
        budget: &Budget,
    ) -> Result<(), RuntimeError> {
        if metadata == Some(client_id)
            && let Some((handle, grant)) = of_header_key(key)
        {
            return self.disconnect(&handle, grant, budget).await;
        }
        budget.spend(1);
        if metadata.is_none()
            && self.oauth.takes_over
            && let Some(legacy) = self.legacy_grant(key).await?
            && legacy.client_id == client_id
        {
            return self.end_legacy(&legacy.user, &legacy.id, budget).await;
        }
        Ok(())
    }

    async fn disconnect(
        &self,
        handle: &UserHandle,
        grant: &str,
        budget: &Budget,
    ) -> Result<(), RuntimeError> {
        budget.spend(1);
        self.run_to_end(
            handle,
            &GrantCommand::RevokeGrant {
                grant: grant.to_owned(),
            },
        )
        .await
        .map(drop)
    }

    /// Keys of the sessions of a grant.
    async fn sessions(
        &self,
        handle: &UserHandle,
        grant: &str,
    ) -> Result<Vec<String>, RuntimeError> {
        let GrantOutcome::Grants(grants) = self.run_to_end(handle, &GrantCommand::List).await?
        else {
            return Err(Format::GrantOutcome.unreadable());
        };
        let meant = grants.into_iter().filter(|listed| listed.grant == grant);
        Ok(meant
            .flat_map(|listed| listed.sessions)
            .map(|session| session.key)
            .collect())
    }

    /// Handle of a user, computed from the subject or as given.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn user_handle(&self, user: UserRef<'_>) -> Result<UserHandle, RuntimeError> {
        match user {
            UserRef::Subject(subject) => {
                Ok(UserHandle::of(&*self.runtime.keys(false).await?, subject))
            }
            UserRef::Handle(handle) => Ok(handle.clone()),
        }
    }

    async fn run_to_end(
        &self,
        handle: &UserHandle,
        command: &GrantCommand,
    ) -> Result<GrantOutcome, RuntimeError> {
        match self.command(handle, command).await? {
            Ok(outcome) => Ok(outcome),
            Err(GrantRefusal::Unavailable { .. }) => Err(RuntimeError(
                "a user's grants could not all be ended yet".to_owned(),
            )),
            // Refused for lack of what it names, which has ended then.
            Err(_) => Ok(GrantOutcome::Done),
        }
    }

    async fn legacy_grant(&self, key: &str) -> Result<Option<LegacyGrant>, RuntimeError> {
        Ok(self
            .runtime
            .kv()
            .get(key)
            .await?
            .as_deref()
            .and_then(LegacyGrant::from_json))
    }

    /// Keys of up to `limit` of a user's grants of workers-oauth-provider, and true if these are all. Empty for an id
    /// that no user of that program can have had, since the prefix of such an id may be that of other users' keys.
    async fn legacy_keys(
        &self,
        user: &str,
        limit: usize,
        budget: &Budget,
    ) -> Result<(Vec<String>, bool), RuntimeError> {
        if !self.has_legacy(user) {
            return Ok((Vec::new(), true));
        }
        let prefix = grant_key(user, "");
        self.keys(
            &prefix,
            |key| {
                key.strip_prefix(&prefix)
                    .is_some_and(|grant| !grant.contains(':'))
            },
            limit,
            budget,
        )
        .await
    }

    /// Up to `limit` keys that begin with `prefix` and match, and true if these are all. Pages of KV may be short: as
    /// many are read as the budget has room for.
    async fn keys(
        &self,
        prefix: &str,
        is_meant: impl Fn(&String) -> bool,
        limit: usize,
        budget: &Budget,
    ) -> Result<(Vec<String>, bool), RuntimeError> {
        let (mut keys, mut cursor) = (Vec::new(), None);
        while keys.len() < limit && budget.has(1) {
            budget.spend(1);
            let page = self
                .runtime
                .kv()
                .page(prefix, cursor.as_deref(), limit - keys.len())
                .await?;
            keys.extend(page.keys.into_iter().map(|(key, _)| key).filter(&is_meant));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok((keys, true));
            }
        }
        Ok((keys, false))
    }

    fn has_legacy(&self, user: &str) -> bool {
        self.oauth.takes_over && is_legacy_user(user)
    }

    /// Ends a user's grants of workers-oauth-provider, also those that cannot be read.
    async fn end_legacy_grants(&self, user: &str, budget: &Budget) -> Result<(), RuntimeError> {
        let prefix = grant_key(user, "");
        let (keys, are_all) = self.legacy_keys(user, KV_PAGE_KEYS, budget).await?;
        for grant in keys.iter().filter_map(|key| key.strip_prefix(&prefix)) {
            self.end_legacy(user, grant, budget).await?;
        }
        if are_all { Ok(()) } else { Err(not_all()) }
    }

    async fn end_legacy(
        &self,
        user: &str,
        grant: &str,
        budget: &Budget,
    ) -> Result<(), RuntimeError> {
        if !self.has_legacy(user) {
            return Ok(());
        }
        let kv = self.runtime.kv();
        let (tokens, are_all) = self
            .keys(
                &record::old_key(user, grant, ""),
                |_| true,
                KV_PAGE_KEYS,
                budget,
            )
            .await?;
        let whole = are_all && budget.has(tokens.len() + 1);
        if whole {
            // The grant first: then no token of it can be refreshed while the others go. Where a later call has to go on, the
            // grant stays until then, since tokens are found by it.
            budget.spend(1);
            kv.delete(&grant_key(user, grant)).await?;
        }
        for key in tokens.iter().take(budget.0.get()) {
            kv.delete(key).await?;
        }
        budget.spend(tokens.len());
        if whole { Ok(()) } else { Err(not_all()) }
    }
}

fn listed(legacy: &LegacyGrant) -> ListedGrant {
    let created = legacy.created.saturating_mul(1000);
    ListedGrant {
        grant: legacy.id.clone(),
        client_id: legacy.client_id.clone(),
        client_name: None,
        scopes: legacy.scopes.clone(),
        audience: legacy.audience.iter().map(Resource::clone).collect(),
        created,
        used: created,
        expires: legacy
            .expires
            .map_or(u64::MAX, |expires| expires.saturating_mul(1000)),
        sessions: Vec::new(),
        unreadable: false,
    }
}
