//! Client credentials grant (RFC 6749, section 4.4): the program signs in as itself.

use super::context::{Context, GrantedScopes, Need, issued};
use super::discovery::Discovered;
use super::error::SignInError;
use super::scope::ScopeSources;
use crate::store::now_ms;
use crate::store::records::StoredTokens;

/// Gets a token and stores it.
pub(crate) async fn run(context: &Context, need: &Need) -> Result<(), SignInError> {
    let discovered = context.discover(&need.challenge).await?;
    context
        .save(&request(context, need, &discovered).await?)
        .await
}

/// Gets a token.
pub(crate) async fn request(
    context: &Context,
    need: &Need,
    discovered: &Discovered,
) -> Result<StoredTokens, SignInError> {
    // RFC 6749, section 4.4.3: this grant has no refresh token, so no scope asks for one.
    let scopes = ScopeSources {
        server: None,
        ..context.scopes(discovered, need)
    };
    let asked = scopes.asked();
    let client = context
        .client_without_redirects(&discovered.server, asked.as_deref())
        .await?;
    let endpoint = context.token_endpoint(&discovered.server, &client)?;
    if client.record.secret().is_none() && endpoint.key.is_none() {
        return Err(SignInError::impossible(
            "--client-credentials needs a client with a secret or a key: give it with --static-oauth-client-info @FILE, and a key with --client-key FILE",
        ));
    }
    context.http.check_scheme(endpoint.url)?;
    context.brakes().token(now_ms())?;
    let resource = context.resource(discovered);
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(asked.as_deref().map(|scope| ("scope", scope)));
    form.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let answer = endpoint.request(&context.http, &form).await?;
    let base = scopes.base();
    let granted = GrantedScopes {
        asked: asked.as_deref(),
        requested: base.as_deref(),
    };
    issued(answer, None, &discovered.server.issuer, granted)
}
