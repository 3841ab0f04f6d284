//! Collects what KV cannot expire: grants of workers-oauth-provider that it gave no end to, and grants whose client was
//! deleted.
//!
//! A run looks through a part of the grants, page by page, from where the last one stopped. The place of the next page is
//! stored before a page is looked through: whatever goes wrong with that page, no later run begins there again.

use std::collections::BTreeMap;

use durable_core::limits::OPERATIONS_AN_INVOCATION;
use durable_core::wire::{RuntimeError, read_json};

use crate::auth_server::OAuthRuntime;
use crate::authority::{GrantCommand, GrantOutcome, GrantRefusal};
use crate::grant::{GRANTS, of_header_key};
use crate::legacy::LegacyGrant;
use crate::port::{Kv, KvPage};
use crate::provider::OAuth;
use crate::record;
use crate::token::UserHandle;

/// KV key of the cursor at which the next run begins.
const CURSOR: &str = "purge:cursor";

/// Lifetime of the cursor, in seconds: without one, the next run begins anew.
const CURSOR_SECONDS: u64 = 7 * 24 * 3600;

/// Milliseconds between writes of the cursor: KV takes one write of the same key a second.
const WRITE_EVERY_MS: u64 = 1_000;

/// Operations of one run: the rest of an invocation's is left to what the application does at the same time.
pub const OPERATIONS_A_RUN: usize = OPERATIONS_AN_INVOCATION / 2;

/// Grants of one page: at most that many are passed over when a run is cut off.
const PAGE_GRANTS: usize = 50;

/// The most operations for one grant: its client or record is read, it is asked about, and it is ended.
const OPERATIONS_A_GRANT: usize = 3;

/// The most operations for a page: the listing, perhaps once more from the beginning, two writes of the cursor, and its grants.
const OPERATIONS_A_PAGE: usize = 4 + PAGE_GRANTS * OPERATIONS_A_GRANT;

const _: () = assert!(
    OPERATIONS_A_PAGE <= OPERATIONS_A_RUN,
    "a run gets through a page"
);

/// Age below which a grant is not ended for lack of its client, in milliseconds: KV may not show the client's record yet, for
/// a minute or somewhat more.
const SETTLED_MS: u64 = 10 * 60 * 1000;

/// Result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgeReport {
    /// Grants looked at.
    pub seen: usize,
    /// Grants ended.
    pub ended: usize,
    /// Grants that could not be looked at or ended. They are passed over until the next time round.
    pub failed: usize,
    /// True if the run came to the end, and the next one begins anew.
    pub whole: bool,
}

/// Looks through the next part of the grants, and ends those that have expired or whose client has gone.
///
/// # Errors
/// When the grants cannot be listed; the next run goes on.
pub async fn purge(oauth: &OAuth, runtime: &dyn OAuthRuntime) -> Result<PurgeReport, RuntimeError> {
    let kv = runtime.kv();
    let cursor = kv.get(CURSOR).await?;
    let mut run = Run {
        oauth,
        runtime,
        kv,
        spent: 1,
        clients: BTreeMap::new(),
        done: PurgeReport::default(),
    };
    let mut page = run.first_page(cursor.as_deref()).await?;
    let (mut written, mut at) = (0, cursor);
    loop {
        let due = runtime.now() >= written + WRITE_EVERY_MS;
        if due && page.cursor != at && run.write(page.cursor.as_deref()).await {
            (written, at) = (runtime.now(), page.cursor.clone());
        }
        run.look_through(&page).await;
        run.done.whole = page.cursor.is_none();
        let Some(next) = page
            .cursor
            .as_deref()
            .filter(|_| run.spent + OPERATIONS_A_PAGE <= OPERATIONS_A_RUN)
        else {
            break;
        };
        page = run.page(Some(next)).await?;
    }
    if page.cursor != at {
        run.write(page.cursor.as_deref()).await;
    }
    Ok(run.done)
}

struct Run<'a> {
    oauth: &'a OAuth,
    runtime: &'a dyn OAuthRuntime,
    kv: &'a dyn Kv,
    /// Operations so far.
    spent: usize,
    /// Clients that were looked up, each with whether it exists.
    clients: BTreeMap<String, bool>,
    done: PurgeReport,
}

impl Run<'_> {
    /// The page at the cursor, or the first one if KV refuses that cursor.
    async fn first_page(&mut self, cursor: Option<&str>) -> Result<KvPage, RuntimeError> {
        match self.page(cursor).await {
            Err(fault) if cursor.is_some() => {
                self.runtime
                    .warn(&format!("the purge begins anew: {}", fault.0));
                self.page(None).await
            }
            listed => listed,
        }
    }

    async fn page(&mut self, cursor: Option<&str>) -> Result<KvPage, RuntimeError> {
        self.spent += 1;
        self.kv.page(GRANTS, cursor, PAGE_GRANTS).await
    }

    /// Stores where the next run begins; false if that failed.
    async fn write(&mut self, cursor: Option<&str>) -> bool {
        self.spent += 1;
        let written = match cursor {
            Some(cursor) => {
                self.kv
                    .put(
                        CURSOR,
                        cursor,
                        self.runtime.now() / 1000 + CURSOR_SECONDS,
                        None,
                    )
                    .await
            }
            None => self.kv.delete(CURSOR).await,
        };
        if let Err(fault) = &written {
            self.runtime
                .warn(&format!("the purge's place is not stored: {}", fault.0));
        }
        written.is_ok()
    }

    async fn look_through(&mut self, page: &KvPage) {
        let mut last = None;
        for (key, metadata) in &page.keys {
            self.done.seen += 1;
            let ended = match metadata {
                Some(client) => self.end_orphan(client, key).await,
                None => self.end_expired(key).await,
            };
            match ended {
                Ok(ended) => self.done.ended += usize::from(ended),
                Err(fault) => {
                    self.done.failed += 1;
                    last = Some(fault);
                }
            }
        }
        // One line a page: a store that fails would fill the log.
        if let Some(fault) = last {
            self.runtime
                .warn(&format!("grants are passed over in the purge: {}", fault.0));
        }
    }

    /// Ends a grant of workers-oauth-provider that no token is good for any more.
    async fn end_expired(&mut self, key: &str) -> Result<bool, RuntimeError> {
        if !self.oauth.takes_over {
            return Ok(false);
        }
        self.spent += 1;
        let Some(grant) = self
            .kv
            .get(key)
            .await?
            .as_deref()
            .and_then(LegacyGrant::from_json)
        else {
            return Ok(false);
        };
        let over = match grant.expires {
            Some(expires) => expires.saturating_mul(1000) <= self.runtime.now(),
            // Without a refresh token it is worth what its access tokens are.
            None => !grant.has_refresh_token() && !self.has_tokens(&grant).await?,
        };
        if over {
            self.spent += 1;
            self.kv.delete(key).await?;
        }
        Ok(over)
    }

    async fn has_tokens(&mut self, grant: &LegacyGrant) -> Result<bool, RuntimeError> {
        self.spent += 1;
        let prefix = record::old_key(&grant.user, &grant.id, "");
        let listed = self.kv.page(&prefix, None, 1).await?;
        // A page may be empty although there is another one.
        Ok(!listed.keys.is_empty() || listed.cursor.is_some())
    }

    /// Ends a grant whose client has gone.
    async fn end_orphan(&mut self, client: &str, key: &str) -> Result<bool, RuntimeError> {
        if self.exists(client).await? {
            return Ok(false);
        }
        let Some((handle, grant)) = of_header_key(key) else {
            return Ok(false);
        };
        if let GrantOutcome::Grants(grants) = self.run_command(&handle, &GrantCommand::List).await?
            && grants.iter().any(|listed| {
                listed.grant == grant && self.runtime.now() < listed.created + SETTLED_MS
            })
        {
            return Ok(false);
        }
        self.run_command(
            &handle,
            &GrantCommand::RevokeGrant {
                grant: grant.to_owned(),
            },
        )
        .await?;
        Ok(true)
    }

    async fn exists(&mut self, client: &str) -> Result<bool, RuntimeError> {
        // A client that is known by its document, or by the configuration, has no record.
        if client.contains("://") || self.oauth.clients.iter().any(|known| known.id == client) {
            return Ok(true);
        }
        if let Some(known) = self.clients.get(client) {
            return Ok(*known);
        }
        self.spent += 1;
        let exists = self.kv.get(&format!("client:{client}")).await?.is_some();
        self.clients.insert(client.to_owned(), exists);
        Ok(exists)
    }

    async fn run_command(
        &mut self,
        handle: &UserHandle,
        command: &GrantCommand,
    ) -> Result<GrantOutcome, RuntimeError> {
        self.spent += 1;
        let json =
            serde_json::to_string(command).map_err(|error| RuntimeError(error.to_string()))?;
        let answer = self.runtime.command(handle, json).await?;
        let outcome: Result<GrantOutcome, GrantRefusal> = read_json(answer.as_bytes())
            .ok_or_else(|| RuntimeError("a user's object gives no outcome".to_owned()))?;
        outcome.map_err(|_| {
            RuntimeError("a user's grants are not there, or could not all be ended yet".to_owned())
        })
    }
}
