//! What the Worker asks of a user's object, and what it hears.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spending::{Allowance, Quota, Spent};
use crate::oauth::pkce::Challenge;
use crate::oauth::resource::Resource;
use crate::oauth::scope::Scopes;
use crate::oauth::session_note::SessionNote;
use crate::oauth::token::Handle;
use crate::wire::is_default;

/// Something to be done with one user's grants.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Command {
    /// The user has agreed: a code.
    Begin(Begin),
    /// A code for tokens, RFC 6749 section 4.1.3.
    Redeem(Redeem),
    /// A refresh token for the next pair, RFC 6749 section 6.
    Refresh(Refresh),
    /// An access token for another one, RFC 8693 section 2.
    Mint(Mint),
    /// An access token for the client itself, RFC 6749 section 4.4.
    Issue(Issue),
    /// Ends a token, RFC 7009 section 2: an access token alone, a refresh token with its whole grant.
    RevokeToken {
        /// The token.
        token: String,
        /// Who wants that; another client's tokens are left alone.
        client_id: String,
    },
    /// Ends a grant.
    RevokeGrant {
        /// Its id.
        grant: String,
    },
    /// Ends every grant of a client.
    RevokeClient {
        /// The client.
        client_id: String,
    },
    /// Ends every grant.
    RevokeAll,
    /// Every grant that lives, with the sessions of its client.
    List,
    /// The client of a grant began a session.
    NoteSession {
        /// The grant.
        grant: String,
        /// The session.
        session: SessionNote,
    },
    /// The client of a grant began a task.
    NoteTask {
        /// The grant.
        grant: String,
        /// Key of the task.
        key: String,
        /// Expiry of the task, in milliseconds since 1970.
        expires: u64,
    },
    /// A session has ended.
    ForgetSession {
        /// The grant that it was begun by, or another one of the same client.
        grant: String,
        /// What names the session.
        key: String,
    },
    /// Takes over a grant of workers-oauth-provider; one that is known already stays as it is.
    Adopt(Adopt),
    /// Counts a request to something that costs, before it is made.
    Spend {
        /// Name of the spending.
        id: String,
        /// The grant that it is asked for with, which has to live; none for what everybody spends.
        grant: Option<String>,
        /// Tokens that it may use.
        tokens: u64,
        /// The limits of a day.
        quota: Quota,
    },
    /// Asks whether what is spent for a grant may go on: the grant lives.
    GoOn {
        /// The grant.
        grant: String,
    },
    /// Corrects a spending that was counted.
    Settle {
        /// Name of the spending.
        id: String,
        /// Tokens that it used; none if it did not happen.
        used: Option<u64>,
    },
    /// The spending of today.
    Spent,
}

/// The user has agreed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The user's routing handle.
    pub handle: Handle,
    /// The client.
    pub client_id: String,
    /// Its name, for the user's list.
    pub client_name: Option<String>,
    /// Whether it has no secret, which makes it a worse keeper of tokens.
    pub client_is_public: bool,
    /// Whether it gets a refresh token.
    pub refreshable: bool,
    /// Where the code goes.
    pub redirect_uri: String,
    /// What the verifier must fit, RFC 7636.
    pub challenge: Option<Challenge>,
    /// What the user allowed.
    pub scopes: Scopes,
    /// Where the tokens are good, RFC 8707.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// The user's id.
    pub subject: String,
    /// What sign-in left.
    pub props: Value,
    /// Name of the sign-in, which gives one code; empty if it cannot be told from others.
    #[serde(default)]
    pub sign_in: String,
    /// When the user agreed, in milliseconds since 1970, where that was before this command: the code is refused if the
    /// user has disconnected the client since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<u64>,
}

/// A code for tokens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The code.
    pub code: String,
    /// The client, authenticated.
    pub client_id: String,
    /// The redirect URI, if the client repeats it; if it does, it is the one of the authorization request.
    pub redirect_uri: Option<String>,
    /// The verifier, RFC 7636 section 4.5.
    pub verifier: Option<String>,
    /// Fewer scopes than were granted, if the client says so.
    pub scopes: Option<Scopes>,
    /// Fewer resources than were granted; none means all.
    pub resources: Vec<Resource>,
    /// When the Worker received the request, in milliseconds since 1970; none if it did not say.
    #[serde(default)]
    pub received: Option<u64>,
}

/// A refresh token for the next pair.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token.
    pub token: String,
    /// The client, authenticated.
    pub client_id: String,
    /// Fewer scopes than were granted, if the client says so.
    pub scopes: Option<Scopes>,
    /// Fewer resources than were granted; none means all.
    pub resources: Vec<Resource>,
}

/// An access token for another one, which is never good for more, nor for longer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    /// The access token, RFC 8693's `subject_token`.
    pub token: String,
    /// The client, authenticated.
    pub client_id: String,
    /// Fewer scopes, if the client says so.
    pub scopes: Option<Scopes>,
    /// Fewer resources; none means all.
    pub resources: Vec<Resource>,
    /// A shorter life, in seconds.
    pub seconds: Option<u64>,
}

/// An access token for the client itself.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The client's routing handle: that of its id.
    pub handle: Handle,
    /// The client.
    pub client_id: String,
    /// Its name, for the list.
    pub client_name: Option<String>,
    /// What it may.
    pub scopes: Scopes,
    /// Where the token is good.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// What the application wants in the token.
    pub props: Value,
}

/// A grant of workers-oauth-provider, read and checked with a refresh token of its.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// The refresh token.
    pub token: String,
    /// The client, authenticated.
    pub client_id: String,
    /// Its name, for the user's list.
    pub client_name: Option<String>,
    /// Whether it has no secret.
    pub client_is_public: bool,
    /// What the user allowed.
    pub scopes: Scopes,
    /// Where the tokens are good.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// The user's id.
    pub subject: String,
    /// What sign-in left.
    pub props: Value,
    /// When the user agreed, in seconds since 1970.
    pub created: u64,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Outcome {
    /// Of [`Command::Begin`].
    Code(Code),
    /// Of [`Command::Redeem`], [`Command::Refresh`], [`Command::Mint`] and [`Command::Issue`].
    Issued(Issued),
    /// Of [`Command::List`].
    Grants(Vec<Listed>),
    /// Of [`Command::Spend`] and [`Command::GoOn`].
    Allowance(Allowance),
    /// Of [`Command::Spent`].
    Spent(Spent),
    /// Of the others.
    Done,
}

/// A code for the client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code.
    pub code: String,
    /// The id of its grant.
    pub grant: String,
}

/// Tokens for the client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// How long the access token is good, in seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scopes: Scopes,
    /// Where it is good.
    pub audience: Vec<Resource>,
    /// The id of their grant.
    pub grant: String,
}

/// A grant in its user's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its id.
    pub grant: String,
    /// The client.
    pub client_id: String,
    /// The client's name when the user agreed.
    pub client_name: Option<String>,
    /// What the user allowed.
    pub scopes: Scopes,
    /// Where its tokens are good.
    pub audience: Vec<Resource>,
    /// When the user agreed, in milliseconds since 1970.
    pub created: u64,
    /// When it gave tokens last, in milliseconds since 1970.
    pub used: u64,
    /// When it ends unless it is used, in milliseconds since 1970.
    pub expires: u64,
    /// The sessions that its client began, oldest first.
    pub sessions: Vec<SessionNote>,
    /// Whether its row is of another version of this server: only its id is known then, by which it can be ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unreadable: bool,
}

impl Listed {
    /// Puts grants in order, the oldest first.
    pub(in crate::oauth) fn sort(grants: &mut [Self]) {
        grants.sort_by_key(|grant| grant.created);
    }
}

/// A text for the client's developer.
pub type Reason = Cow<'static, str>;

/// Why there is no outcome. RFC 6749 section 5.2, RFC 8707 section 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Refused {
    /// `invalid_grant`
    InvalidGrant(Reason),
    /// `invalid_scope`
    InvalidScope(Reason),
    /// `invalid_target`
    InvalidTarget(Reason),
    /// `invalid_request`
    InvalidRequest(Reason),
    /// `unauthorized_client`
    UnauthorizedClient(Reason),
    /// The user has disconnected the client since they agreed, and has to be asked again.
    ConsentWithdrawn,
    /// 503 `temporarily_unavailable`: the same request may work later.
    Unavailable {
        /// After so many seconds.
        retry_after: u32,
    },
}

impl Command {
    /// Its name, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Redeem(_) => "redeem",
            Self::Refresh(_) => "refresh",
            Self::Mint(_) => "mint",
            Self::Issue(_) => "issue",
            Self::RevokeToken { .. } => "revoke_token",
            Self::RevokeGrant { .. } => "revoke_grant",
            Self::RevokeClient { .. } => "revoke_client",
            Self::RevokeAll => "revoke_all",
            Self::List => "list",
            Self::NoteSession { .. } => "note_session",
            Self::NoteTask { .. } => "note_task",
            Self::ForgetSession { .. } => "forget_session",
            Self::Adopt(_) => "adopt",
            Self::Spend { .. } => "spend",
            Self::GoOn { .. } => "go_on",
            Self::Settle { .. } => "settle",
            Self::Spent => "spent",
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("grant", &self.grant)
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
