//! A deployment with sign-in and its users' objects.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_mcp::http::request_runtime::{
    ForwardedRequest, ModelAnswer, ModelRequest, ModelWork, ObjectTarget, RelayAnswer, RelayRequest, RelayWork,
    RequestRuntime, StartTask,
};
use durable_mcp::http::sign_in::IdentitySignIn;
use durable_mcp::hub::Listener;
use durable_mcp::identity::stand_in::StandIn as NoWeb;
use durable_mcp::identity::{Answer, Asked, Begun, Flow, Identity, IdentityError, IdentityProvider};
use durable_mcp::keys::{KeyId, Keys};
use durable_mcp::mcp::Error;
use durable_mcp::mcp::user::Caller;
use durable_mcp::oauth::auth_server::{BodyError, OAuthRuntime};
use durable_mcp::oauth::authority::{Authority, AuthorityHost};
use durable_mcp::oauth::configured;
use durable_mcp::oauth::event::Event;
use durable_mcp::oauth::grant::Remote;
use durable_mcp::oauth::grant_store::GrantStore;
use durable_mcp::oauth::memory::{Call, MemoryKv, MemoryWeb, SeededRandom};
use durable_mcp::oauth::metadata_document::Fetch;
use durable_mcp::oauth::params::encode_query;
use durable_mcp::oauth::port::Kv;
use durable_mcp::oauth::provider::OAuth;
use durable_mcp::oauth::rates::Rates;
use durable_mcp::oauth::token::UserHandle;
use durable_mcp::runtime::Random;
use durable_mcp::runtime::Runtime;
use durable_mcp::session::host::CallRuntime;
use durable_mcp::session::log_line::LogLine;
use durable_mcp::task::command::Command;
use durable_mcp::transport::claims::{Claims, ObjectId};
use durable_mcp::transport::refusal::Refusal;
use durable_mcp::wire::{Body, Reply, RuntimeError};
use durable_mcp::{App, Server};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::grants::{MemoryRows, NOW, SESSION_MS};
use super::Browser;
use durable_mcp::testing::doubles::host::FakeHost;

pub(crate) const ORIGIN: &str = "https://mcp.example";
pub(crate) const UPSTREAM: &str = "https://id.example/authorize";
pub(crate) const REDIRECT: &str = "https://client.example/callback";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Signs in whoever the code names; other codes fail as they are named.
pub(crate) struct StandIn;

impl IdentityProvider for StandIn {
    fn begin<'a>(&'a self, flow: Flow<'a>) -> Asked<'a, Begun> {
        let url = format!("{UPSTREAM}?{}", encode_query(&[("state", flow.state), ("redirect_uri", flow.callback)]));
        async move { Ok(Begun { url, kept: json!({ "verifier": "v" }) }) }.boxed_local()
    }

    fn finish<'a>(&'a self, answer: Answer<'a>) -> Asked<'a, Identity> {
        let code = answer.params.get("code").unwrap_or_default().to_owned();
        assert_eq!(answer.kept["verifier"], "v");
        let text = "a text of the upstream".to_owned();
        async move {
            Err(match code.as_str() {
                "denied" => IdentityError::Denied(text),
                "refused" => IdentityError::Refused(text),
                "away" => IdentityError::Unavailable(text),
                "stranger" => IdentityError::NotAllowed("<b>mallory".to_owned()),
                name => {
                    let props = json!({ "name": name });
                    return Ok(Identity { subject: format!("stand-in:{name}"), name: Some(name.to_owned()), props });
                }
            })
        }
        .boxed_local()
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
        self.ended.borrow_mut().push(Claims::of_key(key).unwrap().object.to_hex());
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

    fn end<'a>(&'a self, remote: Remote<'a>) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        if let Remote::Session(key) = remote {
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
        let clients = configured::read(clients, &[]).unwrap();
        Self::set_up(|oauth| {
            let oauth = oauth.clients(clients).scopes(&["read", "write", "admin"]).unwrap();
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
    pub(crate) fn set_up_with(set_up: impl FnOnce(OAuth) -> OAuth, variables: &[(&str, &str)]) -> Self {
        let read = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Self::of(Self::app(set_up).with_variables(&read))
    }

    fn app(set_up: impl FnOnce(OAuth) -> OAuth) -> App {
        let sign_in = IdentitySignIn::new(Rc::new(StandIn), Rc::new(NoWeb::default()));
        App::new(Server::new("s", "1").title("Notes")).oauth(set_up(sign_in.oauth()))
    }

    /// The same, with the users of workers-oauth-provider.
    pub(crate) fn taking_over() -> Self {
        let oauth = IdentitySignIn::new(Rc::new(StandIn), Rc::new(NoWeb::default())).oauth();
        Self::of(App::new(Server::new("s", "1")).oauth(oauth.take_over_workers_oauth_provider()))
    }

    /// The same with another identity provider in front, after a deployment.
    pub(crate) fn switch_to(&mut self, provider: Rc<dyn IdentityProvider>) {
        let oauth = IdentitySignIn::new(provider, Rc::new(NoWeb::default())).oauth();
        let oauth = oauth.scopes(&["read", "write", "admin"]).unwrap();
        self.app = App::new(Server::new("s", "1").title("Notes")).oauth(oauth);
    }

    pub(crate) fn misconfigured(text: &str) -> Self {
        let error = IdentityError::Misconfigured(text.to_owned());
        let sign_in = IdentitySignIn::misconfigured(&error, Rc::new(NoWeb::default()));
        Self::of(App::new(Server::new("s", "1")).oauth(sign_in.oauth()))
    }

    fn of(app: App) -> Self {
        let (kv, random) = (MemoryKv::at(NOW), SeededRandom::new(1));
        let (keys, ended) = (Rc::new(Keys::from_secret("a secret")), Rc::<RefCell<Vec<String>>>::default());
        Self {
            app,
            shared: Rc::new(Shared { kv, random, keys, ended: Rc::clone(&ended) }),
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
            lines: RefCell::default(),
        }
    }

    /// The answer of the request to a model that was made at that place is over.
    pub(crate) fn answered(&self, at: usize, used: Option<u64>) {
        let (_, work) = self.asked.borrow().get(at).map(|(request, work)| (request.clone(), Rc::clone(work))).unwrap();
        work.over(&self.visit(), used);
    }

    /// The answer to the request that was relayed at that place is over.
    pub(crate) fn passed_on(&self, at: usize, bytes: u64) {
        let work = Rc::clone(&self.relayed.borrow()[at].1);
        block_on(work.over(&self.visit(), bytes, self.streams.get()));
    }

    /// Checks whether the relayed stream with that index may continue.
    pub(crate) fn goes_on(&self, at: usize) -> bool {
        let work = Rc::clone(&self.relayed.borrow()[at].1);
        block_on(work.goes_on(&self.visit()))
    }

    fn visit(&self) -> Visit<'_> {
        Visit { deployment: self, ends: false, body: String::new() }
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
        kv.keys("").into_iter().map(|key| (key.clone(), kv.value(&key).unwrap())).collect()
    }

    /// Deletes a record from Workers KV.
    pub(crate) fn delete_record(&self, key: &str) {
        block_on(self.shared.kv.delete(key)).unwrap();
    }

    /// Number of reads from Workers KV of keys that contain `part`.
    pub(crate) fn gets_of(&self, part: &str) -> usize {
        self.shared.kv.called(Call::Get).iter().filter(|key| key.contains(part)).count()
    }

    /// The rows of a user.
    pub(crate) fn rows(&self, user: &UserHandle) -> Rc<MemoryRows> {
        Rc::clone(self.rows.borrow_mut().entry(user.as_str().to_owned()).or_default())
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
        let mut client =
            json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "C" });
        client.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        let shown = Browser::new(self).send(Method::POST, "/register", &client.to_string(), &[]);
        let answer: Value = serde_json::from_str(&shown.text).unwrap();
        answer["client_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

impl Runtime for Visit<'_> {
    fn now(&self) -> u64 {
        self.deployment.shared.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        async { Ok(Rc::clone(&self.deployment.shared.keys)) }.boxed_local()
    }

    fn awaits_key(&self, _: KeyId) -> bool {
        self.deployment.awaits_keys.get()
    }

    fn random(&self) -> &dyn Random {
        &self.deployment.shared.random
    }

    fn warn(&self, message: &str) {
        self.deployment.log.borrow_mut().push(message.to_owned());
    }
}

impl OAuthRuntime for Visit<'_> {
    fn kv(&self) -> &dyn Kv {
        &self.deployment.shared.kv
    }

    fn web(&self) -> Option<&dyn Fetch> {
        (!self.deployment.is_inside.get()).then_some(&self.deployment.web)
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.deployment.rates
    }

    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        async move {
            if self.deployment.is_down.get() {
                return Err(RuntimeError("the object is away".to_owned()));
            }
            if let Some(outcome) = &*self.deployment.outcome.borrow() {
                return Ok(outcome.clone());
            }
            let authority = {
                let mut users = self.deployment.users.borrow_mut();
                let made = users.entry(handle.as_str().to_owned()).or_insert_with(|| {
                    let rows = self.deployment.rows(handle);
                    let host = UserObject { shared: Rc::clone(&self.deployment.shared), user: handle.clone(), rows };
                    Rc::new(Authority::new(Rc::new(host), Rc::default(), Rc::default(), SESSION_MS))
                });
                Rc::clone(made)
            };
            let outcome = authority.handle(serde_json::from_str(&command).unwrap()).await;
            Ok(serde_json::to_string(&outcome).unwrap())
        }
        .boxed_local()
    }

    fn command_later(&self, handle: &UserHandle, command: String) {
        if let Some(Err(fault)) = self.command(handle, command).now_or_never() {
            self.warn(&fault.0);
        }
    }

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        self.deployment.shared.end_session(key);
        async { Ok(()) }.boxed_local()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        let fits = self.body.len() <= limit;
        async move { if fits { Ok(self.body.clone()) } else { Err(BodyError::TooLarge) } }.boxed_local()
    }

    fn event(&self, _: &Event) {}
}

impl RequestRuntime for Visit<'_> {
    fn oauth_runtime(&self) -> Option<&dyn OAuthRuntime> {
        Some(self)
    }

    fn call_runtime(&self) -> Rc<dyn CallRuntime> {
        FakeHost::new(String::new())
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        std::future::pending().boxed_local()
    }

    fn object_named(&self, _: &str) -> Result<ObjectId, RuntimeError> {
        Err(RuntimeError("no states here".to_owned()))
    }

    fn begin_task(&self) -> StartTask {
        Rc::new(|_, _| async { Err(RuntimeError("no tasks here".to_owned())) }.boxed_local())
    }

    fn of_task<'a>(
        &'a self,
        _: ObjectId,
        _: Command,
        _: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, RuntimeError>> {
        async { Err(RuntimeError("no tasks here".to_owned())) }.boxed_local()
    }

    fn subscribe<'a>(&'a self, _: &'a Listener) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        async { Err(RuntimeError("no hub here".to_owned())) }.boxed_local()
    }

    fn new_object(&self) -> Result<ObjectId, RuntimeError> {
        self.deployment.objects.set(self.deployment.objects.get() + 1);
        Ok(ObjectId([self.deployment.objects.get(); 32]))
    }

    fn own_route<'a>(&'a self, _: &'a Rc<dyn std::any::Any>) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        async { Ok(Reply::empty(StatusCode::IM_A_TEAPOT)) }.boxed_local()
    }

    fn playground_file(&self, framed: &str, server: Option<&str>) -> Result<Reply, RuntimeError> {
        let file = Reply { body: Body::Text(server.unwrap_or_default().to_owned()), ..Reply::default() };
        Ok(file.header("content-security-policy", format!("frame-src {framed}")))
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        async { Ok(self.body.clone()) }.boxed_local()
    }

    /// Notes the request, which is under way until the deployment ends it.
    fn ask_model(
        &self,
        work: Rc<dyn ModelWork>,
    ) -> LocalBoxFuture<'_, Result<Result<ModelAnswer, Reply>, RuntimeError>> {
        async move {
            let request = match work.prepare(self).await {
                Ok(request) => request,
                Err(refused) => return Ok(Err(refused)),
            };
            self.deployment.asked.borrow_mut().push((request, work));
            let body = Body::Text("data: [DONE]\n\n".to_owned());
            Ok(Ok(ModelAnswer::Stream { is_document: false, body }))
        }
        .boxed_local()
    }

    /// As a session's object answers: with nothing, or that it has ended.
    fn forward(&self, order: ForwardedRequest) -> Result<Reply, RuntimeError> {
        let (ObjectTarget::Session(object) | ObjectTarget::Task(object)) = order.place;
        let object = object.to_hex();
        if self.deployment.ended.borrow().contains(&object) {
            return Ok(Refusal::EndedSession.into());
        }
        if self.ends {
            self.deployment.ended.borrow_mut().push(object);
        }
        Ok(Reply::empty(if self.ends { StatusCode::NO_CONTENT } else { StatusCode::OK }))
    }

    fn listen(&self, _: ForwardedRequest, _: String) -> LocalBoxFuture<'_, Result<Reply, RuntimeError>> {
        async { Err(RuntimeError("no streams here".to_owned())) }.boxed_local()
    }

    fn look_up<'a>(&'a self, url: &'a str) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        let name = url.split(['=', '&']).nth(1).unwrap().to_owned();
        let names = self.deployment.names.borrow();
        let known = names.get(&name).cloned().unwrap_or_else(|| vec!["93.184.215.14".to_owned()]);
        let (wanted, kind) = if url.ends_with("=AAAA") { (true, 28) } else { (false, 1) };
        let answer: Vec<Value> = known
            .iter()
            .filter(|address| address.contains(':') == wanted)
            .map(|data| json!({ "name": name, "type": kind, "data": data }))
            .collect();
        self.deployment.looked_up.borrow_mut().push(name);
        async move { Ok(json!({ "Status": 0, "Answer": answer }).to_string()) }.boxed_local()
    }

    /// Notes the request, which is under way until the deployment ends it.
    fn relay(
        &self,
        request: RelayRequest,
        work: Rc<dyn RelayWork>,
    ) -> LocalBoxFuture<'_, Result<Result<RelayAnswer, Reply>, RuntimeError>> {
        async move {
            let is_stream = self.deployment.streams.get();
            if let Err(refused) = work.answered(self, 200, is_stream).await {
                return Ok(Err(refused));
            }
            self.deployment.relayed.borrow_mut().push((request, work));
            let media_type = if is_stream { "text/event-stream" } else { "application/json" };
            let headers = [("set-cookie", "a=b"), ("server", "x"), ("mcp-session-id", "the-session")];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let body = Some(Body::Text("{}".to_owned()));
            Ok(Ok(RelayAnswer { status: 200, headers, media_type: media_type.to_owned(), body }))
        }
        .boxed_local()
    }

    fn log(&self, line: &LogLine) {
        self.deployment.lines.borrow_mut().push(line.clone());
    }
}
