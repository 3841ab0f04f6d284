//! The sessions of a user's clients: notes of them, and their end when a client is disconnected.

use durable_core::limits::OPERATIONS_AN_INVOCATION;
use oauth_server::authority::{
    ENDS_AT_ONCE, GrantCommand, GrantOutcome, GrantRefusal, IssueCode, IssuedTokens, ListedGrant,
    MAX_ACCESS_TOKENS, MAX_DISCONNECTED, MAX_GRANTS, RETRY_DELETES_MS, SESSIONS_END_SECONDS,
};
use oauth_server::session_note::{MAX_SESSIONS, SessionNote};
use oauth_server::testing::KvCall;

use super::{DAY_MS, refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, Client, NOW, PUBLIC, SESSION_MS, SHORT, World};

fn note(key: &str) -> SessionNote {
    let (client, transport) = ("Editor 1.0".to_owned(), "Streamable HTTP".to_owned());
    SessionNote {
        key: key.to_owned(),
        client,
        transport,
        began: NOW,
        expires: NOW + SESSION_MS,
    }
}

fn begin(world: &mut World, grant: &str, key: &str) {
    let command = GrantCommand::NoteSession {
        grant: grant.to_owned(),
        session: note(key),
    };
    assert_eq!(world.run(command), Ok(GrantOutcome::Done));
}

fn forget(world: &mut World, grant: &str, key: &str) {
    let command = GrantCommand::ForgetSession {
        grant: grant.to_owned(),
        key: key.to_owned(),
    };
    assert_eq!(world.run(command), Ok(GrantOutcome::Done));
}

fn disconnect(world: &mut World, grant: &str) {
    assert_eq!(
        world.run(GrantCommand::RevokeGrant {
            grant: grant.to_owned()
        }),
        Ok(GrantOutcome::Done)
    );
}

fn listed(world: &mut World) -> Vec<ListedGrant> {
    match world.run(GrantCommand::List) {
        Ok(GrantOutcome::Grants(grants)) => grants,
        other => panic!("{other:?}"),
    }
}

fn keys(world: &mut World) -> Vec<String> {
    listed(world)
        .into_iter()
        .flat_map(|grant| grant.sessions)
        .map(|session| session.key)
        .collect()
}

fn sign_in(world: &mut World, client: Client) -> IssuedTokens {
    let code = world.begin(&client);
    world
        .issued(GrantCommand::Redeem(client.redeem(&code)))
        .unwrap()
}

/// The oldest session that a token is good for, in seconds.
fn since(world: &World, tokens: &IssuedTokens) -> u64 {
    world.access(&tokens.access_token).unwrap().sessions_since
}

#[test]
fn a_session_costs_one_row_and_is_listed_until_it_ends() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    let (puts, alarms) = (
        world.outside.rows.puts.get(),
        world.outside.rows.alarms_ordered.get(),
    );
    begin(&mut world, &tokens.grant, "a");
    assert_eq!(world.outside.rows.puts.get() - puts, 1);
    assert_eq!(world.outside.rows.alarms_ordered.get(), alarms);
    begin(&mut world, &tokens.grant, "b");
    assert_eq!(listed(&mut world)[0].sessions, [note("a"), note("b")]);
    let next = refresh(&mut world, PUBLIC, refresh_token(&tokens)).unwrap();
    world.crash();
    assert_eq!(
        keys(&mut world),
        ["a", "b"],
        "they are there after a refresh and a crash"
    );
    forget(&mut world, &tokens.grant, "a");
    let puts = world.outside.rows.puts.get();
    forget(&mut world, &tokens.grant, "a");
    assert_eq!(
        (world.outside.rows.puts.get() - puts, keys(&mut world)),
        (0, vec!["b".to_owned()])
    );
    world.pass(SESSION_MS - 1);
    assert!(refresh(&mut world, PUBLIC, refresh_token(&next)).is_ok());
    assert_eq!(keys(&mut world), ["b"]);
    world.pass(1);
    assert!(keys(&mut world).is_empty());
}

#[test]
fn only_a_living_grant_keeps_sessions_and_only_the_newest() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    let pending = world.begin(&CONFIDENTIAL);
    for grant in [
        pending.split(':').nth(1).unwrap(),
        "AAAAAAAAAAAAAAAA",
        "",
        "no grant",
    ] {
        begin(&mut world, grant, "x");
        forget(&mut world, grant, "x");
    }
    for number in 0..=MAX_SESSIONS {
        begin(&mut world, &tokens.grant, &number.to_string());
    }
    let all = keys(&mut world);
    assert_eq!((all.len(), all[0].as_str()), (MAX_SESSIONS, "1"));
    disconnect(&mut world, &tokens.grant);
    begin(&mut world, &tokens.grant, "late");
    assert!(keys(&mut world).is_empty());
}

#[test]
fn any_grant_of_the_client_can_end_a_session() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let second = sign_in(&mut world, PUBLIC);
    begin(&mut world, &first.grant, "a");
    forget(&mut world, &second.grant, "a");
    assert!(keys(&mut world).is_empty());
}

#[test]
fn a_client_connected_again_cannot_use_sessions_from_before() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    assert_eq!(since(&world, &tokens), 0);
    let other = sign_in(&mut world, CONFIDENTIAL);
    world.pass(5000);
    // A sign-in that was under way then is one that comes after it.
    let code = world.begin(&PUBLIC);
    disconnect(&mut world, &tokens.grant);
    let again = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    let ended = NOW / 1000 + 5 + SESSIONS_END_SECONDS;
    assert_eq!(since(&world, &again), ended);
    let next = refresh(&mut world, PUBLIC, refresh_token(&again)).unwrap();
    assert_eq!(since(&world, &next), ended);
    let minted = world
        .issued(GrantCommand::ExchangeToken(PUBLIC.mint(&next.access_token)))
        .unwrap();
    assert_eq!(since(&world, &minted), ended);
    let next = refresh(&mut world, CONFIDENTIAL, refresh_token(&other)).unwrap();
    assert_eq!(
        since(&world, &next),
        0,
        "another client has its sessions still"
    );
}

#[test]
fn sessions_end_with_their_grant_by_every_way_it_can_end() {
    for (command, expected) in [
        (GrantCommand::RevokeAll, true),
        (
            GrantCommand::RevokeClient {
                client_id: PUBLIC.id.to_owned(),
            },
            true,
        ),
        (
            GrantCommand::RevokeClient {
                client_id: "another".to_owned(),
            },
            false,
        ),
    ] {
        let (mut world, _, _) = signed_in(PUBLIC);
        world.run(command).unwrap();
        let again = sign_in(&mut world, PUBLIC);
        assert_eq!(since(&world, &again) > 0, expected);
    }
    let (mut world, tokens, _) = signed_in(PUBLIC);
    world.run(PUBLIC.revoke(refresh_token(&tokens))).unwrap();
    let again = sign_in(&mut world, PUBLIC);
    assert!(since(&world, &again) > 0);
}

#[test]
fn each_disconnect_ends_the_sessions_since_the_previous_one() {
    let (mut world, mut tokens, _) = signed_in(PUBLIC);
    let mut last = 0;
    for _ in 0..5 {
        disconnect(&mut world, &tokens.grant);
        tokens = sign_in(&mut world, PUBLIC);
        // A session that begins now has an id of that time.
        assert!(since(&world, &tokens) > last);
        last = since(&world, &tokens);
    }
}

#[test]
fn a_disconnect_costs_two_rows_and_keeps_one_while_it_matters() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    let (puts, deletes) = (
        world.outside.rows.puts.get(),
        world.outside.rows.deletes.get(),
    );
    disconnect(&mut world, &tokens.grant);
    assert_eq!(
        (
            world.outside.rows.puts.get() - puts,
            world.outside.rows.deletes.get() - deletes
        ),
        (2, 0)
    );
    world.crash();
    let again = sign_in(&mut world, PUBLIC);
    assert!(since(&world, &again) > 0, "it is known after a crash");
    world.run(PUBLIC.revoke(refresh_token(&again))).unwrap();
    assert_eq!(world.outside.rows.count(), 2);
    world.pass_with_alarms(SESSION_MS + DAY_MS);
    assert_eq!(
        world.outside.rows.count(),
        1,
        "the disconnect is known, the end by the client is not"
    );
    world.pass_with_alarms(365 * DAY_MS);
    assert_eq!(
        (world.outside.rows.count(), world.outside.kv.keys("").len()),
        (0, 0)
    );
}

#[test]
fn a_redundant_disconnect_row_makes_room_first() {
    let mut world = world();
    let other = sign_in(&mut world, CONFIDENTIAL);
    disconnect(&mut world, &other.grant);
    for _ in 0..2 * MAX_DISCONNECTED {
        let tokens = sign_in(&mut world, PUBLIC);
        disconnect(&mut world, &tokens.grant);
    }
    assert_eq!(world.outside.rows.count(), MAX_DISCONNECTED);
    for client in [PUBLIC, CONFIDENTIAL] {
        let tokens = sign_in(&mut world, client);
        assert!(since(&world, &tokens) > 0);
    }
}

#[test]
fn a_disconnect_with_a_failed_delete_still_ends_the_sessions() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    world
        .outside
        .kv
        .fail(oauth_server::testing::KvCall::Delete, 1);
    assert!(
        world
            .run(GrantCommand::RevokeGrant {
                grant: tokens.grant.clone()
            })
            .is_err()
    );
    let again = sign_in(&mut world, PUBLIC);
    assert!(since(&world, &again) > 0);
    world.pass_with_alarms(DAY_MS / 24);
    assert!(world.access(&tokens.access_token).is_none());
    world.run(PUBLIC.revoke(refresh_token(&again))).unwrap();
    world.pass_with_alarms(366 * DAY_MS);
    assert_eq!(world.outside.rows.count(), 0);
}

fn task(world: &mut World, grant: &str, key: &str, expires: u64) {
    let command = GrantCommand::NoteTask {
        grant: grant.to_owned(),
        key: key.to_owned(),
        expires,
    };
    assert_eq!(world.run(command), Ok(GrantOutcome::Done));
}

fn ended(world: &World) -> Vec<String> {
    world.outside.ended.take()
}

#[test]
fn holdings_in_other_objects_end_by_every_way_a_grant_can_end() {
    type Ends = fn(&mut World, &IssuedTokens, &str);
    let ways: [(&str, Ends); 5] = [
        ("a disconnect", |world, tokens, _| {
            disconnect(world, &tokens.grant);
        }),
        ("all", |world, _, _| {
            drop(world.run(GrantCommand::RevokeAll).unwrap());
        }),
        ("its client", |world, tokens, _| {
            drop(world.run(PUBLIC.revoke(refresh_token(tokens))).unwrap());
        }),
        ("a code that comes twice", |world, _, code| {
            drop(
                world
                    .run(GrantCommand::Redeem(PUBLIC.redeem(code)))
                    .unwrap_err(),
            );
        }),
        ("an old refresh token", |world, tokens, _| {
            refresh(world, PUBLIC, refresh_token(tokens)).unwrap();
            world.pass(61_000);
            assert!(refresh(world, PUBLIC, refresh_token(tokens)).is_err());
        }),
    ];
    for (way, end) in ways {
        let (mut world, tokens, code) = signed_in(PUBLIC);
        begin(&mut world, &tokens.grant, "a");
        task(&mut world, &tokens.grant, "t", NOW + DAY_MS);
        task(&mut world, &tokens.grant, "over", NOW);
        assert!(ended(&world).is_empty());
        end(&mut world, &tokens, &code);
        assert_eq!(ended(&world), ["a", "listeners", "task t"], "{way}");
        assert_eq!(world.outside.rows.unfinished(), 0, "{way}");
    }
}

#[test]
fn an_expired_grant_passes_its_holdings_to_a_sibling_or_ends_them() {
    for other in [Some(PUBLIC), Some(CONFIDENTIAL), None] {
        let (mut world, tokens, _) = signed_in(PUBLIC);
        begin(&mut world, &tokens.grant, "a");
        task(&mut world, &tokens.grant, "t", NOW + 60 * DAY_MS);
        world.pass(29 * DAY_MS);
        let heir = other.map(|client| sign_in(&mut world, client));
        let session = SessionNote {
            expires: NOW + 40 * DAY_MS,
            ..note("b")
        };
        world
            .run(GrantCommand::NoteSession {
                grant: tokens.grant.clone(),
                session,
            })
            .unwrap();
        world.pass_with_alarms(2 * DAY_MS);
        let passed = other.is_some_and(|client| client.id == PUBLIC.id);
        let expected: &[&str] = if passed { &[] } else { &["b", "task t"] };
        assert_eq!(ended(&world), expected);
        if let Some(heir) = heir {
            assert_eq!(
                keys(&mut world),
                if passed {
                    vec!["b".to_owned()]
                } else {
                    Vec::new()
                }
            );
            disconnect(&mut world, &heir.grant);
            let gone = ended(&world);
            assert!(
                ["b", "task t"]
                    .iter()
                    .all(|held| gone.iter().any(|one| one == held) == passed),
                "{gone:?}"
            );
        }
    }
}

#[test]
fn a_new_grant_takes_over_no_session_of_an_expired_one() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    let session = SessionNote {
        expires: NOW + 40 * DAY_MS,
        ..note("a")
    };
    world
        .run(GrantCommand::NoteSession {
            grant: tokens.grant,
            session,
        })
        .unwrap();
    world.pass_with_alarms(31 * DAY_MS);
    assert_eq!(ended(&world), ["a"]);
    let again = sign_in(&mut world, PUBLIC);
    assert!(since(&world, &again) > (NOW + 29 * DAY_MS) / 1000);
}

#[test]
fn holdings_of_a_displaced_grant_end_although_its_client_has_others() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    begin(&mut world, &tokens.grant, "a");
    for _ in 0..MAX_GRANTS {
        world.pass(10);
        sign_in(&mut world, PUBLIC);
    }
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert_eq!(ended(&world), ["a", "listeners"]);
}

#[test]
fn a_session_or_task_begun_after_the_end_of_its_grant_is_ended() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    disconnect(&mut world, &tokens.grant);
    ended(&world);
    begin(&mut world, &tokens.grant, "late");
    task(&mut world, &tokens.grant, "late", NOW + DAY_MS);
    assert_eq!(ended(&world), ["late", "task late"]);
    let calls = world.outside.end_calls.get();
    world.pass_with_alarms(DAY_MS);
    assert_eq!(
        world.outside.end_calls.get(),
        calls,
        "nothing is asked twice"
    );
}

#[test]
fn an_unreachable_holding_is_retried_each_minute_until_it_has_ended() {
    let (mut world, tokens, _) = signed_in(PUBLIC);
    begin(&mut world, &tokens.grant, "a");
    world.outside.away.set(true);
    disconnect(&mut world, &tokens.grant);
    assert!(world.access(&tokens.access_token).is_none());
    world.crash();
    world.pass_with_alarms(2 * RETRY_DELETES_MS);
    world.outside.away.set(false);
    assert!(ended(&world).is_empty());
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert_eq!(ended(&world), ["a", "listeners"]);
    assert_eq!(world.outside.rows.unfinished(), 0);
}

#[test]
fn a_consent_from_before_a_disconnect_gives_no_code() {
    let mut world = world();
    let agreed = |world: &mut World, client: &str, at: u64| {
        let begin = PUBLIC.begin(&world.handle);
        let outcome = world.run(GrantCommand::IssueCode(IssueCode {
            client_id: client.to_owned(),
            agreed: Some(at),
            ..begin
        }));
        outcome.is_ok() || outcome != Err(GrantRefusal::ConsentWithdrawn)
    };
    let count = u64::try_from(2 * MAX_DISCONNECTED).unwrap();
    for nth in 0..count {
        world.pass(1000);
        world
            .run(GrantCommand::RevokeClient {
                client_id: format!("client {nth}"),
            })
            .unwrap();
    }
    assert!(world.outside.rows.count() <= MAX_DISCONNECTED);
    for nth in 0..count {
        let at = NOW + (nth + 1) * 1000;
        assert!(!agreed(&mut world, &format!("client {nth}"), at), "{nth}");
        assert!(
            agreed(
                &mut world,
                &format!("client {nth}"),
                NOW + (count + 1) * 1000
            ),
            "{nth}"
        );
    }
    assert!(agreed(
        &mut world,
        "another client",
        NOW + (count + 1) * 1000
    ));
    world.pass(1);
    world.run(GrantCommand::RevokeAll).unwrap();
    assert!(!agreed(
        &mut world,
        "another client",
        NOW + count * 1000 + 1
    ));
}

#[test]
fn very_many_tokens_are_ended_in_parts_each_of_them_once() {
    let mut world = world();
    for _ in 0..40 {
        let mut last = sign_in(&mut world, PUBLIC);
        for _ in 1..MAX_ACCESS_TOKENS {
            last = refresh(&mut world, PUBLIC, refresh_token(&last)).unwrap();
        }
    }
    let kept = world.outside.kv.keys("").len();
    assert!(kept > OPERATIONS_AN_INVOCATION, "{kept}");
    let before = world.outside.kv.count(KvCall::Delete);
    assert!(matches!(
        world.run(GrantCommand::RevokeAll),
        Err(GrantRefusal::Unavailable { .. })
    ));
    assert_eq!(world.outside.kv.keys("").len(), kept - ENDS_AT_ONCE);
    for _ in 0..50 {
        let left = world.outside.kv.keys("").len();
        world.pass_with_alarms(100);
        assert!(
            left - world.outside.kv.keys("").len() <= ENDS_AT_ONCE,
            "one alarm ends no more than one request"
        );
    }
    assert!(
        world.outside.kv.keys("").is_empty(),
        "{} are left",
        world.outside.kv.keys("").len()
    );
    assert_eq!(world.outside.kv.count(KvCall::Delete) - before, kept);
}

#[test]
fn very_many_sessions_are_ended_in_parts_each_of_them_once() {
    const GRANTS: usize = 40;
    const SESSIONS: usize = 20;
    let mut world = world();
    for nth in 0..GRANTS {
        let grant = sign_in(&mut world, PUBLIC).grant;
        (0..SESSIONS).for_each(|session| begin(&mut world, &grant, &format!("{nth}-{session}")));
    }
    let before = world.outside.kv.count(KvCall::Delete);
    let operations = |world: &World| {
        world.outside.end_calls.get() + world.outside.kv.count(KvCall::Delete) - before
    };
    world.run(GrantCommand::RevokeAll).unwrap();
    assert_eq!(operations(&world), ENDS_AT_ONCE);
    world.pass_with_alarms(5_000);
    assert_eq!(ended(&world).len(), GRANTS * (SESSIONS + 1));
    assert_eq!(world.outside.end_calls.get(), GRANTS * (SESSIONS + 1));
    assert_eq!(world.outside.rows.unfinished(), 0);
}

#[test]
fn a_session_ends_as_soon_as_its_grant_expires() {
    let mut world = world();
    let signed_in = |world: &mut World| {
        let code = world.begin(&SHORT);
        world
            .issued(GrantCommand::Redeem(SHORT.redeem(&code)))
            .unwrap()
    };
    signed_in(&mut world);
    let minutes = |count: u64| count * 60_000;
    world.pass_with_alarms(minutes(50));
    let tokens = signed_in(&mut world);
    begin(&mut world, &tokens.grant, "stream");
    // The rows are looked through when the first grant expires.
    world.pass_with_alarms(minutes(59));
    let has_ended = |world: &World| {
        world
            .outside
            .ended
            .borrow()
            .iter()
            .any(|ended| ended == "stream")
    };
    assert!(!has_ended(&world));
    world.pass_with_alarms(minutes(1));
    assert!(has_ended(&world), "{:?}", world.outside.ended.borrow());
}
