//! A user's grants are counted, and a sign-in gives one.

use oauth_server::authority::{GrantCommand, GrantRefusal, IssueCode, MAX_GRANTS};

use super::{is_invalid_grant, refresh, refresh_token, world};
use crate::support::grants::{CONFIDENTIAL, Client, PUBLIC, SHORT, World};

#[test]
fn the_grant_unused_longest_makes_room() {
    let mut world = world();
    let mut all = Vec::new();
    for _ in 0..MAX_GRANTS {
        let code = world.begin(&PUBLIC);
        all.push(
            world
                .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
                .unwrap(),
        );
        world.pass(10);
    }
    all[0] = refresh(&mut world, PUBLIC, refresh_token(&all[0])).unwrap();
    world.begin(&PUBLIC);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&all[1])
    )));
    assert!(refresh(&mut world, PUBLIC, refresh_token(&all[0])).is_ok());
    world.pass_with_alarms(60_000);
    assert!(
        world.access(&all[1].access_token).is_none()
            && world.access(&all[2].access_token).is_some()
    );
    assert_eq!(world.outside.rows.unfinished(), MAX_GRANTS);
}

#[test]
fn a_client_that_connects_repeatedly_displaces_only_its_own_grants() {
    let mut world = world();
    let signed_in = |world: &mut World, client: Client| {
        let code = world.begin(&client);
        let issued = world
            .issued(GrantCommand::Redeem(client.redeem(&code)))
            .unwrap();
        world.pass(10);
        issued
    };
    let (first, second) = (
        signed_in(&mut world, CONFIDENTIAL),
        signed_in(&mut world, SHORT),
    );
    for _ in 0..MAX_GRANTS + 5 {
        signed_in(&mut world, PUBLIC);
    }
    // A client that comes back, and one that is new, find room with the client that has the most.
    let again = signed_in(&mut world, CONFIDENTIAL);
    let other = signed_in(
        &mut world,
        Client {
            id: "other",
            ..CONFIDENTIAL
        },
    );
    let codes: Vec<_> = (0..5).map(|_| world.begin(&PUBLIC)).collect();
    world.pass_with_alarms(60_000);
    for issued in [&first, &second, &again, &other] {
        assert!(world.access(&issued.access_token).is_some());
    }
    assert!(
        world
            .issued(GrantCommand::Redeem(PUBLIC.redeem(&codes[4])))
            .is_ok()
    );
    assert_eq!(world.outside.rows.unfinished(), MAX_GRANTS);
}

#[test]
fn a_new_client_displaces_the_grant_that_was_unused_longest() {
    let mut world = world();
    let ids: Vec<_> = (0..=MAX_GRANTS)
        .map(|at| format!("client-{}", 999 - at))
        .collect();
    let mut all = Vec::new();
    for id in &ids {
        let client = Client {
            id: Box::leak(id.clone().into_boxed_str()),
            ..CONFIDENTIAL
        };
        let code = world.begin(&client);
        all.push(
            world
                .issued(GrantCommand::Redeem(client.redeem(&code)))
                .unwrap(),
        );
        world.pass(10);
    }
    assert!(
        world.access(&all[0].access_token).is_some(),
        "its records are left to the alarm"
    );
    world.pass_with_alarms(60_000);
    assert!(world.access(&all[0].access_token).is_none());
    assert!(
        all[1..]
            .iter()
            .all(|issued| world.access(&issued.access_token).is_some())
    );
    assert_eq!(world.outside.rows.unfinished(), MAX_GRANTS);
}

#[test]
fn one_sign_in_gives_one_code() {
    let mut world = world();
    let begin = |world: &mut World, sign_in: &str| {
        let begin = IssueCode {
            sign_in: sign_in.to_owned(),
            ..PUBLIC.begin(&world.handle)
        };
        world.run(GrantCommand::IssueCode(begin))
    };
    assert!(begin(&mut world, "one").is_ok());
    assert!(matches!(
        begin(&mut world, "one"),
        Err(GrantRefusal::InvalidRequest(_))
    ));
    assert!(begin(&mut world, "two").is_ok());
    // One that cannot be told from others is taken.
    assert!(begin(&mut world, "").is_ok() && begin(&mut world, "").is_ok());
    let twice = (0..2).map(|_| {
        let begin = IssueCode {
            sign_in: "three".to_owned(),
            ..PUBLIC.begin(&world.handle)
        };
        world.start(GrantCommand::IssueCode(begin))
    });
    assert_eq!(twice.count(), 2);
    assert_eq!(
        world
            .drain()
            .iter()
            .filter(|done| done.outcome.is_ok())
            .count(),
        1
    );
}
