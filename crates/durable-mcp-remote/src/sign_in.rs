//! Sign-in to the server: OAuth 2.1 as the MCP specification has it, with the files of npm `mcp-remote`.

mod assertion;
mod authorize;
mod brakes;
mod browser;
mod browser_flow;
mod callback;
mod challenge;
mod client;
mod client_credentials;
mod context;
mod device;
mod discovery;
mod error;
mod examination;
mod http;
mod instances;
mod page;
mod refresh;
mod scope;
mod shared_refresh;
mod token;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::arguments::{Arguments, Grant};
use crate::log::log;
use crate::store::now_ms;
pub(crate) use assertion::ClientKey;
use challenge::Challenge;
use context::{Context, Need, Progress, lock};
pub(crate) use error::SignInError;
pub(crate) use examination::{Discovery, examine};
use refresh::Refreshed;
use shared_refresh::SharedRefresh;

/// Answers 401 in a row after which a message is given up: an old token, a refreshed one, one of a new sign-in.
const MAX_ROUNDS: u32 = 4;
/// Pause between two looks for tokens that another message or process had issued.
const LOOK_FOR_TOKENS: Duration = Duration::from_secs(15);

/// Source of the `Authorization` header.
pub(crate) struct SignIn(Source);

enum Source {
    /// Header of the command line.
    Header,
    /// None, since the store cannot be used. Servers that ask for no authorization work all the same.
    Nowhere(SignInError),
    Store(Arc<Authorizer>),
}

/// Authorization of one message, over all the times that it is sent.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    /// Token that was sent last.
    used: Option<String>,
    rounds: u32,
    has_refreshed: bool,
    has_stepped_up: bool,
}

struct Authorizer {
    context: Context,
    /// One decision at a time about what to do with a 401.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    refreshes: SharedRefresh,
}

#[derive(Default)]
struct State {
    /// Sign-in under way, or the last one.
    running: Option<Running>,
    /// Token of a sign-in of this process, until the server has accepted it.
    fresh: Option<String>,
    /// Refusal by a person: no window opens again by itself.
    denied: Option<SignInError>,
}

#[derive(Clone)]
struct Running {
    progress: watch::Receiver<Progress>,
    since: Instant,
}

impl SignIn {
    /// Sign-in with the settings of a command line. A header with authorization in it switches sign-in off.
    pub(crate) fn new(arguments: &Arguments, client: Arc<crate::http::Client>) -> Self {
        if arguments.headers.has_authorization() {
            return Self(Source::Header);
        }
        let context = match Context::new(arguments, client) {
            Ok(context) => context,
            Err(error) => {
                log(&format!("sign-in is not possible: {error}"));
                return Self(Source::Nowhere(error));
            }
        };
        Self(Source::Store(Arc::new(Authorizer {
            context,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            refreshes: SharedRefresh::default(),
        })))
    }

    fn authorizer(&self) -> Option<&Arc<Authorizer>> {
        match &self.0 {
            Source::Store(authorizer) => Some(authorizer),
            Source::Header | Source::Nowhere(_) => None,
        }
    }

    /// Names the client that started this program: people see the name where they approve it.
    pub(crate) fn set_client_name(&self, name: &str) {
        if let Some(authorizer) = self.authorizer() {
            authorizer.context.set_client_name(name);
        }
    }

    /// Error with the link that a person has to open now, if a sign-in is under way.
    pub(crate) fn pending(&self) -> Option<SignInError> {
        let authorizer = self.authorizer()?;
        Some(authorizer.pending(&authorizer.running()?))
    }

    /// Value of `Authorization` for the next request. A token that ends soon is refreshed beside it.
    pub(crate) async fn header(&self, attempt: &mut Attempt) -> Option<HeaderValue> {
        let authorizer = self.authorizer()?;
        let bearer = authorizer.bearer().await?;
        let mut value = HeaderValue::try_from(format!("Bearer {bearer}")).ok()?;
        value.set_sensitive(true);
        attempt.used = Some(bearer);
        Some(value)
    }

    /// Reacts to an answer with this status and `WWW-Authenticate`. `Ok(true)` means that the request is to be sent again,
    /// `Ok(false)` that its answer stands.
    ///
    /// # Errors
    /// One sentence for the client: why there is no authorization, and what to do.
    pub(crate) async fn challenged(
        &self,
        status: StatusCode,
        challenge: Option<&str>,
        attempt: &mut Attempt,
    ) -> Result<bool, SignInError> {
        let challenge = challenge.map(Challenge::parse).unwrap_or_default();
        let is_refused = status == StatusCode::UNAUTHORIZED;
        let authorizer = match &self.0 {
            Source::Header if is_refused => {
                return Err(SignInError::impossible(
                    "the server refuses the Authorization of --header (HTTP 401): correct it, or leave it out to sign in",
                ));
            }
            Source::Nowhere(error) if is_refused => return Err(error.clone()),
            Source::Header | Source::Nowhere(_) => return Ok(false),
            Source::Store(authorizer) => authorizer,
        };
        if !is_refused {
            self.accepted(attempt);
        }
        match status {
            StatusCode::UNAUTHORIZED => authorizer
                .unauthorized(challenge, attempt)
                .await
                .map(|()| true),
            StatusCode::FORBIDDEN if challenge.is_insufficient_scope() => {
                authorizer.step_up(challenge, attempt).await
            }
            _ => Ok(false),
        }
    }

    /// Waits until no refresh is under way: its tokens would be lost with the process.
    pub(crate) async fn settled(&self) {
        if let Some(authorizer) = self.authorizer() {
            authorizer.refreshes.settled().await;
        }
    }

    /// Waits until other tokens are stored than now, by the sign-in of another message or process.
    pub(crate) async fn other_tokens(&self) {
        let Some(authorizer) = self.authorizer() else {
            return std::future::pending().await;
        };
        let before = authorizer.stored_bearer();
        while authorizer.stored_bearer() == before {
            let Some(mut running) = authorizer.running() else {
                sleep(LOOK_FOR_TOKENS).await;
                continue;
            };
            tokio::select! {
                _ = running.progress.wait_for(|progress| progress.outcome.is_some()) => {}
                () = sleep(LOOK_FOR_TOKENS) => {}
            }
        }
    }

    /// Notes that the server accepted the header of [`SignIn::header`].
    pub(crate) fn accepted(&self, attempt: &Attempt) {
        if let Some(authorizer) = self.authorizer() {
            let mut state = lock(&authorizer.state);
            if state.fresh == attempt.used {
                state.fresh = None;
            }
        }
    }
}

impl Authorizer {
    fn stored_bearer(&self) -> Option<String> {
        let tokens = self.context.usable_tokens().ok().flatten();
        tokens.map(|tokens| self.context.bearer(&tokens).to_owned())
    }

    async fn bearer(self: &Arc<Self>) -> Option<String> {
        let context = &self.context;
        let tokens = match context.usable_tokens() {
            Ok(tokens) => tokens?,
            Err(error) => {
                log(&error.to_string());
                return None;
            }
        };
        let bearer = context.bearer(&tokens).to_owned();
        let (now, of_id_token) = (now_ms(), context.settings.use_id_token);
        let renewable = tokens.refresh_token().is_some() || self.needs_no_person();
        if !renewable || !tokens.is_due(now, of_id_token) {
            return Some(bearer);
        }
        if !tokens.is_expired(now, of_id_token) {
            // No message waits for it.
            drop(self.start_refresh(&bearer, None));
            return Some(bearer);
        }
        let _turn = self.turn.lock().await;
        // The old token is still the best there is if this fails: the server says what it thinks of it.
        self.refresh(&bearer, None).await.ok();
        Some(self.stored_bearer().unwrap_or(bearer))
    }

    async fn unauthorized(
        self: &Arc<Self>,
        challenge: Challenge,
        attempt: &mut Attempt,
    ) -> Result<(), SignInError> {
        attempt.rounds += 1;
        if attempt.rounds >= MAX_ROUNDS {
            return Err(SignInError::impossible(
                "the server refuses each token that its authorization server issues",
            ));
        }
        let turn = self.turn.lock().await;
        let context = &self.context;
        let tokens = context.usable_tokens()?;
        if let Some(tokens) = &tokens
            && attempt.used.as_deref() != Some(context.bearer(tokens))
        {
            return Ok(());
        }
        if self.running().is_none()
            && let Some(used) = &attempt.used
        {
            self.forget_if_fresh(used).await?;
            // A refreshed token that is refused, too, is not helped by another.
            if !attempt.has_refreshed
                && self.refresh(used, Some(&challenge)).await? == Refreshed::Yes
            {
                attempt.has_refreshed = true;
                return Ok(());
            }
        }
        let need = Need {
            challenge,
            granted: None,
            refused: attempt.used.clone(),
        };
        let running = self.join_or_start(need)?;
        drop(turn);
        self.wait(running).await
    }

    async fn step_up(
        self: &Arc<Self>,
        challenge: Challenge,
        attempt: &mut Attempt,
    ) -> Result<bool, SignInError> {
        let turn = self.turn.lock().await;
        let context = &self.context;
        let Some(tokens) = context.usable_tokens()? else {
            return Ok(false);
        };
        let can_widen = challenge.scope.is_some() && context.settings.scope.is_none();
        if attempt.has_stepped_up || !can_widen {
            return Ok(false);
        }
        attempt.has_stepped_up = true;
        if attempt.used.as_deref() != Some(context.bearer(&tokens)) {
            return Ok(true);
        }
        if !context.brakes().step_up(now_ms()) {
            return Ok(false);
        }
        let need = Need {
            challenge,
            granted: tokens.scope().map(str::to_owned),
            refused: attempt.used.clone(),
        };
        let running = self.join_or_start(need)?;
        drop(turn);
        self.wait(running).await.map(|()| true)
    }

    /// Fails for a token of a sign-in just made: the server would reject the next one, too.
    async fn forget_if_fresh(&self, used: &str) -> Result<(), SignInError> {
        let is_fresh = lock(&self.state)
            .fresh
            .take_if(|fresh| fresh == used)
            .is_some();
        if !is_fresh {
            return Ok(());
        }
        let store = &self.context.store;
        let _lock = store.lock_refresh().await?;
        if let Some(tokens) = store.tokens()?
            && self.context.bearer(&tokens) == used
        {
            store.delete_tokens(tokens.access_token())?;
        }
        Err(SignInError::impossible(
            "the server refuses the token that its authorization server has just issued: check its audience and scopes",
        ))
    }

    fn needs_no_person(&self) -> bool {
        matches!(self.context.settings.grant, Grant::ClientCredentials { .. })
    }

    /// Sign-in under way.
    fn running(&self) -> Option<Running> {
        let running = lock(&self.state).running.clone()?;
        let is_over =
            running.progress.borrow().outcome.is_some() || running.progress.has_changed().is_err();
        (!is_over).then_some(running)
    }

    fn join_or_start(self: &Arc<Self>, need: Need) -> Result<Running, SignInError> {
        if let Some(running) = self.running() {
            return Ok(running);
        }
        if let Some(denied) = &lock(&self.state).denied {
            return Err(denied.clone());
        }
        let (sender, progress) = watch::channel(Progress::default());
        let running = Running {
            progress,
            since: Instant::now(),
        };
        lock(&self.state).running = Some(running.clone());
        let authorizer = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = authorizer.sign_in(&need, &sender).await;
            authorizer.note(&outcome);
            sender.send_modify(|progress| progress.outcome = Some(outcome));
        });
        Ok(running)
    }

    async fn sign_in(
        &self,
        need: &Need,
        progress: &watch::Sender<Progress>,
    ) -> Result<(), SignInError> {
        match &self.context.settings.grant {
            Grant::AuthorizationCode => browser_flow::run(&self.context, need, progress).await,
            Grant::DeviceCode => device::run(&self.context, need, progress).await,
            Grant::ClientCredentials { .. } => client_credentials::run(&self.context, need).await,
        }
    }

    fn note(&self, outcome: &Result<(), SignInError>) {
        let bearer = self.stored_bearer();
        let mut state = lock(&self.state);
        match outcome {
            Ok(()) => {
                state.fresh = bearer;
                log("signed in");
            }
            Err(error) => {
                if matches!(error, SignInError::Denied(_)) {
                    state.denied = Some(error.clone());
                }
                log(&error.to_string());
            }
        }
    }

    /// Waits for a sign-in, but not longer than a message should.
    async fn wait(&self, mut running: Running) -> Result<(), SignInError> {
        let until = running.since + self.context.settings.timeout.max(MIN_WAIT);
        let ended = timeout_at(
            until,
            running
                .progress
                .wait_for(|progress| progress.outcome.is_some()),
        )
        .await;
        match ended.map(|ended| ended.map(|progress| progress.outcome.clone())) {
            Ok(Ok(outcome)) => outcome.unwrap_or(Ok(())),
            Ok(Err(_)) => Err(SignInError::impossible(
                "the sign-in ended early: try again",
            )),
            Err(_) => Err(self.pending(&running)),
        }
    }

    /// Error with the link of a sign-in, also if another instance runs it.
    fn pending(&self, running: &Running) -> SignInError {
        let link = running.progress.borrow().link.clone();
        SignInError::Pending {
            link: link.or_else(|| self.context.store.latest_flow()?.link),
        }
    }
}

/// Shortest wait for a sign-in, so that its link is known.
const MIN_WAIT: Duration = Duration::from_millis(100);
