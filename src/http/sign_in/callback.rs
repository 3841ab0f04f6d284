//! `GET /callback`: somebody comes back from the identity provider.

use super::account;
use super::consent::show;
use super::flow::{Aim, Flow, Found, Left};
use super::remembered::Remembered;
use super::visit::{Visit, state_of};
use crate::identity::{Answer, Identity, IdentityProvider};
use crate::oauth::authorize::{self, approve_once};
use crate::oauth::params::Params;
use crate::oauth::sign_in::{Approval, Authorization};
use crate::wire::{Fault, Reply};

/// Finds out who came back, and in which flow.
pub(super) async fn answered(visit: &mut Visit<'_>, provider: &dyn IdentityProvider) -> Result<Reply, Fault> {
    let params = Params::parse(&visit.head.query).unwrap_or_default();
    let Some(state) = state_of(&params) else {
        return Ok(visit.nothing("a callback without a state"));
    };
    let flow = match Flow::find(visit, state.id()).await? {
        Found::Living(flow) => flow,
        Found::Expired(flow) => {
            flow.forget(visit);
            return Ok(visit.expired(&flow.aim));
        }
        Found::Nothing => return Ok(visit.nothing("a callback that this browser does not wait for")),
    };
    let Some(left) = flow.left.as_ref().filter(|left| left.is_of(&state)) else {
        return Ok(visit.nothing("a callback with another state"));
    };
    // Whatever comes of it, it was used.
    flow.forget(visit);
    let callback = visit.callback();
    let answer = Answer { callback: &callback, params: &params, head: visit.head, kept: &left.kept, web: visit.web };
    match (provider.finish(answer).await, &flow.aim) {
        (Err(error), aim) => Ok(visit.not_signed_in(provider, aim, &error, left.asked)),
        (Ok(identity), Aim::Account) => account::signed_in(visit, identity).await,
        (Ok(identity), Aim::Client(asked)) => match let_in(visit, provider, asked, left, identity).await {
            Ok(reply) => Ok(reply),
            Err(fault) => Ok(visit.failed(&flow.aim, &fault)),
        },
    }
}

async fn let_in(
    visit: &mut Visit<'_>,
    provider: &dyn IdentityProvider,
    asked: &Authorization,
    left: &Left,
    identity: Identity,
) -> Result<Reply, Fault> {
    let Identity { subject, props, .. } = identity;
    let mut remembered = Remembered::read(visit).await?;
    // Somebody else agreed to it in this browser.
    if !left.asked && !remembered.covers_for(&subject, asked) {
        return show(visit, provider, asked).await;
    }
    if left.remember {
        remembered.add(&subject, asked);
        remembered.keep(visit).await?;
    }
    // The cookie is deleted, but a copy of it would do: the user's object takes a sign-in once.
    match approve_once(visit.site, asked, Approval { subject, props, scopes: None }, left.name()).await? {
        authorize::Answer::Redirect(url) => Ok(visit.redirect(url)),
        authorize::Answer::Show(reply) => Ok(reply),
        authorize::Answer::Problem(wrong) => Ok(visit.wrong(&wrong)),
    }
}
