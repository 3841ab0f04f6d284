//! Sign-in that asks for a name and for consent on one page. A real one checks a password, a passkey or an identity provider, as the
//! crate `sign-in` does.

use std::cell::RefCell;
use std::collections::HashMap;

use durable_core::wire::{Head, Reply, RuntimeError};
use http::StatusCode;
use oauth_server::auth_server::AuthServer;
use oauth_server::authorize::{AuthorizePageError, AuthorizeResponse, conclude};
use oauth_server::params::RequestParams;
use oauth_server::sign_in::{Approval, Authorization, Decision, SignIn, SignInStep};
use serde_json::json;

use crate::runtime::{now, unguessable};

/// The most requests that wait for their users' answers; the rest are refused, since anybody can begin one.
const MAX_WAITING: usize = 1000;

/// Time for the page, in milliseconds, after which its request is forgotten: pages that nobody answers keep no room.
const ANSWER_WITHIN_MS: u64 = 10 * 60 * 1000;

/// The longest form that is read, in bytes.
const MAX_FORM_BYTES: usize = 4096;

/// Page on which a person says who they are and whether they agree.
#[derive(Default)]
pub(crate) struct ConsentPage {
    /// Requests whose users were asked, and until when, by the id in the form. A server with sessions of its own in cookies binds the form to
    /// one of them, too, so that no other site can post it.
    waiting: RefCell<HashMap<String, (u64, Authorization)>>,
}

impl SignIn for ConsentPage {
    async fn decide(
        &self,
        authorization: &Authorization,
        _: &Head,
    ) -> Result<Decision, RuntimeError> {
        self.ask(authorization)
    }

    async fn answer(
        &self,
        auth_server: &AuthServer<'_>,
        step: SignInStep<'_>,
        head: &Head,
    ) -> Result<AuthorizeResponse, RuntimeError> {
        let (authorization, decision) = match step {
            SignInStep::Asked(asked) => (asked.clone(), self.decide(asked, head).await?),
            SignInStep::Consent => match self.consent(auth_server).await {
                Some(answered) => answered,
                None => return Ok(AuthorizeResponse::Problem(AuthorizePageError::Used)),
            },
            SignInStep::Callback | SignInStep::Account => {
                return Ok(AuthorizeResponse::Problem(AuthorizePageError::NoPage));
            }
        };
        conclude(auth_server, &authorization, decision).await
    }
}

impl ConsentPage {
    fn ask(&self, authorization: &Authorization) -> Result<Decision, RuntimeError> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|_, (until, _)| *until > now());
        if waiting.len() >= MAX_WAITING {
            return Err(RuntimeError(
                "too many requests wait for consent".to_owned(),
            ));
        }
        let id = unguessable()?;
        let page = page(&id, authorization);
        waiting.insert(id, (now() + ANSWER_WITHIN_MS, authorization.clone()));
        // No other site may show the page in a frame and have its button clicked.
        let reply = Reply::text(StatusCode::OK, "text/html; charset=utf-8", page);
        let reply = reply.header("content-security-policy", "frame-ancestors 'none'");
        Ok(Decision::Answer(reply))
    }

    /// The request that a posted form answers, and the decision of its user. A form counts once.
    async fn consent(&self, auth_server: &AuthServer<'_>) -> Option<(Authorization, Decision)> {
        let form = auth_server.runtime.body(MAX_FORM_BYTES).await.ok()?;
        let form = RequestParams::parse(&form).ok()?;
        let (until, authorization) = self.waiting.borrow_mut().remove(form.get("id")?)?;
        if until <= now() {
            return None;
        }
        let name = form.get("name").filter(|_| form.get("deny").is_none());
        let decision = match name {
            Some(name) => Decision::Approve(Approval {
                subject: name.to_owned(),
                props: json!({ "name": name }),
                scopes: None,
            }),
            None => Decision::Deny,
        };
        Some((authorization, decision))
    }
}

fn page(id: &str, authorization: &Authorization) -> String {
    let client = authorization.client_name.as_deref().unwrap_or("A client");
    let (client, redirect) = (
        escaped(client),
        escaped(authorization.redirect_uri.as_str()),
    );
    let scopes = escaped(&authorization.scopes.to_string());
    format!(
        r#"<!doctype html><title>Consent</title>
<p><b>{client}</b> at {redirect} asks for: {scopes}</p>
<form method="post" action="/authorize">
<input type="hidden" name="id" value="{id}">
<label>Your name <input name="name" required></label>
<button>Allow</button>
<button name="deny" value="yes" formnovalidate>Deny</button>
</form>"#
    )
}

/// Text of a stranger as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
