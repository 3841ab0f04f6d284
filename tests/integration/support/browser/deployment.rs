//! A deployment with sign-in and its users' objects.

mod visit;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;
use durable_mcp::{App, Server};
use durable_mcp_worker::http::request_runtime::{ModelRequest, ModelWork, RelayRequest, RelayWork};
use durable_mcp_worker::http::sign_in::IdentitySignIn;
use durable_mcp_worker::session::log_line::LogLine;
use durable_mcp_worker::transport::session_id::SessionClaims;
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::Method;
use oauth_server::authority::{Authority, AuthorityHost};
use oauth_server::configured;
use oauth_server::event::Event;
use oauth_server::grant::RemoteHolding;
use oauth_server::grant_store::GrantStore;
use oauth_server::params::encode_query;
use oauth_server::port::Kv;
use oauth_server::provider::OAuth;
use oauth_server::rates::Rates;
use oauth_server::testing::{KvCall, MemoryKv, MemoryWeb, SeededRandom};
use oauth_server::token::UserHandle;
use serde_json::{Value, json};
use sign_in::testing::FakeUpstream as NoWeb;
use sign_in::{
    Callback, DynIdentityProvider, Identity, IdentityError, IdentityProvider, LoginRequest,
    Redirect,
};

use super::super::grants::{MemoryRows, NOW};
use super::Browser;

pub(crate) const ORIGIN: &str = "https://mcp.example";
pub(crate) const UPSTREAM: &str = "https://id.example/authorize";
pub(crate) const REDIRECT: &str = "https://client.example/callback";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Signs in whoever the code names; other codes fail as they are named.
pub(crate) struct StandIn;

impl IdentityProvider for StandIn {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        let query = encode_query(&[
            ("state", request.state),
            ("redirect_uri", request.redirect_uri),
        ]);
        Ok(Redirect {
            url: format!("{UPSTREAM}?{query}"),
            flow_state: json!({ "verifier": "v" }),
        })
    }

    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        assert_eq!(callback.flow_state["verifier"], "v");
        let text = "a text of the upstream".to_owned();
        Err(match callback.params.get("code").unwrap_or_default() {
            "denied" => IdentityError::Denied(text),
            "refused" => IdentityError::Refused(text),
            "away" => IdentityError::Unavailable(text),
            "stranger" => IdentityError::NotAllowed("<b>mallory".to_owned()),
            name => {
                return Ok(Identity {
                    subject: format!("stand-in:{name}"),
                    name: Some(name.to_owned()),
                    props: json!({ "name": name }),
                });
            }
        })
    }

    fn title(&self) -> &'static str {
        "Stand-in"
    }
}

/// Stores and keys that all users' objects and requests share.
struct Shared {
    kv: MemoryKv,
    random: SeededRandom,
    keys: Rc<Keys>,
    /// Sessions that have ended, by their objects' ids.
    ended: Rc<RefCell<Vec<String>>>,
}

impl Shared {
    fn end_session(&self, key: &str) {
        self.ended
            .borrow_mut()
            .push(SessionClaims::of_key(key).unwrap().object.to_hex());
    }
}

struct UserObject {
    shared: Rc<Shared>,
    user: UserHandle,
    rows: Rc<MemoryRows>,
}

impl Runtime for UserObject {
    fn now(&self) -> u64 {
        self.shared.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        async { Ok(Rc::clone(&self.shared.keys)) }.boxed_local()
    }

    fn random(&self) -> &dyn Random {
        &self.shared.random
    }

    fn warn(&self, _: &str) {}
}

impl AuthorityHost for UserObject {
    fn kv(&self) -> &dyn Kv {
        &self.shared.kv
    }

    fn store(&self) -> &dyn GrantStore {
        &*self.rows
    }

    fn user(&self) -> &UserHandle {
        &self.user
    }

    fn end<'a>(
        &'a self,
        remote: RemoteHolding<'a>,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        if let RemoteHolding::Session(key) = remote {
            self.shared.end_session(key);
        }
        async { Ok(()) }.boxed_local()
    }

    fn sleep(&self, _: u32) -> LocalBoxFuture<'static, ()> {
        std::future::pending().boxed_local()
    }

    fn event(&self, _: &Event) {}
}

/// The server.
pub(crate) struct Deployment {
    pub(crate) app: App,
    shared: Rc<Shared>,
    users: RefCell<BTreeMap<String, Rc<Authority>>>,
    rows: RefCell<BTreeMap<String, Rc<MemoryRows>>>,
    rates: RefCell<Rates>,
    pub(crate) web: MemoryWeb,
    objects: Cell<u8>,
    /// Sessions that have ended, by their objects' ids.
    pub(crate) ended: Rc<RefCell<Vec<String>>>,
    /// A key that is not known may come.
    pub(crate) awaits_keys: Cell<bool>,
    /// Users' objects cannot be reached.
    pub(crate) is_down: Cell<bool>,
    /// The answer of users' objects in place of their outcomes, as another version may give.
    pub(crate) outcome: RefCell<Option<String>>,
    /// A fetch could reach what only this server can.
    pub(crate) is_inside: Cell<bool>,
    pub(crate) log: RefCell<Vec<String>>,
    /// Requests to models, and what is to be done at their ends.
    pub(crate) asked: RefCell<Vec<(ModelRequest, Rc<dyn ModelWork>)>>,
    /// Addresses of names, as a resolver tells them; any other name has a public one.
    pub(crate) names: RefCell<BTreeMap<String, Vec<String>>>,
    /// Names that a resolver was asked for.
    pub(crate) looked_up: RefCell<Vec<String>>,
    /// Requests that were relayed, and what is to be done at their ends.
    pub(crate) relayed: RefCell<Vec<(RelayRequest, Rc<dyn RelayWork>)>>,
    /// True if answers to relayed requests are event streams.
    pub(crate) streams: Cell<bool>,
    /// True if requests are never relayed: their clients left before they were prepared.
    pub(crate) relays_nothing: Cell<bool>,
    /// Lines of requests.
    pub(crate) lines: RefCell<Vec<LogLine>>,
}

/// A request at the Worker.
pub(super) struct Visit<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) ends: bool,
    pub(super) body: String,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        Self::with_clients("[]")
    }

    /// A deployment whose operator registered clients.
    pub(crate) fn with_clients(clients: &str) -> Self {
        let clients = configured::parse(clients, &[]).unwrap();
        Self::set_up(|oauth| {
            let oauth = oauth
                .clients(clients)
                .scopes(&["read", "write", "admin"])
                .unwrap();
            oauth.describe_scope("read", "Read <notes>")
        })
    }

    /// A deployment whose provider is set up by `set_up`.
    pub(crate) fn set_up(set_up: impl FnOnce(OAuth) -> OAuth) -> Self {
        Self::of(Self::app(set_up))
    }

    /// A deployment that sets variables.
    pub(crate) fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::set_up_with(|oauth| oauth, variables)
    }

    /// A deployment whose provider is set up by `set_up`, and that sets variables.
    pub(crate) fn set_up_with(
        set_up: impl FnOnce(OAuth) -> OAuth,
        variables: &[(&str, &str)],
    ) -> Self {
        let read = |name: &str| {
            variables
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Self::of(Self::app(set_up).with_variables(&read))
    }

    fn app(set_up: impl FnOnce(OAuth) -> OAuth) -> App {
        let sign_in = IdentitySignIn::over(Ok(Rc::new(StandIn)), Rc::new(NoWeb::default()));
        App::new(Server::new("s", "1").title("Notes")).oauth(set_up(sign_in.oauth()))
    }

    /// The same, with the users of workers-oauth-provider.
    pub(crate) fn taking_over() -> Self {
        let oauth = IdentitySignIn::over(Ok(Rc::new(StandIn)), Rc::new(NoWeb::default())).oauth();
        Self::of(App::new(Server::new("s", "1")).oauth(oauth.take_over_workers_oauth_provider()))
    }

    /// The same with another identity provider in front, after a deployment.
    pub(crate) fn switch_to(&mut self, provider: Rc<dyn DynIdentityProvider>) {
        let oauth = IdentitySignIn::over(Ok(provider), Rc::new(NoWeb::default())).oauth();
        let oauth = oauth.scopes(&["read", "write", "admin"]).unwrap();
        self.app = App::new(Server::new("s", "1").title("Notes")).oauth(oauth);
    }

    pub(crate) fn misconfigured(text: &str) -> Self {
        let error = IdentityError::Misconfigured(text.to_owned());
        let sign_in = IdentitySignIn::over(Err(error), Rc::new(NoWeb::default()));
        Self::of(App::new(Server::new("s", "1")).oauth(sign_in.oauth()))
    }

    fn of(app: App) -> Self {
        let (kv, random) = (MemoryKv::at(NOW), SeededRandom::new(1));
        let (keys, ended) = (
            Rc::new(Keys::from_secret("a secret")),
            Rc::<RefCell<Vec<String>>>::default(),
        );
        Self {
            app,
            shared: Rc::new(Shared {
                kv,
                random,
                keys,
                ended: Rc::clone(&ended),
            }),
            users: RefCell::default(),
            rows: RefCell::default(),
            rates: RefCell::default(),
            web: MemoryWeb::default(),
            objects: Cell::default(),
            ended,
            awaits_keys: Cell::new(false),
            is_down: Cell::new(false),
            outcome: RefCell::default(),
            is_inside: Cell::new(false),
            log: RefCell::default(),
            asked: RefCell::default(),
            names: RefCell::default(),
            looked_up: RefCell::default(),
            relayed: RefCell::default(),
            streams: Cell::new(false),
            relays_nothing: Cell::new(false),
            lines: RefCell::default(),
        }
    }

    /// True if a line of the log contains the text.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.log.borrow().iter().any(|line| line.contains(text))
    }

    /// The answer of the request to a model that was made at that place is over.
    pub(crate) fn answered(&self, at: usize, used: Option<u64>) {
        let (_, work) = self
            .asked
            .borrow()
            .get(at)
            .map(|(request, work)| (request.clone(), Rc::clone(work)))
            .unwrap();
        work.over(&self.visit(), used);
    }

    /// The answer to the request that was relayed at that place is over.
    pub(crate) fn passed_on(&self, at: usize, bytes: u64) {
        let work = Rc::clone(&self.relayed.borrow()[at].1);
        block_on(work.over(&self.visit(), bytes));
    }

    /// Checks whether the relayed request with that index may continue.
    pub(crate) fn goes_on(&self, at: usize) -> bool {
        let work = Rc::clone(&self.relayed.borrow()[at].1);
        block_on(work.goes_on(&self.visit()))
    }

    fn visit(&self) -> Visit<'_> {
        Visit {
            deployment: self,
            ends: false,
            body: String::new(),
        }
    }

    pub(crate) fn pass_ms(&self, ms: u64) {
        self.shared.kv.pass_ms(ms);
    }

    pub(crate) fn kv(&self) -> &MemoryKv {
        &self.shared.kv
    }

    /// Sets a record in Workers KV, as another version may have written it.
    pub(crate) fn set_record(&self, key: &str, value: &str) {
        self.shared.kv.set(key, value);
    }

    /// The records in Workers KV.
    pub(crate) fn records(&self) -> BTreeMap<String, String> {
        let kv = &self.shared.kv;
        kv.keys("")
            .into_iter()
            .map(|key| (key.clone(), kv.value(&key).unwrap()))
            .collect()
    }

    /// Deletes a record from Workers KV.
    pub(crate) fn delete_record(&self, key: &str) {
        block_on(self.shared.kv.delete(key)).unwrap();
    }

    /// Number of reads from Workers KV of keys that contain `part`.
    pub(crate) fn gets_of(&self, part: &str) -> usize {
        self.shared
            .kv
            .called(KvCall::Get)
            .iter()
            .filter(|key| key.contains(part))
            .count()
    }

    /// The rows of a user.
    pub(crate) fn rows(&self, user: &UserHandle) -> Rc<MemoryRows> {
        Rc::clone(
            self.rows
                .borrow_mut()
                .entry(user.as_str().to_owned())
                .or_default(),
        )
    }

    /// The objects of all users are restarted, so that they read their rows anew.
    pub(crate) fn restart(&self) {
        self.users.borrow_mut().clear();
    }

    /// The keys.
    pub(crate) fn keys(&self) -> Rc<Keys> {
        Rc::clone(&self.shared.keys)
    }

    /// Registers a client and gives its id.
    pub(crate) fn register(&self, metadata: &Value) -> String {
        let mut client = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "C" });
        client
            .as_object_mut()
            .unwrap()
            .extend(metadata.as_object().unwrap().clone());
        let shown = Browser::new(self).send(Method::POST, "/register", &client.to_string(), &[]);
        let answer: Value = serde_json::from_str(&shown.text).unwrap();
        answer["client_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }
}
