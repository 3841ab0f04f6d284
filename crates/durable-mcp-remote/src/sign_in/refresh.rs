//! Refresh of tokens: one at a time on a machine.

use std::time::Duration;

use tokio::time::timeout;

use super::challenge::Challenge;
use super::client::Origin;
use super::client_credentials;
use super::context::{Context, GrantedScopes, Need, issued};
use super::discovery::{Discovered, is_same_issuer};
use super::error::SignInError;
use super::token::{TokenEndpoint, TokenError};
use crate::arguments::Grant;
use crate::store::now_ms;
use crate::store::records::StoredTokens;

/// Longest time under the lock, within the 30 s after which the reference regards a lease as abandoned: a token request, and a
/// second one if its answer was lost early.
const TIME_UNDER_LOCK: Duration = Duration::from_secs(28);

/// Result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// Newer tokens are stored.
    Yes,
    /// A person has to sign in.
    SignInNeeded,
}

/// Replaces tokens whose bearer is `used`, unless another process has. `challenge` is that of the server if it refused them.
///
/// # Errors
/// If the authorization server cannot be reached; the tokens stay.
pub(crate) async fn refresh(
    context: &Context,
    used: &str,
    challenge: Option<&Challenge>,
) -> Result<Refreshed, SignInError> {
    let Some(tokens) = context.usable_tokens()? else {
        return Ok(Refreshed::SignInNeeded);
    };
    if context.bearer(&tokens) != used {
        return Ok(Refreshed::Yes);
    }
    if !needs_no_person(context) && tokens.refresh_token().is_none() {
        return Ok(Refreshed::SignInNeeded);
    }
    // Before the lock: others wait for the requests that need it alone.
    let discovered = match challenge {
        Some(challenge) => context.discover(challenge).await?,
        None => context.known_metadata().await?,
    };
    let _lock = context.store.lock_refresh().await?;
    let late = || {
        SignInError::Unreachable(
            "the authorization server takes too long to refresh the tokens".to_owned(),
        )
    };
    let refreshed = refresh_under_lock(context, used, challenge, &discovered);
    timeout(TIME_UNDER_LOCK, refreshed)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn needs_no_person(context: &Context) -> bool {
    matches!(context.settings.grant, Grant::ClientCredentials { .. })
}

/// Replaces the tokens, unless another process has while this one waited for the lock.
async fn refresh_under_lock(
    context: &Context,
    used: &str,
    challenge: Option<&Challenge>,
    discovered: &Discovered,
) -> Result<Refreshed, SignInError> {
    let Some(tokens) = context.usable_tokens()? else {
        return Ok(Refreshed::SignInNeeded);
    };
    if context.bearer(&tokens) != used {
        return Ok(Refreshed::Yes);
    }
    if needs_no_person(context) {
        return renew_as_client(context, challenge, discovered, &tokens).await;
    }
    renew(context, discovered, &tokens).await
}

/// Gets another token by client credentials.
async fn renew_as_client(
    context: &Context,
    challenge: Option<&Challenge>,
    discovered: &Discovered,
    tokens: &StoredTokens,
) -> Result<Refreshed, SignInError> {
    let need = Need {
        challenge: challenge.cloned().unwrap_or_default(),
        ..Need::default()
    };
    let renewed = client_credentials::request(context, &need, discovered).await?;
    replace(context, tokens, &renewed)
}

async fn renew(
    context: &Context,
    discovered: &Discovered,
    tokens: &StoredTokens,
) -> Result<Refreshed, SignInError> {
    let Some(refresh_token) = tokens.refresh_token() else {
        return Ok(Refreshed::SignInNeeded);
    };
    // Tokens of one authorization server are not shown to another, and those of an unknown one to no guessed endpoint.
    let is_of_server = match tokens.issuer() {
        Some(issuer) => is_same_issuer(issuer, &discovered.server.issuer),
        None => !discovered.server.is_guessed(),
    };
    if !is_of_server {
        return Ok(Refreshed::SignInNeeded);
    }
    Attempt {
        context,
        discovered,
        tokens,
        refresh_token,
    }
    .run()
    .await
}

struct Attempt<'a> {
    context: &'a Context,
    discovered: &'a Discovered,
    tokens: &'a StoredTokens,
    refresh_token: &'a str,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Refreshed, SignInError> {
        let context = self.context;
        let server = &self.discovered.server;
        let Some(client) = context.settings.client.known(&context.store, server)? else {
            return Ok(Refreshed::SignInNeeded);
        };
        context.brakes().token(now_ms())?;
        let endpoint = context.token_endpoint(server, &client)?;
        let answer = match self.request(endpoint, self.tokens.scope()).await {
            // The answer was lost, perhaps with new tokens in it: servers accept the old one once more for a while.
            Err(TokenError::Lost(_)) => self.request(endpoint, self.tokens.scope()).await,
            // Not all servers accept the scope that they granted.
            Err(TokenError::Refused { code, .. }) if code == "invalid_scope" => {
                self.request(endpoint, None).await
            }
            answer => answer,
        };
        match answer {
            Ok(answer) => {
                let scopes = GrantedScopes {
                    asked: None,
                    requested: self.tokens.requested_scope(),
                };
                replace(
                    context,
                    self.tokens,
                    &issued(answer, Some(self.tokens), &server.issuer, scopes)?,
                )
            }
            Err(error) if error.is_of_client() && client.origin == Origin::Stored => {
                context.store.delete_client(client.record.client_id())?;
                Ok(Refreshed::SignInNeeded)
            }
            Err(error) if error.is_invalid_grant() => self.give_up(),
            Err(TokenError::Refused { .. }) => Ok(Refreshed::SignInNeeded),
            Err(error) => Err(error.into()),
        }
    }

    async fn request(
        &self,
        endpoint: TokenEndpoint<'_>,
        scope: Option<&str>,
    ) -> Result<serde_json::Map<String, serde_json::Value>, TokenError> {
        let resource = self.context.resource(self.discovered);
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh_token),
        ];
        // Entra ID takes a refresh without a scope for one of another resource.
        form.extend(scope.map(|scope| ("scope", scope)));
        form.extend(resource.as_deref().map(|resource| ("resource", resource)));
        endpoint.request(&self.context.http, &form).await
    }

    /// Deletes tokens that are worth nothing, unless another process has replaced them.
    fn give_up(&self) -> Result<Refreshed, SignInError> {
        self.context
            .store
            .delete_tokens(self.tokens.access_token())?;
        stored(self.context)
    }
}

/// Stores tokens in place of those that they renew. A sign-in or a logout of meanwhile stays.
fn replace(
    context: &Context,
    before: &StoredTokens,
    tokens: &StoredTokens,
) -> Result<Refreshed, SignInError> {
    context.store.replace_tokens(before, tokens)?;
    stored(context)
}

fn stored(context: &Context) -> Result<Refreshed, SignInError> {
    Ok(if context.store.tokens()?.is_some() {
        Refreshed::Yes
    } else {
        Refreshed::SignInNeeded
    })
}
