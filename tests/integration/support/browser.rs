//! A deployment with sign-in, its users' objects, and a person's browser with its cookies.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_mcp::http::edge::{Edge, Order, Place, StartTask};
use durable_mcp::http::router;
use durable_mcp::http::sign_in::IdentitySignIn;
use durable_mcp::hub::Listener;
use durable_mcp::identity::stand_in::StandIn as NoWeb;
use durable_mcp::identity::{Answer, Asked, Begun, Flow, Identity, IdentityError, IdentityProvider};
use durable_mcp::keys::{KeyId, Keys};
use durable_mcp::mcp::Error;
use durable_mcp::mcp::user::Caller;
use durable_mcp::oauth::authority::{Authority, AuthorityHost};
use durable_mcp::oauth::configured;
use durable_mcp::oauth::event::Event;
use durable_mcp::oauth::grant::Remote;
use durable_mcp::oauth::grant_store::GrantStore;
use durable_mcp::oauth::memory::{Call, MemoryKv, MemoryWeb, SeededRandom};
use durable_mcp::oauth::metadata_document::Fetch;
use durable_mcp::oauth::params::{Params, encode_query};
use durable_mcp::oauth::port::Kv;
use durable_mcp::oauth::provider::OAuth;
use durable_mcp::oauth::rates::Rates;
use durable_mcp::oauth::site::{BodyError, Surroundings};
use durable_mcp::oauth::token::Handle;
use durable_mcp::runtime::Random;
use durable_mcp::runtime::Runtime;
use durable_mcp::session::host::Around;
use durable_mcp::session::log_line::LogLine;
use durable_mcp::task::command::Command;
use durable_mcp::transport::claims::{Claims, ObjectId};
use durable_mcp::transport::refusal::Refusal;
use durable_mcp::wire::{Body, Fault, Head, Headers, Reply};
use durable_mcp::{App, Server};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::grants::{MemoryRows, NOW, SESSION_MS, VERIFIER};
use super::host::FakeHost;

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

/// What all users' objects and requests share.
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
    user: Handle,
    rows: Rc<MemoryRows>,
}

impl Runtime for UserObject {
    fn now(&self) -> u64 {
        self.shared.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
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

    fn user(&self) -> &Handle {
        &self.user
    }

    fn end<'a>(&'a self, remote: Remote<'a>) -> LocalBoxFuture<'a, Result<(), Fault>> {
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
    app: App,
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
    /// A fetch could reach what only this server can.
    pub(crate) is_inside: Cell<bool>,
    pub(crate) log: RefCell<Vec<String>>,
}

/// One request.
struct Visit<'a> {
    deployment: &'a Deployment,
    ends: bool,
    body: String,
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
        let read = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Self::of(Self::app(|oauth| oauth).with_variables(&read))
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
            is_inside: Cell::new(false),
            log: RefCell::default(),
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
        kv.keys("").into_iter().map(|key| (key.clone(), kv.value(&key).unwrap())).collect()
    }

    /// Deletes a record from Workers KV.
    pub(crate) fn delete_record(&self, key: &str) {
        block_on(self.shared.kv.delete(key)).unwrap();
    }

    /// How often Workers KV was asked for keys with that part.
    pub(crate) fn gets_of(&self, part: &str) -> usize {
        self.shared.kv.called(Call::Get).iter().filter(|key| key.contains(part)).count()
    }

    /// The rows of a user.
    pub(crate) fn rows(&self, user: &Handle) -> Rc<MemoryRows> {
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

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
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

impl Surroundings for Visit<'_> {
    fn kv(&self) -> &dyn Kv {
        &self.deployment.shared.kv
    }

    fn web(&self) -> Option<&dyn Fetch> {
        (!self.deployment.is_inside.get()).then_some(&self.deployment.web)
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.deployment.rates
    }

    fn command<'a>(&'a self, handle: &'a Handle, command: String) -> LocalBoxFuture<'a, Result<String, Fault>> {
        async move {
            if self.deployment.is_down.get() {
                return Err(Fault("the object is away".to_owned()));
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

    fn command_later(&self, handle: &Handle, command: String) {
        if let Some(Err(fault)) = self.command(handle, command).now_or_never() {
            self.warn(&fault.0);
        }
    }

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), Fault>> {
        self.deployment.shared.end_session(key);
        async { Ok(()) }.boxed_local()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        let fits = self.body.len() <= limit;
        async move { if fits { Ok(self.body.clone()) } else { Err(BodyError::TooLarge) } }.boxed_local()
    }

    fn event(&self, _: &Event) {}
}

impl Edge for Visit<'_> {
    fn surroundings(&self) -> Option<&dyn Surroundings> {
        Some(self)
    }

    fn around(&self) -> Rc<dyn Around> {
        FakeHost::new(String::new())
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        std::future::pending().boxed_local()
    }

    fn object_named(&self, _: &str) -> Result<ObjectId, Fault> {
        Err(Fault("no states here".to_owned()))
    }

    fn begin_task(&self) -> StartTask {
        Rc::new(|_, _| async { Err(Fault("no tasks here".to_owned())) }.boxed_local())
    }

    fn of_task<'a>(
        &'a self,
        _: ObjectId,
        _: Command,
        _: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, Fault>> {
        async { Err(Fault("no tasks here".to_owned())) }.boxed_local()
    }

    fn subscribe<'a>(&'a self, _: &'a Listener) -> LocalBoxFuture<'a, Result<Reply, Fault>> {
        async { Err(Fault("no hub here".to_owned())) }.boxed_local()
    }

    fn new_object(&self) -> Result<ObjectId, Fault> {
        self.deployment.objects.set(self.deployment.objects.get() + 1);
        Ok(ObjectId([self.deployment.objects.get(); 32]))
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        async { Ok(self.body.clone()) }.boxed_local()
    }

    /// As a session's object answers: with nothing, or that it has ended.
    fn forward(&self, order: Order) -> Result<Reply, Fault> {
        let (Place::Session(object) | Place::Task(object)) = order.place;
        let object = object.to_hex();
        if self.deployment.ended.borrow().contains(&object) {
            return Ok(Refusal::EndedSession.into());
        }
        if self.ends {
            self.deployment.ended.borrow_mut().push(object);
        }
        Ok(Reply::empty(if self.ends { StatusCode::NO_CONTENT } else { StatusCode::OK }))
    }

    fn listen(&self, _: Order, _: String) -> LocalBoxFuture<'_, Result<Reply, Fault>> {
        async { Err(Fault("no streams here".to_owned())) }.boxed_local()
    }

    fn log(&self, _: &LogLine) {}
}

struct Sent(Vec<(String, String)>);

impl Headers for Sent {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.into())
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// What a browser shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) text: String,
}

impl Shown {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.text))
    }

    /// A parameter of where it leads.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let query = self.location().split_once('?')?.1;
        Params::parse(query).unwrap().get(name).map(str::to_owned)
    }

    /// The value of a form's field.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&start).unwrap_or_else(|| panic!("no {name}: {}", self.text));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A person's browser.
pub(crate) struct Browser<'a> {
    deployment: &'a Deployment,
    pub(crate) origin: String,
    /// As RFC 6265 orders them: a cookie that is set again keeps its place.
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) set: Vec<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(deployment: &'a Deployment) -> Self {
        Self { deployment, origin: ORIGIN.to_owned(), cookies: Vec::new(), set: Vec::new() }
    }

    pub(crate) fn send(&mut self, method: Method, url: &str, body: &str, headers: &[(&str, &str)]) -> Shown {
        let url = url.strip_prefix(&self.origin).unwrap_or(url);
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, host) = self.origin.split_once("://").unwrap();
        let mut sent: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sent.push(("cookie".to_owned(), cookies.join("; ")));
        let media_type = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        sent.push(("content-type".to_owned(), media_type.to_owned()));
        let head = Head {
            method,
            secure: scheme == "https",
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Rc::new(Sent(sent)),
        };
        let ends = head.method == Method::DELETE;
        let visit = Visit { deployment: self.deployment, ends, body: body.to_owned() };
        let reply = block_on(router::handle(&self.deployment.app, &head, &visit));
        for (_, line) in reply.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            self.take(line);
        }
        let Body::Text(text) = reply.body else {
            return Shown { status: reply.status.as_u16(), headers: reply.headers, text: String::new() };
        };
        Shown { status: reply.status.as_u16(), headers: reply.headers, text }
    }

    fn take(&mut self, line: &str) {
        self.set.push(line.to_owned());
        let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
        if line.contains("Max-Age=0") {
            self.cookies.retain(|(known, _)| known != name);
        } else if let Some(known) = self.cookies.iter_mut().find(|(known, _)| known == name) {
            value.clone_into(&mut known.1);
        } else {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(crate) fn pass_ms(&self, ms: u64) {
        self.deployment.pass_ms(ms);
    }

    pub(crate) fn get(&mut self, url: &str) -> Shown {
        self.send(Method::GET, url, "", &[])
    }

    pub(crate) fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Shown {
        let origin = self.origin.clone();
        self.send(Method::POST, url, &encode_query(fields), &[("origin", &origin)])
    }

    /// Comes with a client's request; `more` replaces its parameters.
    pub(crate) fn asked(&mut self, client: &str, more: &[(&str, &str)]) -> Shown {
        let usual = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("state", "the client's"),
            ("scope", "read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let pairs: Vec<_> = kept.chain(more.iter().copied()).collect();
        self.get(&format!("/authorize?{}", encode_query(&pairs)))
    }

    /// Answers a consent page.
    pub(crate) fn decide(&mut self, page: &Shown, decision: &str) -> Shown {
        let (flow, csrf) = (page.field("flow"), page.field("csrf"));
        self.post("/authorize", &[("flow", &flow), ("csrf", &csrf), ("decision", decision), ("remember", "yes")])
    }

    /// Comes back from the identity provider with a code: that of the person's name.
    pub(crate) fn back(&mut self, state: &str, code: &str) -> Shown {
        self.get(&format!("/callback?{}", encode_query(&[("code", code), ("state", state)])))
    }

    /// Approves and signs in.
    pub(crate) fn approved(&mut self, page: &Shown, person: &str) -> Shown {
        let left = self.decide(page, "approve");
        assert_eq!(left.status, 303, "{left:?} {:?}", self.deployment.log);
        let state = left.sent("state").unwrap();
        self.back(&state, person)
    }

    /// The client gets its tokens.
    pub(crate) fn redeemed(&mut self, client: &str, back: &Shown) -> String {
        let code = back.sent("code").unwrap();
        let form = [("grant_type", "authorization_code"), ("client_id", client), ("code", &code)];
        let answer = self.post("/token", &[form.as_slice(), &[("code_verifier", VERIFIER)]].concat());
        let tokens: Value = serde_json::from_str(&answer.text).unwrap();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    /// What a client calls with a token, in a session or to begin one.
    pub(crate) fn call(&mut self, method: Method, token: &str, session: Option<&str>, message: &Value) -> Shown {
        let bearer = format!("Bearer {token}");
        let accept = ("accept", "application/json, text/event-stream");
        let session = session.map(|id| ("mcp-session-id", id));
        let headers: Vec<_> = [("authorization", bearer.as_str()), accept].into_iter().chain(session).collect();
        self.send(method, "/mcp", &message.to_string(), &headers)
    }

    /// Begins a session of a client that calls itself so, and gives its id.
    pub(crate) fn session(&mut self, token: &str, name: &str) -> String {
        let client = json!({ "name": name, "version": "1.2.3" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let begun = self.call(Method::POST, token, None, &message);
        begun.header("mcp-session-id").unwrap_or_else(|| panic!("{begun:?}")).to_owned()
    }

    /// The status of a call in a session.
    pub(crate) fn called(&mut self, token: &str, session: &str) -> u16 {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        self.call(Method::POST, token, Some(session), &message).status
    }

    /// Signs in to the account's page.
    pub(crate) fn account(&mut self, person: &str) -> Shown {
        let state = self.post("/account", &[("do", "sign-in")]).sent("state").unwrap();
        assert_eq!(self.back(&state, person).location(), "/account");
        self.get("/account")
    }
}
