//! The authorization server in front of a server.

use oauth_server::provider::OAuth;
use oauth_server::scope::Scopes;

use super::caller_cache::CallerCache;

/// The provider in front of a server.
pub(super) struct OAuthFront {
    pub(super) oauth: OAuth,
    /// The scopes that the server's tools need.
    pub(super) tool_scopes: Scopes,
    pub(super) callers: CallerCache,
}
