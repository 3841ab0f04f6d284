//! The token endpoint (RFC 6749 section 3.2): codes, refresh tokens, token exchange, client credentials.

use durable_core::wire::{Head, Reply, RuntimeError};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::auth_server::AuthServer;
use crate::authority::{
    Adopt, ClientCredentials, ExchangeToken, GrantCommand, GrantOutcome, IssuedTokens, Redeem,
    Refresh,
};
use crate::client::{AUTHORIZATION_CODE, Client, REFRESH_TOKEN};
use crate::endpoint_error::EndpointError;
use crate::form::{AuthenticatedForm, failed};
use crate::grant::{header_key, old_header_key};
use crate::legacy::{self, LegacyGrant, grant_key};
use crate::params::RequestParams;
use crate::provider::TOKEN_EXCHANGE;
use crate::resource::Resource;
use crate::token::{GrantId, LegacyToken, PresentedToken, TokenKind, UserHandle};

/// The type of an access token, where one is exchanged (RFC 8693 section 3).
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Prefix for the id of a client that acts for itself, in place of a user's id, so that no user has its handle.
const ITSELF: &str = "client:";

/// Answers a request.
pub async fn handle(auth_server: &AuthServer<'_>, head: &Head) -> Reply {
    match answer(auth_server, head).await {
        Ok(reply) => reply,
        Err(refusal) => refusal.into(),
    }
}

async fn answer(auth_server: &AuthServer<'_>, head: &Head) -> Result<Reply, EndpointError> {
    let form = AuthenticatedForm::from_request(auth_server, head).await?;
    let grant_type = grant_type(auth_server, &form.params)?;
    if !form.client.may(grant_type) {
        let reason = "The client did not register for this grant_type. Register again with it in grant_types.";
        return Err(EndpointError::bad("unauthorized_client", reason));
    }
    let issued = match grant_type {
        AUTHORIZATION_CODE => redeem(auth_server, &form).await?,
        REFRESH_TOKEN => refresh(auth_server, &form).await?,
        TOKEN_EXCHANGE => exchange(auth_server, &form).await?,
        _ => issue(auth_server, &form).await?,
    };
    if let Ok(keys) = auth_server.runtime.keys(false).await
        && let Err(fault) = auth_server.registry(&keys).renew(&form.client).await
    {
        // The client is good for a long time yet.
        auth_server.runtime.warn(&fault.0);
    }
    Ok(tokens(&issued, grant_type == TOKEN_EXCHANGE))
}

fn grant_type<'a>(
    auth_server: &AuthServer<'_>,
    params: &'a RequestParams,
) -> Result<&'a str, EndpointError> {
    match params.get("grant_type") {
        None => Err(EndpointError::request("grant_type is missing.")),
        Some(name) if auth_server.oauth.grant_types().contains(&name) => Ok(name),
        Some(_) => {
            let served = auth_server.oauth.grant_types().join(", ");
            Err(EndpointError::bad(
                "unsupported_grant_type",
                format!("grant_type must be one of {served}."),
            ))
        }
    }
}

/// RFC 6749 section 4.1.3.
async fn redeem(
    auth_server: &AuthServer<'_>,
    form: &AuthenticatedForm,
) -> Result<IssuedTokens, EndpointError> {
    let code = form.required("code")?;
    let (_, PresentedToken::Ours(token)) = verify_token(auth_server, code, TokenKind::Code).await?
    else {
        return Err(EndpointError::bad(
            "invalid_grant",
            "The code is not one of this server, or for another use.",
        ));
    };
    let command = GrantCommand::Redeem(Redeem {
        code: code.to_owned(),
        client_id: form.client.id.clone(),
        redirect_uri: form.params.get("redirect_uri").map(str::to_owned),
        verifier: form.params.get("code_verifier").map(str::to_owned),
        scopes: form.scopes(auth_server)?,
        resources: form.resources(auth_server)?,
        received: Some(form.received),
    });
    issued(auth_server, &token.handle, command).await
}

/// RFC 6749 section 6.
async fn refresh(
    auth_server: &AuthServer<'_>,
    form: &AuthenticatedForm,
) -> Result<IssuedTokens, EndpointError> {
    let text = form.required("refresh_token")?;
    let command = GrantCommand::Refresh(Refresh {
        token: text.to_owned(),
        client_id: form.client.id.clone(),
        scopes: form.scopes(auth_server)?,
        resources: form.resources(auth_server)?,
    });
    let handle = match verify_token(auth_server, text, TokenKind::Refresh).await? {
        (_, PresentedToken::Ours(token)) => token.handle,
        (keys, PresentedToken::Legacy(token)) => {
            let handle = UserHandle::of(&keys, &token.user);
            take_over(auth_server, &form.client, &token, &handle).await?;
            handle
        }
        _ => return Err(bad_refresh_token()),
    };
    issued(auth_server, &handle, command).await
}

fn bad_refresh_token() -> EndpointError {
    EndpointError::bad(
        "invalid_grant",
        "The refresh token is unknown, used, expired, or another client's. Sign in again.",
    )
}

/// Has a grant of workers-oauth-provider taken over by its user's object. One that was taken over before has our header
/// in KV instead; a made-up one has neither, and no object hears of it.
pub(crate) async fn take_over(
    auth_server: &AuthServer<'_>,
    client: &Client,
    token: &LegacyToken,
    handle: &UserHandle,
) -> Result<(), EndpointError> {
    let kv = auth_server.runtime.kv();
    auth_server
        .may_look_for_legacy()
        .map_err(|fault| failed(auth_server, &fault))?;
    let found = kv
        .get(&grant_key(&token.user, &token.grant))
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    let read = |json: &str| {
        LegacyGrant::from_json(json)
            .ok_or_else(|| failed(auth_server, &legacy::unreadable("grant")))
    };
    let Some(grant) = found.as_deref().map(read).transpose()? else {
        return find_taken_over(auth_server, token, handle).await;
    };
    let props = grant
        .open(token.text())
        .filter(|_| grant.client_id == client.id)
        .ok_or_else(bad_refresh_token)?;
    if grant
        .expires
        .is_some_and(|expires| expires * 1000 <= auth_server.runtime.now())
    {
        return Err(bad_refresh_token());
    }
    let root = auth_server.resources().root().clone();
    let command = GrantCommand::Adopt(adopt(client, token, grant, props, root));
    run(auth_server, handle, command).await.map(|_| ())
}

/// Finds the header of a grant that was taken over before.
async fn find_taken_over(
    auth_server: &AuthServer<'_>,
    token: &LegacyToken,
    handle: &UserHandle,
) -> Result<(), EndpointError> {
    let kv = auth_server.runtime.kv();
    let id = GrantId::parse(&token.grant).ok_or_else(bad_refresh_token)?;
    for key in [header_key, old_header_key] {
        let found = kv.get(&key(handle, &id)).await;
        if found
            .map_err(|fault| failed(auth_server, &fault))?
            .is_some()
        {
            return Ok(());
        }
    }
    auth_server.legacy_missed();
    Err(bad_refresh_token())
}

fn adopt(
    client: &Client,
    token: &LegacyToken,
    grant: LegacyGrant,
    props: Value,
    root: Resource,
) -> Adopt {
    Adopt {
        token: token.text().to_owned(),
        client_id: client.id.clone(),
        client_name: client.name.clone(),
        client_is_public: client.is_public(),
        scopes: grant.scopes,
        audience: if grant.audience.is_empty() {
            vec![root.clone()]
        } else {
            grant.audience
        },
        root,
        subject: grant.user,
        props,
        created: grant.created,
    }
}

/// The token to exchange. Only access tokens are exchanged, and for access tokens.
fn subject_token(form: &AuthenticatedForm) -> Result<&str, EndpointError> {
    let text = form.required("subject_token")?;
    if form.required("subject_token_type")? != ACCESS_TOKEN_TYPE {
        return Err(EndpointError::request(format!(
            "subject_token_type must be {ACCESS_TOKEN_TYPE}."
        )));
    }
    let wanted = form.params.get("requested_token_type");
    if wanted.is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE) {
        return Err(EndpointError::request(format!(
            "requested_token_type must be {ACCESS_TOKEN_TYPE}."
        )));
    }
    if form.params.get("actor_token").is_some() {
        return Err(EndpointError::request(
            "actor_token is not supported: a token is exchanged for its own user only.",
        ));
    }
    Ok(text)
}

/// RFC 8693 section 2.
async fn exchange(
    auth_server: &AuthServer<'_>,
    form: &AuthenticatedForm,
) -> Result<IssuedTokens, EndpointError> {
    let text = subject_token(form)?;
    let (_, PresentedToken::Ours(token)) =
        verify_token(auth_server, text, TokenKind::Access).await?
    else {
        return Err(EndpointError::bad(
            "invalid_grant",
            "The subject_token is not an access token of this server.",
        ));
    };
    let seconds = form.params.get("expires_in").map(str::parse).transpose();
    let command = GrantCommand::ExchangeToken(ExchangeToken {
        token: text.to_owned(),
        client_id: form.client.id.clone(),
        scopes: form.scopes(auth_server)?,
        resources: form.resources(auth_server)?,
        seconds: seconds
            .map_err(|_| EndpointError::request("expires_in must be a number of seconds."))?,
    });
    issued(auth_server, &token.handle, command).await
}

/// RFC 6749 section 4.4.
async fn issue(
    auth_server: &AuthServer<'_>,
    form: &AuthenticatedForm,
) -> Result<IssuedTokens, EndpointError> {
    if form.client.is_public() {
        return Err(EndpointError::bad(
            "unauthorized_client",
            "Only a client with a secret can act for itself.",
        ));
    }
    let scopes = auth_server.allowed(&form.client, form.scopes(auth_server)?);
    let scopes = scopes.ok_or_else(|| {
        EndpointError::bad("invalid_scope", "The client may have none of these scopes.")
    })?;
    let root = auth_server.resources().root().clone();
    let asked = form.resources(auth_server)?;
    let keys = auth_server
        .runtime
        .keys(false)
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    let handle = UserHandle::of(&keys, &format!("{ITSELF}{}", form.client.id));
    let command = GrantCommand::ClientCredentials(ClientCredentials {
        handle: handle.clone(),
        client_id: form.client.id.clone(),
        client_name: form.client.name.clone(),
        scopes,
        audience: if asked.is_empty() {
            vec![root.clone()]
        } else {
            asked
        },
        root,
        props: Value::Null,
    });
    issued(auth_server, &handle, command).await
}

async fn verify_token(
    auth_server: &AuthServer<'_>,
    text: &str,
    kind: TokenKind,
) -> Result<(std::rc::Rc<durable_core::keys::Keys>, PresentedToken), EndpointError> {
    auth_server
        .verify_token(text, kind)
        .await
        .map_err(|fault| failed(auth_server, &fault))
}

/// Has a command carried out.
pub(crate) async fn run(
    auth_server: &AuthServer<'_>,
    handle: &UserHandle,
    command: GrantCommand,
) -> Result<GrantOutcome, EndpointError> {
    let outcome = auth_server
        .command(handle, &command)
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    outcome.map_err(EndpointError::from)
}

async fn issued(
    auth_server: &AuthServer<'_>,
    handle: &UserHandle,
    command: GrantCommand,
) -> Result<IssuedTokens, EndpointError> {
    match run(auth_server, handle, command).await? {
        GrantOutcome::Issued(issued) => Ok(issued),
        _ => Err(failed(
            auth_server,
            &RuntimeError("a user's object answered another question".to_owned()),
        )),
    }
}

/// RFC 6749 section 5.1. The scopes are named wherever there are any, for the grammar has no text of none, and so are the
/// resources: either may be fewer than asked for.
fn tokens(issued: &IssuedTokens, exchanged: bool) -> Reply {
    let mut body = Map::new();
    body.insert("access_token".into(), json!(issued.access_token));
    body.insert("token_type".into(), json!("Bearer"));
    body.insert("expires_in".into(), json!(issued.expires_in));
    if let Some(token) = &issued.refresh_token {
        body.insert("refresh_token".into(), json!(token));
    }
    if !issued.scopes.is_empty() {
        body.insert("scope".into(), json!(issued.scopes.to_string()));
    }
    let audience = issued.audience.as_slice();
    if let [only] = audience {
        body.insert("resource".into(), json!(only.as_str()));
    } else {
        let names: Vec<_> = audience
            .iter()
            .map(crate::resource::Resource::as_str)
            .collect();
        body.insert("resource".into(), json!(names));
    }
    if exchanged {
        body.insert("issued_token_type".into(), json!(ACCESS_TOKEN_TYPE));
    }
    Reply::json(StatusCode::OK, Value::Object(body).to_string()).header("pragma", "no-cache")
}
