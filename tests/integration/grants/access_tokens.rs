//! Access tokens: exchanged for narrower ones, issued to a client itself, and limited in number.

use oauth_server::authority::{GrantCommand, GrantRefusal, MAX_ACCESS_TOKENS, SWEEP_EVERY_MS};
use oauth_server::testing::KvCall;

use super::{refresh, refresh_token, signed_in, world};
use crate::support::grants::{CONFIDENTIAL, PUBLIC, resource, root, scopes};

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
