//! A code that is redeemed more than once: by its client concurrently or later, or by another client.

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens, Redeem};
use oauth_server::hooks::Hooks;
use oauth_server::testing::KvCall;

use super::{events, is_invalid_grant, refresh, refresh_token};
use crate::support::grants::{CONFIDENTIAL, Client, Done, PUBLIC, World, scopes};

/// A change that makes a redemption wrong.
type Change = fn(&mut Redeem);

/// A redemption that the Worker has now.
fn received(world: &World, client: Client, code: &str) -> Redeem {
    Redeem {
        received: Some(world.outside.kv.now()),
        ..client.redeem(code)
    }
}

fn issued(done: Vec<Done>) -> Vec<IssuedTokens> {
    let tokens = |done: Done| match done.outcome {
        Ok(GrantOutcome::Issued(issued)) => Some(issued),
        _ => None,
    };
    done.into_iter().filter_map(tokens).collect()
}

/// Some seeds, so that the second one comes at every point of the first.
fn worlds() -> impl Iterator<Item = World> {
    (1..200).map(|seed| World::new(seed, Hooks::default()))
}

#[test]
fn parallel_redemptions_of_one_client_share_the_working_tokens() {
    for client in [PUBLIC, CONFIDENTIAL] {
        for mut world in worlds() {
            let code = world.begin(&client);
            for _ in 0..10 {
                world.start(GrantCommand::Redeem(received(&world, client, &code)));
            }
            world.pass(1);
            let all = issued(world.drain());
            assert!(
                all.len() == 10 && all.iter().all(|tokens| *tokens == all[0]),
                "{all:?}"
            );
            assert!(world.access(&all[0].access_token).is_some());
            assert_eq!(
                (
                    world.outside.kv.keys("token:").len(),
                    world.outside.rows.count()
                ),
                (1, 1)
            );
            assert!(refresh(&mut world, client, refresh_token(&all[0])).is_ok());
        }
    }
}

#[test]
fn a_redemption_received_before_the_first_answer_gets_that_answer() {
    let mut world = World::new(1, Hooks::default());
    let code = world.begin(&PUBLIC);
    // Its Worker reads the client's record for a while before it asks the user's object.
    let second = received(&world, PUBLIC, &code);
    world.pass(20);
    let first = world
        .issued(GrantCommand::Redeem(received(&world, PUBLIC, &code)))
        .unwrap();
    world.pass(200);
    assert_eq!(
        world.issued(GrantCommand::Redeem(second.clone())),
        Ok(first.clone())
    );
    assert_eq!(events(&world), ["issued", "repeated"]);
    world.pass(60_000);
    assert!(
        is_invalid_grant(&world.run(GrantCommand::Redeem(second))),
        "an answer is not known for long"
    );
    assert!(world.access(&first.access_token).is_none());
}

#[test]
fn a_redemption_after_the_answer_ends_the_grant() {
    for late in [0, 1, 1000] {
        let mut world = World::new(1, Hooks::default());
        let code = world.begin(&PUBLIC);
        let first = world
            .issued(GrantCommand::Redeem(received(&world, PUBLIC, &code)))
            .unwrap();
        world.pass(late);
        let second = received(&world, PUBLIC, &code);
        assert!(
            is_invalid_grant(&world.run(GrantCommand::Redeem(second))),
            "{late} ms"
        );
        assert!(world.access(&first.access_token).is_none());
        assert_eq!(events(&world), ["issued", "code_replayed"]);
    }
}

#[test]
fn a_wrong_redemption_beside_a_right_one_is_refused() {
    let wrong: [(&str, Change); 6] = [
        ("verifier", |redeem| redeem.verifier = Some("x".repeat(43))),
        ("no verifier", |redeem| redeem.verifier = None),
        ("client", |redeem| redeem.client_id = "other".to_owned()),
        ("redirect URI", |redeem| {
            redeem.redirect_uri = Some("https://client.example/other".to_owned());
        }),
        ("code", |redeem| redeem.code.push('x')),
        ("scope", |redeem| redeem.scopes = Some(scopes("admin"))),
    ];
    for (what, change) in wrong {
        for mut world in worlds().step_by(5) {
            let code = world.begin(&PUBLIC);
            let right = world.start(GrantCommand::Redeem(received(&world, PUBLIC, &code)));
            let mut redeem = received(&world, PUBLIC, &code);
            change(&mut redeem);
            world.start(GrantCommand::Redeem(redeem));
            world.pass(1);
            for done in world.drain() {
                assert!(
                    done.id == right || done.outcome.is_err(),
                    "{what}: {:?}",
                    done.outcome
                );
            }
        }
    }
}

#[test]
fn a_redemption_with_other_parameters_shares_no_answer() {
    for mut world in worlds() {
        let code = world.begin(&PUBLIC);
        world.start(GrantCommand::Redeem(received(&world, PUBLIC, &code)));
        let narrow = Redeem {
            scopes: Some(scopes("read")),
            ..received(&world, PUBLIC, &code)
        };
        world.start(GrantCommand::Redeem(narrow));
        world.pass(1);
        assert!(issued(world.drain()).len() <= 1);
        assert!(world.outside.kv.keys("token:").is_empty() && world.outside.rows.unfinished() == 0);
    }
}

#[test]
fn a_failed_redemption_fails_for_all_that_wait_and_can_be_retried() {
    for mut world in worlds() {
        let code = world.begin(&PUBLIC);
        world.outside.kv.fail(KvCall::Put, 1);
        for _ in 0..3 {
            world.start(GrantCommand::Redeem(received(&world, PUBLIC, &code)));
        }
        world.pass(1);
        let outcomes: Vec<_> = world.drain().into_iter().map(|done| done.outcome).collect();
        assert!(
            outcomes
                .iter()
                .any(|outcome| matches!(outcome, Err(GrantRefusal::Unavailable { .. }))),
            "{outcomes:?}"
        );
        assert!(
            outcomes.iter().all(|outcome| !is_invalid_grant(outcome)),
            "{outcomes:?}"
        );
        let told = outcomes.into_iter().find_map(|outcome| match outcome {
            Ok(GrantOutcome::Issued(issued)) => Some(issued),
            _ => None,
        });
        let tokens = told.unwrap_or_else(|| {
            world
                .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
                .unwrap()
        });
        assert!(world.access(&tokens.access_token).is_some());
    }
}

#[test]
fn a_grant_that_ends_meanwhile_gives_no_redemption_working_tokens() {
    for mut world in worlds() {
        let code = world.begin(&PUBLIC);
        for _ in 0..2 {
            world.start(GrantCommand::Redeem(received(&world, PUBLIC, &code)));
        }
        world.turn();
        world.start(GrantCommand::RevokeAll);
        world.pass(1);
        let all = issued(world.drain());
        assert!(
            all.iter()
                .all(|tokens| world.access(&tokens.access_token).is_none())
        );
        let late = received(&world, PUBLIC, &code);
        assert!(is_invalid_grant(&world.run(GrantCommand::Redeem(late))));
    }
}
