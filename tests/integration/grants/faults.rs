//! Every single operation on KV or on a row fails once, in every flow: a retry works, or the grant is cleanly gone.

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens};
use oauth_server::hooks::Hooks;
use oauth_server::testing::KvCall;

use super::{DAY_MS, LEGACY, refresh, refresh_token};
use crate::support::grants::{CONFIDENTIAL, PUBLIC, World};

/// Failure of one operation on storage.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Kv(KvCall, usize),
    /// The operation succeeds, but its response is lost.
    KvAfter(KvCall, usize),
    Row(usize),
}

impl Fault {
    fn inject(self, world: &World) {
        match self {
            Self::Kv(call, nth) => world.outside.kv.fail(call, nth),
            Self::KvAfter(call, nth) => world.outside.kv.fail_after(call, nth),
            Self::Row(nth) => world
                .outside
                .rows
                .failing_put
                .set(Some(world.outside.rows.puts.get() + nth)),
        }
    }
}

const CALLS: [KvCall; 4] = [KvCall::Get, KvCall::Put, KvCall::Delete, KvCall::List];

/// Runs `flow` with each of its operations failing once, each time in a new world that `prepare` made; `check` sees the
/// world after the client's retry, and what that gave.
fn each_fault<T>(
    prepare: impl Fn(&mut World) -> T,
    flow: impl Fn(&T, &World) -> GrantCommand,
    check: impl Fn(&mut World, &T, Result<GrantOutcome, GrantRefusal>),
) -> usize {
    let ready = || {
        let mut world = World::new(7, Hooks::default());
        let prepared = prepare(&mut world);
        (world, prepared)
    };
    let (mut world, prepared) = ready();
    let calls = CALLS.map(|call| world.outside.kv.count(call));
    let rows = world.outside.rows.puts.get();
    world.run(flow(&prepared, &world)).unwrap();
    let mut faults: Vec<_> = (1..=world.outside.rows.puts.get() - rows)
        .map(Fault::Row)
        .collect();
    for (call, before) in CALLS.into_iter().zip(calls) {
        for nth in 1..=world.outside.kv.count(call) - before {
            faults.extend([Fault::Kv(call, nth), Fault::KvAfter(call, nth)]);
        }
    }
    for fault in &faults {
        let (mut world, prepared) = ready();
        fault.inject(&world);
        let command = flow(&prepared, &world);
        let failed = world.run(command.clone());
        assert!(
            matches!(failed, Err(GrantRefusal::Unavailable { .. })),
            "{fault:?}: {failed:?}"
        );
        let again = world.run(command);
        check(&mut world, &prepared, again);
        world.pass_with_alarms(400 * DAY_MS);
        assert_eq!(world.outside.rows.count(), 0, "{fault:?}");
        assert!(
            world.outside.kv.keys("").is_empty(),
            "{fault:?}: {:?}",
            world.outside.kv.keys("")
        );
    }
    faults.len()
}

fn works(world: &mut World, outcome: Result<GrantOutcome, GrantRefusal>) -> IssuedTokens {
    let Ok(GrantOutcome::Issued(issued)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(world.access(&issued.access_token).is_some());
    issued
}

fn sign_in(world: &mut World) -> IssuedTokens {
    let code = world.begin(&PUBLIC);
    world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap()
}

#[test]
fn a_begin_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |_| (),
        |(), world| GrantCommand::IssueCode(PUBLIC.begin(&world.handle)),
        |world, (), again| {
            let Ok(GrantOutcome::Code(code)) = again else {
                panic!("{again:?}")
            };
            assert!(
                world
                    .issued(GrantCommand::Redeem(PUBLIC.redeem(&code.code)))
                    .is_ok()
            );
        },
    );
    assert_eq!(faults, 1);
}

#[test]
fn a_redemption_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |world| world.begin(&PUBLIC),
        |code, _| GrantCommand::Redeem(PUBLIC.redeem(code)),
        |world, _, again| {
            let issued = works(world, again);
            assert!(refresh(world, PUBLIC, refresh_token(&issued)).is_ok());
        },
    );
    assert_eq!(faults, 5);
}

#[test]
fn a_refresh_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        sign_in,
        |first, _| GrantCommand::Refresh(PUBLIC.refresh(refresh_token(first))),
        |world, first, again| {
            let issued = works(world, again);
            assert_eq!(
                refresh(world, PUBLIC, refresh_token(first)),
                Ok(issued.clone())
            );
            assert!(refresh(world, PUBLIC, refresh_token(&issued)).is_ok());
        },
    );
    assert_eq!(faults, 3);
}

#[test]
fn a_refresh_at_the_token_limit_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |world| {
            let mut last = sign_in(world);
            for _ in 1..oauth_server::authority::MAX_ACCESS_TOKENS {
                last = refresh(world, PUBLIC, refresh_token(&last)).unwrap();
            }
            last
        },
        |last, _| GrantCommand::Refresh(PUBLIC.refresh(refresh_token(last))),
        |world, _, again| {
            let issued = works(world, again);
            world.run(PUBLIC.revoke(refresh_token(&issued))).unwrap();
            assert!(world.access(&issued.access_token).is_none());
        },
    );
    assert_eq!(faults, 5);
}

#[test]
fn a_mint_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        sign_in,
        |first, _| GrantCommand::ExchangeToken(PUBLIC.mint(&first.access_token)),
        |world, first, again| {
            let minted = works(world, again);
            world.run(PUBLIC.revoke(refresh_token(first))).unwrap();
            assert!(world.access(&minted.access_token).is_none());
        },
    );
    assert_eq!(faults, 5);
}

#[test]
fn an_issue_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |_| (),
        |(), world| GrantCommand::ClientCredentials(CONFIDENTIAL.issue(&world.handle)),
        |world, (), again| drop(works(world, again)),
    );
    assert_eq!(faults, 3);
}

#[test]
fn a_revocation_of_a_grant_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |world| {
            let first = sign_in(world);
            (
                refresh(world, PUBLIC, refresh_token(&first)).unwrap(),
                first,
            )
        },
        |(next, _), _| PUBLIC.revoke(refresh_token(next)),
        |world, (next, first), again| {
            assert_eq!(again, Ok(GrantOutcome::Done));
            for issued in [next, first] {
                assert!(world.access(&issued.access_token).is_none());
                assert!(refresh(world, PUBLIC, refresh_token(issued)).is_err());
            }
        },
    );
    assert_eq!(faults, 8);
}

#[test]
fn a_revocation_that_is_not_repeated_is_finished_by_the_alarm() {
    let mut world = World::new(7, Hooks::default());
    let first = sign_in(&mut world);
    world.outside.kv.fail(KvCall::Delete, 1);
    world.outside.kv.fail(KvCall::Delete, 2);
    assert!(world.run(PUBLIC.revoke(refresh_token(&first))).is_err());
    assert!(refresh(&mut world, PUBLIC, "x").is_err());
    // The first alarm meets the second failure.
    world.pass_with_alarms(120_000);
    assert!(world.outside.kv.keys("").is_empty() && world.outside.rows.unfinished() == 0);
}

#[test]
fn a_revocation_of_an_access_token_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        sign_in,
        |first, _| PUBLIC.revoke(&first.access_token),
        |world, first, again| {
            assert_eq!(again, Ok(GrantOutcome::Done));
            assert!(world.access(&first.access_token).is_none());
            assert!(refresh(world, PUBLIC, refresh_token(first)).is_ok());
        },
    );
    assert_eq!(faults, 3);
}

#[test]
fn an_adoption_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |world| {
            world
                .outside
                .kv
                .set("grant:legacy-user:abcdefghijklmnop", "{}");
        },
        |(), _| GrantCommand::Adopt(PUBLIC.adopt(LEGACY)),
        |world, (), again| {
            assert_eq!(again, Ok(GrantOutcome::Done));
            assert!(refresh(world, PUBLIC, LEGACY).is_ok());
        },
    );
    assert_eq!(faults, 3);
}

#[test]
fn the_first_refresh_after_adoption_can_be_repeated_after_every_fault() {
    let faults = each_fault(
        |world| {
            world
                .outside
                .kv
                .set("grant:legacy-user:abcdefghijklmnop", "{}");
            world
                .run(GrantCommand::Adopt(PUBLIC.adopt(LEGACY)))
                .unwrap();
        },
        |(), _| GrantCommand::Refresh(PUBLIC.refresh(LEGACY)),
        |world, (), again| {
            let issued = works(world, again);
            assert!(
                world
                    .outside
                    .kv
                    .value("grant:legacy-user:abcdefghijklmnop")
                    .is_none()
            );
            assert!(refresh(world, PUBLIC, refresh_token(&issued)).is_ok());
        },
    );
    assert_eq!(faults, 7);
}
