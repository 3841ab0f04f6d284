//! Revocation (RFC 7009) and introspection (RFC 7662).

use http::StatusCode;
use serde_json::{Value, json};

use super::auth_server::AuthServer;
use super::authority::Command;
use super::client::Origin;
use super::form::{Form, failed};
use super::gate;
use super::record;
use super::refusal::Refusal;
use super::resource::Resource;
use super::token::{Kind, LegacyToken, Presented, UserHandle};
use super::token_endpoint::{run, take_over};
use crate::wire::{Head, Reply};

/// Answers a revocation request (RFC 7009). A token that is unknown or another client's is answered like one that has
/// ended.
pub async fn revoke(site: &AuthServer<'_>, head: &Head) -> Reply {
    match end(site, head).await {
        Ok(()) => Reply::json(StatusCode::OK, "{}".to_owned()),
        Err(refusal) => refusal.into(),
    }
}

/// The hint is not needed: a token says itself of what kind it is.
async fn end(site: &AuthServer<'_>, head: &Head) -> Result<(), Refusal> {
    let form = Form::read(site, head).await?;
    let text = form.required("token")?;
    for kind in [Kind::Access, Kind::Refresh] {
        let (_, presented) = site
            .read_token(text, kind)
            .await
            .map_err(|fault| failed(site, &fault))?;
        match presented {
            Presented::Ours(token) => {
                let command = Command::RevokeToken {
                    token: text.to_owned(),
                    client_id: form.client.id.clone(),
                };
                return run(site, &token.handle, command).await.map(|_| ());
            }
            Presented::Legacy(token) => return end_legacy(site, &form, &token).await,
            Presented::UnknownKey(_) | Presented::Unknown => {}
        }
    }
    Ok(())
}

/// A token of workers-oauth-provider does not say of what kind it is: its record does.
async fn end_legacy(
    site: &AuthServer<'_>,
    form: &Form,
    token: &LegacyToken,
) -> Result<(), Refusal> {
    let found = gate::look_up(site, token.text())
        .await
        .map_err(|fault| failed(site, &fault))?;
    if let Some(access) = found {
        if access.client_id != form.client.id {
            return Ok(());
        }
        let key = record::old_key(&token.user, &token.grant, &token.hash());
        return site
            .runtime
            .kv()
            .delete(&key)
            .await
            .map_err(|fault| failed(site, &fault));
    }
    let keys = site
        .runtime
        .keys(false)
        .await
        .map_err(|fault| failed(site, &fault))?;
    let handle = UserHandle::of(&keys, &token.user);
    match take_over(site, &form.client, token, &handle).await {
        Ok(()) => {
            let command = Command::RevokeToken {
                token: token.text().to_owned(),
                client_id: form.client.id.clone(),
            };
            run(site, &handle, command).await.map(|_| ())
        }
        Err(refusal) if refusal.is_grant() => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Answers an introspection request. A client hears of its own tokens; one of the configuration, of all.
pub async fn introspect(site: &AuthServer<'_>, head: &Head) -> Reply {
    match describe(site, head).await {
        Ok(description) => Reply::json(StatusCode::OK, description.to_string()),
        Err(refusal) => refusal.into(),
    }
}

async fn describe(site: &AuthServer<'_>, head: &Head) -> Result<Value, Refusal> {
    let form = Form::read(site, head).await?;
    if form.client.is_public() {
        return Err(Refusal::public_client());
    }
    let found = gate::look_up(site, form.required("token")?)
        .await
        .map_err(|fault| failed(site, &fault))?;
    let may_know = |of: &str| form.client.from == Origin::Configured || of == form.client.id;
    Ok(match found {
        Some(access) if may_know(&access.client_id) => {
            let mut described = json!({
                "active": true,
                "iss": site.issuer(),
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
