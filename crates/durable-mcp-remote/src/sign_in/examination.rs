//! The way to a token, looked at without going it: for `doctor`.

use std::sync::Arc;

use reqwest::Url;

use super::challenge::Challenge;
use super::context::{Context, Need};
use super::discovery::{check_pkce, resource_urls, server_urls};
use super::error::SignInError;
use super::http::{Failure, shown};
use crate::arguments::{Arguments, Grant};

/// Metadata, and the ways that it opens.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of the metadata"
)]
pub(crate) struct Discovery {
    /// Each metadata URL with the status of its answer.
    pub(crate) asked: Vec<(String, String)>,
    pub(crate) issuer: String,
    /// Whether there is no metadata, so that the endpoints are those of 2025-03-26.
    pub(crate) is_guessed: bool,
    pub(crate) has_authorization_endpoint: bool,
    pub(crate) has_device_endpoint: bool,
    pub(crate) has_registration_endpoint: bool,
    pub(crate) has_stored_client: bool,
    pub(crate) takes_client_documents: bool,
    /// Scope that would be asked for; empty for none.
    pub(crate) scopes: String,
}

/// Asks for all metadata that a sign-in would ask for.
///
/// # Errors
///
/// If there is no way to sign in.
pub(crate) async fn examine(
    arguments: &Arguments,
    client: Arc<crate::http::Client>,
    challenge: &str,
) -> Result<Discovery, SignInError> {
    let context = Context::new(arguments, client)?;
    let challenge = Challenge::parse(challenge);
    let discovered = context.discover(&challenge).await?;
    if context.settings.grant == Grant::AuthorizationCode {
        check_pkce(&discovered.server, context.settings.rules)?;
    }
    let mut urls = resource_urls(&context.settings.server, &challenge)?;
    let issuer = Url::parse(&discovered.server.issuer);
    urls.extend(issuer.iter().flat_map(server_urls));
    let asked = answers(&context, urls).await;
    let need = Need {
        challenge,
        ..Need::default()
    };
    let scopes = context
        .scopes(&discovered, &need)
        .asked()
        .unwrap_or_default();
    let server = &discovered.server;
    Ok(Discovery {
        asked,
        issuer: server.issuer.clone(),
        is_guessed: server.is_guessed(),
        has_authorization_endpoint: server.authorization_endpoint.is_some(),
        has_device_endpoint: server.device_authorization_endpoint.is_some(),
        has_registration_endpoint: server.registration_endpoint.is_some(),
        has_stored_client: context
            .settings
            .client
            .known(&context.store, server)?
            .is_some(),
        takes_client_documents: server.takes_client_documents,
        scopes,
    })
}

/// Documents and how each was answered.
async fn answers(context: &Context, urls: Vec<Url>) -> Vec<(String, String)> {
    let mut asked = Vec::new();
    for url in urls {
        let answer = match context.http.get(&url).await {
            Ok(answer) if answer.status.is_success() && answer.object().is_none() => {
                "no JSON object".to_owned()
            }
            Ok(answer) => answer.status.as_u16().to_string(),
            Err(Failure::Refused(error) | Failure::Lost(error)) => error.to_string(),
        };
        asked.push((shown(&url), answer));
    }
    asked
}
