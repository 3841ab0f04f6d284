//! The token endpoint (RFC 6749 section 3.2): codes, refresh tokens, token exchange, client credentials.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::auth_server::AuthServer;
use super::authority::{Adopt, Command, Issue, Issued, Mint, Outcome, Redeem, Refresh};
use super::client::{AUTHORIZATION_CODE, Client, REFRESH_TOKEN};
use super::form::{Form, failed};
use super::grant::{header_key, old_header_key};
use super::legacy::{self, LegacyGrant, grant_key};
use super::params::Params;
use super::provider::TOKEN_EXCHANGE;
use super::refusal::Refusal;
use super::token::{GrantId, Kind, LegacyToken, Presented, UserHandle};
use crate::wire::{Head, Reply, RuntimeError};

/// The type of an access token, where one is exchanged (RFC 8693 section 3).
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Prefix for the id of a client that acts for itself, in place of a user's id, so that no user has its handle.
const ITSELF: &str = "client:";

/// Answers a request.
pub async fn handle(site: &AuthServer<'_>, head: &Head) -> Reply {
    match answer(site, head).await {
        Ok(reply) => reply,
        Err(refusal) => refusal.into(),
    }
}

async fn answer(site: &AuthServer<'_>, head: &Head) -> Result<Reply, Refusal> {
    let form = Form::read(site, head).await?;
    let grant_type = grant_type(site, &form.params)?;
    if !form.client.may(grant_type) {
        let reason = "The client did not register for this grant_type. Register again with it in grant_types.";
        return Err(Refusal::bad("unauthorized_client", reason));
    }
    let issued = match grant_type {
        AUTHORIZATION_CODE => redeem(site, &form).await?,
        REFRESH_TOKEN => refresh(site, &form).await?,
        TOKEN_EXCHANGE => exchange(site, &form).await?,
        _ => issue(site, &form).await?,
    };
    if let Ok(keys) = site.runtime.keys(false).await
        && let Err(fault) = site.registry(&keys).renew(&form.client).await
    {
        // The client is good for a long time yet.
        site.runtime.warn(&fault.0);
    }
    Ok(tokens(&issued, grant_type == TOKEN_EXCHANGE))
}

fn grant_type<'a>(site: &AuthServer<'_>, params: &'a Params) -> Result<&'a str, Refusal> {
    match params.get("grant_type") {
        None => Err(Refusal::request("grant_type is missing.")),
        Some(name) if site.oauth.grant_types().contains(&name) => Ok(name),
        Some(_) => {
            let served = site.oauth.grant_types().join(", ");
            Err(Refusal::bad(
                "unsupported_grant_type",
                format!("grant_type must be one of {served}."),
            ))
        }
    }
}

/// RFC 6749 section 4.1.3.
async fn redeem(site: &AuthServer<'_>, form: &Form) -> Result<Issued, Refusal> {
    let code = form.required("code")?;
    let (_, Presented::Ours(token)) = read(site, code, Kind::Code).await? else {
        return Err(Refusal::bad(
            "invalid_grant",
            "The code is not one of this server, or for another use.",
        ));
    };
    let command = Command::Redeem(Redeem {
        code: code.to_owned(),
        client_id: form.client.id.clone(),
        redirect_uri: form.params.get("redirect_uri").map(str::to_owned),
        verifier: form.params.get("code_verifier").map(str::to_owned),
        scopes: form.scopes(site)?,
        resources: form.resources(site)?,
        received: Some(form.received),
    });
    issued(site, &token.handle, command).await
}

/// RFC 6749 section 6.
async fn refresh(site: &AuthServer<'_>, form: &Form) -> Result<Issued, Refusal> {
    let text = form.required("refresh_token")?;
    let command = Command::Refresh(Refresh {
        token: text.to_owned(),
        client_id: form.client.id.clone(),
        scopes: form.scopes(site)?,
        resources: form.resources(site)?,
    });
    let handle = match read(site, text, Kind::Refresh).await? {
        (_, Presented::Ours(token)) => token.handle,
        (keys, Presented::Legacy(token)) => {
            let handle = UserHandle::of(&keys, &token.user);
            take_over(site, &form.client, &token, &handle).await?;
            handle
        }
        _ => return Err(bad_refresh_token()),
    };
    issued(site, &handle, command).await
}

fn bad_refresh_token() -> Refusal {
    Refusal::bad(
        "invalid_grant",
        "The refresh token is unknown, used, expired, or another client's. Sign in again.",
    )
}

/// Has a grant of workers-oauth-provider taken over by its user's object. One that was taken over before has our header
/// in KV instead; a made-up one has neither, and no object hears of it.
pub(super) async fn take_over(
    site: &AuthServer<'_>,
    client: &Client,
    token: &LegacyToken,
    handle: &UserHandle,
) -> Result<(), Refusal> {
    let kv = site.runtime.kv();
    site.may_look_for_legacy()
        .map_err(|fault| failed(site, &fault))?;
    let found = kv
        .get(&grant_key(&token.user, &token.grant))
        .await
        .map_err(|fault| failed(site, &fault))?;
    let read = |json: &str| {
        LegacyGrant::read(json).ok_or_else(|| failed(site, &legacy::unreadable("grant")))
    };
    let Some(grant) = found.as_deref().map(read).transpose()? else {
        let id = GrantId::parse(&token.grant).ok_or_else(bad_refresh_token)?;
        for key in [header_key, old_header_key] {
            if kv
                .get(&key(handle, &id))
                .await
                .map_err(|fault| failed(site, &fault))?
                .is_some()
            {
                return Ok(());
            }
        }
        site.legacy_missed();
        return Err(bad_refresh_token());
    };
    let props = grant
        .open(token.text())
        .filter(|_| grant.client_id == client.id)
        .ok_or_else(bad_refresh_token)?;
    if grant
        .expires
        .is_some_and(|expires| expires * 1000 <= site.runtime.now())
    {
        return Err(bad_refresh_token());
    }
    let root = site.resources().root().clone();
    let command = Command::Adopt(Adopt {
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
    });
    run(site, handle, command).await.map(|_| ())
}

/// RFC 8693 section 2.
async fn exchange(site: &AuthServer<'_>, form: &Form) -> Result<Issued, Refusal> {
    let text = form.required("subject_token")?;
    if form.required("subject_token_type")? != ACCESS_TOKEN_TYPE {
        return Err(Refusal::request(format!(
            "subject_token_type must be {ACCESS_TOKEN_TYPE}."
        )));
    }
    if form
        .params
        .get("requested_token_type")
        .is_some_and(|wanted| wanted != ACCESS_TOKEN_TYPE)
    {
        return Err(Refusal::request(format!(
            "requested_token_type must be {ACCESS_TOKEN_TYPE}."
        )));
    }
    if form.params.get("actor_token").is_some() {
        return Err(Refusal::request(
            "actor_token is not supported: a token is exchanged for its own user only.",
        ));
    }
    let (_, Presented::Ours(token)) = read(site, text, Kind::Access).await? else {
        return Err(Refusal::bad(
            "invalid_grant",
            "The subject_token is not an access token of this server.",
        ));
    };
    let seconds = form.params.get("expires_in").map(str::parse).transpose();
    let command = Command::Mint(Mint {
        token: text.to_owned(),
        client_id: form.client.id.clone(),
        scopes: form.scopes(site)?,
        resources: form.resources(site)?,
        seconds: seconds
            .map_err(|_| Refusal::request("expires_in must be a number of seconds."))?,
    });
    issued(site, &token.handle, command).await
}

/// RFC 6749 section 4.4.
async fn issue(site: &AuthServer<'_>, form: &Form) -> Result<Issued, Refusal> {
    if form.client.is_public() {
        return Err(Refusal::bad(
            "unauthorized_client",
            "Only a client with a secret can act for itself.",
        ));
    }
    let scopes = site.allowed(&form.client, form.scopes(site)?);
    let scopes = scopes.ok_or_else(|| {
        Refusal::bad("invalid_scope", "The client may have none of these scopes.")
    })?;
    let root = site.resources().root().clone();
    let asked = form.resources(site)?;
    let keys = site
        .runtime
        .keys(false)
        .await
        .map_err(|fault| failed(site, &fault))?;
    let handle = UserHandle::of(&keys, &format!("{ITSELF}{}", form.client.id));
    let command = Command::Issue(Issue {
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
    issued(site, &handle, command).await
}

async fn read(
    site: &AuthServer<'_>,
    text: &str,
    kind: Kind,
) -> Result<(std::rc::Rc<crate::keys::Keys>, Presented), Refusal> {
    site.read_token(text, kind)
        .await
        .map_err(|fault| failed(site, &fault))
}

/// Has a command carried out.
pub(super) async fn run(
    site: &AuthServer<'_>,
    handle: &UserHandle,
    command: Command,
) -> Result<Outcome, Refusal> {
    let outcome = site
        .command(handle, &command)
        .await
        .map_err(|fault| failed(site, &fault))?;
    outcome.map_err(Refusal::from)
}

async fn issued(
    site: &AuthServer<'_>,
    handle: &UserHandle,
    command: Command,
) -> Result<Issued, Refusal> {
    match run(site, handle, command).await? {
        Outcome::Issued(issued) => Ok(issued),
        _ => Err(failed(
            site,
            &RuntimeError("a user's object answered another question".to_owned()),
        )),
    }
}

/// RFC 6749 section 5.1. The scopes are named wherever there are any, for the grammar has no text of none, and so are the
/// resources: either may be fewer than asked for.
fn tokens(issued: &Issued, exchanged: bool) -> Reply {
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
            .map(super::resource::Resource::as_str)
            .collect();
        body.insert("resource".into(), json!(names));
    }
    if exchanged {
        body.insert("issued_token_type".into(), json!(ACCESS_TOKEN_TYPE));
    }
    Reply::json(StatusCode::OK, Value::Object(body).to_string()).header("pragma", "no-cache")
}
