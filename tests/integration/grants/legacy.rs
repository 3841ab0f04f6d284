//! Grants of workers-oauth-provider: adopted, continued, and ended with their old records.

use oauth_server::authority::{GrantCommand, GrantOutcome, SWEEP_EVERY_MS};

use super::{LEGACY, is_invalid_grant, refresh, refresh_token, world};
use crate::support::grants::PUBLIC;

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
    // A text that only looks like a token of that grant proves nothing.
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
    // The grant stays ended, although KV may show the old record for a while.
    assert!(is_invalid_grant(
        &world.run(GrantCommand::Adopt(PUBLIC.adopt(LEGACY)))
    ));
    world.pass_with_alarms(3 * SWEEP_EVERY_MS);
    assert_eq!(world.outside.rows.unfinished(), 0);
}
