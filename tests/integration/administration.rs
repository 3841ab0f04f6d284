//! Grants as users and administrators list and end them, and the purge of those that storage cannot expire.

mod many;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_mcp::keys::Keys;
use durable_mcp::oauth::authority::{Command, Issued, RETRY_DELETES_MS};
use durable_mcp::oauth::event::Event;
use durable_mcp::oauth::hooks::Hooks;
use durable_mcp::oauth::memory::{Invocation, MemoryWeb};
use durable_mcp::oauth::metadata_document::Fetch;
use durable_mcp::oauth::port::Kv;
use durable_mcp::oauth::provider::OAuth;
use durable_mcp::oauth::purge::{Purged, purge};
use durable_mcp::oauth::rates::Rates;
use durable_mcp::oauth::scope::Scopes;
use durable_mcp::oauth::session_note::SessionNote;
use durable_mcp::oauth::sign_in::ApproveAll;
use durable_mcp::oauth::site::{BodyError, Site, Surroundings};
use durable_mcp::oauth::token::Handle;
use durable_mcp::runtime::Random;
use durable_mcp::runtime::Runtime;
use durable_mcp::wire::{Fault, Head, Headers};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use crate::support::grants::{CONFIDENTIAL, Client, NOW, Outside, PUBLIC, USER, World};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Long after everything else has ended.
const NEVER: u64 = NOW / 1000 + 10 * 365 * 24 * 3600;

/// The Worker's side of one user's object.
struct Around {
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

impl Around {
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

    fn purge(&self) -> Result<Purged, Fault> {
        let oauth = OAuth::new(ApproveAll).take_over_workers_oauth_provider();
        self.invoke(purge(&oauth, self))
    }

    fn signed_in(&self, client: &Client) -> Issued {
        let mut world = self.world.borrow_mut();
        let code = world.begin(client);
        world.issued(Command::Redeem(client.redeem(&code))).unwrap()
    }

    fn lets_in(&self, tokens: &Issued) -> bool {
        self.world.borrow().access(&tokens.access_token).is_some()
    }

    fn put(&self, key: &str, record: &Value) {
        block_on(self.outside.kv.put(key, &record.to_string(), NEVER, None)).unwrap();
    }

    fn has(&self, key: &str) -> bool {
        self.outside.kv.value(key).is_some()
    }
}

impl Runtime for Around {
    fn now(&self) -> u64 {
        self.outside.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
        async { Ok(Rc::clone(&self.outside.keys)) }.boxed_local()
    }

    fn random(&self) -> &dyn Random {
        &self.outside.random
    }

    fn warn(&self, _: &str) {
        self.warnings.set(self.warnings.get() + 1);
    }
}

impl Surroundings for Around {
    fn kv(&self) -> &dyn Kv {
        &self.outside.kv
    }

    fn web(&self) -> Option<&dyn Fetch> {
        Some(&self.web)
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.rates
    }

    fn command<'a>(&'a self, handle: &'a Handle, command: String) -> LocalBoxFuture<'a, Result<String, Fault>> {
        async move {
            self.invocation.borrow().spend()?;
            let mut world = self.world.borrow_mut();
            if *handle != world.handle {
                return Err(Fault("the object of another user is away".to_owned()));
            }
            let outcome = world.run(serde_json::from_str(&command).unwrap());
            Ok(serde_json::to_string(&outcome).unwrap())
        }
        .boxed_local()
    }

    fn command_later(&self, _: &Handle, _: String) {}

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), Fault>> {
        self.ended.borrow_mut().push(key.to_owned());
        let fails = self.sessions_stay.get() || self.invocation.borrow().spend().is_err();
        async move { if fails { Err(Fault("the session's object is away".to_owned())) } else { Ok(()) } }.boxed_local()
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

fn with_site<T>(around: &Around, run: impl AsyncFnOnce(&Site<'_>) -> T) -> T {
    let (oauth, scopes) = (OAuth::new(ApproveAll).take_over_workers_oauth_provider(), Scopes::default());
    let head = Head {
        method: http::Method::GET,
        secure: true,
        host: "server.example".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Rc::new(NoHeaders),
    };
    around.invoke(run(&Site::new(&oauth, around, &scopes, &[], &head)))
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
fn a_users_grants_are_listed_with_those_of_before() {
    let around = Around::new();
    around.signed_in(&PUBLIC);
    around.signed_in(&CONFIDENTIAL);
    around.put(&legacy_key("legacygrant00001"), &legacy("legacygrant00001", "old", None, true));
    around.put("grant:somebody:legacygrant00002", &legacy("legacygrant00002", "old", None, true));
    let listed = with_site(&around, async |site| site.grants_of(USER).await).unwrap();
    let mut clients: Vec<_> = listed.iter().map(|grant| grant.client_id.as_str()).collect();
    clients.sort_unstable();
    assert_eq!(clients, ["confidential", "old", "public"]);
}

#[test]
fn a_grant_that_is_ended_is_worth_nothing_and_others_go_on() {
    let around = Around::new();
    let (first, second) = (around.signed_in(&PUBLIC), around.signed_in(&CONFIDENTIAL));
    with_site(&around, async |site| site.end_grant(USER, &first.grant).await).unwrap();
    assert!(!around.lets_in(&first) && around.lets_in(&second));
    let refresh = Command::Refresh(PUBLIC.refresh(first.refresh_token.as_deref().unwrap()));
    assert!(around.world.borrow_mut().issued(refresh).is_err());
    with_site(&around, async |site| site.end_grant(USER, "no such grant").await).unwrap();
}

#[test]
fn ending_everything_ends_grants_of_before_too() {
    let around = Around::new();
    let ours = around.signed_in(&PUBLIC);
    around.put(&legacy_key("legacygrant00001"), &legacy("legacygrant00001", "old", None, true));
    around.put(&format!("token:{USER}:legacygrant00001:aa"), &json!({}));
    with_site(&around, async |site| site.end_grants(USER).await).unwrap();
    assert!(!around.lets_in(&ours));
    assert!(!around.has(&legacy_key("legacygrant00001")));
    assert!(!around.has(&format!("token:{USER}:legacygrant00001:aa")));
}

#[test]
fn a_client_goes_with_its_grants_and_no_other_does() {
    let around = Around::new();
    let (its, others) = (around.signed_in(&PUBLIC), around.signed_in(&CONFIDENTIAL));
    around.put("client:public", &json!({}));
    around.put(&legacy_key("legacygrant00001"), &legacy("legacygrant00001", "public", None, true));
    around.put(&legacy_key("legacygrant00002"), &legacy("legacygrant00002", "other", None, true));
    assert_eq!(with_site(&around, async |site| site.delete_client("public").await), Ok(true));
    assert!(!around.lets_in(&its) && around.lets_in(&others));
    assert!(!around.has("client:public"));
    assert!(!around.has(&legacy_key("legacygrant00001")) && around.has(&legacy_key("legacygrant00002")));
}

#[test]
fn the_purge_ends_what_nothing_can_be_done_with_any_more() {
    let around = Around::new();
    let (orphan, kept) = (around.signed_in(&PUBLIC), around.signed_in(&CONFIDENTIAL));
    around.put("client:confidential", &json!({}));
    let now = NOW / 1000;
    let cases = [
        ("expired000000001", Some(now - 1), true, false),
        ("lives00000000002", Some(now + 3600), true, true),
        ("endless000000003", None, true, true),
        ("tokenless0000004", None, false, false),
        ("implicit00000005", None, false, true),
    ];
    for (grant, expires, refreshable, _) in cases {
        around.put(&legacy_key(grant), &legacy(grant, "old", expires, refreshable));
    }
    around.put(&format!("token:{USER}:implicit00000005:aa"), &json!({}));
    around.outside.kv.pass_ms(11 * 60 * 1000);
    let done = around.purge().unwrap();
    assert_eq!(done, Purged { seen: 7, ended: 3, failed: 0, whole: true });
    assert!(!around.lets_in(&orphan) && around.lets_in(&kept));
    for (grant, _, _, stays) in cases {
        assert_eq!(around.has(&legacy_key(grant)), stays, "{grant}");
    }
}

#[test]
fn the_sessions_of_what_is_ended_end_and_no_others() {
    let around = Around::new();
    let (first, second) = (around.signed_in(&PUBLIC), around.signed_in(&CONFIDENTIAL));
    let note = |grant: &str, key: &str| {
        let (client, transport) = (String::new(), String::new());
        let session = SessionNote { key: key.to_owned(), client, transport, began: NOW, expires: NOW + DAY_MS };
        around.world.borrow_mut().run(Command::NoteSession { grant: grant.to_owned(), session }).unwrap();
    };
    for (issued, key) in [(&first, "a"), (&first, "b"), (&second, "c"), (&second, "d")] {
        note(&issued.grant, key);
    }
    // One that is not of that grant, or of nobody's, is left alone.
    for key in ["c", "x", ""] {
        with_site(&around, async |site| site.end_session(USER, &first.grant, key).await).unwrap();
    }
    assert!(around.ended.borrow().is_empty());
    with_site(&around, async |site| site.end_session(USER, &first.grant, "a").await).unwrap();
    assert_eq!(around.ended.take(), ["a"]);
    assert!(around.lets_in(&first), "a session ends, its grant goes on");
    let left = |around: &Around| with_site(around, async |site| site.grants_of(USER).await).unwrap();
    assert_eq!(left(&around)[0].sessions.len(), 1);
    around.sessions_stay.set(true);
    assert!(with_site(&around, async |site| site.end_session(USER, &first.grant, "b").await).is_err());
    assert_eq!(left(&around)[0].sessions.len(), 1, "it may be tried again");
    around.ended.take();
    // A client is disconnected although its session's object is away, which is asked again each minute.
    around.outside.away.set(true);
    with_site(&around, async |site| site.end_grant(USER, &first.grant).await).unwrap();
    assert!(!around.lets_in(&first));
    let mut world = around.world.borrow_mut();
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert!(around.outside.ended.take().is_empty());
    around.outside.away.set(false);
    world.pass_with_alarms(RETRY_DELETES_MS);
    assert_eq!(around.outside.ended.take(), ["b", "listeners"]);
    drop(world);
    with_site(&around, async |site| site.end_grants(USER).await).unwrap();
    assert_eq!(around.outside.ended.take(), ["c", "d", "listeners"]);
}

#[test]
fn a_client_that_is_deleted_loses_its_sessions() {
    let around = Around::new();
    let its = around.signed_in(&PUBLIC);
    let (client, transport) = (String::new(), String::new());
    let session = SessionNote { key: "a".to_owned(), client, transport, began: NOW, expires: NOW + DAY_MS };
    around.world.borrow_mut().run(Command::NoteSession { grant: its.grant.clone(), session }).unwrap();
    assert_eq!(with_site(&around, async |site| site.delete_client("public").await), Ok(true));
    assert_eq!(around.outside.ended.take(), ["a", "listeners"]);
    assert!(!around.lets_in(&its));
    let again = around.signed_in(&PUBLIC);
    let access = around.world.borrow().access(&again.access_token).unwrap();
    assert!(access.sessions_since > NOW / 1000);
}
