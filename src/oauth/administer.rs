//! What a user or an administrator does with grants: list them, end them or a session of theirs, forget a client.
//!
//! Grants of workers-oauth-provider that were not taken over yet are listed and ended too.

use super::authority::{Command, Listed, Outcome, Refused};
use super::grant::{GRANTS, of_header_key};
use super::legacy::{LegacyGrant, grant_key};
use super::record;
use super::resource::Resource;
use super::site::Site;
use super::token::{Handle, is_legacy_user};
use crate::formats::Format;
use crate::wire::Fault;

/// Pages of a listing that one request goes through: each is a KV operation, of which a request has a thousand.
const MAX_PAGES: usize = 50;

impl Site<'_> {
    /// The grants of a user, the newest last.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn grants_of(&self, subject: &str) -> Result<Vec<Listed>, Fault> {
        let told = self.told(&self.handle(subject).await?, &Command::List).await?;
        let Outcome::Grants(mut grants) = told else {
            return Err(Format::GrantOutcome.unreadable());
        };
        for legacy in self.legacy_grants(subject).await? {
            let taken_over = grants.iter().any(|grant| grant.grant == legacy.id);
            if legacy.user == subject && !taken_over {
                grants.push(listed(&legacy));
            }
        }
        grants.sort_by_key(|grant| grant.created);
        Ok(grants)
    }

    /// Ends one grant of a user, and all that it held: see [`GrantHolding`](super::holding::GrantHolding). One that is not
    /// there has ended already.
    ///
    /// # Errors
    /// When storage fails; what was begun goes on by itself, and the same call may be made again.
    pub async fn end_grant(&self, subject: &str, grant: &str) -> Result<(), Fault> {
        self.disconnect(&self.handle(subject).await?, grant).await?;
        self.end_legacy(subject, grant).await
    }

    /// Ends every grant of a user.
    ///
    /// # Errors
    /// As of [`end_grant`](Self::end_grant).
    pub async fn end_grants(&self, subject: &str) -> Result<(), Fault> {
        let handle = self.handle(subject).await?;
        self.told(&handle, &Command::RevokeAll).await?;
        for legacy in self.legacy_grants(subject).await? {
            self.end_legacy(&legacy.user, &legacy.id).await?;
        }
        Ok(())
    }

    /// Ends one session of a grant of a user; the grant goes on. One that the user is not told of is left alone.
    ///
    /// # Errors
    /// When storage fails, or the session's object.
    pub async fn end_session(&self, subject: &str, grant: &str, key: &str) -> Result<(), Fault> {
        let handle = self.handle(subject).await?;
        if self.sessions(&handle, grant).await?.iter().any(|known| known == key) {
            self.around.end_session(key).await?;
            self.told(&handle, &Command::ForgetSession { grant: grant.to_owned(), key: key.to_owned() }).await?;
        }
        Ok(())
    }

    /// Forgets a client that registered, and ends every grant that users gave it. Gives whether that is all: with very
    /// many grants some are left, and the call is made again.
    ///
    /// # Errors
    /// As of [`end_grant`](Self::end_grant).
    pub async fn delete_client(&self, client_id: &str) -> Result<bool, Fault> {
        let keys = self.around.keys(false).await?;
        self.registry(&keys).delete(client_id).await?;
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.around.kv().list(GRANTS, cursor.as_deref()).await?;
            for (key, beside) in page.keys {
                self.end_if_of(client_id, &key, beside.as_deref()).await?;
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Our grants have the client's id beside them, the others in their record.
    async fn end_if_of(&self, client_id: &str, key: &str, beside: Option<&str>) -> Result<(), Fault> {
        if beside == Some(client_id)
            && let Some((handle, grant)) = of_header_key(key)
        {
            return self.disconnect(&handle, grant).await;
        }
        if beside.is_none()
            && self.oauth.takes_over
            && let Some(legacy) = self.legacy_grant(key).await?
            && legacy.client_id == client_id
        {
            return self.end_legacy(&legacy.user, &legacy.id).await;
        }
        Ok(())
    }

    async fn disconnect(&self, handle: &Handle, grant: &str) -> Result<(), Fault> {
        self.told(handle, &Command::RevokeGrant { grant: grant.to_owned() }).await.map(drop)
    }

    /// Keys of the sessions of a grant.
    async fn sessions(&self, handle: &Handle, grant: &str) -> Result<Vec<String>, Fault> {
        let Outcome::Grants(grants) = self.told(handle, &Command::List).await? else {
            return Err(Format::GrantOutcome.unreadable());
        };
        let meant = grants.into_iter().filter(|listed| listed.grant == grant);
        Ok(meant.flat_map(|listed| listed.sessions).map(|session| session.key).collect())
    }

    async fn handle(&self, subject: &str) -> Result<Handle, Fault> {
        Ok(Handle::of(&*self.around.keys(false).await?, subject))
    }

    async fn told(&self, handle: &Handle, command: &Command) -> Result<Outcome, Fault> {
        match self.command(handle, command).await? {
            Ok(outcome) => Ok(outcome),
            Err(Refused::Unavailable { .. }) => Err(Fault("a user's grants could not all be ended yet".to_owned())),
            // What is not there has ended.
            Err(_) => Ok(Outcome::Done),
        }
    }

    async fn legacy_grant(&self, key: &str) -> Result<Option<LegacyGrant>, Fault> {
        Ok(self.around.kv().get(key).await?.as_deref().and_then(LegacyGrant::read))
    }

    /// Grants of a user that workers-oauth-provider keeps. Where a user's id could not be one of its, there are none: its
    /// keys might be those of others.
    async fn legacy_grants(&self, subject: &str) -> Result<Vec<LegacyGrant>, Fault> {
        let mut grants = Vec::new();
        if !self.has_legacy(subject) {
            return Ok(grants);
        }
        for (key, _) in self.around.kv().list(&grant_key(subject, ""), None).await?.keys {
            grants.extend(self.legacy_grant(&key).await?);
        }
        Ok(grants)
    }

    fn has_legacy(&self, subject: &str) -> bool {
        self.oauth.takes_over && is_legacy_user(subject)
    }

    async fn end_legacy(&self, user: &str, grant: &str) -> Result<(), Fault> {
        if !self.has_legacy(user) {
            return Ok(());
        }
        let kv = self.around.kv();
        // The grant first: then no token of it can be refreshed while the others go.
        kv.delete(&grant_key(user, grant)).await?;
        for (key, _) in kv.list(&record::old_key(user, grant, ""), None).await?.keys {
            kv.delete(&key).await?;
        }
        Ok(())
    }
}

fn listed(legacy: &LegacyGrant) -> Listed {
    let created = legacy.created.saturating_mul(1000);
    Listed {
        grant: legacy.id.clone(),
        client_id: legacy.client_id.clone(),
        client_name: None,
        scopes: legacy.scopes.clone(),
        audience: legacy.audience.iter().map(Resource::clone).collect(),
        created,
        used: created,
        expires: legacy.expires.map_or(u64::MAX, |expires| expires.saturating_mul(1000)),
        sessions: Vec::new(),
        unreadable: false,
    }
}
