//! Refresh tokens: their rotation, the grace in which a retry is answered alike, and how long they last.

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal};
use oauth_server::hooks::Hooks;

use super::{DAY_MS, events, is_invalid_grant, refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, PUBLIC, World, resource, root, scopes};

#[test]
fn a_retry_gets_the_same_pair_within_the_grace() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    world.pass(59_000);
    let again = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    assert_eq!(
        (&again.access_token, &again.refresh_token),
        (&next.access_token, &next.refresh_token)
    );
    assert_eq!(again.expires_in, next.expires_in - 59);
    assert!(refresh(&mut world, PUBLIC, refresh_token(&next)).is_ok());
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&first)
    )));
}

#[test]
fn ten_parallel_refreshes_all_get_the_pair_that_works_next() {
    for seed in 1..100 {
        let mut world = World::new(seed, Hooks::default());
        let code = world.begin(&PUBLIC);
        let first = world
            .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
            .unwrap();
        for _ in 0..10 {
            world.start(GrantCommand::Refresh(PUBLIC.refresh(refresh_token(&first))));
        }
        let answers: Vec<_> = world
            .drain()
            .into_iter()
            .map(|done| done.outcome.unwrap())
            .collect();
        assert!(answers.len() == 10 && answers.iter().all(|answer| *answer == answers[0]));
        let GrantOutcome::Issued(next) = &answers[0] else {
            panic!()
        };
        assert!(world.access(&next.access_token).is_some());
        assert!(refresh(&mut world, PUBLIC, refresh_token(next)).is_ok());
    }
}

#[test]
fn an_old_refresh_token_after_the_grace_ends_a_public_clients_grant() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    world.pass(60_000);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&first)
    )));
    assert!(world.access(&next.access_token).is_none());
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&next)
    )));
    assert_eq!(events(&world), ["issued", "refreshed", "reused"]);

    let (mut world, first, _) = signed_in(CONFIDENTIAL);
    let next = refresh(&mut world, CONFIDENTIAL, refresh_token(&first)).unwrap();
    world.pass(60_000);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        CONFIDENTIAL,
        refresh_token(&first)
    )));
    assert!(world.access(&next.access_token).is_some());
    assert!(refresh(&mut world, CONFIDENTIAL, refresh_token(&next)).is_ok());
}

#[test]
fn a_previous_refresh_token_cannot_be_used_alone_for_long() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    for _ in 0..4 {
        assert_eq!(
            refresh(&mut world, PUBLIC, refresh_token(&first))
                .unwrap()
                .refresh_token,
            next.refresh_token
        );
    }
    assert!(refresh(&mut world, PUBLIC, refresh_token(&next)).is_ok());
    let uses = world.lifetimes.grace_uses;
    for _ in 0..uses {
        assert!(refresh(&mut world, PUBLIC, refresh_token(&next)).is_ok());
    }
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&next)
    )));
    assert_eq!(world.outside.rows.unfinished(), 0);
}

#[test]
fn a_refused_refresh_does_not_use_up_the_refresh_token() {
    let mut world = world();
    let mut begin = PUBLIC.begin(&world.handle);
    begin.audience = vec![resource("https://server.example/mcp")];
    let Ok(GrantOutcome::Code(code)) = world.run(GrantCommand::IssueCode(begin)) else {
        panic!()
    };
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code.code)))
        .unwrap();
    assert!(is_invalid_grant(&refresh(
        &mut world,
        CONFIDENTIAL,
        refresh_token(&first)
    )));
    let mut bad = PUBLIC.refresh(refresh_token(&first));
    bad.resources = vec![root()];
    assert!(matches!(
        world.run(GrantCommand::Refresh(bad.clone())),
        Err(GrantRefusal::InvalidTarget(_))
    ));
    bad.resources.clear();
    bad.scopes = Some(scopes("admin"));
    assert!(matches!(
        world.run(GrantCommand::Refresh(bad.clone())),
        Err(GrantRefusal::InvalidScope(_))
    ));
    bad.scopes = Some(scopes("read"));
    let narrow = world.issued(GrantCommand::Refresh(bad)).unwrap();
    assert_eq!(narrow.scopes, scopes("read"));
    // The next one may have all that was granted again, RFC 6749 section 6.
    assert_eq!(
        refresh(&mut world, PUBLIC, refresh_token(&narrow))
            .unwrap()
            .scopes,
        scopes("read write")
    );
}

#[test]
fn use_extends_a_grant_up_to_its_longest_lifetime() {
    let (mut world, mut last, _) = signed_in(PUBLIC);
    for _ in 0..12 {
        world.pass_with_alarms(29 * DAY_MS);
        last = refresh(&mut world, PUBLIC, refresh_token(&last)).unwrap();
    }
    world.pass_with_alarms(17 * DAY_MS);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&last)
    )));
    world.pass_with_alarms(DAY_MS);
    assert_eq!(
        (world.outside.rows.count(), world.outside.kv.keys("").len()),
        (0, 0)
    );

    let (mut world, idle, _) = signed_in(PUBLIC);
    world.pass(30 * DAY_MS);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&idle)
    )));
    assert_eq!(events(&world), ["issued"]);
}
