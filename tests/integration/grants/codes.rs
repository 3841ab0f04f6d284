//! Codes of a sign-in: which redemptions are refused, and which of them end the code.

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal, SWEEP_EVERY_MS};

use super::{events, is_invalid_grant, refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, PUBLIC, SHORT, resource, scopes};

#[test]
fn a_wrong_verifier_keeps_the_code_and_five_of_them_end_it() {
    let mut world = world();
    let code = world.begin(&PUBLIC);
    let mut wrong = PUBLIC.redeem(&code);
    wrong.verifier = Some("x".repeat(43));
    for _ in 0..4 {
        assert!(is_invalid_grant(
            &world.issued(GrantCommand::Redeem(wrong.clone()))
        ));
    }
    assert!(
        world
            .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
            .is_ok()
    );
    let code = world.begin(&PUBLIC);
    wrong.code.clone_from(&code);
    for _ in 0..5 {
        assert!(is_invalid_grant(
            &world.issued(GrantCommand::Redeem(wrong.clone()))
        ));
    }
    assert!(is_invalid_grant(
        &world.issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
    ));
    assert_eq!(world.outside.rows.unfinished(), 1);
}

#[test]
fn a_redemption_that_does_not_fit_is_refused_and_keeps_the_code() {
    let mut world = world();
    let code = world.begin(&PUBLIC);
    let with = |change: &dyn Fn(&mut oauth_server::authority::Redeem)| {
        let mut redeem = PUBLIC.redeem(&code);
        change(&mut redeem);
        GrantCommand::Redeem(redeem)
    };
    let other_client = with(&|redeem| redeem.client_id = "other".to_owned());
    assert!(is_invalid_grant(&world.run(other_client)));
    let other_redirect =
        with(&|redeem| redeem.redirect_uri = Some("https://client.example/other".to_owned()));
    assert!(is_invalid_grant(&world.run(other_redirect)));
    let no_verifier = with(&|redeem| redeem.verifier = None);
    assert!(matches!(
        world.run(no_verifier),
        Err(GrantRefusal::InvalidRequest(_))
    ));
    let other_scope = with(&|redeem| redeem.scopes = Some(scopes("admin")));
    assert!(matches!(
        world.run(other_scope),
        Err(GrantRefusal::InvalidScope(_))
    ));
    let other_resource = with(&|redeem| redeem.resources = vec![resource("https://other.example")]);
    // The root covers this whole server, and which resources it has is checked before.
    assert!(world.run(other_resource).is_ok());
    let mut narrow = PUBLIC.begin(&world.handle);
    narrow.audience = vec![resource("https://server.example/mcp")];
    let Ok(GrantOutcome::Code(code)) = world.run(GrantCommand::IssueCode(narrow)) else {
        panic!()
    };
    let mut redeem = PUBLIC.redeem(&code.code);
    redeem.resources = vec![resource("https://server.example/sse")];
    assert!(matches!(
        world.run(GrantCommand::Redeem(redeem.clone())),
        Err(GrantRefusal::InvalidTarget(_))
    ));
    redeem.resources = vec![resource("https://server.example/mcp")];
    redeem.scopes = Some(scopes("write admin"));
    redeem.redirect_uri = None;
    let issued = world.issued(GrantCommand::Redeem(redeem)).unwrap();
    assert_eq!(issued.scopes, scopes("write"));
    assert_eq!(
        world.access(&issued.access_token).unwrap().audience,
        [resource("https://server.example/mcp")]
    );
}

#[test]
fn a_verifier_without_a_challenge_is_refused() {
    let mut world = world();
    let mut begin = CONFIDENTIAL.begin(&world.handle);
    begin.challenge = None;
    let Ok(GrantOutcome::Code(code)) = world.run(GrantCommand::IssueCode(begin)) else {
        panic!()
    };
    let mut redeem = CONFIDENTIAL.redeem(&code.code);
    assert!(matches!(
        world.run(GrantCommand::Redeem(redeem.clone())),
        Err(GrantRefusal::InvalidRequest(_))
    ));
    redeem.verifier = None;
    assert!(world.run(GrantCommand::Redeem(redeem)).is_ok());
}

#[test]
fn an_expired_code_is_refused() {
    let mut world = world();
    let code = world.begin(&PUBLIC);
    world.pass(300_000);
    assert!(is_invalid_grant(
        &world.run(GrantCommand::Redeem(PUBLIC.redeem(&code)))
    ));
}

#[test]
fn a_code_that_is_redeemed_twice_ends_its_grant() {
    let (mut world, issued, code) = signed_in(PUBLIC);
    assert!(is_invalid_grant(
        &world.run(GrantCommand::Redeem(CONFIDENTIAL.redeem(&code)))
    ));
    assert!(world.access(&issued.access_token).is_some());
    assert!(is_invalid_grant(
        &world.run(GrantCommand::Redeem(PUBLIC.redeem(&code)))
    ));
    assert!(world.access(&issued.access_token).is_none());
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&issued)
    )));
    assert_eq!(events(&world), ["issued", "code_replayed"]);
    assert_eq!(world.outside.rows.unfinished(), 0);
}

#[test]
fn a_made_up_code_of_the_same_grant_changes_nothing() {
    let mut world = world();
    let code = world.begin(&PUBLIC);
    let (prefix, _) = code.rsplit_once(':').unwrap();
    for secret in ["A".repeat(48), "A".repeat(32), String::new()] {
        assert!(is_invalid_grant(&world.run(GrantCommand::Redeem(
            CONFIDENTIAL.redeem(&format!("{prefix}:{secret}"))
        ))));
    }
    assert!(
        world
            .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
            .is_ok()
    );
}

#[test]
fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let (mut world, issued, _) = signed_in(SHORT);
    assert_eq!(issued.refresh_token, None);
    assert!(world.access(&issued.access_token).is_some());
    world.pass_with_alarms(3 * SWEEP_EVERY_MS);
    assert_eq!(world.outside.rows.count(), 0);
}
