//! Authorization code grant in a browser.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep_until};

use super::authorize::{AuthorizationRequest, Redirect, random_text};
use super::browser;
use super::callback::{Arrival, CallbackServer};
use super::client::{Client, Origin, Registration};
use super::context::{Context, GrantedScopes, Need, Presentation, Progress, issued, publish_link};
use super::discovery::{Discovered, check_pkce, is_same_issuer};
use super::error::SignInError;
use super::instances::{Role, coordinate};
use super::token::TokenError;
use crate::log::{log, remember_secret};
use crate::store::records::PendingFlow;
use crate::store::{FLOW_LIFETIME, now_ms};

/// Arrivals that wait for the one before them.
const ARRIVALS: usize = 4;
/// Pause between two looks for tokens that another process stored.
const LOOK: Duration = Duration::from_millis(500);

/// Signs a person in, or waits until another instance has.
///
/// # Errors
/// [`SignInError::Pending`] after the wait of messages and ten minutes more.
pub(crate) async fn run(
    context: &Context,
    need: &Need,
    progress: &watch::Sender<Progress>,
) -> Result<(), SignInError> {
    let discovered = context.discover(&need.challenge).await?;
    check_pkce(&discovered.server, context.settings.rules)?;
    let until = Instant::now() + context.settings.timeout + FLOW_LIFETIME;
    let settings = &context.settings;
    let Role::Owner {
        bound,
        has_taken_over,
    } = role(context, need, until).await?
    else {
        return Ok(());
    };
    let port = bound.port;
    let (sender, arrivals) = mpsc::channel(ARRIVALS);
    let (awaited, state) = watch::channel(String::new());
    let server = CallbackServer::start(
        bound,
        settings.callback.clone(),
        context.store.clone(),
        sender,
        state,
    );
    let session = Session {
        context,
        need,
        discovered: &discovered,
        until,
        awaited,
    };
    let outcome = session.run(port, has_taken_over, progress, arrivals).await;
    server.close().await;
    outcome
}

/// Part of this instance: it signs in, or another one has by the end of the wait.
async fn role(context: &Context, need: &Need, until: Instant) -> Result<Role, SignInError> {
    let role = coordinate(
        context.store.key(),
        context.settings.port,
        || context.is_met(need),
        || tell_of_other(context),
    );
    tokio::select! {
        role = role => role,
        () = sleep_until(until) => Err(SignInError::Pending { link: None }),
    }
}

/// Tells the person that another instance signs in.
fn tell_of_other(context: &Context) {
    log("another instance is signing in to this server; its tokens will be used");
    let is_in_terminal = context.settings.presentation == Presentation::Terminal;
    let link = context.store.latest_flow().and_then(|flow| flow.link);
    if let Some(link) = link.filter(|_| is_in_terminal) {
        context.show_link("sign in at its link:", &link);
    }
}

/// Checks what came back, and redeems its code.
pub(crate) async fn redeem(
    context: &Context,
    discovered: &Discovered,
    flow: &PendingFlow,
    redirect: Redirect,
) -> Result<(), SignInError> {
    let server = &discovered.server;
    if flow
        .issuer
        .as_deref()
        .is_some_and(|issuer| !is_same_issuer(issuer, &server.issuer))
    {
        return Err(SignInError::impossible(
            "the server has changed its authorization server meanwhile: sign in again",
        ));
    }
    let code = redirect.code(&server.issuer, server.always_sends_iss)?;
    let client = context.settings.client.known(&context.store, server)?;
    let client = client.ok_or_else(|| {
        SignInError::impossible("the client of this sign-in is not known any more: sign in again")
    })?;
    remember_secret(&code);
    let answer = exchange(context, discovered, flow, &client, &code).await?;
    let requested = flow.reference.get(BASE_SCOPE).and_then(Value::as_str);
    let scopes = GrantedScopes {
        asked: flow.scope.as_deref(),
        requested,
    };
    context
        .save(&issued(answer, None, &server.issuer, scopes)?)
        .await?;
    let _ = context.store.delete_flow(&flow.state);
    context.store.sweep();
    Ok(())
}

/// Exchanges a code for tokens (RFC 6749, section 4.1.3).
async fn exchange(
    context: &Context,
    discovered: &Discovered,
    flow: &PendingFlow,
    client: &Client,
    code: &str,
) -> Result<Map<String, Value>, SignInError> {
    // The reference uses the one that it registered, and does not store it.
    let redirect_uri = flow.redirect_uri.clone().unwrap_or_else(|| {
        let own = context.redirect_uri(context.settings.port.first);
        client.record.redirect_uri_for(&own).unwrap_or(own)
    });
    remember_secret(&flow.verifier);
    context.brakes().token(now_ms())?;
    let resource = context.resource(discovered);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", flow.verifier.as_str()),
        ("redirect_uri", redirect_uri.as_str()),
    ];
    form.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let answer = context
        .token_endpoint(&discovered.server, client)?
        .request(&context.http, &form)
        .await;
    if answer.as_ref().is_err_and(TokenError::is_of_client) && client.origin == Origin::Stored {
        context.store.delete_client(client.record.client_id())?;
    }
    Ok(answer?)
}

/// Member of a stored sign-in: scope in the words in which the reference compares it.
const BASE_SCOPE: &str = "requested_scope";

struct Session<'a> {
    context: &'a Context,
    need: &'a Need,
    discovered: &'a Discovered,
    until: Instant,
    /// State of the sign-in.
    awaited: watch::Sender<String>,
}

impl Session<'_> {
    async fn run(
        &self,
        port: u16,
        has_taken_over: bool,
        progress: &watch::Sender<Progress>,
        arrivals: mpsc::Receiver<Arrival>,
    ) -> Result<(), SignInError> {
        // A tab of the instance before may still be open, and finishes here.
        let taken = if has_taken_over {
            self.context.store.latest_flow()
        } else {
            None
        };
        let flow = match taken {
            Some(flow) => flow,
            None => self.begin(port).await?,
        };
        self.awaited.send_replace(flow.state.clone());
        let flow = self.show(flow, progress).await?;
        self.wait(&flow, arrivals).await
    }

    /// Waits until a browser comes back from the link and redeems its code, or another process has stored tokens.
    async fn wait(
        &self,
        flow: &PendingFlow,
        mut arrivals: mpsc::Receiver<Arrival>,
    ) -> Result<(), SignInError> {
        let mut looks = interval(LOOK);
        let mut is_renewed = false;
        let renewal = self.until - FLOW_LIFETIME;
        loop {
            tokio::select! {
                arrival = arrivals.recv() => {
                    let Some(Arrival { flow, redirect, done }) = arrival else { continue };
                    let outcome = redeem(self.context, self.discovered, &flow, redirect.0).await;
                    let _ = done.send(outcome.clone());
                    return outcome;
                }
                _ = looks.tick() => {
                    if self.context.is_met(self.need) {
                        return Ok(());
                    }
                }
                // Messages stop waiting now, and show the link: it is good for as long again.
                () = sleep_until(renewal), if !is_renewed => {
                    is_renewed = true;
                    self.context.store.save_flow(flow)?;
                }
                () = sleep_until(self.until) => return Err(SignInError::Pending { link: None }),
            }
        }
    }

    /// Shows the link, and opens it unless that was done.
    async fn show(
        &self,
        mut flow: PendingFlow,
        progress: &watch::Sender<Progress>,
    ) -> Result<PendingFlow, SignInError> {
        let Some(link) = flow.link.clone() else {
            return Ok(flow);
        };
        if !flow.is_opened {
            self.context.brakes().window(now_ms())?;
        }
        publish_link(progress, &link);
        self.context.show_link("sign in at this link:", &link);
        if flow.is_opened || self.context.settings.presentation != Presentation::Browser {
            return Ok(flow);
        }
        // Said before it is done: a second window is worse than a link to be clicked.
        flow.is_opened = true;
        self.context.store.save_flow(&flow)?;
        let is_open = match Url::parse(&link) {
            Ok(link) => browser::open(&link).await,
            Err(_) => false,
        };
        if !is_open {
            log("there is no browser to open it here");
        }
        Ok(flow)
    }

    /// Gets a client that the authorization server knows, and stores a new sign-in.
    async fn begin(&self, port: u16) -> Result<PendingFlow, SignInError> {
        let client = self.client(port).await?;
        let flow = self.flow(port, &client)?;
        if client.origin == Origin::Stored && self.is_forgotten(&flow).await {
            self.context
                .store
                .delete_client(client.record.client_id())?;
            let client = self.client(port).await?;
            return self.store(self.flow(port, &client)?);
        }
        self.store(flow)
    }

    fn store(&self, flow: PendingFlow) -> Result<PendingFlow, SignInError> {
        self.context.store.save_flow(&flow)?;
        Ok(flow)
    }

    async fn client(&self, port: u16) -> Result<Client, SignInError> {
        let scopes = self.context.scopes(self.discovered, self.need);
        let asked = scopes.asked();
        let mut redirect_uris = vec![self.context.redirect_uri(port)];
        if port != self.context.settings.port.first {
            // With its usual port the reference keeps the registration.
            redirect_uris.push(self.context.redirect_uri(self.context.settings.port.first));
        }
        let name = self.context.client_name();
        let registration = Registration {
            client_name: name.as_deref(),
            redirect_uris: &redirect_uris,
            scope: asked.as_deref(),
        };
        let settings = &self.context.settings.client;
        settings
            .obtain(
                &self.context.http,
                &self.context.store,
                &self.discovered.server,
                registration,
            )
            .await
    }

    fn flow(&self, port: u16, client: &Client) -> Result<PendingFlow, SignInError> {
        let server = &self.discovered.server;
        let endpoint = self.authorization_endpoint()?;
        let wanted = self.context.redirect_uri(port);
        let redirect_uri = client.record.redirect_uri_for(&wanted).unwrap_or(wanted);
        let scopes = self.context.scopes(self.discovered, self.need);
        let asked = scopes.asked();
        let resource = self.context.resource(self.discovered);
        let (state, verifier) = (random_text()?, random_text()?);
        let request = AuthorizationRequest {
            endpoint,
            client_id: client.record.client_id(),
            redirect_uri: &redirect_uri,
            state: &state,
            verifier: &verifier,
            scope: asked.as_deref(),
            resource: resource.as_deref(),
            extra: &self.context.settings.authorize_params,
        };
        let link = request.link();
        if !browser::is_web(&link) {
            return Err(SignInError::impossible(
                "the authorization endpoint is not on the web",
            ));
        }
        Ok(PendingFlow {
            link: Some(link.into()),
            is_opened: false,
            issuer: Some(server.issuer.clone()),
            redirect_uri: Some(redirect_uri),
            reference: self.reference(scopes.base()),
            scope: asked,
            state,
            verifier,
        })
    }

    fn authorization_endpoint(&self) -> Result<&Url, SignInError> {
        let endpoint = self.discovered.server.authorization_endpoint.as_ref();
        endpoint.ok_or_else(|| {
            SignInError::impossible(
                "the authorization server's metadata has no authorization_endpoint",
            )
        })
    }

    /// Discovery as the reference stores it, so that an instance of it can finish this sign-in.
    fn reference(&self, base_scope: Option<String>) -> Map<String, Value> {
        let server = &self.discovered.server;
        let mut members = Map::new();
        members.insert(
            "authorizationServerUrl".to_owned(),
            server.issuer.clone().into(),
        );
        if !server.document.is_empty() {
            members.insert(
                "authorizationServerMetadata".to_owned(),
                server.document.clone().into(),
            );
        }
        if let Some(resource) = &self.discovered.resource {
            members.insert(
                "resourceMetadata".to_owned(),
                resource.document.clone().into(),
            );
        }
        if let Some(scope) = base_scope {
            members.insert(BASE_SCOPE.to_owned(), scope.into());
        }
        members
    }

    /// Whether the authorization endpoint refuses a registration of before. Asked without a person, for whom the page that it
    /// would show is an end.
    async fn is_forgotten(&self, flow: &PendingFlow) -> bool {
        let Some(link) = flow.link.as_deref().and_then(|link| Url::parse(link).ok()) else {
            return false;
        };
        let refusals = [
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
            StatusCode::UNPROCESSABLE_ENTITY,
        ];
        self.context
            .http
            .peek(&link)
            .await
            .is_ok_and(|answer| refusals.contains(&answer.status))
    }
}
