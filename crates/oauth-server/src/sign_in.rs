//! Sign-in of users, as the provider sees it.

use std::fmt;

use durable_core::wire::{Head, Reply, RuntimeError};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::auth_server::AuthServer;
use super::authorize::{self, AuthorizePageError, AuthorizeResponse};
use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::resource::Resource;
use super::scope::Scopes;

/// A valid authorization request (RFC 6749 section 4.1.1). It can be sealed into a cookie and read again, for a sign-in
/// of several pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Id of the client.
    pub client_id: String,
    /// Name that the client gave itself, as plain text.
    pub client_name: Option<String>,
    /// The client's home page.
    pub client_uri: Option<String>,
    /// The client's logo.
    pub logo_uri: Option<String>,
    /// True for a public client, which has no secret (RFC 6749 section 2.1).
    pub client_is_public: bool,
    /// True if the operator registered the client, rather than anybody.
    #[serde(default)]
    pub client_is_configured: bool,
    /// True if the client gets a refresh token.
    pub refreshable: bool,
    /// Redirect URI that the response goes to.
    pub redirect_uri: RedirectUri,
    /// `state` of the client, which is returned in the response.
    pub state: Option<String>,
    /// PKCE challenge that the client's verifier has to match (RFC 7636).
    pub challenge: Option<CodeChallenge>,
    /// Scopes that the client asks for.
    pub scopes: Scopes,
    /// Resources that the client asks for (RFC 8707).
    pub audience: Vec<Resource>,
    /// User whom the client expects to sign in (`OpenID` Connect Core 1.0 section 3.1.2.1).
    pub login_hint: Option<String>,
    /// The `prompt` parameter (`OpenID` Connect Core 1.0 section 3.1.2.1): with `consent` or `login` the user is asked
    /// anew.
    pub prompt: Option<String>,
}

/// Approval of an authorization request by the user.
#[derive(Clone, PartialEq)]
pub struct Approval {
    /// The user's id. It may hold any characters, and is never seen outside sealed records.
    pub subject: String,
    /// Props of the user for tools, read by `User` of `durable-mcp`.
    pub props: Value,
    /// Fewer scopes than the client asked for; none means all of them.
    pub scopes: Option<Scopes>,
}

impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approval")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Outcome of an authorization request.
#[derive(Debug)]
pub enum Decision {
    /// The user agreed: the client gets a code.
    Approve(Approval),
    /// The user was asked and did not agree: the client is told so by a redirect. For a user who was not asked it is
    /// [`NotAllowed`](Self::NotAllowed): anybody can register a client, and a link to this server must not lead on to
    /// wherever they like.
    Deny,
    /// The user is not known, or may not use this server: a page says so.
    NotAllowed,
    /// Something else comes first: a page, or another server to sign in at.
    Answer(Reply),
}

/// Step of a sign-in of several pages.
#[derive(Debug, Clone, Copy)]
pub enum SignInStep<'a> {
    /// `GET /authorize`: a client asks.
    Asked(&'a Authorization),
    /// `POST /authorize`: the person says yes or no.
    Consent,
    /// `GET /callback`: the identity provider answers.
    Callback,
    /// `GET` and `POST /account`: the person looks after what they agreed to.
    Account,
}

/// Status of sign-in that the pages of this server show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInStatus {
    /// Sign-in with the identity provider of that name, as in "GitHub".
    With(String),
    /// Sign-in that takes anybody for the person they say they are.
    Demo,
    /// Sign-in that does not work: the text says what is missing, and where to put it.
    Misconfigured(String),
}

/// Signs users in and asks whether they agree. [`decide`](Self::decide) is all that is required; a sign-in with pages
/// of its own implements [`answer`](Self::answer), too.
#[expect(
    async_fn_in_trait,
    reason = "futures stay on one thread, as all in a Worker do"
)]
pub trait SignIn {
    /// Decides on an authorization request, which came with `head`.
    async fn decide(
        &self,
        authorization: &Authorization,
        head: &Head,
    ) -> Result<Decision, RuntimeError>;

    /// Answers a step.
    async fn answer(
        &self,
        auth_server: &AuthServer<'_>,
        step: SignInStep<'_>,
        head: &Head,
    ) -> Result<AuthorizeResponse, RuntimeError> {
        match step {
            SignInStep::Asked(asked) => {
                let decision = self.decide(asked, head).await?;
                authorize::conclude(auth_server, asked, decision).await
            }
            SignInStep::Consent => Ok(AuthorizeResponse::Problem(AuthorizePageError::NoForm)),
            SignInStep::Callback | SignInStep::Account => {
                Ok(AuthorizeResponse::Problem(AuthorizePageError::NoPage))
            }
        }
    }

    /// Checks whether a user with that id can have signed in here: a token of another one, from before sign-in changed,
    /// is refused. Every look-up of a token calls this, so it has to be quick.
    fn knows(&self, subject: &str) -> bool {
        let _ = subject;
        true
    }

    /// Status for the pages to show, if there is any.
    fn status(&self) -> Option<SignInStatus> {
        None
    }
}

/// Sign-in of any type, whose futures are boxed: [`SignIn`] is not dyn compatible.
pub trait DynSignIn {
    /// See [`SignIn::answer`].
    fn answer<'a>(
        &'a self,
        auth_server: &'a AuthServer<'a>,
        step: SignInStep<'a>,
        head: &'a Head,
    ) -> LocalBoxFuture<'a, Result<AuthorizeResponse, RuntimeError>>;

    /// See [`SignIn::knows`].
    fn knows(&self, subject: &str) -> bool;

    /// See [`SignIn::status`].
    fn status(&self) -> Option<SignInStatus>;
}

impl<S: SignIn> DynSignIn for S {
    fn answer<'a>(
        &'a self,
        auth_server: &'a AuthServer<'a>,
        step: SignInStep<'a>,
        head: &'a Head,
    ) -> LocalBoxFuture<'a, Result<AuthorizeResponse, RuntimeError>> {
        Box::pin(SignIn::answer(self, auth_server, step, head))
    }

    fn knows(&self, subject: &str) -> bool {
        SignIn::knows(self, subject)
    }

    fn status(&self) -> Option<SignInStatus> {
        SignIn::status(self)
    }
}

/// Signs everybody in as whom the client says, or as one user: for tests and demonstrations on one's own machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproveAll;

impl SignIn for ApproveAll {
    async fn decide(
        &self,
        authorization: &Authorization,
        _: &Head,
    ) -> Result<Decision, RuntimeError> {
        let subject = authorization
            .login_hint
            .clone()
            .unwrap_or_else(|| "user".to_owned());
        let props = serde_json::json!({ "name": subject });
        Ok(Decision::Approve(Approval {
            subject,
            props,
            scopes: None,
        }))
    }
}
