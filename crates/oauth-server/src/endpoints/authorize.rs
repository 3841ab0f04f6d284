//! The authorization endpoint (RFC 6749 section 3.1, OAuth 2.1 section 4.1).
//!
//! An error before the client and its redirect URI are known to belong together is shown to the person, on a page: an
//! answer to anywhere else would send browsers where a stranger wants them. So is every error of a client that anybody
//! could have registered, until the person was asked about it (RFC 9700 section 4.11.2).

use std::fmt;

use durable_core::wire::{Head, Reply, RuntimeError};

use crate::auth_server::AuthServer;
use crate::authority::{GrantCommand, GrantOutcome, GrantRefusal, IssueCode};
use crate::client::{CODE, Client, ClientSource};
use crate::params::{RequestParams, RequestParamsError, encode_query};
use crate::pkce::CodeChallenge;
use crate::redirect_uri::{RedirectUri, RedirectUriError};
use crate::registry_error::RegistryError;
use crate::resource::Resource;
use crate::scope::Scopes;
use crate::sign_in::{Approval, Authorization, Decision, SignInStep};
use crate::token::UserHandle;

/// Characters of a `state`: it comes back in a URL, which servers cut at 8 KiB.
pub const MAX_STATE_CHARS: usize = 4096;

/// Characters of a parameter's name that a page shows: those of OAuth are shorter.
const MAX_NAME_CHARS: usize = 40;

/// Response to the browser.
#[derive(Debug)]
pub enum AuthorizeResponse {
    /// Redirect to that URL.
    Redirect(String),
    /// Error page.
    Problem(AuthorizePageError),
    /// Response that sign-in made, such as one of its pages.
    Show(Reply),
}

/// Error that is shown to the person at the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizePageError {
    /// The address cannot be read.
    Damaged,
    /// A parameter comes twice. Its name is from outside: cut short, and of characters that can be seen.
    Repeated(String),
    /// The client is not named.
    NoClient,
    /// The client is not known.
    UnknownClient,
    /// The client could not be looked up.
    Client(RegistryError),
    /// The redirect URI is not named, and is not the only one.
    NoRedirect,
    /// The redirect URI is not the client's.
    ForeignRedirect,
    /// The redirect URI is registered, and the policy for clients that anybody can register refuses it.
    BadRedirect(RedirectUriError),
    /// The request has an error of RFC 6749 section 4.1.2.1, and the user was not asked about its client yet.
    Request(AuthorizationError),
    /// The user may not use this server, or is not known.
    NotAllowed,
    /// The sign-in gave a code before.
    Used,
    /// A page that this kind of sign-in does not have.
    NoPage,
    /// A form that this kind of sign-in does not have.
    NoForm,
}

impl AuthorizePageError {
    /// Text for operators.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Client(error) => error.cause(),
            _ => self.to_string(),
        }
    }

    /// The status of the page.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Client(error) if error.is_temporary() => 503,
            Self::NotAllowed => 403,
            Self::NoPage => 404,
            Self::NoForm => 405,
            _ => 400,
        }
    }
}

impl fmt::Display for AuthorizePageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "The address that your application sent you to is damaged. Start again there.",
            Self::Repeated(name) => {
                return write!(
                    f,
                    "The address that your application sent you to says {name} twice. Start again there."
                );
            }
            Self::NoClient => "Your application did not say who it is (client_id is missing).",
            Self::UnknownClient => {
                "This server does not know your application (client_id), or has not seen it for a long time. \
                 Have it register again: remove this server from it and add it anew."
            }
            Self::Client(error) => return error.fmt(f),
            Self::NoRedirect => "Your application did not say where to answer (redirect_uri).",
            Self::ForeignRedirect => {
                "Your application wants the answer where it did not register to have it (redirect_uri). \
                 It may be another program that only uses its name: do not go on unless you know better."
            }
            Self::BadRedirect(bad) => {
                return write!(
                    f,
                    "Your application wants the answer where this server sends none. Tell its developer: {bad}"
                );
            }
            Self::Request(AuthorizationError { error, description }) => {
                return write!(
                    f,
                    "Your application's request cannot be answered. Start again there; if that does not help, tell its \
                     developer: {description} ({error})"
                );
            }
            Self::NotAllowed => "You are not signed in, or you may not use this server. Ask whoever runs it.",
            Self::Used => "This page was used already. Go back to your application and start again there.",
            Self::NoPage => "Nothing is here.",
            Self::NoForm => "Use GET here.",
        })
    }
}

/// Error by which a client gets no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizationError {
    /// The error of RFC 6749 section 4.1.2.1.
    pub error: &'static str,
    /// A text for the client's developer.
    pub description: &'static str,
}

const fn refuse(error: &'static str, description: &'static str) -> AuthorizationError {
    AuthorizationError { error, description }
}

/// Answers a request.
///
/// # Errors
/// When sign-in fails.
pub async fn handle(
    auth_server: &AuthServer<'_>,
    head: &Head,
) -> Result<AuthorizeResponse, RuntimeError> {
    let asked = match parse_request(auth_server, &head.query).await? {
        Ok(asked) => asked,
        Err(answer) => return Ok(answer),
    };
    auth_server
        .oauth
        .sign_in
        .answer(auth_server, SignInStep::Asked(&asked), head)
        .await
}

/// Answers a request as sign-in decided.
///
/// # Errors
/// As of [`approve`].
pub async fn conclude(
    auth_server: &AuthServer<'_>,
    authorization: &Authorization,
    decision: Decision,
) -> Result<AuthorizeResponse, RuntimeError> {
    match decision {
        Decision::Approve(approval) => approve(auth_server, authorization, approval).await,
        Decision::Deny => Ok(AuthorizeResponse::Redirect(denied(
            auth_server,
            authorization,
        ))),
        Decision::NotAllowed => Ok(AuthorizeResponse::Problem(AuthorizePageError::NotAllowed)),
        Decision::Answer(reply) => Ok(AuthorizeResponse::Show(reply)),
    }
}

/// URL that sends the browser back to the client because the user did not agree (`access_denied`).
#[must_use]
pub fn denied(auth_server: &AuthServer<'_>, authorization: &Authorization) -> String {
    refused(
        auth_server,
        authorization,
        "access_denied",
        "The user did not agree.",
    )
}

/// Ends a request before the person was asked: on a page, unless the operator registered the client.
#[must_use]
pub fn unasked(
    auth_server: &AuthServer<'_>,
    authorization: &Authorization,
    error: &'static str,
    description: &'static str,
) -> AuthorizeResponse {
    if authorization.client_is_configured {
        return AuthorizeResponse::Redirect(refused(
            auth_server,
            authorization,
            error,
            description,
        ));
    }
    AuthorizeResponse::Problem(AuthorizePageError::Request(refuse(error, description)))
}

/// URL that sends the browser back to a client with an error of RFC 6749 section 4.1.2.1, for a user who was asked about the
/// client; for others use [`unasked`].
#[must_use]
pub fn refused(
    auth_server: &AuthServer<'_>,
    authorization: &Authorization,
    error: &'static str,
    description: &'static str,
) -> String {
    to_client(
        auth_server,
        &authorization.redirect_uri,
        authorization.state.as_deref(),
        &refuse(error, description),
    )
}

/// The request anew, as a client would send it: for a person whose try did not work out.
#[must_use]
pub fn again(auth_server: &AuthServer<'_>, authorization: &Authorization) -> String {
    let scopes = authorization.scopes.to_string();
    let mut pairs = vec![
        ("response_type", CODE),
        ("client_id", authorization.client_id.as_str()),
        ("redirect_uri", authorization.redirect_uri.as_str()),
    ];
    if !authorization.scopes.is_empty() {
        pairs.push(("scope", &scopes));
    }
    pairs.extend(authorization.state.as_deref().map(|state| ("state", state)));
    if let Some(challenge) = &authorization.challenge {
        pairs.extend([
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
    }
    pairs.extend(
        authorization
            .audience
            .iter()
            .map(|resource| ("resource", resource.as_str())),
    );
    pairs.extend(
        authorization
            .login_hint
            .as_deref()
            .map(|hint| ("login_hint", hint)),
    );
    format!(
        "{}?{}",
        auth_server.oauth.endpoints.authorize,
        encode_query(&pairs)
    )
}

/// Makes the code for a client that a user has agreed to.
///
/// # Errors
/// When there are no keys, or the user's object cannot be reached.
pub async fn approve(
    auth_server: &AuthServer<'_>,
    authorization: &Authorization,
    approval: Approval,
) -> Result<AuthorizeResponse, RuntimeError> {
    let answer = approve_agreed(auth_server, authorization, approval, Agreement::default()).await?;
    Ok(answer.unwrap_or_else(|| AuthorizeResponse::Redirect(denied(auth_server, authorization))))
}

/// Sign-in by which a user agreed to a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Name of the sign-in, which gives one code; empty for a sign-in that cannot be told from others.
    pub sign_in: String,
    /// Time of the user's consent, in milliseconds since 1970, where that was before this request.
    pub agreed: Option<u64>,
}

/// Makes the one code of a sign-in for the client that its user agreed to; `None` if the user has disconnected the client
/// since, and has to be asked again.
///
/// # Errors
/// As of [`approve`].
pub async fn approve_agreed(
    auth_server: &AuthServer<'_>,
    authorization: &Authorization,
    approval: Approval,
    agreement: Agreement,
) -> Result<Option<AuthorizeResponse>, RuntimeError> {
    let keys = auth_server.runtime.keys(false).await?;
    let handle = UserHandle::of(&keys, &approval.subject);
    let root = auth_server.resources().root().clone();
    let begin = issue_code(handle.clone(), root, authorization, approval, agreement);
    let state = authorization.state.as_deref();
    Ok(Some(AuthorizeResponse::Redirect(
        match auth_server
            .command(&handle, &GrantCommand::IssueCode(begin))
            .await?
        {
            Ok(GrantOutcome::Code(issued)) => with_code(auth_server, authorization, &issued.code),
            Err(GrantRefusal::InvalidRequest(_)) => {
                return Ok(Some(AuthorizeResponse::Problem(AuthorizePageError::Used)));
            }
            Err(GrantRefusal::ConsentWithdrawn) => return Ok(None),
            Err(GrantRefusal::Unavailable { .. }) => {
                let refusal = refuse(
                    "temporarily_unavailable",
                    "The code could not be kept. Start again in a moment.",
                );
                to_client(auth_server, &authorization.redirect_uri, state, &refusal)
            }
            Ok(_) | Err(_) => to_client(
                auth_server,
                &authorization.redirect_uri,
                state,
                &refuse("server_error", "The code could not be made."),
            ),
        },
    )))
}

/// The redirect URI with the code (RFC 6749 section 4.1.2) and the issuer (RFC 9207).
fn with_code(auth_server: &AuthServer<'_>, authorization: &Authorization, code: &str) -> String {
    let state = authorization.state.as_deref();
    let mut pairs = vec![("code", code)];
    pairs.extend(state.map(|state| ("state", state)));
    pairs.push(("iss", auth_server.issuer()));
    authorization.redirect_uri.with_params(&pairs)
}

fn issue_code(
    handle: UserHandle,
    root: Resource,
    authorization: &Authorization,
    approval: Approval,
    agreement: Agreement,
) -> IssueCode {
    IssueCode {
        handle,
        client_id: authorization.client_id.clone(),
        client_name: authorization.client_name.clone(),
        client_is_public: authorization.client_is_public,
        refreshable: authorization.refreshable,
        redirect_uri: authorization.redirect_uri.as_str().to_owned(),
        challenge: authorization.challenge.clone(),
        scopes: approval.scopes.map_or_else(
            || authorization.scopes.clone(),
            |allowed| authorization.scopes.both(&allowed),
        ),
        audience: authorization.audience.clone(),
        root,
        subject: approval.subject,
        props: approval.props,
        sign_in: agreement.sign_in,
        agreed: agreement.agreed,
    }
}

/// The client that a request names.
async fn client(
    auth_server: &AuthServer<'_>,
    params: &RequestParams,
) -> Result<Result<Client, AuthorizePageError>, RuntimeError> {
    let Some(client_id) = params.get("client_id") else {
        return Ok(Err(AuthorizePageError::NoClient));
    };
    let keys = auth_server.runtime.keys(false).await?;
    Ok(match auth_server.registry(&keys).client(client_id).await {
        Ok(Some(client)) => Ok(client),
        Ok(None) => Err(AuthorizePageError::UnknownClient),
        Err(error) => {
            if let RegistryError::Unavailable(fault) = &error {
                auth_server.runtime.warn(&fault.0);
            }
            Err(AuthorizePageError::Client(error))
        }
    })
}

/// Reads a request, or makes the response for the first error in it.
async fn parse_request(
    auth_server: &AuthServer<'_>,
    query: &str,
) -> Result<Result<Authorization, AuthorizeResponse>, RuntimeError> {
    let params = match RequestParams::parse(query) {
        Ok(params) => params,
        Err(RequestParamsError::Repeated(name)) => {
            return Ok(problem(AuthorizePageError::Repeated(visible(&name))));
        }
        Err(RequestParamsError::Malformed) => return Ok(problem(AuthorizePageError::Damaged)),
    };
    let client = match client(auth_server, &params).await? {
        Ok(client) => client,
        Err(wrong) => return Ok(problem(wrong)),
    };
    let redirect_uri = match redirect(auth_server, &client, &params) {
        Ok(redirect_uri) => redirect_uri,
        Err(wrong) => return Ok(problem(wrong)),
    };
    let state = params.get("state").map(str::to_owned);
    let asked = RedirectableRequest {
        auth_server,
        params: &params,
        client: &client,
    }
    .checked_authorization(redirect_uri.clone(), state.clone());
    Ok(asked.map_err(|refusal| match client.from {
        ClientSource::Configured => AuthorizeResponse::Redirect(to_client(
            auth_server,
            &redirect_uri,
            state.as_deref(),
            &refusal,
        )),
        ClientSource::Registered | ClientSource::Document => {
            AuthorizeResponse::Problem(AuthorizePageError::Request(refusal))
        }
    }))
}

/// The redirect URI of a request, checked against its client and the policy.
fn redirect(
    auth_server: &AuthServer<'_>,
    client: &Client,
    params: &RequestParams,
) -> Result<RedirectUri, AuthorizePageError> {
    let requested = match (params.get("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(requested), _) => requested,
        // RFC 6749 section 3.1.2.3: with one registered, it need not be named.
        (None, [only]) => only.as_str(),
        (None, _) => return Err(AuthorizePageError::NoRedirect),
    };
    let redirect_uri = client
        .redirect(requested)
        .ok_or(AuthorizePageError::ForeignRedirect)?;
    // Checked here too: a metadata document, and a record of another version or program, was accepted by other rules.
    if client.from != ClientSource::Configured {
        auth_server
            .settings()
            .offer
            .redirects
            .check(&redirect_uri)
            .map_err(AuthorizePageError::BadRedirect)?;
    }
    Ok(redirect_uri)
}

fn problem<T>(problem: AuthorizePageError) -> Result<T, AuthorizeResponse> {
    Err(AuthorizeResponse::Problem(problem))
}

/// Name of a parameter as a page may show it: cut short, and printable ASCII alone.
fn visible(name: &str) -> String {
    name.chars()
        .take(MAX_NAME_CHARS)
        .filter(char::is_ascii_graphic)
        .collect()
}

/// A request whose client and redirect URI are checked, and whose other errors are reported to the client.
struct RedirectableRequest<'a> {
    auth_server: &'a AuthServer<'a>,
    params: &'a RequestParams,
    client: &'a Client,
}

impl RedirectableRequest<'_> {
    /// Refuses request objects (RFC 9101), and other responses than a code in the query.
    fn check_supported(&self) -> Result<(), AuthorizationError> {
        if self.params.get("request").is_some() {
            return Err(refuse(
                "request_not_supported",
                "Send the parameters themselves, not a request object.",
            ));
        }
        if self.params.get("request_uri").is_some() {
            return Err(refuse(
                "request_uri_not_supported",
                "Send the parameters themselves, not a request_uri.",
            ));
        }
        match self.params.get("response_type") {
            Some(CODE) => {}
            Some(_) => {
                return Err(refuse(
                    "unsupported_response_type",
                    "response_type must be code.",
                ));
            }
            None => {
                return Err(refuse(
                    "invalid_request",
                    "response_type is missing; it must be code.",
                ));
            }
        }
        let mode = self.params.get("response_mode");
        if mode.is_some_and(|mode| mode != "query") {
            return Err(refuse(
                "invalid_request",
                "response_mode must be query, or left out.",
            ));
        }
        Ok(())
    }

    fn checked_authorization(
        &self,
        redirect_uri: RedirectUri,
        state: Option<String>,
    ) -> Result<Authorization, AuthorizationError> {
        let text = |name: &str| self.params.get(name).map(str::to_owned);
        self.check_supported()?;
        if !self.client.may(crate::client::AUTHORIZATION_CODE) {
            return Err(refuse(
                "unauthorized_client",
                "The client did not register for authorization_code.",
            ));
        }
        if state
            .as_ref()
            .is_some_and(|state| state.len() > MAX_STATE_CHARS)
        {
            return Err(refuse("invalid_request", "state is too long."));
        }
        Ok(Authorization {
            client_id: self.client.id.clone(),
            client_name: self.client.name.clone(),
            client_uri: self.client.client_uri.clone(),
            logo_uri: self.client.logo_uri.clone(),
            client_is_public: self.client.is_public(),
            client_is_configured: self.client.from == ClientSource::Configured,
            refreshable: self.client.may_refresh(),
            challenge: self.challenge()?,
            scopes: self.scopes()?,
            audience: self.audience()?,
            login_hint: text("login_hint"),
            prompt: text("prompt"),
            redirect_uri,
            state,
        })
    }

    /// RFC 7636 section 4.4.1, with S256 alone (OAuth 2.1 section 4.1.1). Only a client with a secret that the operator
    /// registered can do without: what anybody registered may be a program that mixes up the codes of two sign-ins.
    fn challenge(&self) -> Result<Option<CodeChallenge>, AuthorizationError> {
        let method = self.params.get("code_challenge_method");
        match self.params.get("code_challenge") {
            None if method.is_some() => {
                Err(refuse("invalid_request", "code_challenge is missing."))
            }
            None if self.client.is_public() || self.client.from != ClientSource::Configured => {
                Err(refuse(
                    "invalid_request",
                    "code_challenge is missing: this server requires PKCE with S256.",
                ))
            }
            None => Ok(None),
            Some(_) if method != Some("S256") => Err(refuse(
                "invalid_request",
                "code_challenge_method must be S256.",
            )),
            Some(text) => CodeChallenge::parse(text)
                .map(Some)
                .map_err(|bad| refuse("invalid_request", bad.0)),
        }
    }

    /// Scopes of the request that the client may have. Unknown ones are left out, as RFC 6749 section 3.3 allows; the
    /// token response names those that remain.
    fn scopes(&self) -> Result<Scopes, AuthorizationError> {
        let bad = refuse(
            "invalid_scope",
            "scope must be names separated by one space each.",
        );
        let asked = self
            .auth_server
            .asked_scopes(self.params)
            .map_err(|_| bad)?;
        let allowed = self.auth_server.allowed(self.client, asked);
        allowed.ok_or(refuse(
            "invalid_scope",
            "The client may have none of these scopes; ask whoever runs this server.",
        ))
    }

    fn audience(&self) -> Result<Vec<crate::resource::Resource>, AuthorizationError> {
        let resolved = self
            .auth_server
            .resources()
            .resolve(self.params.all("resource"));
        resolved.map_err(|bad| refuse("invalid_target", bad.0))
    }
}

/// URL that reports an error to the client (RFC 6749 section 4.1.2.1), with `iss` (RFC 9207).
fn to_client(
    auth_server: &AuthServer<'_>,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    refusal: &AuthorizationError,
) -> String {
    let mut pairs = vec![
        ("error", refusal.error),
        ("error_description", refusal.description),
    ];
    pairs.extend(state.map(|state| ("state", state)));
    pairs.push(("iss", auth_server.issuer()));
    redirect_uri.with_params(&pairs)
}
