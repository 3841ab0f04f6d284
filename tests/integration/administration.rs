//! Grants as users and administrators list and end them, and the purge of those that storage cannot expire.

mod many;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::runtime::Random;
use durable_core::runtime::Runtime;
use durable_core::wire::{Head, Headers, RuntimeError};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::auth_server::{AuthServer, BodyError, OAuthRuntime};
use oauth_server::authority::{GrantCommand, IssuedTokens, RETRY_DELETES_MS};
use oauth_server::event::Event;
use oauth_server::hooks::Hooks;
use oauth_server::metadata_document::Fetch;
use oauth_server::port::Kv;
use oauth_server::provider::OAuth;
use oauth_server::purge::{PurgeReport, purge};
use oauth_server::rates::Rates;
use oauth_server::scope::Scopes;
use oauth_server::session_note::SessionNote;
use oauth_server::sign_in::ApproveAll;
use oauth_server::testing::{Invocation, MemoryWeb};
use oauth_server::token::UserHandle;
use serde_json::{Value, json};

use crate::support::grants::{CONFIDENTIAL, Client, NOW, Outside, PUBLIC, USER, World};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Long after everything else has ended.
const NEVER: u64 = NOW / 1000 + 10 * 365 * 24 * 3600;

/// The Worker's side of one user's object.
struct FakeRuntime {
    world: RefCell<World>,
    outside: Rc<Outside>,
    web: MemoryWeb,
    rates: RefCell<Rates>,
    /// The sessions that were ended.
    ended: RefCell<Vec<String>>,
    /// Sessions cannot be ended.
    sessions_stay: Cell<bool>,
    /// The request or run at hand.
    invocation: RefCell<Invocation>,
    warnings: Cell<usize>,
}

impl FakeRuntime {
    fn new() -> Self {
        let world = World::new(7, Hooks::default());
        let outside = Rc::clone(&world.outside);
        let (web, rates, ended) = (MemoryWeb::default(), RefCell::default(), RefCell::default());
        Self {
            world: RefCell::new(world),
            outside,
            web,
            rates,
            ended,
            sessions_stay: Cell::new(false),
            invocation: RefCell::default(),
            warnings: Cell::new(0),
        }
    }

    /// Runs something as an invocation of its own, which may make a thousand operations.
    fn invoke<T>(&self, work: impl Future<Output = T>) -> T {
        let invocation = Invocation::default();
        *self.invocation.borrow_mut() = invocation.clone();
        let before = self.outside.kv.charge(Some(invocation));
        let done = block_on(work);
        self.outside.kv.charge(before);
        done
    }

    fn purge(&self) -> Result<PurgeReport, RuntimeError> {
        let oauth = OAuth::new(ApproveAll).take_over_workers_oauth_provider();
        self.invoke(purge(&oauth, self))
    }

    fn signed_in(&self, client: &Client) -> IssuedTokens {
        let mut world = self.world.borrow_mut();
        let code = world.begin(client);
        world
            .issued(GrantCommand::Redeem(client.redeem(&code)))
            .unwrap()
    }

    fn lets_in(&self, tokens: &IssuedTokens) -> bool {
        self.world.borrow().access(&tokens.access_token).is_some()
    }

    fn put(&self, key: &str, record: &Value) {
        block_on(self.outside.kv.put(key, &record.to_string(), NEVER, None)).unwrap();
    }

    fn has(&self, key: &str) -> bool {
        self.outside.kv.value(key).is_some()
    }
}

impl Runtime for FakeRuntime {
    fn now(&self) -> u64 {
        self.outside.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        async { Ok(Rc::clone(&self.outside.keys)) }.boxed_local()
    }

    fn random(&self) -> &dyn Random {
        &self.outside.random
    }

    fn warn(&self, _: &str) {
        self.warnings.set(self.warnings.get() + 1);
    }
}

impl OAuthRuntime for FakeRuntime {
    fn kv(&self) -> &dyn Kv {
        &self.outside.kv
    }

    fn web(&self) -> Option<&dyn Fetch> {
        Some(&self.web)
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.rates
    }

    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        async move {
            self.invocation.borrow().spend()?;
            let mut world = self.world.borrow_mut();
            if *handle != world.handle {
                return Err(RuntimeError(
                    "the object of another user is away".to_owned(),
                ));
            }
            let outcome = world.run(serde_json::from_str(&command).unwrap());
            Ok(serde_json::to_string(&outcome).unwrap())
        }
        .boxed_local()
    }

    fn command_later(&self, _: &UserHandle, _: String) {}

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        self.ended.borrow_mut().push(key.to_owned());
        let fails = self.sessions_stay.get() || self.invocation.borrow().spend().is_err();
        async move {
            if fails {
                Err(RuntimeError("the session's object is away".to_owned()))
            } else {
                Ok(())
            }
        }
        .boxed_local()
    }

    fn body(&self, _: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        async { Ok(String::new()) }.boxed_local()
    }

    fn event(&self, _: &Event) {}
}

struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn all(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

fn with_auth_server<T>(runtime: &FakeRuntime, run: impl AsyncFnOnce(&AuthServer<'_>) -> T) -> T {
    let (oauth, scopes) = (
        OAuth::new(ApproveAll).take_over_workers_oauth_provider(),
        Scopes::default(),
    );
    let head = Head {
        method: http::Method::GET,
        secure: true,
        host: "server.example".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Rc::new(NoHeaders),
    };
    runtime.invoke(run(&AuthServer::new(&oauth, runtime, &scopes, &[], &head)))
}

/// A grant as workers-oauth-provider keeps one.
fn legacy(grant: &str, client: &str, expires: Option<u64>, refreshable: bool) -> Value {
    let mut record = json!({
        "id": grant, "clientId": client, "userId": USER, "scope": ["read"], "metadata": {}, "encryptedProps": "AA==",
        "createdAt": NOW / 1000, "redirectUri": "https://client.example/callback",
    });
    if let Some(expires) = expires {
        record["expiresAt"] = json!(expires);
    }
    if refreshable {
        record["refreshTokenId"] = json!("00".repeat(32));
        record["refreshTokenWrappedKey"] = json!("AA==");
    }
    record
}

fn legacy_key(grant: &str) -> String {
    format!("grant:{USER}:{grant}")
}

#[test]
fn grants_of_a_user_are_listed_with_legacy_ones() {
    let runtime = FakeRuntime::new();
    runtime.signed_in(&PUBLIC);
    runtime.signed_in(&CONFIDENTIAL);
    runtime.put(
        &legacy_key("legacygrant00001"),
        &legacy("legacygrant00001", "old", None, true),
    );
    runtime.put(
        "grant:somebody:legacygrant00002",
        &legacy("legacygrant00002", "old", None, true),
    );
    let listed = with_auth_server(&runtime, async |auth_server| {
        auth_server.grants_of(USER).await
    })
    .unwrap();
    let mut clients: Vec<_> = listed
        .iter()
        .map(|grant| grant.client_id.as_str())
        .collect();
    clients.sort_unstable();
    assert_eq!(clients, ["confidential", "old", "public"]);
}

#[test]
fn an_ended_grant_gives_no_access_and_others_continue() {
    let runtime = FakeRuntime::new();
    let (first, second) = (runtime.signed_in(&PUBLIC), runtime.signed_in(&CONFIDENTIAL));
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grant(USER, &first.grant).await
    })
    .unwrap();
    assert!(!runtime.lets_in(&first) && runtime.lets_in(&second));
    let refresh = GrantCommand::Refresh(PUBLIC.refresh(first.refresh_token.as_deref().unwrap()));
    assert!(runtime.world.borrow_mut().issued(refresh).is_err());
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grant(USER, "no such grant").await
    })
    .unwrap();
}

#[test]
fn ending_all_grants_ends_legacy_grants_too() {
    let runtime = FakeRuntime::new();
    let ours = runtime.signed_in(&PUBLIC);
    runtime.put(
        &legacy_key("legacygrant00001"),
        &legacy("legacygrant00001", "old", None, true),
    );
    runtime.put(&format!("token:{USER}:legacygrant00001:aa"), &json!({}));
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grants(USER).await
    })
    .unwrap();
    assert!(!runtime.lets_in(&ours));
    assert!(!runtime.has(&legacy_key("legacygrant00001")));
    assert!(!runtime.has(&format!("token:{USER}:legacygrant00001:aa")));
}

#[test]
fn a_deleted_client_loses_its_grants_and_no_other_client_does() {
    let runtime = FakeRuntime::new();
    let (its, others) = (runtime.signed_in(&PUBLIC), runtime.signed_in(&CONFIDENTIAL));
    runtime.put("client:public", &json!({}));
    runtime.put(
        &legacy_key("legacygrant00001"),
        &legacy("legacygrant00001", "public", None, true),
    );
    runtime.put(
        &legacy_key("legacygrant00002"),
        &legacy("legacygrant00002", "other", None, true),
    );
    assert_eq!(
        with_auth_server(&runtime, async |auth_server| auth_server
            .delete_client("public")
            .await),
        Ok(true)
    );
    assert!(!runtime.lets_in(&its) && runtime.lets_in(&others));
    assert!(!runtime.has("client:public"));
    assert!(
        !runtime.has(&legacy_key("legacygrant00001"))
            && runtime.has(&legacy_key("legacygrant00002"))
    );
}

#[test]
fn the_purge_ends_expired_and_orphaned_grants() {
    let runtime = FakeRuntime::new();
    let (orphan, kept) = (runtime.signed_in(&PUBLIC), runtime.signed_in(&CONFIDENTIAL));
    runtime.put("client:confidential", &json!({}));
    let now = NOW / 1000;
    let cases = [
        ("expired000000001", Some(now - 1), true, false),
        ("lives00000000002", Some(now + 3600), true, true),
        ("endless000000003", None, true, true),
        ("tokenless0000004", None, false, false),
        ("implicit00000005", None, false, true),
    ];
    for (grant, expires, refreshable, _) in cases {
        runtime.put(
            &legacy_key(grant),
            &legacy(grant, "old", expires, refreshable),
        );
    }
    runtime.put(&format!("token:{USER}:implicit00000005:aa"), &json!({}));
    runtime.outside.kv.pass_ms(11 * 60 * 1000);
    let done = runtime.purge().unwrap();
    assert_eq!(
        done,
        PurgeReport {
            seen: 7,
            ended: 3,
            failed: 0,
            whole: true
        }
    );
    assert!(!runtime.lets_in(&orphan) && runtime.lets_in(&kept));
    for (grant, _, _, stays) in cases {
        assert_eq!(runtime.has(&legacy_key(grant)), stays, "{grant}");
    }
}

#[test]
fn only_sessions_of_ended_grants_end() {
    let runtime = FakeRuntime::new();
    let (first, second) = (runtime.signed_in(&PUBLIC), runtime.signed_in(&CONFIDENTIAL));
    let note = |grant: &str, key: &str| {
        let (client, transport) = (String::new(), String::new());
        let session = SessionNote {
            key: key.to_owned(),
            client,
            transport,
            began: NOW,
            expires: NOW + DAY_MS,
        };
        runtime
            .world
            .borrow_mut()
            .run(GrantCommand::NoteSession {
                grant: grant.to_owned(),
                session,
            })
            .unwrap();
    };
    for (issued, key) in [(&first, "a"), (&first, "b"), (&second, "c"), (&second, "d")] {
        note(&issued.grant, key);
    }
    // One that is not of that grant, or of nobody's, is left alone.
    for key in ["c", "x", ""] {
        with_auth_server(&runtime, async |auth_server| {
            auth_server.end_session(USER, &first.grant, key).await
        })
        .unwrap();
    }
    assert!(runtime.ended.borrow().is_empty());
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_session(USER, &first.grant, "a").await
    })
    .unwrap();
    assert_eq!(runtime.ended.take(), ["a"]);
    assert!(runtime.lets_in(&first), "a session ends, its grant goes on");
    let left = |runtime: &FakeRuntime| {
        with_auth_server(runtime, async |auth_server| {
            auth_server.grants_of(USER).await
        })
        .unwrap()
    };
    assert_eq!(left(&runtime)[0].sessions.len(), 1);
    runtime.sessions_stay.set(true);
    assert!(
        with_auth_server(&runtime, async |auth_server| auth_server
            .end_session(USER, &first.grant, "b")
            .await)
        .is_err()
    );
    assert_eq!(left(&runtime)[0].sessions.len(), 1, "it may be tried again");
    runtime.ended.take();
    // A client is disconnected although its session's object is away, which is asked again each minute.
    runtime.outside.away.set(true);
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grant(USER, &first.grant).await
    })
    .unwrap();
    assert!(!runtime.lets_in(&first));
    let mut world = runtime.world.borrow_mut();
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert!(runtime.outside.ended.take().is_empty());
    runtime.outside.away.set(false);
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert_eq!(runtime.outside.ended.take(), ["b", "listeners"]);
    drop(world);
    with_auth_server(&runtime, async |auth_server| {
        auth_server.end_grants(USER).await
    })
    .unwrap();
    assert_eq!(runtime.outside.ended.take(), ["c", "d", "listeners"]);
}

#[test]
fn a_deleted_client_loses_its_sessions() {
    let runtime = FakeRuntime::new();
    let its = runtime.signed_in(&PUBLIC);
    let (client, transport) = (String::new(), String::new());
    let session = SessionNote {
        key: "a".to_owned(),
        client,
        transport,
        began: NOW,
        expires: NOW + DAY_MS,
    };
    runtime
        .world
        .borrow_mut()
        .run(GrantCommand::NoteSession {
            grant: its.grant.clone(),
            session,
        })
        .unwrap();
    assert_eq!(
        with_auth_server(&runtime, async |auth_server| auth_server
            .delete_client("public")
            .await),
        Ok(true)
    );
    assert_eq!(runtime.outside.ended.take(), ["a", "listeners"]);
    assert!(!runtime.lets_in(&its));
    let again = runtime.signed_in(&PUBLIC);
    let access = runtime.world.borrow().access(&again.access_token).unwrap();
    assert!(access.sessions_since > NOW / 1000);
}
