//! The application's hook.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal};
use oauth_server::hooks::{ExchangeChanges, ExchangeError, ExchangeKind, HOOK_MS, Hooks};
use oauth_server::testing::KvCall;
use serde_json::json;

use super::{is_invalid_grant, refresh, refresh_token};
use crate::support::grants::{PUBLIC, World, hook};

type Answer = Result<ExchangeChanges, ExchangeError>;

/// A hook that waits a turn, counts its calls, and returns a prepared result.
struct Told {
    calls: Rc<Cell<usize>>,
    seen: Rc<RefCell<Vec<(ExchangeKind, serde_json::Value)>>>,
    answer: Rc<RefCell<Answer>>,
}

fn told() -> (Told, Hooks) {
    let told = Told {
        calls: Rc::default(),
        seen: Rc::default(),
        answer: Rc::new(RefCell::new(Ok(ExchangeChanges::default()))),
    };
    let (calls, seen, answer) = (
        Rc::clone(&told.calls),
        Rc::clone(&told.seen),
        Rc::clone(&told.answer),
    );
    let hooks = hook(move |exchange| {
        calls.set(calls.get() + 1);
        seen.borrow_mut().push((exchange.kind, exchange.props));
        let answer = answer.borrow().clone();
        async move {
            let mut waited = false;
            futures_util::future::poll_fn(move |context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut waited, true) {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            answer
        }
        .boxed_local()
    });
    (told, hooks)
}

#[test]
fn parallel_refreshes_call_the_exchange_hook_once() {
    for seed in 1..50 {
        let (told, hooks) = told();
        let mut world = World::new(seed, hooks);
        let code = world.begin(&PUBLIC);
        let first = world
            .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
            .unwrap();
        assert_eq!(told.calls.get(), 1);
        for _ in 0..20 {
            world.start(GrantCommand::Refresh(PUBLIC.refresh(refresh_token(&first))));
        }
        let answers: Vec<_> = world
            .drain()
            .into_iter()
            .map(|done| done.outcome.unwrap())
            .collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(told.calls.get(), 2);
    }
}

#[test]
fn props_of_the_hook_pass_from_token_to_token_and_its_lifetimes_hold() {
    let (told, hooks) = told();
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    *told.answer.borrow_mut() = Ok(ExchangeChanges {
        props: Some(json!({ "upstream": 1 })),
        ..ExchangeChanges::default()
    });
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    assert_eq!(
        world.access(&first.access_token).unwrap().props,
        json!({ "upstream": 1 })
    );
    *told.answer.borrow_mut() = Ok(ExchangeChanges {
        props: None,
        access_lifetime: Some(Duration::from_secs(30)),
        refresh_lifetime: Some(Duration::from_secs(100)),
    });
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    assert_eq!(
        (next.expires_in, told.seen.borrow()[1].clone()),
        (30, (ExchangeKind::Refresh, json!({ "upstream": 1 })))
    );
    world.pass(30_000);
    assert!(world.access(&next.access_token).is_none());
    world.pass(70_000);
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&next)
    )));
}

#[test]
fn a_transient_failure_of_the_hook_keeps_the_presented_token() {
    let (told, hooks) = told();
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    *told.answer.borrow_mut() = Err(ExchangeError::Transient("upstream is down".to_owned()));
    assert!(matches!(
        world.run(GrantCommand::Redeem(PUBLIC.redeem(&code))),
        Err(GrantRefusal::Unavailable { .. })
    ));
    *told.answer.borrow_mut() = Ok(ExchangeChanges::default());
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    *told.answer.borrow_mut() = Err(ExchangeError::Transient("upstream is down".to_owned()));
    for _ in 0..3 {
        assert!(matches!(
            refresh(&mut world, PUBLIC, refresh_token(&first)),
            Err(GrantRefusal::Unavailable { .. })
        ));
    }
    world.pass(3_600_000);
    *told.answer.borrow_mut() = Ok(ExchangeChanges::default());
    assert!(refresh(&mut world, PUBLIC, refresh_token(&first)).is_ok());
}

#[test]
fn an_end_reported_by_the_hook_ends_the_grant() {
    let (told, hooks) = told();
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    *told.answer.borrow_mut() = Err(ExchangeError::Ended("invalid_grant".to_owned()));
    assert!(is_invalid_grant(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&first)
    )));
    assert!(world.outside.kv.keys("").is_empty() && world.outside.rows.unfinished() == 0);
}

#[test]
fn a_hook_that_hangs_or_panics_is_a_transient_failure() {
    let mut world = World::new(1, hook(|_| std::future::pending().boxed_local()));
    let code = world.begin(&PUBLIC);
    let before = world.outside.kv.now();
    assert!(matches!(
        world.run(GrantCommand::Redeem(PUBLIC.redeem(&code))),
        Err(GrantRefusal::Unavailable { .. })
    ));
    assert_eq!(world.outside.kv.now() - before, u64::from(HOOK_MS));

    let mut world = World::new(1, hook(|_| panic!("as told")));
    let code = world.begin(&PUBLIC);
    assert!(matches!(
        world.run(GrantCommand::Redeem(PUBLIC.redeem(&code))),
        Err(GrantRefusal::Unavailable { .. })
    ));
}

#[test]
fn a_request_that_waits_two_seconds_for_the_hook_is_told_to_retry() {
    let slow = Rc::new(Cell::new(false));
    let hooks = {
        let slow = Rc::clone(&slow);
        hook(move |_| {
            let slow = slow.get();
            async move {
                if slow {
                    std::future::pending().await
                } else {
                    Ok(ExchangeChanges::default())
                }
            }
            .boxed_local()
        })
    };
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    slow.set(true);
    let ids: Vec<_> = (0..3)
        .map(|_| world.start(GrantCommand::Refresh(PUBLIC.refresh(refresh_token(&first)))))
        .collect();
    let done = world.drain();
    assert!(
        done.iter()
            .all(|done| matches!(done.outcome, Err(GrantRefusal::Unavailable { .. })))
    );
    assert_eq!(done.len(), ids.len());
    slow.set(false);
    assert!(refresh(&mut world, PUBLIC, refresh_token(&first)).is_ok());
}

#[test]
fn a_revocation_does_not_wait_for_the_hook() {
    let (_, hooks) = told();
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    world.start(GrantCommand::Refresh(PUBLIC.refresh(refresh_token(&first))));
    world.turn();
    world.start(PUBLIC.revoke(refresh_token(&first)));
    let done = world.drain();
    assert!(
        done.iter()
            .any(|done| done.outcome == Ok(GrantOutcome::Done))
    );
    assert!(done.iter().any(|done| is_invalid_grant(&done.outcome)));
    assert!(world.outside.kv.keys("").is_empty() && world.outside.rows.unfinished() == 0);
}

#[test]
fn the_result_of_the_hook_is_kept_if_storing_the_tokens_fails() {
    let (told, hooks) = told();
    let mut world = World::new(1, hooks);
    let code = world.begin(&PUBLIC);
    for step in 1..=2 {
        *told.answer.borrow_mut() = Ok(ExchangeChanges {
            props: Some(json!(step)),
            ..ExchangeChanges::default()
        });
        world.outside.kv.fail(KvCall::Put, 1);
        assert!(matches!(
            world.run(GrantCommand::Redeem(PUBLIC.redeem(&code))),
            Err(GrantRefusal::Unavailable { .. })
        ));
    }
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    assert_eq!(
        told.seen
            .borrow()
            .iter()
            .map(|(_, props)| props.clone())
            .collect::<Vec<_>>()[1..],
        [json!(1), json!(2)]
    );
    *told.answer.borrow_mut() = Ok(ExchangeChanges {
        props: Some(json!(3)),
        ..ExchangeChanges::default()
    });
    world.outside.kv.fail(KvCall::Put, 1);
    assert!(refresh(&mut world, PUBLIC, refresh_token(&first)).is_err());
    *told.answer.borrow_mut() = Ok(ExchangeChanges::default());
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    assert_eq!(world.access(&next.access_token).unwrap().props, json!(3));
}
