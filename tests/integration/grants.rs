//! Commands on a user's grants: the behaviours one by one, then faults, hooks, and a model under every interleaving.

mod disconnecting;
mod evictions;
mod faults;
mod holdings;
mod hooks;
mod model;
mod redeeming;
mod unreadable;

use durable_mcp::oauth::authority::{
    GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens, MAX_ACCESS_TOKENS, MAX_GRANTS,
    SWEEP_EVERY_MS,
};
use durable_mcp::oauth::event::Event;
use durable_mcp::oauth::hooks::Hooks;
use durable_mcp::oauth::testing::KvCall;

use crate::support::grants::{
    CONFIDENTIAL, Client, NOW, PUBLIC, SHORT, USER, World, resource, root, scopes,
};

pub(crate) const DAY_MS: u64 = 24 * 3600 * 1000;

fn world() -> World {
    World::new(1, Hooks::default())
}

/// A world with one grant that lives.
fn signed_in(client: Client) -> (World, IssuedTokens, String) {
    let mut world = world();
    let code = world.begin(&client);
    let issued = world
        .issued(GrantCommand::Redeem(client.redeem(&code)))
        .unwrap();
    (world, issued, code)
}

fn refresh_token(issued: &IssuedTokens) -> &str {
    issued.refresh_token.as_deref().unwrap()
}

fn refresh(world: &mut World, client: Client, token: &str) -> Result<IssuedTokens, GrantRefusal> {
    world.issued(GrantCommand::Refresh(client.refresh(token)))
}

fn is_invalid_grant<T: std::fmt::Debug>(outcome: &Result<T, GrantRefusal>) -> bool {
    matches!(outcome, Err(GrantRefusal::InvalidGrant(_)))
}

fn events(world: &World) -> Vec<String> {
    let name = |event: &Event| {
        serde_json::to_value(event).unwrap()["event"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    world.outside.events.borrow().iter().map(name).collect()
}

#[test]
fn a_code_is_exchanged_for_working_tokens() {
    let (mut world, issued, _) = signed_in(PUBLIC);
    let access = world.access(&issued.access_token).unwrap();
    assert_eq!(
        (access.subject.as_str(), access.client_id.as_str()),
        (USER, "public")
    );
    assert_eq!(access.props["name"], "Jürgen");
    assert_eq!(
        (issued.expires_in, issued.scopes.to_string().as_str()),
        (3600, "read write")
    );
    let next = refresh(&mut world, PUBLIC, refresh_token(&issued)).unwrap();
    assert!(next.access_token != issued.access_token && next.refresh_token != issued.refresh_token);
    assert!(
        world.access(&next.access_token).is_some() && world.access(&issued.access_token).is_some()
    );
    assert_eq!(events(&world), ["issued", "refreshed"]);
}

#[test]
fn a_grant_row_reveals_neither_user_nor_tokens() {
    let (mut world, issued, code) = signed_in(PUBLIC);
    let other = world.begin(&PUBLIC);
    refresh(&mut world, PUBLIC, refresh_token(&issued)).unwrap();
    let rows = world.outside.rows.text();
    for secret in [
        USER,
        "Jürgen",
        &code,
        &other,
        &issued.access_token,
        refresh_token(&issued),
    ] {
        assert!(!rows.contains(secret), "{secret} is in a row");
        let secret = secret.rsplit(':').next().unwrap();
        assert!(
            secret.len() < 3 || !rows.contains(secret),
            "{secret} is in a row"
        );
    }
    let header = world.outside.kv.keys("grant:");
    let value = world.outside.kv.value(&header[0]).unwrap();
    assert!(
        value.contains("\"clientId\":\"public\"") && !value.contains("rgen"),
        "{value}"
    );
}

#[test]
fn each_transition_writes_one_row_and_only_the_first_sets_an_alarm() {
    let mut world = world();
    let cost = |world: &mut World, command: GrantCommand| {
        let puts = world.outside.rows.puts.get();
        let outcome = world.run(command).unwrap();
        assert_eq!(world.outside.rows.puts.get() - puts, 1);
        outcome
    };
    let begin = GrantCommand::IssueCode(PUBLIC.begin(&world.handle));
    let GrantOutcome::Code(code) = cost(&mut world, begin) else {
        panic!()
    };
    let GrantOutcome::Issued(first) =
        cost(&mut world, GrantCommand::Redeem(PUBLIC.redeem(&code.code)))
    else {
        panic!()
    };
    assert_eq!(world.outside.kv.count(KvCall::Put), 2);
    let token = refresh_token(&first).to_owned();
    cost(&mut world, GrantCommand::Refresh(PUBLIC.refresh(&token)));
    assert_eq!(world.outside.kv.count(KvCall::Put), 3);
    cost(&mut world, GrantCommand::Refresh(PUBLIC.refresh(&token)));
    assert_eq!(world.outside.kv.count(KvCall::Put), 3);
    cost(
        &mut world,
        GrantCommand::ExchangeToken(PUBLIC.mint(&first.access_token)),
    );
    assert_eq!(world.outside.rows.alarms_ordered.get(), 1);
    // The end is a row, and that nothing is left of the grant another one.
    let puts = world.outside.rows.puts.get();
    world.run(PUBLIC.revoke(&token)).unwrap();
    assert_eq!(
        (
            world.outside.rows.puts.get() - puts,
            world.outside.rows.deletes.get()
        ),
        (2, 0)
    );
    assert_eq!(world.outside.rows.unfinished(), 0);
    assert!(world.outside.kv.keys("").is_empty());
}

// 27 to 38 of the checklist, as far as the authority decides them.

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
    let with = |change: &dyn Fn(&mut durable_mcp::oauth::authority::Redeem)| {
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

// 47 to 54.

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
    // 50
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

// 56 to 59, and revoking by others than the client.

#[test]
fn a_revoked_access_token_ends_alone_a_refresh_token_with_its_grant() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    assert_eq!(
        world.run(CONFIDENTIAL.revoke(&next.access_token)),
        Ok(GrantOutcome::Done)
    );
    assert!(world.access(&next.access_token).is_some());
    assert_eq!(
        world.run(PUBLIC.revoke(&next.access_token)),
        Ok(GrantOutcome::Done)
    );
    assert!(
        world.access(&next.access_token).is_none() && world.access(&first.access_token).is_some()
    );
    let last = refresh(&mut world, PUBLIC, refresh_token(&next)).unwrap();
    assert_eq!(
        world.run(CONFIDENTIAL.revoke(refresh_token(&last))),
        Ok(GrantOutcome::Done)
    );
    assert!(world.access(&last.access_token).is_some());
    // Even an old one: its client wants no more of the grant.
    assert_eq!(
        world.run(PUBLIC.revoke(refresh_token(&first))),
        Ok(GrantOutcome::Done)
    );
    assert!(world.outside.kv.keys("").is_empty() && world.outside.rows.unfinished() == 0);
    for unknown in ["", "x", "a:b:c", refresh_token(&last)] {
        assert_eq!(world.run(PUBLIC.revoke(unknown)), Ok(GrantOutcome::Done));
    }
}

#[test]
fn grants_are_listed_and_ended_singly_by_client_or_all_at_once() {
    let mut world = world();
    let mut grants = Vec::new();
    for client in [PUBLIC, CONFIDENTIAL, PUBLIC, SHORT] {
        let code = world.begin(&client);
        grants.push(
            world
                .issued(GrantCommand::Redeem(client.redeem(&code)))
                .unwrap(),
        );
        world.pass(1000);
    }
    world.begin(&PUBLIC);
    let listed = |world: &mut World| match world.run(GrantCommand::List) {
        Ok(GrantOutcome::Grants(grants)) => grants,
        other => panic!("{other:?}"),
    };
    let all = listed(&mut world);
    assert_eq!(
        all.iter()
            .map(|grant| grant.grant.clone())
            .collect::<Vec<_>>(),
        grants
            .iter()
            .map(|issued| issued.grant.clone())
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (
            all[1].client_id.as_str(),
            all[1].client_name.as_deref(),
            all[1].created
        ),
        ("confidential", Some("A client"), NOW + 1000)
    );
    world
        .run(GrantCommand::RevokeGrant {
            grant: grants[1].grant.clone(),
        })
        .unwrap();
    assert!(
        world.access(&grants[1].access_token).is_none()
            && world.access(&grants[0].access_token).is_some()
    );
    world
        .run(GrantCommand::RevokeClient {
            client_id: "public".to_owned(),
        })
        .unwrap();
    assert_eq!(listed(&mut world).len(), 1);
    assert!(world.access(&grants[3].access_token).is_some());
    world.run(GrantCommand::RevokeAll).unwrap();
    assert!(world.outside.kv.keys("").is_empty() && listed(&mut world).is_empty());
}

// 71 and 72.

#[test]
fn a_minted_token_is_narrower_and_ends_with_its_grant() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let mut mint = PUBLIC.mint(&first.access_token);
    mint.resources = vec![resource("https://server.example/mcp")];
    let minted = world.issued(GrantCommand::ExchangeToken(mint)).unwrap();
    assert_eq!(
        (minted.expires_in, &minted.scopes, &minted.refresh_token),
        (600, &scopes("read"), &None)
    );
    let access = world.access(&minted.access_token).unwrap();
    assert_eq!(access.audience, [resource("https://server.example/mcp")]);
    assert_eq!(access.props["name"], "Jürgen");

    let mut wider = PUBLIC.mint(&minted.access_token);
    wider.scopes = Some(scopes("read write"));
    wider.seconds = Some(9999);
    let wider = world.issued(GrantCommand::ExchangeToken(wider)).unwrap();
    assert_eq!((wider.scopes, wider.expires_in), (scopes("read"), 600));
    let mut outside = PUBLIC.mint(&minted.access_token);
    outside.resources = vec![root()];
    assert!(matches!(
        world.run(GrantCommand::ExchangeToken(outside)),
        Err(GrantRefusal::InvalidTarget(_))
    ));
    assert!(matches!(
        world.run(GrantCommand::ExchangeToken(
            CONFIDENTIAL.mint(&first.access_token)
        )),
        Err(GrantRefusal::InvalidRequest(_))
    ));
    assert!(matches!(
        world.run(GrantCommand::ExchangeToken(
            PUBLIC.mint(refresh_token(&first))
        )),
        Err(GrantRefusal::InvalidRequest(_))
    ));

    world.run(PUBLIC.revoke(&first.access_token)).unwrap();
    assert!(matches!(
        world.run(GrantCommand::ExchangeToken(
            PUBLIC.mint(&first.access_token)
        )),
        Err(GrantRefusal::InvalidRequest(_))
    ));
    world.run(PUBLIC.revoke(refresh_token(&first))).unwrap();
    assert!(
        world.access(&minted.access_token).is_none() && world.access(&wider.access_token).is_none()
    );
}

#[test]
fn a_client_credentials_token_is_issued_and_later_collected() {
    let mut world = world();
    let issue = GrantCommand::ClientCredentials(CONFIDENTIAL.issue(&world.handle));
    let issued = world.issued(issue.clone()).unwrap();
    assert_eq!(
        world.access(&issued.access_token).unwrap().subject,
        "confidential"
    );
    assert_eq!(issued.refresh_token, None);
    let other = world.issued(issue).unwrap();
    world.run(CONFIDENTIAL.revoke(&other.access_token)).unwrap();
    assert!(
        world.access(&other.access_token).is_none() && world.access(&issued.access_token).is_some()
    );
    world.pass_with_alarms(3 * SWEEP_EVERY_MS);
    assert_eq!(world.outside.rows.count(), 0);
}

// Limits.

#[test]
fn the_oldest_access_tokens_make_room_and_are_deleted_reliably() {
    let (mut world, first, _) = signed_in(PUBLIC);
    let mut last = first.clone();
    for _ in 1..MAX_ACCESS_TOKENS {
        last = refresh(&mut world, PUBLIC, refresh_token(&last)).unwrap();
    }
    assert!(world.access(&first.access_token).is_some());
    world.outside.kv.fail(KvCall::Delete, 1);
    let failed = refresh(&mut world, PUBLIC, refresh_token(&last));
    assert!(matches!(failed, Err(GrantRefusal::Unavailable { .. })));
    last = refresh(&mut world, PUBLIC, refresh_token(&last)).unwrap();
    assert!(world.access(&first.access_token).is_none());
    // The one that was put when deleting failed is nobody's.
    assert_eq!(world.outside.kv.keys("token:").len(), MAX_ACCESS_TOKENS + 1);
    world.run(PUBLIC.revoke(refresh_token(&last))).unwrap();
    assert_eq!(world.outside.kv.keys("token:").len(), 1);
}

// Switching over.

const LEGACY: &str = "legacy-user:abcdefghijklmnop:abcdefghijklmnopqrstuvwxyzABCDEF";

#[test]
fn an_adopted_legacy_grant_continues_and_ends_with_its_old_records() {
    let mut world = world();
    world
        .outside
        .kv
        .set("grant:legacy-user:abcdefghijklmnop", "{}");
    world
        .outside
        .kv
        .set("token:legacy-user:abcdefghijklmnop:1", "{}");
    assert!(is_invalid_grant(&refresh(&mut world, PUBLIC, LEGACY)));
    for _ in 0..2 {
        assert_eq!(
            world.run(GrantCommand::Adopt(PUBLIC.adopt(LEGACY))),
            Ok(GrantOutcome::Done)
        );
    }
    let first = refresh(&mut world, PUBLIC, LEGACY).unwrap();
    assert!(
        world
            .outside
            .kv
            .value("grant:legacy-user:abcdefghijklmnop")
            .is_none()
    );
    assert_eq!(world.outside.kv.keys("grant:").len(), 1);
    assert_eq!(
        world.access(&first.access_token).unwrap().subject,
        "legacy-user"
    );
    // A retry, also by way of a record that KV still shows.
    assert_eq!(
        world.run(GrantCommand::Adopt(PUBLIC.adopt(LEGACY))),
        Ok(GrantOutcome::Done)
    );
    assert_eq!(refresh(&mut world, PUBLIC, LEGACY), Ok(first.clone()));
    // What only looks like a token of that grant proves nothing.
    let forged = LEGACY.replace("ABCDEF", "ABCDEX");
    assert!(is_invalid_grant(&refresh(&mut world, PUBLIC, &forged)));
    assert_eq!(world.run(PUBLIC.revoke(&forged)), Ok(GrantOutcome::Done));
    let next = refresh(&mut world, PUBLIC, refresh_token(&first)).unwrap();
    assert_eq!(
        world.run(PUBLIC.revoke(refresh_token(&next))),
        Ok(GrantOutcome::Done)
    );
    assert!(
        world.outside.kv.keys("").is_empty(),
        "{:?}",
        world.outside.kv.keys("")
    );
    // It stays ended, although KV may show the old record for a while.
    assert!(is_invalid_grant(
        &world.run(GrantCommand::Adopt(PUBLIC.adopt(LEGACY)))
    ));
    world.pass_with_alarms(3 * SWEEP_EVERY_MS);
    assert_eq!(world.outside.rows.unfinished(), 0);
}
