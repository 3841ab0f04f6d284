//! `GET` and `POST /account`: a person's clients and sessions, and their disconnection.

use durable_core::formats::Format;
use durable_core::wire::{Reply, RuntimeError, read_json};
use http::Method;
use oauth_server::authority::{DailySpending, ListedGrant};
use oauth_server::params::RequestParams;
use oauth_server::secret::same;
use oauth_server::session_note::SessionNote;
use serde::{Deserialize, Serialize};
use sign_in::{DynIdentityProvider, Identity};

use super::consent::{ConsentChoices, client_name, depart, forged};
use super::flow::{SignInFlow, token};
use super::purpose::SignInPurpose;
use super::remembered::RememberedConsents;
use super::visit::{MAX_NAME_CHARS, Visit, host_of};
use crate::http::playground::paths::CHAT;
use crate::http::playground::spending::spent;
use crate::pages::account::{AccountPage, Connection, ListedSession, SignedOutPage};
use crate::pages::frame::{day, minute, plain};

/// Lifetime of a sign-in to the page, in seconds.
const SECONDS: u32 = 30 * 60;

const COOKIE: &str = "account";
const PURPOSE: &str = "account";

const CSRF_BYTES: usize = 24;

/// The person who is signed in to the page, sealed into a cookie.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSession {
    subject: String,
    name: Option<String>,
    csrf: String,
    /// In milliseconds since 1970.
    expires: u64,
}

/// Shows the page, or runs the action that its form names.
pub(super) async fn handle(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
) -> Result<Reply, RuntimeError> {
    if visit.head.method != Method::POST {
        return match AccountSession::load(visit, provider).await? {
            Some(session) => show(visit, &session).await,
            None => Ok(signed_out(visit, provider)),
        };
    }
    let form = visit.form().await.unwrap_or_default();
    // Signing in needs no CSRF token, since another site gains nothing by it; it replaces a session of another version.
    if form.get("do") == Some("sign-in") {
        let runtime = visit.auth_server.runtime;
        let flow = SignInFlow::new(SignInPurpose::Account, runtime.now(), runtime.random())?;
        return depart(
            visit,
            provider,
            flow,
            ConsentChoices {
                asked: true,
                remember: false,
                name: form.get("name"),
            },
        )
        .await;
    }
    match (form.get("do"), AccountSession::load(visit, provider).await?) {
        (None, _) | (_, None) => Ok(visit.redirect(visit.account())),
        (_, Some(session)) if !same(&session.csrf, form.get("csrf").unwrap_or_default()) => {
            Ok(forged(visit))
        }
        (Some(what), Some(session)) => carry_out(visit, &session, what, &form).await,
    }
}

/// Signs a person in to the page after the return from the identity provider.
pub(super) async fn signed_in(
    visit: &mut Visit<'_>,
    identity: Identity,
) -> Result<Reply, RuntimeError> {
    let runtime = visit.auth_server.runtime;
    let session = AccountSession {
        subject: identity.subject,
        name: identity.name,
        csrf: token::<CSRF_BYTES>(runtime.random())?,
        expires: runtime.now().saturating_add(u64::from(SECONDS) * 1000),
    };
    let json = serde_json::to_vec(&session)
        .map_err(|error| RuntimeError(format!("a session: {error}")))?;
    let sealed = visit.seal(PURPOSE, &json).await?;
    match visit.cookies.set(COOKIE, &sealed, SECONDS) {
        Ok(()) => Ok(visit.redirect(visit.account())),
        Err(_) => Err(RuntimeError("a name is too long for a cookie".to_owned())),
    }
}

impl AccountSession {
    /// Reads the session of the browser. A session of another identity provider's user, from before
    /// sign-in changed, is ignored.
    async fn load(
        visit: &Visit<'_>,
        provider: &dyn DynIdentityProvider,
    ) -> Result<Option<Self>, RuntimeError> {
        let Some(sealed) = visit.cookies.get(COOKIE) else {
            return Ok(None);
        };
        let session = match visit.open(Format::AccountCookie, PURPOSE, &sealed).await? {
            Some(json) => {
                Some(read_json::<Self>(&json).ok_or_else(|| Format::AccountCookie.unreadable())?)
            }
            None => None,
        };
        let now = visit.auth_server.runtime.now();
        Ok(session.filter(|session| session.expires > now && provider.knows(&session.subject)))
    }

    fn person(&self) -> String {
        plain(
            self.name.as_deref().unwrap_or(&self.subject),
            MAX_NAME_CHARS,
        )
    }
}

async fn carry_out(
    visit: &mut Visit<'_>,
    session: &AccountSession,
    what: &str,
    form: &RequestParams,
) -> Result<Reply, RuntimeError> {
    match what {
        "end" => {
            visit
                .auth_server
                .end_grant(&session.subject, form.get("grant").unwrap_or_default())
                .await?;
        }
        "end-session" => {
            let (grant, key) = (
                form.get("grant").unwrap_or_default(),
                form.get("session").unwrap_or_default(),
            );
            visit
                .auth_server
                .end_session(&session.subject, grant, key)
                .await?;
        }
        "end-all" => visit.auth_server.end_grants(&session.subject).await?,
        "forget" => RememberedConsents::forget(visit),
        "sign-out" => visit.cookies.delete(COOKIE),
        _ => return Ok(visit.redirect(visit.account())),
    }
    let url = format!("{}?done={what}", visit.account());
    Ok(visit.redirect(if what == "sign-out" {
        visit.account().to_owned()
    } else {
        url
    }))
}

/// Text about the action that led to the page.
fn done<'a>(visit: &Visit<'a>) -> Option<&'a str> {
    let (english, chinese) = match visit.head.query_value("done")? {
        "end" => ("The application is disconnected.", "该应用已断开连接。"),
        "end-session" => (
            "The session has ended. The application can begin another one.",
            "该会话已结束。应用仍可开始新的会话。",
        ),
        "end-all" => (
            "All applications are disconnected.",
            "所有应用均已断开连接。",
        ),
        "forget" => ("You will be asked again.", "以后将重新询问您。"),
        _ => return None,
    };
    Some(visit.frame.say(english, chinese))
}

async fn show(visit: &Visit<'_>, session: &AccountSession) -> Result<Reply, RuntimeError> {
    let grants = visit.auth_server.grants_of(&session.subject).await?;
    let connections: Vec<Connection> = grants
        .iter()
        .rev()
        .map(|grant| connection(visit, grant))
        .collect();
    let chat = match visit.auth_server.oauth.costly() {
        // The page is there for more than that.
        Some(costly) if costly.scope.split(' ').any(|scope| scope == CHAT) => {
            spent(visit.auth_server.runtime, &session.subject)
                .await
                .ok()
        }
        _ => None,
    };
    let account = AccountPage {
        frame: visit.frame,
        action: visit.account(),
        csrf: &session.csrf,
        person: &session.person(),
        connections: &connections,
        remembered: RememberedConsents::load(visit).await?.count(),
        chat: chat.map(|DailySpending { requests, tokens }| (requests, tokens)),
        done: done(visit),
    };
    Ok(account.reply())
}

fn signed_out(visit: &Visit<'_>, provider: &dyn DynIdentityProvider) -> Reply {
    let (asks_name, title) = (provider.asks_name(), provider.title());
    let page = SignedOutPage {
        frame: visit.frame,
        action: visit.account(),
        asks_name,
        provider: title,
    };
    page.reply(&visit.form_action(None))
}

fn connection(visit: &Visit<'_>, grant: &ListedGrant) -> Connection {
    if grant.unreadable {
        return of_other_version(visit, grant);
    }
    Connection {
        id: grant.grant.clone(),
        name: client_name(grant.client_name.as_deref()),
        publisher: host_of(&grant.client_id).map(str::to_owned),
        since: day(grant.created),
        used: day(grant.used),
        scopes: grant
            .scopes
            .iter()
            .map(|scope| {
                visit
                    .auth_server
                    .oauth
                    .words_for(scope)
                    .unwrap_or(scope)
                    .to_owned()
            })
            .collect(),
        sessions: grant.sessions.iter().rev().map(under_way).collect(),
    }
}

/// Entry of a grant whose row this version cannot read: without details, and with its button to disconnect.
fn of_other_version(visit: &Visit<'_>, grant: &ListedGrant) -> Connection {
    let name = visit.frame.say(
        "An application that another version of this server let in",
        "由此服务器的另一个版本授权的应用",
    );
    let unknown = "?".to_owned();
    Connection {
        id: grant.grant.clone(),
        name: Some(name.to_owned()),
        publisher: None,
        since: unknown.clone(),
        used: unknown,
        scopes: Vec::new(),
        sessions: Vec::new(),
    }
}

fn under_way(note: &SessionNote) -> ListedSession {
    ListedSession {
        key: note.key.clone(),
        client: plain(&note.client, MAX_NAME_CHARS),
        transport: note.transport.clone(),
        since: minute(note.began),
    }
}
