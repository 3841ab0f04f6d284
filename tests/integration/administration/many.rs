//! Very many grants: each invocation stays within its operations, and the next one goes on.

use std::task::{Context, Poll, Waker};

use durable_core::limits::OPERATIONS_AN_INVOCATION;
use oauth_server::purge::OPERATIONS_A_RUN;
use oauth_server::testing::KvCall;

use super::*;

/// Puts so many grants of workers-oauth-provider that have expired.
fn put_expired(runtime: &FakeRuntime, count: usize) {
    for number in 0..count {
        let grant = format!("expired{number:09}");
        runtime.put(
            &legacy_key(&grant),
            &legacy(&grant, "old", Some(NOW / 1000 - 1), true),
        );
    }
}

/// Runs the purge until it has come to the end; gives what all runs did together, and how many there were.
fn purge_whole(runtime: &FakeRuntime, most: usize) -> (PurgeReport, usize) {
    let mut all = PurgeReport::default();
    for run in 1..=most {
        let done = runtime.purge().unwrap();
        assert!(runtime.invocation.borrow().spent() <= OPERATIONS_A_RUN);
        all = PurgeReport {
            seen: all.seen + done.seen,
            ended: all.ended + done.ended,
            failed: all.failed + done.failed,
            whole: done.whole,
        };
        if done.whole {
            return (all, run);
        }
        runtime.outside.kv.pass_ms(DAY_MS);
    }
    panic!("the purge does not come to an end: {all:?}");
}

#[test]
fn a_purge_continues_where_the_last_one_stopped() {
    let runtime = FakeRuntime::new();
    put_expired(&runtime, 450);
    let (all, runs) = purge_whole(&runtime, 4);
    assert_eq!(
        all,
        PurgeReport {
            seen: 450,
            ended: 450,
            failed: 0,
            whole: true
        }
    );
    assert!(runs > 1, "one run looks at a part");
    assert!(!runtime.has("purge:cursor"));
}

#[test]
fn a_purge_of_costly_grants_stays_within_its_operations_and_ends() {
    let runtime = FakeRuntime::new();
    for number in 0..1_500 {
        let grant = format!("tokenless{number:07}");
        runtime.put(&legacy_key(&grant), &legacy(&grant, "old", None, false));
    }
    let (all, _) = purge_whole(&runtime, 15);
    assert_eq!((all.ended, all.failed), (1_500, 0));
    assert!(runtime.outside.kv.keys("grant:").is_empty());
}

#[test]
fn very_many_grants_of_few_clients_cost_the_purge_little() {
    let runtime = FakeRuntime::new();
    runtime.put("client:c", &json!({}));
    for number in 0..5_000 {
        block_on(runtime.outside.kv.put(
            &format!("grant:somebody:{number:016}"),
            "",
            NEVER,
            Some("c"),
        ))
        .unwrap();
    }
    assert_eq!(
        runtime.purge(),
        Ok(PurgeReport {
            seen: 5_000,
            ended: 0,
            failed: 0,
            whole: true
        })
    );
}

#[test]
fn a_grant_that_cannot_be_ended_is_skipped_by_the_purge() {
    let runtime = FakeRuntime::new();
    let stranger = UserHandle::of(&runtime.outside.keys, "a user whose object is away");
    let key = format!("grant:{}:aaaaaaaaaaaaaaaa", stranger.as_str());
    block_on(runtime.outside.kv.put(&key, "", NEVER, Some("gone"))).unwrap();
    block_on(runtime.outside.kv.put("grant:unreadable", "{", NEVER, None)).unwrap();
    put_expired(&runtime, 100);
    let done = runtime.purge().unwrap();
    assert_eq!(
        (done.seen, done.ended, done.failed, done.whole),
        (102, 100, 1, true)
    );
    assert_eq!(runtime.warnings.get(), 1);
}

#[test]
fn a_failed_page_is_not_repeated_by_the_next_purge() {
    let runtime = FakeRuntime::new();
    put_expired(&runtime, 60);
    (2..=51).for_each(|nth| runtime.outside.kv.fail(KvCall::Get, nth));
    assert_eq!(
        runtime.purge(),
        Ok(PurgeReport {
            seen: 60,
            ended: 10,
            failed: 50,
            whole: true
        })
    );
    assert_eq!(runtime.warnings.get(), 1, "one line for a page");
    assert_eq!(
        runtime.purge(),
        Ok(PurgeReport {
            seen: 50,
            ended: 50,
            failed: 0,
            whole: true
        })
    );
}

#[test]
fn an_interrupted_purge_continues_behind_its_current_page() {
    let runtime = FakeRuntime::new();
    put_expired(&runtime, 60);
    let oauth = OAuth::new(ApproveAll).take_over_workers_oauth_provider();
    let mut run = Box::pin(purge(&oauth, &runtime));
    while runtime.outside.kv.count(KvCall::Get) < 6 {
        assert!(matches!(
            run.as_mut().poll(&mut Context::from_waker(Waker::noop())),
            Poll::Pending
        ));
    }
    drop(run);
    let next = runtime.purge().unwrap();
    assert_eq!((next.seen, next.whole), (10, true));
}

#[test]
fn a_purge_with_an_invalid_cursor_begins_anew() {
    let runtime = FakeRuntime::new();
    put_expired(&runtime, 10);
    runtime.outside.kv.set("purge:cursor", "an old cursor");
    runtime.outside.kv.fail(KvCall::List, 1);
    assert_eq!(
        runtime.purge(),
        Ok(PurgeReport {
            seen: 10,
            ended: 10,
            failed: 0,
            whole: true
        })
    );
    assert!(!runtime.has("purge:cursor"));
    put_expired(&runtime, 10);
    runtime.outside.kv.set_down(true);
    assert!(runtime.purge().is_err());
}

#[test]
fn a_new_grant_survives_the_purge_although_its_client_is_not_visible() {
    let runtime = FakeRuntime::new();
    let tokens = runtime.signed_in(&PUBLIC);
    assert_eq!(runtime.purge().unwrap().ended, 0);
    assert!(runtime.lets_in(&tokens));
    runtime.outside.kv.pass_ms(10 * 60 * 1000);
    assert_eq!(runtime.purge().unwrap().ended, 1);
    assert!(!runtime.lets_in(&tokens));
}

#[test]
fn a_client_with_very_many_grants_is_deleted_in_several_calls() {
    let runtime = FakeRuntime::new();
    for number in 0..1_200 {
        let grant = format!("legacy{number:010}");
        let client = if number % 10 == 0 { "public" } else { "other" };
        runtime.put(&legacy_key(&grant), &legacy(&grant, client, None, true));
        runtime.put(&format!("token:{USER}:{grant}:aa"), &json!({}));
    }
    let tokens: Vec<_> = (0..150).map(|_| runtime.signed_in(&PUBLIC)).collect();
    let mut calls = 0;
    while !with_auth_server(&runtime, async |auth_server| {
        auth_server.delete_client("public").await
    })
    .unwrap()
    {
        calls += 1;
        assert!(calls < 10, "each call gets further");
        runtime.outside.kv.pass_ms(1_000);
    }
    assert!(calls > 0, "one call does not get through all of it");
    assert!(tokens.iter().all(|tokens| !runtime.lets_in(tokens)));
    assert_eq!(runtime.outside.kv.keys("grant:").len(), 1_080);
    assert!(runtime.outside.kv.keys("deleting:").is_empty());
}

#[test]
fn a_user_with_very_many_legacy_grants_sees_some_and_can_end_all() {
    let runtime = FakeRuntime::new();
    for number in 0..400 {
        let grant = format!("legacy{number:010}");
        runtime.put(&legacy_key(&grant), &legacy(&grant, "old", None, true));
        runtime.put(&format!("token:{USER}:{grant}:aa"), &json!({}));
    }
    runtime.put(
        &format!("grant:{USER}:more:legacy0000000000"),
        &legacy("legacy0000000000", "old", None, true),
    );
    runtime.put(
        &legacy_key("unreadable000000"),
        &json!("of a version that is not known"),
    );
    let shown = with_auth_server(&runtime, async |auth_server| {
        auth_server.grants_of(USER).await
    })
    .unwrap();
    assert_eq!(shown.len(), 200);
    let mut calls = 1;
    while with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grants(USER).await
    })
    .is_err()
    {
        calls += 1;
        assert!(calls < 4, "each call gets further");
    }
    assert_eq!(
        runtime.outside.kv.keys("").len(),
        1,
        "another user's grant stays"
    );
}

#[test]
fn a_legacy_grant_with_very_many_tokens_ends_in_several_calls() {
    let runtime = FakeRuntime::new();
    runtime.put(
        &legacy_key("legacygrant00001"),
        &legacy("legacygrant00001", "old", None, true),
    );
    for number in 0..1_900 {
        runtime
            .outside
            .kv
            .set(&format!("token:{USER}:legacygrant00001:{number:04}"), "{}");
    }
    let mut calls = 1;
    while with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grant(USER, "legacygrant00001").await
    })
    .is_err()
    {
        calls += 1;
        assert!(calls < 5, "each call gets further");
        assert!(runtime.invocation.borrow().spent() <= OPERATIONS_AN_INVOCATION);
    }
    assert!(runtime.outside.kv.keys("").is_empty());
}

#[test]
fn all_legacy_grants_and_tokens_end_although_listings_are_short() {
    let runtime = FakeRuntime::new();
    runtime.outside.kv.shorten_pages(2);
    for number in 0..7 {
        let grant = format!("legacy{number:010}");
        runtime.put(&legacy_key(&grant), &legacy(&grant, "old", None, true));
        for token in 0..5 {
            runtime.put(&format!("token:{USER}:{grant}:{token}"), &json!({}));
        }
    }
    assert_eq!(
        with_auth_server(&runtime, async |auth_server| auth_server
            .grants_of(USER)
            .await)
        .unwrap()
        .len(),
        7
    );
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grant(USER, "legacy0000000000").await
    })
    .unwrap();
    assert_eq!(runtime.outside.kv.keys("token:").len(), 30);
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grants(USER).await
    })
    .unwrap();
    assert!(runtime.outside.kv.keys("").is_empty());
}
