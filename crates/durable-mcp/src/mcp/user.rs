//! Who calls.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::Context;
use super::error::{Error, ErrorCode};
use super::extract::{Extract, Rejection};

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
    /// When the access token ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// Sessions, tasks and request states that are older are not for this caller, in seconds since 1970: another grant of
    /// the client has ended since.
    pub sessions_since: u64,
    /// What they allowed it.
    pub scopes: Vec<String>,
    /// What sign-in left for the tools: a name, an upstream token.
    pub props: Value,
}

impl Caller {
    /// Whether every one of `needed` was allowed.
    #[must_use]
    pub fn has_scopes(&self, needed: &[String]) -> bool {
        needed.iter().all(|scope| self.scopes.contains(scope))
    }
}

/// The signed-in person, with `P` read from what sign-in left.
///
/// `Option<User<P>>` is `None` on a public server; a plain `User<P>` there refuses the call.
///
/// ```
/// use durable_mcp::prelude::*;
/// #[derive(Deserialize)]
/// struct Profile {
///     name: String,
/// }
/// async fn whoami(user: Option<User<Profile>>) -> String {
///     user.map_or("nobody in particular".into(), |user| user.props.name)
/// }
/// # let _ = Server::new("s", "1").tool("whoami", "Who am I?", whoami);
/// ```
#[derive(Debug, Clone)]
pub struct User<P> {
    /// The person's id.
    pub id: String,
    /// The OAuth client that calls for them.
    pub client_id: Option<String>,
    /// The grant by which it does.
    pub grant: Option<String>,
    /// The URL of the resource that was called.
    pub resource: Option<String>,
    /// When the access token ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// What they allowed it.
    pub scopes: Vec<String>,
    /// What sign-in left for the tools.
    pub props: P,
}

impl<P: DeserializeOwned + 'static> Extract for User<P> {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let caller = context.caller();
        let refuse = |message: &str| Rejection::Error(Error::new(ErrorCode::REFUSED, message));
        let Some(id) = caller.subject.clone() else {
            return Err(refuse("This needs a signed-in user, and this server is public."));
        };
        let props =
            P::deserialize(&caller.props).map_err(|_| refuse("Your sign-in lacks what this needs. Sign in again."))?;
        let Caller { client_id, grant, resource, expires, scopes, .. } = Caller::clone(caller);
        Ok(Self { id, client_id, grant, resource, expires, scopes, props })
    }
}
