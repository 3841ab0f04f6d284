//! Commands on a user's grants: the behaviours by subject, then faults, hooks, and a model under every interleaving.

mod access_tokens;
mod codes;
mod disconnecting;
mod evictions;
mod faults;
mod holdings;
mod hooks;
mod legacy;
mod model;
mod redeeming;
mod refresh_tokens;
mod revocation;
mod unreadable;

use oauth_server::authority::{GrantCommand, GrantOutcome, GrantRefusal, IssuedTokens};
use oauth_server::event::Event;
use oauth_server::hooks::Hooks;
use oauth_server::testing::KvCall;

use crate::support::grants::{Client, PUBLIC, USER, World};

pub(crate) const DAY_MS: u64 = 24 * 3600 * 1000;

/// A refresh token of workers-oauth-provider.
const LEGACY: &str = "legacy-user:abcdefghijklmnop:abcdefghijklmnopqrstuvwxyzABCDEF";

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
