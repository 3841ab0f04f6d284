//! `GET /callback`: the redirect back from the identity provider.

use super::account;
use super::consent::show;
use super::flow::{Aim, Flow, Found, Left};
use super::remembered::Remembered;
use super::visit::{Visit, state_of};
use crate::identity::{Answer, Identity, IdentityProvider};
use crate::oauth::authorize::{self, Agreement, approve_agreed};
use crate::oauth::params::Params;
use crate::oauth::sign_in::{Approval, Authorization};
use crate::wire::{Reply, RuntimeError};

/// Finds the flow by `state`, and the person by the identity provider.
pub(super) async fn answered(
    visit: &mut Visit<'_>,
    provider: &dyn IdentityProvider,
) -> Result<Reply, RuntimeError> {
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
        Found::Nothing => {
            return Ok(visit.nothing("a callback that this browser does not wait for"));
        }
    };
    let Some(left) = flow.left.as_ref().filter(|left| left.is_of(&state)) else {
        return Ok(visit.nothing("a callback with another state"));
    };
    // Whatever comes of it, it was used.
    flow.forget(visit);
    let callback = visit.callback();
    let answer = Answer {
        callback: &callback,
        params: &params,
        head: visit.head,
        kept: &left.kept,
        web: visit.web,
    };
    match (provider.finish(answer).await, &flow.aim) {
        (Err(error), aim) => Ok(visit.not_signed_in(provider, aim, &error, left.asked)),
        (Ok(identity), Aim::Account) => account::signed_in(visit, identity).await,
        (Ok(identity), Aim::Client(asked)) => {
            match let_in(visit, provider, asked, (left, flow.left_at()), identity).await {
                Ok(reply) => Ok(reply),
                Err(fault) => Ok(visit.failed(&flow.aim, &fault)),
            }
        }
    }
}

async fn let_in(
    visit: &mut Visit<'_>,
    provider: &dyn IdentityProvider,
    asked: &Authorization,
    (left, left_at): (&Left, u64),
    identity: Identity,
) -> Result<Reply, RuntimeError> {
    let Identity { subject, props, .. } = identity;
    let mut remembered = Remembered::read(visit).await?;
    let agreed = if left.asked {
        Some(left_at)
    } else {
        remembered.agreed_at(&subject, asked)
    };
    // The remembered consent belongs to another user of this browser: ask.
    let Some(agreed) = agreed else {
        return show(visit, provider, asked).await;
    };
    if left.asked && left.remember {
        remembered.add(&subject, asked, agreed);
    }
    if left.remember {
        remembered.keep(visit).await?;
    }
    let approval = Approval {
        subject,
        props,
        scopes: None,
    };
    // A copy of the deleted cookie could be sent again, so the user's object accepts each sign-in once.
    let agreement = Agreement {
        sign_in: left.name(),
        agreed: Some(agreed),
    };
    match approve_agreed(visit.site, asked, approval, agreement).await? {
        // The person has disconnected the client since.
        None => show(visit, provider, asked).await,
        Some(authorize::Answer::Redirect(url)) => Ok(visit.redirect(url)),
        Some(authorize::Answer::Show(reply)) => Ok(reply),
        Some(authorize::Answer::Problem(wrong)) => Ok(visit.wrong(&wrong)),
    }
}
