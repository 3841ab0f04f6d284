//! The principal of a request: user, OAuth client, grant and scopes.

use serde_json::Value;

/// The principal of one request. It comes with every request and is never kept with a session, so it is never stale.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Caller {
    /// The person's id; none where the server is public.
    pub subject: Option<String>,
    /// The OAuth client that calls for them.
    pub client_id: Option<String>,
    /// The grant by which it does.
    pub grant: Option<String>,
    /// The URL of the resource that was called.
    pub resource: Option<String>,
    /// Expiry of the access token, in seconds since 1970.
    pub expires: Option<u64>,
    /// Sessions, tasks and request states that are older are not for this caller, in seconds since 1970: another grant of
    /// the client has ended since.
    pub sessions_since: u64,
    /// Scopes that the person granted the client.
    pub scopes: Vec<String>,
    /// Props that sign-in left for the tools: a name, an upstream token.
    pub props: Value,
}

impl Caller {
    /// True if every one of the `needed` scopes was granted.
    #[must_use]
    pub fn has_scopes(&self, needed: &[String]) -> bool {
        needed.iter().all(|scope| self.scopes.contains(scope))
    }
}
