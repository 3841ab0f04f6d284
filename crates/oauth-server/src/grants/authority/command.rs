//! Commands that the Worker sends to a user's object, and their outcomes.

use std::borrow::Cow;
use std::fmt;

use durable_core::wire::is_default;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spending_quota::{Allowance, DailySpending, SpendingQuota};
use crate::pkce::CodeChallenge;
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::session_note::SessionNote;
use crate::token::UserHandle;

/// Command to the object that has the grants of one user.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum GrantCommand {
    /// Issues a code, since the user has agreed.
    #[serde(rename = "Begin")]
    IssueCode(IssueCode),
    /// Exchanges a code for tokens, RFC 6749 section 4.1.3.
    Redeem(Redeem),
    /// Exchanges a refresh token for the next pair, RFC 6749 section 6.
    Refresh(Refresh),
    /// Exchanges an access token for another one, RFC 8693 section 2.
    #[serde(rename = "Mint")]
    ExchangeToken(ExchangeToken),
    /// Issues an access token for the client itself, RFC 6749 section 4.4.
    #[serde(rename = "Issue")]
    ClientCredentials(ClientCredentials),
    /// Ends a token, RFC 7009 section 2: an access token alone, a refresh token with its whole grant.
    RevokeToken {
        /// The token.
        token: String,
        /// Client that asks for the revocation; tokens of other clients are left alone.
        client_id: String,
    },
    /// Ends a grant.
    RevokeGrant {
        /// Id of the grant.
        grant: String,
    },
    /// Ends every grant of a client.
    RevokeClient {
        /// The client.
        client_id: String,
    },
    /// Ends every grant.
    RevokeAll,
    /// Lists every live grant, with the sessions of its client.
    List,
    /// Notes a session that the client of a grant has begun.
    NoteSession {
        /// The grant.
        grant: String,
        /// The session.
        session: SessionNote,
    },
    /// Notes a task that the client of a grant has begun.
    NoteTask {
        /// The grant.
        grant: String,
        /// Key of the task.
        key: String,
        /// Expiry of the task, in milliseconds since 1970.
        expires: u64,
    },
    /// Forgets a session, which has ended.
    ForgetSession {
        /// The grant that it was begun by, or another one of the same client.
        grant: String,
        /// Key of the session.
        key: String,
    },
    /// Takes over a grant of workers-oauth-provider; a grant that is known already stays as it is.
    Adopt(Adopt),
    /// Counts a request to something that costs, before it is made.
    Spend {
        /// Name of the spending.
        id: String,
        /// Grant in whose name the request is made, which has to be live; none for an allowance that all users share.
        grant: Option<String>,
        /// Tokens that the request may use.
        tokens: u64,
        /// The limits of a day.
        quota: SpendingQuota,
    },
    /// Asks whether spending for a grant may go on, which it may while the grant is live.
    GoOn {
        /// The grant.
        grant: String,
    },
    /// Corrects a spending that was counted.
    #[serde(rename = "Settle")]
    CorrectSpending {
        /// Name of the spending.
        id: String,
        /// Tokens that the request used; none if it was not made.
        used: Option<u64>,
    },
    /// Returns the spending of today.
    Spent,
    /// Counts a request that the relay of the playground is to send, which holds a slot from then on.
    BeginRelay {
        /// Grant in whose name the request is made, which has to be live.
        grant: String,
        /// Id of the request.
        id: String,
        /// Whether the answer stays open as a stream of notifications.
        stays_open: bool,
    },
    /// Has a request of the relay hold its slot for longer.
    ExtendRelay {
        /// Grant in whose name the request was made.
        grant: String,
        /// Id of the request.
        id: String,
    },
    /// Frees the slot of a request of the relay, which is over.
    EndRelay {
        /// Id of the request.
        id: String,
    },
}

/// Consent of a user to a client, for which a code is issued.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueCode {
    /// The user's routing handle.
    pub handle: UserHandle,
    /// The client.
    pub client_id: String,
    /// Name of the client, for the user's list of grants.
    pub client_name: Option<String>,
    /// True for a public client (RFC 6749 section 2.1), which has no secret, and so protects its tokens less well.
    pub client_is_public: bool,
    /// True if the client gets a refresh token.
    pub refreshable: bool,
    /// Redirect URI that the code is sent to.
    pub redirect_uri: String,
    /// PKCE code challenge that the verifier is checked against, RFC 7636.
    pub challenge: Option<CodeChallenge>,
    /// Scopes that the user allowed.
    pub scopes: Scopes,
    /// Resources that the tokens are valid for, RFC 8707.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// The user's id.
    pub subject: String,
    /// Props of the user from sign-in, which tools get.
    pub props: Value,
    /// Name of the sign-in, which gives one code; empty for a sign-in that cannot be told from others.
    #[serde(default)]
    pub sign_in: String,
    /// Time of the user's consent, in milliseconds since 1970, where that was before this command: the code is refused
    /// if the user has disconnected the client since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<u64>,
}

/// A code to exchange for tokens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The code.
    pub code: String,
    /// The client, authenticated.
    pub client_id: String,
    /// Redirect URI, if the client repeats that of the authorization request; another one is refused.
    pub redirect_uri: Option<String>,
    /// The verifier, RFC 7636 section 4.5.
    pub verifier: Option<String>,
    /// Fewer scopes than were granted, if the client says so.
    pub scopes: Option<Scopes>,
    /// Fewer resources than were granted; none means all.
    pub resources: Vec<Resource>,
    /// Time at which the Worker received the request, in milliseconds since 1970; none from a Worker that does not say.
    #[serde(default)]
    pub received: Option<u64>,
}

/// A refresh token to exchange for the next pair.
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

/// An access token to exchange for another one, which is never good for more, nor for longer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeToken {
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
pub struct ClientCredentials {
    /// The client's routing handle: that of its id.
    pub handle: UserHandle,
    /// The client.
    pub client_id: String,
    /// Name of the client, for the list of grants.
    pub client_name: Option<String>,
    /// Scopes of the access token.
    pub scopes: Scopes,
    /// Resources that the access token is valid for.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// Props that the application puts into the access token.
    pub props: Value,
}

/// A grant of workers-oauth-provider, read and checked with one of its refresh tokens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// The refresh token.
    pub token: String,
    /// The client, authenticated.
    pub client_id: String,
    /// Name of the client, for the user's list of grants.
    pub client_name: Option<String>,
    /// True for a public client, which has no secret.
    pub client_is_public: bool,
    /// Scopes that the user allowed.
    pub scopes: Scopes,
    /// Resources that the tokens are valid for.
    pub audience: Vec<Resource>,
    /// The resource that covers this whole server.
    pub root: Resource,
    /// The user's id.
    pub subject: String,
    /// Props of the user, decrypted with the refresh token.
    pub props: Value,
    /// Time of the user's consent, in seconds since 1970.
    pub created: u64,
}

/// Outcome of a command that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum GrantOutcome {
    /// Outcome of [`GrantCommand::IssueCode`].
    Code(IssuedCode),
    /// Outcome of [`GrantCommand::Redeem`], [`GrantCommand::Refresh`], [`GrantCommand::ExchangeToken`] and
    /// [`GrantCommand::ClientCredentials`].
    Issued(IssuedTokens),
    /// Outcome of [`GrantCommand::List`].
    Grants(Vec<ListedGrant>),
    /// Outcome of [`GrantCommand::Spend`], [`GrantCommand::GoOn`], [`GrantCommand::BeginRelay`] and [`GrantCommand::ExtendRelay`].
    Allowance(Allowance),
    /// Outcome of [`GrantCommand::Spent`].
    Spent(DailySpending),
    /// Outcome of the other commands.
    Done,
}

/// A code for the client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedCode {
    /// The code.
    pub code: String,
    /// The id of its grant.
    pub grant: String,
}

/// Tokens for the client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedTokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// Lifetime of the access token, in seconds (`expires_in`, RFC 6749 section 5.1).
    pub expires_in: u64,
    /// Scopes of the access token.
    pub scopes: Scopes,
    /// Resources that the access token is valid for.
    pub audience: Vec<Resource>,
    /// The id of their grant.
    pub grant: String,
}

/// A grant in its user's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedGrant {
    /// Id of the grant.
    pub grant: String,
    /// The client.
    pub client_id: String,
    /// The client's name when the user agreed.
    pub client_name: Option<String>,
    /// Scopes that the user allowed.
    pub scopes: Scopes,
    /// Resources that the grant's tokens are valid for.
    pub audience: Vec<Resource>,
    /// Time of the user's consent, in milliseconds since 1970.
    pub created: u64,
    /// Time at which tokens were last issued, in milliseconds since 1970.
    pub used: u64,
    /// Time at which the grant ends unless it is used, in milliseconds since 1970.
    pub expires: u64,
    /// The sessions that its client began, oldest first.
    pub sessions: Vec<SessionNote>,
    /// True if the grant's row is of another version of this server: only the id is known then, by which the grant can
    /// be ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unreadable: bool,
}

impl ListedGrant {
    /// Puts grants in order, the oldest first.
    pub(crate) fn sort(grants: &mut [Self]) {
        grants.sort_by_key(|grant| grant.created);
    }
}

/// A text for the client's developer.
pub type ErrorDescription = Cow<'static, str>;

/// Refusal of a command (RFC 6749 section 5.2, RFC 8707 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum GrantRefusal {
    /// `invalid_grant`
    InvalidGrant(ErrorDescription),
    /// `invalid_scope`
    InvalidScope(ErrorDescription),
    /// `invalid_target`
    InvalidTarget(ErrorDescription),
    /// `invalid_request`
    InvalidRequest(ErrorDescription),
    /// `unauthorized_client`
    UnauthorizedClient(ErrorDescription),
    /// The user has disconnected the client since they agreed, and has to be asked again.
    ConsentWithdrawn,
    /// 503 `temporarily_unavailable`: the same request may work later.
    Unavailable {
        /// After so many seconds.
        retry_after: u32,
    },
}

impl GrantCommand {
    /// Name of the command, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::IssueCode(_) => "begin",
            Self::Redeem(_) => "redeem",
            Self::Refresh(_) => "refresh",
            Self::ExchangeToken(_) => "mint",
            Self::ClientCredentials(_) => "issue",
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
            Self::CorrectSpending { .. } => "settle",
            Self::Spent => "spent",
            Self::BeginRelay { .. } => "begin_relay",
            Self::ExtendRelay { .. } => "extend_relay",
            Self::EndRelay { .. } => "end_relay",
        }
    }
}

impl fmt::Debug for GrantCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for IssuedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCode")
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens")
            .field("grant", &self.grant)
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
