//! `GET /callback`: the redirect back from the identity provider.

use durable_core::wire::{Reply, RuntimeError};
use oauth_server::authorize::{Agreement, approve_agreed};
use oauth_server::params::RequestParams;
use oauth_server::sign_in::{Approval, Authorization};
use sign_in::{Callback, DynIdentityProvider, Identity};

use super::account;
use super::consent::show;
use super::flow::{FoundFlow, RedirectedFlow, SignInFlow};
use super::purpose::SignInPurpose;
use super::remembered::RememberedConsents;
use super::visit::{Visit, state_of};

/// Finds the flow by `state`, and the person by the identity provider.
pub(super) async fn answered(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
) -> Result<Reply, RuntimeError> {
    let params = RequestParams::parse(&visit.head.query).unwrap_or_default();
    let (flow, left) = match returned_flow(visit, &params).await? {
        Ok(returned) => returned,
        Err(refused) => return Ok(refused),
    };
    // Whatever comes of it, it was used.
    flow.forget(visit);
    let callback = visit.callback();
    let answer = Callback {
        redirect_uri: &callback,
        params: &params,
        head: visit.head,
        flow_state: &left.kept,
        web: visit.web,
    };
    match (provider.finish(answer).await, &flow.aim) {
        (Err(error), aim) => Ok(visit.not_signed_in(provider, aim, &error, left.asked)),
        (Ok(identity), SignInPurpose::Account) => account::signed_in(visit, identity).await,
        (Ok(identity), SignInPurpose::Client(asked)) => {
            let left = (&left, flow.redirected_at());
            let outcome = let_in(visit, provider, asked, left, identity).await;
            Ok(outcome.unwrap_or_else(|fault| visit.failed(&flow.aim, &fault)))
        }
    }
}

/// The flow that `state` names, and its departure to the identity provider; the answer where there is none.
async fn returned_flow(
    visit: &mut Visit<'_>,
    params: &RequestParams,
) -> Result<Result<(SignInFlow, RedirectedFlow), Reply>, RuntimeError> {
    let Some(state) = state_of(params) else {
        return Ok(Err(visit.no_flow("a callback without a state")));
    };
    let mut flow = match SignInFlow::load(visit, state.id()).await? {
        FoundFlow::Living(flow) => flow,
        FoundFlow::Expired(flow) => {
            flow.forget(visit);
            return Ok(Err(visit.expired(&flow.aim)));
        }
        FoundFlow::Nothing => {
            return Ok(Err(
                visit.no_flow("a callback that this browser does not wait for")
            ));
        }
    };
    match flow.left.take().filter(|left| left.is_of(&state)) {
        Some(left) => Ok(Ok((flow, left))),
        None => Ok(Err(visit.no_flow("a callback with another state"))),
    }
}

async fn let_in(
    visit: &mut Visit<'_>,
    provider: &dyn DynIdentityProvider,
    authorization: &Authorization,
    (left, left_at): (&RedirectedFlow, u64),
    identity: Identity,
) -> Result<Reply, RuntimeError> {
    let Identity { subject, props, .. } = identity;
    let mut remembered = RememberedConsents::load(visit).await?;
    let agreed = if left.asked {
        Some(left_at)
    } else {
        remembered.agreed_at(&subject, authorization)
    };
    // The remembered consent belongs to another user of this browser: ask.
    let Some(agreed) = agreed else {
        return show(visit, provider, authorization).await;
    };
    if left.asked && left.remember {
        remembered.add(&subject, authorization, agreed);
    }
    if left.remember {
        remembered.store(visit).await?;
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
    match approve_agreed(visit.auth_server, authorization, approval, agreement).await? {
        // The person has disconnected the client since.
        None => show(visit, provider, authorization).await,
        Some(answer) => Ok(visit.authorize_reply(answer)),
    }
}
