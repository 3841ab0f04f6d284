//! Collects what KV cannot expire: grants of workers-oauth-provider that it gave no end to, and grants whose client was
//! deleted.
//!
//! A run looks through a part of the grants, from where the last one stopped, so that each is short however many there
//! are.

use super::authority::Command;
use super::grant::{GRANTS, of_header_key};
use super::legacy::LegacyGrant;
use super::provider::OAuth;
use super::record;
use super::site::Surroundings;
use crate::wire::Fault;

/// Where the next run begins.
const CURSOR: &str = "purge:cursor";

/// The cursor is worth nothing after a while: the next run begins anew.
const CURSOR_SECONDS: u64 = 7 * 24 * 3600;

/// Grants that one run reads: some hundred KV operations, of the thousand that a Worker has a run.
pub const GRANTS_A_RUN: usize = 200;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Grants looked at.
    pub seen: usize,
    /// Grants ended.
    pub ended: usize,
    /// Whether the run came to the end, and the next one begins anew.
    pub whole: bool,
}

/// One run.
///
/// # Errors
/// When storage fails; the next run begins where this one did.
pub async fn purge(oauth: &OAuth, around: &dyn Surroundings) -> Result<Purged, Fault> {
    let kv = around.kv();
    let mut cursor = kv.get(CURSOR).await?;
    let mut done = Purged::default();
    loop {
        let page = kv.list(GRANTS, cursor.as_deref()).await?;
        for (key, beside) in &page.keys {
            done.seen += 1;
            done.ended += usize::from(end_if_over(oauth, around, key, beside.as_deref()).await?);
        }
        cursor = page.cursor;
        match &cursor {
            None => {
                kv.delete(CURSOR).await?;
                done.whole = true;
                return Ok(done);
            }
            Some(cursor) if done.seen >= GRANTS_A_RUN => {
                kv.put(CURSOR, cursor, around.now() / 1000 + CURSOR_SECONDS, None).await?;
                return Ok(done);
            }
            Some(_) => {}
        }
    }
}

async fn end_if_over(oauth: &OAuth, around: &dyn Surroundings, key: &str, beside: Option<&str>) -> Result<bool, Fault> {
    let kv = around.kv();
    let Some(client) = beside else {
        if !oauth.takes_over {
            return Ok(false);
        }
        let Some(grant) = kv.get(key).await?.as_deref().and_then(LegacyGrant::read) else {
            return Ok(false);
        };
        let over = match grant.expires {
            Some(expires) => expires.saturating_mul(1000) <= around.now(),
            // Without a refresh token it is worth what its access tokens are.
            None => !grant.has_refresh_token() && kv.list(&tokens(&grant), None).await?.keys.is_empty(),
        };
        if over {
            kv.delete(key).await?;
        }
        return Ok(over);
    };
    // A client that is known by its document, or by the configuration, has no record.
    let has_none = client.contains("://") || oauth.clients.iter().any(|known| known.id == client);
    if has_none || kv.get(&format!("client:{client}")).await?.is_some() {
        return Ok(false);
    }
    let Some((handle, grant)) = of_header_key(key) else {
        return Ok(false);
    };
    let command = Command::RevokeGrant { grant: grant.to_owned() };
    let json = serde_json::to_string(&command).map_err(|error| Fault(error.to_string()))?;
    around.command(&handle, json).await?;
    Ok(true)
}

fn tokens(grant: &LegacyGrant) -> String {
    record::old_key(&grant.user, &grant.id, "")
}
