//! `POST /operator`: an operator lists or ends a user's grants and sessions.
//!
//! The route is off unless the secret [`OPERATOR_TOKEN`] is set, and is for programs: a request of a page is refused. The user
//! is named by id or by the handle in the log. Nothing else finds one: a grant is stored under a MAC of the user's id.

use std::borrow::Cow;
use std::rc::Rc;

use durable_core::keys::MIN_KEY_CHARACTERS;
use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::kind::check_object;
use http::StatusCode;
use oauth_server::administer::UserRef;
use oauth_server::auth_server::{AuthServer, BodyError};
use oauth_server::authority::ListedGrant;
use oauth_server::event::Event;
use oauth_server::gate;
use oauth_server::resource::Resource;
use oauth_server::secret::{same, sha256_hex};
use oauth_server::session_note::SessionNote;
use oauth_server::token::UserHandle;
use serde::Deserialize;
use serde_json::{Value, json};

use super::policy::is_loopback;

/// The secret that operators show.
pub(super) const OPERATOR_TOKEN: &str = "OPERATOR_TOKEN";

/// Text for operators about a token that is too short.
const SHORT_TOKEN: &str = "OPERATOR_TOKEN has a token of fewer than 32 characters, which could be guessed, so no operator is let \
     in. Set it to 32 random bytes as text (node -p 'crypto.randomBytes(32).toString(\"base64url\")'). Several tokens are \
     separated by spaces, and each has to be that long.";

/// Text for operators whose server has no users.
const NO_USERS: &str =
    "OPERATOR_TOKEN has no effect: nobody signs in to this server, so there are no grants.";

/// The longest request, in bytes. The longest part is a user's id: an issuer's URL with up to 255 characters behind it.
const MAX_BODY_BYTES: usize = 8 * 1024;

/// Seconds after which a request that failed here may be sent again.
const RETRY_SECONDS: u32 = 2;

/// Access to the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OperatorAccess {
    /// The route does not exist.
    Off,
    /// A token is short enough to be guessed, so every token is rejected.
    TooShort,
    /// Operators with one of the tokens, of which only the SHA-256 is here.
    Tokens(Rc<[String]>),
}

impl OperatorAccess {
    /// Reads the variable: each word is a token, so that one can be replaced without a gap.
    pub(super) fn from_variable(text: &str) -> Self {
        if text
            .split_whitespace()
            .any(|word| word.chars().count() < MIN_KEY_CHARACTERS)
        {
            return Self::TooShort;
        }
        let hashes: Rc<[String]> = text.split_whitespace().map(sha256_hex).collect();
        if hashes.is_empty() {
            Self::Off
        } else {
            Self::Tokens(hashes)
        }
    }

    /// The problem for the log, if the variable does not do what it is set for.
    pub(super) fn problem(&self, has_users: bool) -> Option<&'static str> {
        match self {
            Self::Off => None,
            _ if !has_users => Some(NO_USERS),
            Self::TooShort => Some(SHORT_TOKEN),
            Self::Tokens(_) => None,
        }
    }

    /// Checks the SHA-256 of a bearer token against every operator token, each in constant time.
    fn admits(&self, hash: &str) -> bool {
        let Self::Tokens(hashes) = self else {
            return false;
        };
        hashes
            .iter()
            .fold(false, |admitted, known| admitted | same(known, hash))
    }
}

/// A request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorRequest {
    #[serde(rename = "do")]
    action: String,
    user: Option<String>,
    handle: Option<UserHandle>,
    grant: Option<String>,
    session: Option<String>,
}

impl OperatorRequest {
    async fn read(auth_server: &AuthServer<'_>) -> Result<Self, OperatorRefusal> {
        let body = auth_server
            .runtime
            .body(MAX_BODY_BYTES)
            .await
            .map_err(OperatorRefusal::Body)?;
        check_object(&body).map_err(OperatorRefusal::Request)?;
        serde_json::from_str(&body).map_err(|error| OperatorRefusal::Request(error.to_string()))
    }

    fn user_ref(&self) -> Result<UserRef<'_>, OperatorRefusal> {
        match (&self.user, &self.handle) {
            (Some(subject), None) if !subject.is_empty() => Ok(UserRef::from(subject)),
            (None, Some(handle)) => Ok(UserRef::from(handle)),
            _ => Err(OperatorRefusal::Request(
                "name the user, by `user` or by `handle`".to_owned(),
            )),
        }
    }
}

/// Reason for which a request is not carried out.
enum OperatorRefusal {
    /// A page sent it.
    Page,
    /// The token would be readable on its way.
    Insecure,
    /// See [`SHORT_TOKEN`].
    ShortToken,
    /// The bearer token is missing or wrong.
    Token { is_wrong: bool },
    /// Too many wrong tokens; with the seconds to wait.
    TooMany(u32),
    /// The body is too long or no text.
    Body(BodyError),
    /// The body does not say what to do.
    Request(String),
    /// Storage failed.
    Fault(RuntimeError),
}

impl OperatorRefusal {
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Page | Self::Insecure => (403, "access_denied"),
            Self::ShortToken => (503, "server_error"),
            Self::Token { .. } => (401, "invalid_token"),
            Self::TooMany(_) => (429, "slow_down"),
            Self::Body(BodyError::TooLarge) => (413, "invalid_request"),
            Self::Body(BodyError::Unreadable) | Self::Request(_) => (400, "invalid_request"),
            Self::Fault(_) => (503, "temporarily_unavailable"),
        }
    }

    /// Text that says what happened and what to do.
    fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Page => "This is for programs, and not for pages in a browser.".into(),
            Self::Insecure => "The token would be readable on its way. Use https.".into(),
            Self::ShortToken => SHORT_TOKEN.into(),
            Self::Token { .. } => {
                "Send the header `Authorization: Bearer` with the value of OPERATOR_TOKEN.".into()
            }
            Self::TooMany(seconds) => {
                format!("Too many wrong tokens came from here. Try again in {seconds} s.").into()
            }
            Self::Body(BodyError::TooLarge) => "The body is too long.".into(),
            Self::Body(BodyError::Unreadable) => "The body is no text.".into(),
            Self::Request(problem) => {
                format!("The body is no request, {{\"do\":\"list\",\"user\":\"..\"}}: {problem}.")
                    .into()
            }
            Self::Fault(_) => {
                "Not everything could be done yet. Send the same request again.".into()
            }
        }
    }
}

impl From<RuntimeError> for OperatorRefusal {
    fn from(fault: RuntimeError) -> Self {
        Self::Fault(fault)
    }
}

/// Answers a request with the user's grants, as they are afterwards.
pub(super) async fn handle(
    auth_server: &AuthServer<'_>,
    access: &OperatorAccess,
    head: &Head,
) -> Reply {
    let done = match admit(auth_server, access, head) {
        Ok(()) => carry_out(auth_server).await,
        Err(refused) => Err(refused),
    };
    done.map_or_else(
        |refused| refuse(auth_server, &refused),
        |answer| Reply::json(StatusCode::OK, answer.to_string()),
    )
}

fn admit(
    auth_server: &AuthServer<'_>,
    access: &OperatorAccess,
    head: &Head,
) -> Result<(), OperatorRefusal> {
    if head.raw_header("origin").is_some() {
        return Err(OperatorRefusal::Page);
    }
    if !head.secure && !is_loopback(&head.host) {
        return Err(OperatorRefusal::Insecure);
    }
    if *access == OperatorAccess::TooShort {
        return Err(OperatorRefusal::ShortToken);
    }
    let (rates, now) = (auth_server.runtime.rates(), auth_server.runtime.now());
    rates
        .borrow()
        .operator(auth_server.address(), now)
        .map_err(OperatorRefusal::TooMany)?;
    let Some(bearer_hash) = gate::bearer_hash(head) else {
        return Err(OperatorRefusal::Token { is_wrong: false });
    };
    if access.admits(&bearer_hash) {
        return Ok(());
    }
    rates
        .borrow_mut()
        .operator_missed(auth_server.address(), now);
    Err(OperatorRefusal::Token { is_wrong: true })
}

async fn carry_out(auth_server: &AuthServer<'_>) -> Result<Value, OperatorRefusal> {
    let asked = OperatorRequest::read(auth_server).await?;
    let user = asked.user_ref()?;
    let action = Action::parse(&asked)?;
    let handle = auth_server.user_handle(user).await?;
    log(auth_server, &asked, &handle);
    let found = action.carry_out(auth_server, user).await?;
    let grants: Vec<_> = auth_server
        .grants_of(user)
        .await?
        .iter()
        .map(grant_json)
        .collect();
    let handle = handle.as_str();
    Ok(match found {
        Some(found) => json!({ "handle": handle, "grants": grants, "found": found }),
        None => json!({ "handle": handle, "grants": grants }),
    })
}

/// Something to be done.
#[derive(Clone, Copy)]
enum Action<'a> {
    List,
    End { grant: &'a str },
    EndSession { grant: &'a str, session: &'a str },
    EndAll,
}

impl<'a> Action<'a> {
    fn parse(asked: &'a OperatorRequest) -> Result<Self, OperatorRefusal> {
        match (asked.action.as_str(), asked.grant.as_deref(), asked.session.as_deref()) {
            ("list", None, None) => Ok(Self::List),
            ("end", Some(grant), None) => Ok(Self::End { grant }),
            ("end-session", Some(grant), Some(session)) => Ok(Self::EndSession { grant, session }),
            ("end-all", None, None) => Ok(Self::EndAll),
            _ => Err(OperatorRefusal::Request(
                "`do` is `list` or `end-all`, `end` with a `grant`, or `end-session` with a `grant` and a `session`"
                    .to_owned(),
            )),
        }
    }
}

impl Action<'_> {
    /// Carries it out. Gives whether the grant or session to be ended was found.
    async fn carry_out(
        self,
        auth_server: &AuthServer<'_>,
        user: UserRef<'_>,
    ) -> Result<Option<bool>, RuntimeError> {
        match self {
            Self::List => Ok(None),
            Self::End { grant } => {
                let found = auth_server.has_grant(user, grant).await?;
                // Also one that is not listed: an end that failed before goes on.
                auth_server.end_grant(user, grant).await?;
                Ok(Some(found))
            }
            Self::EndSession { grant, session } => {
                let found = auth_server.has_session(user, grant, session).await?;
                auth_server.end_session(user, grant, session).await?;
                Ok(Some(found))
            }
            Self::EndAll => {
                auth_server.end_grants(user).await?;
                Ok(None)
            }
        }
    }
}

/// Tells the log and the application before anything is done.
fn log(auth_server: &AuthServer<'_>, asked: &OperatorRequest, handle: &UserHandle) {
    let event = Event::Operator {
        action: asked.action.clone(),
        handle: handle.as_str().to_owned(),
        grant: asked.grant.clone(),
        session: asked.session.clone(),
    };
    auth_server.runtime.event(&event);
    auth_server.oauth.report(&event);
}

fn grant_json(grant: &ListedGrant) -> Value {
    if grant.unreadable {
        return json!({ "grant": grant.grant, "unreadable": true });
    }
    json!({
        "grant": grant.grant,
        "client_id": grant.client_id,
        "client_name": grant.client_name,
        "scopes": grant.scopes.iter().collect::<Vec<_>>(),
        "resources": grant.audience.iter().map(Resource::as_str).collect::<Vec<_>>(),
        "created": grant.created,
        "used": grant.used,
        // A grant of workers-oauth-provider may never end.
        "expires": (grant.expires != u64::MAX).then_some(grant.expires),
        "sessions": grant.sessions.iter().map(session_json).collect::<Vec<_>>(),
    })
}

fn session_json(session: &SessionNote) -> Value {
    json!({
        "session": session.key,
        "client": session.client,
        "transport": session.transport,
        "began": session.began,
        "expires": session.expires,
    })
}

fn refuse(auth_server: &AuthServer<'_>, refused: &OperatorRefusal) -> Reply {
    if let OperatorRefusal::Fault(RuntimeError(cause)) = refused {
        auth_server.runtime.warn(cause);
    }
    let (status, error) = refused.status_and_code();
    let body = json!({ "error": error, "error_description": refused.text() });
    let reply = Reply::json(
        StatusCode::from_u16(status).unwrap_or_default(),
        body.to_string(),
    );
    match refused {
        OperatorRefusal::Token { is_wrong: false } => reply.header("www-authenticate", "Bearer"),
        OperatorRefusal::Token { is_wrong: true } => {
            reply.header("www-authenticate", r#"Bearer error="invalid_token""#)
        }
        OperatorRefusal::TooMany(seconds) => reply.header("retry-after", seconds.to_string()),
        OperatorRefusal::Fault(_) => reply.header("retry-after", RETRY_SECONDS.to_string()),
        _ => reply,
    }
}
