//! Revocation (RFC 7009) and introspection (RFC 7662).

use durable_core::wire::{Head, Reply};
use http::StatusCode;
use serde_json::{Value, json};

use crate::auth_server::AuthServer;
use crate::authority::GrantCommand;
use crate::client::ClientSource;
use crate::endpoint_error::EndpointError;
use crate::form::{AuthenticatedForm, failed};
use crate::gate;
use crate::record;
use crate::resource::Resource;
use crate::token::{LegacyToken, PresentedToken, TokenKind, UserHandle};
use crate::token_endpoint::{run, take_over};

/// Answers a revocation request (RFC 7009). A token that is unknown or another client's is answered like one that has
/// ended.
pub async fn revoke(auth_server: &AuthServer<'_>, head: &Head) -> Reply {
    match end(auth_server, head).await {
        Ok(()) => Reply::json(StatusCode::OK, "{}".to_owned()),
        Err(refusal) => refusal.into(),
    }
}

/// The hint is not needed: a token says itself of what kind it is.
async fn end(auth_server: &AuthServer<'_>, head: &Head) -> Result<(), EndpointError> {
    let form = AuthenticatedForm::from_request(auth_server, head).await?;
    let text = form.required("token")?;
    for kind in [TokenKind::Access, TokenKind::Refresh] {
        let (_, presented) = auth_server
            .verify_token(text, kind)
            .await
            .map_err(|fault| failed(auth_server, &fault))?;
        match presented {
            PresentedToken::Ours(token) => {
                let command = GrantCommand::RevokeToken {
                    token: text.to_owned(),
                    client_id: form.client.id.clone(),
                };
                return run(auth_server, &token.handle, command).await.map(|_| ());
            }
            PresentedToken::Legacy(token) => return end_legacy(auth_server, &form, &token).await,
            PresentedToken::UnknownKey(_) | PresentedToken::Unknown => {}
        }
    }
    Ok(())
}

/// A token of workers-oauth-provider does not say of what kind it is: its record does.
async fn end_legacy(
    auth_server: &AuthServer<'_>,
    form: &AuthenticatedForm,
    token: &LegacyToken,
) -> Result<(), EndpointError> {
    let found = gate::look_up(auth_server, token.text())
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    if let Some(access) = found {
        if access.client_id != form.client.id {
            return Ok(());
        }
        let key = record::old_key(&token.user, &token.grant, &token.hash());
        return auth_server
            .runtime
            .kv()
            .delete(&key)
            .await
            .map_err(|fault| failed(auth_server, &fault));
    }
    let keys = auth_server
        .runtime
        .keys(false)
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    let handle = UserHandle::of(&keys, &token.user);
    match take_over(auth_server, &form.client, token, &handle).await {
        Ok(()) => {
            let command = GrantCommand::RevokeToken {
                token: token.text().to_owned(),
                client_id: form.client.id.clone(),
            };
            run(auth_server, &handle, command).await.map(|_| ())
        }
        Err(refusal) if refusal.is_grant() => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Answers an introspection request. A client hears of its own tokens; one of the configuration, of all.
pub async fn introspect(auth_server: &AuthServer<'_>, head: &Head) -> Reply {
    match describe(auth_server, head).await {
        Ok(description) => Reply::json(StatusCode::OK, description.to_string()),
        Err(refusal) => refusal.into(),
    }
}

async fn describe(auth_server: &AuthServer<'_>, head: &Head) -> Result<Value, EndpointError> {
    let form = AuthenticatedForm::from_request(auth_server, head).await?;
    if form.client.is_public() {
        return Err(EndpointError::public_client());
    }
    let found = gate::look_up(auth_server, form.required("token")?)
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    let may_know = |of: &str| form.client.from == ClientSource::Configured || of == form.client.id;
    Ok(match found {
        Some(access) if may_know(&access.client_id) => {
            let mut described = json!({
                "active": true,
                "iss": auth_server.issuer(),
                "sub": access.subject,
                "client_id": access.client_id,
                "aud": access.audience.iter().map(Resource::as_str).collect::<Vec<_>>(),
                "iat": access.issued,
                "exp": access.expires,
                "token_type": "Bearer",
            });
            // The grammar has no text of no scopes.
            if let (Some(members), false) = (described.as_object_mut(), access.scopes.is_empty()) {
                members.insert("scope".into(), json!(access.scopes.to_string()));
            }
            described
        }
        _ => json!({ "active": false }),
    })
}
