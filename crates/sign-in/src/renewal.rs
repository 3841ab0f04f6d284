//! Renewing what an identity provider gave, when tokens of this server are renewed.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use oauth_server::hooks::{Exchange, ExchangeChanges, ExchangeError, ExchangeKind};
use serde_json::Value;

use super::code_flow::{RENEW_SECONDS, UPSTREAM, ends_with};
use super::upstream::{RenewalUpstream, Upstream};
use super::{DynIdentityProvider, IdentityError};

/// Least lifetime of a token of this server, in seconds, whatever the provider's is: a client that renews all the time gets
/// nothing done.
const LEAST_SECONDS: u64 = 60;

/// The hook for [`OAuth::on_exchange`](oauth_server::provider::OAuth::on_exchange): whenever a client's token is renewed,
/// so is what tools use of the provider. It runs once for each renewal, one at a time for a grant, so that a refresh
/// token of the provider that is good once is used once.
pub fn hook(
    provider: Rc<dyn DynIdentityProvider>,
    web: Rc<dyn Upstream>,
) -> impl Fn(Exchange) -> LocalBoxFuture<'static, Result<ExchangeChanges, ExchangeError>> + 'static
{
    move |exchange| {
        let (provider, web) = (Rc::clone(&provider), Rc::clone(&web));
        async move { exchanged(&*provider, &*web, exchange).await }.boxed_local()
    }
}

async fn exchanged(
    provider: &dyn DynIdentityProvider,
    web: &dyn Upstream,
    exchange: Exchange,
) -> Result<ExchangeChanges, ExchangeError> {
    // A token of client credentials has no user.
    if exchange.kind != ExchangeKind::Client && !provider.knows(&exchange.subject) {
        return Err(ExchangeError::Ended(
            "the user is of another identity provider than this server has".to_owned(),
        ));
    }
    let props = match exchange.kind {
        ExchangeKind::Refresh => provider
            .renew(&exchange.props, &RenewalUpstream(web))
            .await
            .map_err(|error| refused(&error))?,
        // The person has just come from the provider; or nobody has.
        _ => None,
    };
    let (current, now) = (props.as_ref().unwrap_or(&exchange.props), web.now() / 1000);
    let left = ends_with(current).map(|expires| expires.saturating_sub(now));
    if left == Some(0) && exchange.kind != ExchangeKind::Client {
        let text = "the identity provider's token has expired, and there is none to renew it with";
        return Err(ExchangeError::Ended(text.to_owned()));
    }
    Ok(ExchangeChanges {
        access_lifetime: lives(current, now).map(Duration::from_secs),
        refresh_lifetime: left.map(|left| Duration::from_secs(left.max(LEAST_SECONDS))),
        props,
    })
}

/// Ends the grant of a person who was removed from a list or whom the provider no longer knows. An outage or a
/// misconfiguration is transient, and ends no grant.
fn refused(error: &IdentityError) -> ExchangeError {
    match error {
        IdentityError::Unavailable(_) | IdentityError::Misconfigured(_) => {
            ExchangeError::Transient(error.to_string())
        }
        _ => ExchangeError::Ended(error.to_string()),
    }
}

/// Lifetime of this server's access token, in seconds, so that it is renewed before the provider's token expires; `None` if
/// that is at least [`RENEW_SECONDS`] away.
fn lives(props: &Value, now: u64) -> Option<u64> {
    let expires = props.get(UPSTREAM)?.get("expires")?.as_u64()?;
    let left = expires.saturating_sub(now);
    (left < RENEW_SECONDS).then_some(left.max(LEAST_SECONDS))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::testing::{FakeUpstream, NOW};
    use crate::{Callback, Identity, IdentityProvider, LoginRequest, Redirect};

    /// Answers so, and knows users of GitHub alone.
    struct Renewing(RefCell<Result<Option<Value>, IdentityError>>);

    impl IdentityProvider for Renewing {
        async fn start(&self, _: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
            Err(IdentityError::Denied(String::new()))
        }

        async fn finish(&self, _: Callback<'_>) -> Result<Identity, IdentityError> {
            Err(IdentityError::Denied(String::new()))
        }

        async fn renew(&self, _: &Value, _: &dyn Upstream) -> Result<Option<Value>, IdentityError> {
            self.0.borrow().clone()
        }

        fn knows(&self, subject: &str) -> bool {
            subject.starts_with("github:")
        }
    }

    fn run(
        renewed: Result<Option<Value>, IdentityError>,
        kind: ExchangeKind,
        props: Value,
    ) -> Result<ExchangeChanges, ExchangeError> {
        run_for("github:1", renewed, kind, props)
    }

    fn run_for(
        subject: &str,
        renewed: Result<Option<Value>, IdentityError>,
        kind: ExchangeKind,
        props: Value,
    ) -> Result<ExchangeChanges, ExchangeError> {
        let hook = hook(
            Rc::new(Renewing(RefCell::new(renewed))),
            Rc::new(FakeUpstream::default()),
        );
        block_on(hook(Exchange {
            kind,
            subject: subject.to_owned(),
            client_id: "c".to_owned(),
            grant: "g".to_owned(),
            scopes: oauth_server::scope::Scopes::default(),
            audience: Vec::new(),
            props,
        }))
    }

    fn ending(seconds: u64) -> Value {
        json!({ "upstream": { "access_token": "a", "expires": NOW / 1000 + seconds } })
    }

    #[test]
    fn a_renewed_token_has_the_new_props() {
        let exchanged = run(
            Ok(Some(ending(8 * 3600))),
            ExchangeKind::Refresh,
            ending(10),
        )
        .unwrap();
        assert_eq!(
            (exchanged.props, exchanged.access_lifetime),
            (Some(ending(8 * 3600)), None)
        );
        let exchanged = run(Ok(None), ExchangeKind::Refresh, json!({})).unwrap();
        assert_eq!((exchanged.props, exchanged.access_lifetime), (None, None));
    }

    #[test]
    fn a_code_is_exchanged_without_a_request_to_the_provider() {
        let away = || Err(IdentityError::Unavailable(String::new()));
        for kind in [
            ExchangeKind::Code,
            ExchangeKind::Token,
            ExchangeKind::Client,
        ] {
            assert!(run(away(), kind, json!({})).is_ok_and(|exchanged| exchanged.props.is_none()));
        }
    }

    #[test]
    fn a_token_does_not_outlive_that_of_the_provider() {
        let lives = |seconds| {
            run(Ok(None), ExchangeKind::Code, ending(seconds))
                .unwrap()
                .access_lifetime
                .map(|lifetime| lifetime.as_secs())
        };
        assert_eq!(
            [lives(3600), lives(300), lives(1)],
            [None, Some(300), Some(LEAST_SECONDS)]
        );
        let renewed = run(Ok(Some(ending(300))), ExchangeKind::Refresh, ending(1)).unwrap();
        assert_eq!(renewed.access_lifetime, Some(Duration::from_mins(5)));
    }

    #[test]
    fn a_grant_ends_with_a_provider_token_that_cannot_be_renewed() {
        let ended = |props: Value| {
            matches!(
                run(Ok(None), ExchangeKind::Refresh, props),
                Err(ExchangeError::Ended(_))
            )
        };
        assert!(ended(ending(0)) && !ended(ending(1)));
        let renewable = json!({ "upstream": { "access_token": "a", "refresh_token": "r", "expires": NOW / 1000 } });
        assert!(
            !ended(renewable.clone())
                && !ended(json!({ "upstream": { "access_token": "a" } }))
                && !ended(json!({}))
        );
        let lives = |props| {
            run(Ok(None), ExchangeKind::Code, props)
                .unwrap()
                .refresh_lifetime
                .map(|lifetime| lifetime.as_secs())
        };
        assert_eq!(
            [lives(ending(7200)), lives(ending(1)), lives(renewable)],
            [Some(7200), Some(LEAST_SECONDS), None]
        );
    }

    #[test]
    fn a_grant_of_a_user_of_another_provider_ends() {
        for kind in [
            ExchangeKind::Code,
            ExchangeKind::Refresh,
            ExchangeKind::Token,
        ] {
            assert!(
                matches!(
                    run_for("demo:ann", Ok(None), kind, json!({})),
                    Err(ExchangeError::Ended(_))
                ),
                "{kind:?}"
            );
        }
        assert!(run_for("a client", Ok(None), ExchangeKind::Client, json!({})).is_ok());
    }

    #[test]
    fn a_slow_check_after_a_renewal_does_not_lose_the_new_tokens() {
        let variables = |name: &str| match name {
            "IDENTITY_PROVIDER" => Some("github".to_owned()),
            "GITHUB_ALLOWED" => Some("ann".to_owned()),
            _ => name.starts_with("GITHUB_CLIENT_").then(|| "x".to_owned()),
        };
        let provider = crate::settings::provider(&variables).unwrap().unwrap();
        let web = Rc::new(FakeUpstream::default());
        let given = json!({ "access_token": "new", "token_type": "bearer", "expires_in": 28800, "refresh_token": "next" });
        web.post("https://github.com/login/oauth/access_token", 200, &given);
        let upstream = json!({ "access_token": "a", "refresh_token": "r", "expires": NOW / 1000 });
        let exchange = Exchange {
            kind: ExchangeKind::Refresh,
            subject: "github:1".to_owned(),
            client_id: "c".to_owned(),
            grant: "g".to_owned(),
            scopes: oauth_server::scope::Scopes::default(),
            audience: Vec::new(),
            props: json!({ "login": "ann", "known_as": ["ann"], "upstream": upstream }),
        };
        let exchanged = block_on(hook(provider, Rc::clone(&web) as Rc<dyn Upstream>)(
            exchange,
        ))
        .unwrap();
        assert_eq!(
            exchanged.props.unwrap()["upstream"]["refresh_token"],
            "next"
        );
        assert_eq!(
            web.sent()
                .iter()
                .map(|sent| sent.timeout.as_secs())
                .collect::<Vec<_>>(),
            [5, 2]
        );
    }

    #[test]
    fn only_a_final_error_ends_a_grant() {
        let ends = |error| match run(Err(error), ExchangeKind::Refresh, json!({})) {
            Err(ExchangeError::Ended(_)) => true,
            Err(ExchangeError::Transient(_)) => false,
            Ok(_) => panic!("nothing was renewed"),
        };
        let text = || "x".to_owned();
        assert!(ends(IdentityError::Refused(text())) && ends(IdentityError::NotAllowed(text())));
        assert!(ends(IdentityError::Denied(text())));
        assert!(
            !ends(IdentityError::Unavailable(text()))
                && !ends(IdentityError::Misconfigured(text()))
        );
    }
}
