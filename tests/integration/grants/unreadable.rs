//! Rows of another version of this server: they grant nothing, stay unchanged, and can be ended.

use oauth_server::authority::{
    GrantCommand, GrantOutcome, GrantRefusal, IssueCode, IssuedTokens, KV_LISTS_WITHIN_MS,
    LOOK_AT_UNREADABLE_MS, ListedGrant, MAX_GRANTS, RETRY_DELETES_MS, SESSIONS_END_SECONDS,
    SIGN_IN_MS,
};

use super::{DAY_MS, is_invalid_grant, refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, NOW, PUBLIC, World};

/// Texts that a later version may have written.
fn later_rows(row: &str) -> Vec<String> {
    vec![
        "2".to_owned(),
        String::new(),
        row.replacen("\"Live\"", "\"Paused\"", 1),
        row.replacen("\"facts\"", "\"only_on\":\"Mondays\",\"facts\"", 1),
        row.replacen("\"public\"", "\"bound_to\":\"a key\",\"public\"", 1),
    ]
}

/// A user with one grant whose row was written by a later version, and one as usual.
fn with_later(row: &str) -> (World, IssuedTokens, IssuedTokens) {
    let (mut world, lost, _) = signed_in(PUBLIC);
    let code = world.begin(&CONFIDENTIAL);
    let usual = world
        .issued(GrantCommand::Redeem(CONFIDENTIAL.redeem(&code)))
        .unwrap();
    world.outside.rows.set(&lost.grant, row);
    world.crash();
    (world, lost, usual)
}

fn every_later() -> impl Iterator<Item = (String, World, IssuedTokens, IssuedTokens)> {
    let (world, issued, _) = signed_in(PUBLIC);
    let row = world.outside.rows.row(&issued.grant).unwrap();
    later_rows(&row).into_iter().map(|row| {
        let (world, lost, usual) = with_later(&row);
        (row, world, lost, usual)
    })
}

fn list(world: &mut World) -> Vec<ListedGrant> {
    match world.run(GrantCommand::List) {
        Ok(GrantOutcome::Grants(grants)) => grants,
        other => panic!("{other:?}"),
    }
}

fn is_unavailable<T: std::fmt::Debug>(outcome: &Result<T, GrantRefusal>) -> bool {
    matches!(outcome, Err(GrantRefusal::Unavailable { .. }))
}

#[test]
fn a_row_of_another_version_gives_no_token_is_listed_and_stays() {
    for (row, mut world, lost, usual) in every_later() {
        assert!(
            is_unavailable(&refresh(&mut world, PUBLIC, refresh_token(&lost))),
            "{row}"
        );
        let minted = world.issued(GrantCommand::ExchangeToken(PUBLIC.mint(&lost.access_token)));
        assert!(is_unavailable(&minted), "{row} {minted:?}");
        let told = list(&mut world);
        let [known, unreadable] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(!known.unreadable && known.client_id == "confidential");
        assert!(
            unreadable.unreadable
                && unreadable.grant == lost.grant
                && unreadable.sessions.is_empty()
        );
        assert!(
            refresh(&mut world, CONFIDENTIAL, refresh_token(&usual)).is_ok(),
            "{row}"
        );
        world.pass_with_alarms(90 * DAY_MS);
        assert_eq!(
            world.outside.rows.row(&lost.grant).as_deref(),
            Some(row.as_str())
        );
        assert!(
            world
                .outside
                .log
                .borrow()
                .iter()
                .any(|line| line.contains("grant-row")),
            "operators are told"
        );
    }
}

#[test]
fn a_version_that_returns_continues_with_its_row() {
    let (world, lost, _) = signed_in(PUBLIC);
    let row = world.outside.rows.row(&lost.grant).unwrap();
    let (mut world, lost, _) = with_later("2");
    assert!(is_unavailable(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&lost)
    )));
    world.outside.rows.set(&lost.grant, &row);
    world.crash();
    assert!(refresh(&mut world, PUBLIC, refresh_token(&lost)).is_ok());
}

#[test]
fn a_grant_with_an_unreadable_row_can_be_ended_with_its_records() {
    let by_id: fn(&IssuedTokens) -> GrantCommand = |lost| GrantCommand::RevokeGrant {
        grant: lost.grant.clone(),
    };
    let by_client: fn(&IssuedTokens) -> GrantCommand = |_| GrantCommand::RevokeClient {
        client_id: "public".to_owned(),
    };
    let by_token: fn(&IssuedTokens) -> GrantCommand = |lost| PUBLIC.revoke(refresh_token(lost));
    for revoke in [by_id, by_client, by_token, |_| GrantCommand::RevokeAll] {
        for (row, mut world, lost, usual) in every_later() {
            let command = revoke(&lost);
            let all = matches!(command, GrantCommand::RevokeAll);
            assert_eq!(world.run(command), Ok(GrantOutcome::Done), "{row}");
            assert!(world.access(&lost.access_token).is_none(), "{row}");
            assert!(
                is_invalid_grant(&refresh(&mut world, PUBLIC, refresh_token(&lost))),
                "{row}"
            );
            assert!(list(&mut world).iter().all(|listed| !listed.unreadable));
            assert_eq!(world.access(&usual.access_token).is_none(), all, "{row}");
            assert!(
                world
                    .outside
                    .kv
                    .keys("")
                    .iter()
                    .all(|key| !key.contains(&lost.grant)),
                "{row}"
            );
        }
    }
}

#[test]
fn a_record_that_is_listed_late_is_deleted_too() {
    let (mut world, lost, _) = with_later("2");
    let key = world
        .outside
        .kv
        .keys("")
        .into_iter()
        .find(|key| key.contains(&lost.grant) && key.len() > 90)
        .unwrap();
    let record = world.outside.kv.value(&key).unwrap();
    world
        .run(GrantCommand::RevokeGrant {
            grant: lost.grant.clone(),
        })
        .unwrap();
    world.outside.kv.set(&key, &record);
    assert!(
        world.access(&lost.access_token).is_some(),
        "Workers KV shows it only now"
    );
    world.pass_with_alarms(KV_LISTS_WITHIN_MS + RETRY_DELETES_MS);
    assert!(world.access(&lost.access_token).is_none());
}

#[test]
fn another_client_cannot_end_a_grant_with_an_unreadable_row() {
    let (mut world, lost, _) = with_later("2");
    let stolen = GrantCommand::RevokeToken {
        token: refresh_token(&lost).to_owned(),
        client_id: "other".to_owned(),
    };
    assert_eq!(world.run(stolen), Ok(GrantOutcome::Done));
    assert_eq!(world.outside.rows.row(&lost.grant).as_deref(), Some("2"));
    assert!(world.access(&lost.access_token).is_some());
}

#[test]
fn a_grant_begun_beside_an_unreadable_row_accepts_no_older_session() {
    let (mut world, _, _) = with_later("2");
    let code = world.begin(&PUBLIC);
    let issued = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    let access = world.access(&issued.access_token).unwrap();
    assert!(
        access.sessions_since >= NOW / 1000 + SESSIONS_END_SECONDS,
        "{}",
        access.sessions_since
    );
}

#[test]
fn a_remembered_consent_is_void_beside_an_unreadable_row() {
    let began = |world: &mut World, agreed| {
        let begin = IssueCode {
            agreed: Some(agreed),
            ..PUBLIC.begin(&world.handle)
        };
        world.run(GrantCommand::IssueCode(begin))
    };
    let last_void = NOW - SIGN_IN_MS;
    let (usual, issued, _) = signed_in(PUBLIC);
    let row = usual.outside.rows.row(&issued.grant).unwrap();
    let (mut world, lost, _) = with_later("2");
    for agreed in [1, last_void] {
        assert_eq!(
            began(&mut world, agreed),
            Err(GrantRefusal::ConsentWithdrawn),
            "{agreed}"
        );
    }
    assert!(began(&mut world, last_void + 1).is_ok());
    world.outside.rows.set(&lost.grant, &row);
    world.crash();
    assert!(began(&mut world, last_void).is_ok());
}

#[test]
fn rows_of_another_version_count_for_the_limit_and_are_not_evicted() {
    let mut world = world();
    for at in 0..MAX_GRANTS {
        world.outside.rows.set(&format!("{at:016}"), "2");
    }
    assert!(is_unavailable(&world.run(GrantCommand::IssueCode(
        PUBLIC.begin(&world.handle.clone())
    ))));
    // That many are more than one invocation gets through: the alarm goes on.
    assert!(is_unavailable(&world.run(GrantCommand::RevokeAll)));
    world.pass_with_alarms(10_000);
    assert_eq!(world.run(GrantCommand::RevokeAll), Ok(GrantOutcome::Done));
    world.begin(&PUBLIC);
}

#[test]
fn a_row_of_another_version_is_tried_again_each_day() {
    let (mut world, _, _) = with_later("2");
    let before = world.outside.log.borrow().len();
    world.pass_with_alarms(10 * LOOK_AT_UNREADABLE_MS);
    let looks = world.outside.log.borrow().len() - before;
    assert!((5..100).contains(&looks), "{looks}");
}

#[test]
fn a_seal_of_another_version_ends_no_grant() {
    let (world, issued, _) = signed_in(PUBLIC);
    let row = world.outside.rows.row(&issued.grant).unwrap();
    let (mut world, lost, _) = signed_in(PUBLIC);
    let sealed =
        serde_json::from_str::<serde_json::Value>(&row).unwrap()["Live"]["refresh"]["sealed"]
            .clone();
    world.outside.rows.set(
        &lost.grant,
        &row.replacen(sealed.as_str().unwrap(), "2.AAAA", 1),
    );
    world.crash();
    assert!(is_unavailable(&refresh(
        &mut world,
        PUBLIC,
        refresh_token(&lost)
    )));
    world.outside.rows.set(&lost.grant, &row);
    world.crash();
    assert!(refresh(&mut world, PUBLIC, refresh_token(&lost)).is_ok());
}
