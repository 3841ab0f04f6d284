//! Who signs users in, as the provider sees it.

use std::fmt;

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::authorize::{self, Answer, Problem};
use super::pkce::Challenge;
use super::redirect_uri::RedirectUri;
use super::resource::Resource;
use super::scope::Scopes;
use super::site::Site;
use crate::wire::{Fault, Head, Reply};

/// What a client asks of a user: an authorization request (RFC 6749 section 4.1.1) that was found to be valid. It can be
/// sealed into a cookie and read again, for a sign-in of several pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The client.
    pub client_id: String,
    /// What the client calls itself. Plain text.
    pub client_name: Option<String>,
    /// The client's home page.
    pub client_uri: Option<String>,
    /// The client's logo.
    pub logo_uri: Option<String>,
    /// Whether the client has no secret.
    pub client_is_public: bool,
    /// Whether the operator registered the client, rather than anybody.
    #[serde(default)]
    pub client_is_configured: bool,
    /// Whether it gets a refresh token.
    pub refreshable: bool,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// What the client wants to have back with the answer.
    pub state: Option<String>,
    /// What the client's verifier will have to fit (RFC 7636).
    pub challenge: Option<Challenge>,
    /// What the client wants to do.
    pub scopes: Scopes,
    /// Where it wants to do so (RFC 8707).
    pub audience: Vec<Resource>,
    /// Whom the client expects to sign in (`OpenID` Connect Core 1.0 section 3.1.2.1).
    pub login_hint: Option<String>,
    /// Whether the client wants the user asked anew, by `consent` or `login` in the same place.
    pub prompt: Option<String>,
}

/// A user has agreed.
#[derive(Clone, PartialEq)]
pub struct Approval {
    /// The user's id. It may hold any characters, and is never seen outside sealed records.
    pub subject: String,
    /// What tools get of the user: [`User`](crate::mcp::user::User) reads it.
    pub props: Value,
    /// Fewer scopes than the client asked for; none means all of them.
    pub scopes: Option<Scopes>,
}

impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approval").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// What becomes of an authorization request.
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

/// Where somebody is in a sign-in of several pages.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// `GET /authorize`: a client asks.
    Asked(&'a Authorization),
    /// `POST /authorize`: the person says yes or no.
    Consent,
    /// `GET /callback`: the identity provider answers.
    Callback,
    /// `GET` and `POST /account`: the person looks after what they agreed to.
    Account,
}

/// What the pages of this server have to say of its sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// With whom people sign in, as in "GitHub".
    With(String),
    /// It takes anybody for whoever they say they are.
    Demo,
    /// It does not work: what is missing, and where to put it.
    Misconfigured(String),
}

/// Signs users in and asks whether they agree. [`decide`](Self::decide) is all that one needs; who has pages of their own
/// in between answers each step instead.
pub trait SignIn {
    /// Decides on an authorization request, which came with `head`.
    fn decide<'a>(&'a self, asked: &'a Authorization, head: &'a Head) -> LocalBoxFuture<'a, Result<Decision, Fault>>;

    /// Answers a step.
    fn answer<'a>(
        &'a self,
        site: &'a Site<'a>,
        step: Step<'a>,
        head: &'a Head,
    ) -> LocalBoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            match step {
                Step::Asked(asked) => {
                    let decision = self.decide(asked, head).await?;
                    authorize::conclude(site, asked, decision).await
                }
                Step::Consent => Ok(Answer::Problem(Problem::NoForm)),
                Step::Callback | Step::Account => Ok(Answer::Problem(Problem::NoPage)),
            }
        })
    }

    /// Whether a user with that id can have signed in here: a token of another one, from before sign-in changed, is
    /// refused. Every look-up of a token calls this, so it has to be quick.
    fn knows(&self, subject: &str) -> bool {
        let _ = subject;
        true
    }

    /// What there is to say of it, if anything.
    fn notice(&self) -> Option<Notice> {
        None
    }
}

/// Signs everybody in as whom the client says, or as one user: for tests and demonstrations on one's own machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproveAll;

impl SignIn for ApproveAll {
    fn decide<'a>(&'a self, asked: &'a Authorization, _: &'a Head) -> LocalBoxFuture<'a, Result<Decision, Fault>> {
        let subject = asked.login_hint.clone().unwrap_or_else(|| "user".to_owned());
        let props = serde_json::json!({ "name": subject });
        Box::pin(async move { Ok(Decision::Approve(Approval { subject, props, scopes: None })) })
    }
}
