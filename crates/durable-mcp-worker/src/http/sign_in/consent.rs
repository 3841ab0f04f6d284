//! `GET` and `POST /authorize`: the consent page, its form with a CSRF token, and the person's decision.

use durable_core::wire::{Reply, RuntimeError};
use oauth_server::authorize::{denied, refused};
use oauth_server::redirect_uri::RedirectUri;
use oauth_server::resource::Resource;
use oauth_server::sign_in::Authorization;
use sign_in::{DynIdentityProvider, LoginRequest};

use super::flow::{FoundFlow, SignInFlow};
use super::purpose::SignInPurpose;
use super::remembered::{RememberedConsents, may_be_remembered};
use super::visit::{MAX_NAME_CHARS, Visit, host_of};
use crate::pages::consent::{ConsentPage, ConsentScope, Destination};
use crate::pages::frame::plain;

/// Characters of a `login_hint`: an address or a user's name.
const MAX_HINT_CHARS: usize = 128;

/// Choices with which the browser is redirected to the identity provider.
pub(super) struct ConsentChoices<'a> {
    /// The person was asked on a page.
    pub(super) asked: bool,
    /// True if the browser remembers the consent.
    pub(super) remember: bool,
    /// The name that the person typed, or the client's `login_hint`.
    pub(super) name: Option<&'a str>,
}

/// A client asks.
pub(super) async fn ask(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
    authorization: &Authorization,
) -> Result<Reply, RuntimeError> {
    if authorization.prompt.as_deref() == Some("none") {
        let text = "The user has to be authorization, which takes a page.";
        return Ok(visit.end_unasked(authorization, "interaction_required", text));
    }
    let hint = authorization
        .login_hint
        .as_deref()
        .filter(|hint| hint.len() <= MAX_HINT_CHARS);
    let knows_whom = !provider.asks_name() || hint.is_some();
    if authorization.prompt.is_none()
        && knows_whom
        && RememberedConsents::load(visit).await?.covers(authorization)
    {
        let flow = new_flow(visit, authorization)?;
        return depart(
            visit,
            provider,
            flow,
            ConsentChoices {
                asked: false,
                remember: true,
                name: hint,
            },
        )
        .await;
    }
    show(visit, provider, authorization).await
}

/// Shows the page that asks.
pub(super) async fn show(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
    authorization: &Authorization,
) -> Result<Reply, RuntimeError> {
    let flow = new_flow(visit, authorization)?;
    if flow.store(visit).await?.is_err() {
        return Ok(too_long(visit, authorization, false));
    }
    let endpoints = visit.auth_server.oauth.endpoint_paths();
    let page = ConsentPage {
        frame: visit.frame,
        action: &endpoints.authorize,
        flow: &flow.id,
        csrf: flow.csrf(),
        client: client_name(authorization.client_name.as_deref()),
        publisher: host_of(&authorization.client_id),
        website: authorization
            .client_uri
            .as_deref()
            .and_then(|url| Some((url, host_of(url)?))),
        destination: destination(&authorization.redirect_uri),
        scopes: described_scopes(visit, authorization),
        resources: authorization
            .audience
            .iter()
            .map(Resource::as_str)
            .collect(),
        stays: authorization.refreshable,
        may_remember: may_be_remembered(authorization),
        asks_name: provider
            .asks_name()
            .then(|| authorization.login_hint.as_deref().unwrap_or_default()),
        provider: provider.title(),
        account: &endpoints.account,
    };
    Ok(page.reply(&visit.form_action(Some(authorization))))
}

fn described_scopes<'a>(
    visit: &Visit<'a>,
    authorization: &'a Authorization,
) -> Vec<ConsentScope<'a>> {
    authorization
        .scopes
        .iter()
        .map(|name| ConsentScope {
            name,
            words: visit.auth_server.oauth.words_for(name),
        })
        .collect()
}

/// The person says yes or no.
pub(super) async fn decided(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
) -> Result<Reply, RuntimeError> {
    let Some(form) = visit.form().await else {
        return Ok(visit.no_flow("the form of the consent page is damaged"));
    };
    let flow = match SignInFlow::load(visit, form.get("flow").unwrap_or_default()).await? {
        FoundFlow::Living(flow) => flow,
        FoundFlow::Expired(flow) => return Ok(visit.expired(&flow.aim)),
        FoundFlow::Nothing => {
            return Ok(visit.no_flow("consent to a sign-in that this browser does not have"));
        }
    };
    let SignInPurpose::Client(asked) = &flow.aim else {
        return Ok(visit.no_flow("consent to what needs none"));
    };
    if !flow.is_form_of(form.get("csrf").unwrap_or_default()) {
        return Ok(forged(visit));
    }
    match form.get("decision") {
        Some("approve") => {
            let choices = ConsentChoices {
                asked: true,
                remember: form.get("remember").is_some(),
                name: form.get("name"),
            };
            depart(visit, provider, flow, choices).await
        }
        Some("deny") => {
            let url = denied(visit.auth_server, asked);
            flow.forget(visit);
            Ok(visit.redirect(url))
        }
        _ => Ok(visit.no_flow("the consent page's form says neither yes nor no")),
    }
}

/// Sends the browser to the identity provider.
pub(super) async fn depart(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
    flow: SignInFlow,
    departure: ConsentChoices<'_>,
) -> Result<Reply, RuntimeError> {
    let (random, callback) = (visit.auth_server.runtime.random(), visit.callback());
    let state = flow.state(random)?;
    let going = LoginRequest {
        redirect_uri: &callback,
        state: state.as_str(),
        name: departure.name,
        random,
        web: visit.web,
    };
    let redirect = match provider.start(going).await {
        Ok(redirect) => redirect,
        Err(error) => return Ok(visit.not_signed_in(provider, &flow.aim, &error, departure.asked)),
    };
    let now = visit.auth_server.runtime.now();
    let flow = flow.redirected(
        &state,
        redirect.flow_state,
        departure.asked,
        departure.remember,
        now,
    );
    match (flow.store(visit).await?, &flow.aim) {
        (Ok(()), _) => Ok(visit.redirect(redirect.url)),
        (Err(_), SignInPurpose::Client(asked)) => Ok(too_long(visit, asked, departure.asked)),
        (Err(_), SignInPurpose::Account) => Err(RuntimeError(
            "a sign-in is too long for a cookie".to_owned(),
        )),
    }
}

/// The client put more into its request than a browser can carry along.
fn too_long(visit: &Visit<'_>, authorization: &Authorization, was_asked: bool) -> Reply {
    let (error, text) = ("invalid_request", "The request is too long.");
    if was_asked {
        visit.redirect(refused(visit.auth_server, authorization, error, text))
    } else {
        visit.end_unasked(authorization, error, text)
    }
}

/// Rejection of a form without the right token: it is not from this server's page.
pub(super) fn forged(visit: &Visit<'_>) -> Reply {
    let text = visit.frame.say(
        "This did not come from a page of this server, so nothing was done. If you did not start it, close this window.",
        "此请求并非来自本服务器的页面，因此未执行任何操作。如果不是您发起的，请关闭此窗口。",
    );
    visit.error_page(403, text, "a form without its token", &[])
}

/// The client's name, if it can be shown.
pub(super) fn client_name(name: Option<&str>) -> Option<String> {
    name.map(|name| plain(name, MAX_NAME_CHARS))
        .filter(|name| !name.is_empty())
}

/// A new flow, with no more of the request than is needed at its end.
fn new_flow(visit: &Visit<'_>, authorization: &Authorization) -> Result<SignInFlow, RuntimeError> {
    let authorization = Authorization {
        client_uri: None,
        logo_uri: None,
        prompt: None,
        login_hint: authorization
            .login_hint
            .clone()
            .filter(|hint| hint.len() <= MAX_HINT_CHARS),
        ..authorization.clone()
    };
    SignInFlow::new(
        SignInPurpose::Client(Box::new(authorization)),
        visit.auth_server.runtime.now(),
        visit.auth_server.runtime.random(),
    )
}

fn destination(uri: &RedirectUri) -> Destination {
    match (uri.is_loopback(), host_of(uri.as_str())) {
        (true, Some(host)) => Destination::Device(host.to_owned()),
        (false, Some(host)) => Destination::Web(host.to_owned()),
        (_, None) => Destination::Application(uri.scheme().to_owned()),
    }
}
