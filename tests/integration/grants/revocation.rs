//! Tokens that their client revokes, and grants that their user or an operator ends.

use oauth_server::authority::{GrantCommand, GrantOutcome};

use super::{refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, NOW, PUBLIC, SHORT, World};

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
