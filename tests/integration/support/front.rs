//! A public deployment without a runtime: its front door, the objects of states and tasks behind it, and its hub.

mod visit;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_mcp::http::router;
use durable_mcp::hub::Hub;
use durable_mcp::mcp::Error;
use durable_mcp::mcp::user::Caller;
use durable_mcp::oauth::memory::Invocation;
use durable_mcp::runtime::Runtime;
use durable_mcp::session::core::{Core, Settings};
use durable_mcp::session::host::Around;
use durable_mcp::session::log_line::RequestLog;
use durable_mcp::session::notice::Notice;
use durable_mcp::task::command::Command;
use durable_mcp::task::host::TaskStore;
use durable_mcp::task::{Owner, TaskObject};
use durable_mcp::transport::claims::ObjectId;
use durable_mcp::transport::object::Object;
use durable_mcp::wire::{Body, Fault, Head, Reply};
use durable_mcp::{App, Server};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::Method;
use serde_json::{Map as Members, Value, json};

use self::visit::Visit;
use super::host::FakeHost;
use super::hub_host::FakeHubHost;
use super::json;
use super::object::{Answer, Exchange, IDLE_MS, MAX_AGE_MS, Map, RESUME_MS, Sleep};
use super::task_host::FakeTaskHost;

pub(crate) const VERSION: &str = "2026-07-28";

/// After so long the runtime tries an alarm again that failed.
const ALARM_RETRY_MS: u64 = 2000;

/// Everything that a client can declare, but for tasks.
pub(crate) fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": {} })
}

/// A state's object and what is around it.
#[derive(Clone)]
struct State {
    host: Rc<FakeHost>,
    object: Rc<Object>,
}

/// A task's object and what is around it.
#[derive(Clone)]
struct Task {
    host: Rc<FakeTaskHost>,
    object: Rc<TaskObject>,
}

struct Deployment {
    app: App,
    settings: Rc<Settings>,
    host: Rc<FakeHost>,
    hub_host: Rc<FakeHubHost>,
    hub: Hub,
    states: RefCell<BTreeMap<String, State>>,
    tasks: RefCell<BTreeMap<String, Task>>,
    last_object: Cell<u8>,
}

impl Deployment {
    fn new_object(&self) -> ObjectId {
        self.last_object.set(self.last_object.get() + 1);
        ObjectId([self.last_object.get(); 32])
    }

    fn state(&self, id: ObjectId) -> Rc<Object> {
        let mut states = self.states.borrow_mut();
        let state = states.entry(id.to_hex()).or_insert_with(|| self.state_on(&self.host.beside(id.to_hex())));
        Rc::clone(&state.object)
    }

    fn state_on(&self, host: &Rc<FakeHost>) -> State {
        let core = Core::new(Rc::clone(&self.app.server), Rc::clone(host) as _, Rc::clone(&self.settings));
        State { host: Rc::clone(host), object: Object::new(core) }
    }

    fn task(&self, id: ObjectId) -> Task {
        let mut tasks = self.tasks.borrow_mut();
        tasks.entry(id.to_hex()).or_insert_with(|| self.task_on(&FakeTaskHost::new(&self.host))).clone()
    }

    fn task_on(&self, host: &Rc<FakeTaskHost>) -> Task {
        let object = TaskObject::new(Rc::clone(&self.app.server), Rc::clone(host) as _, RequestLog::All);
        Task { host: Rc::clone(host), object }
    }

    fn ask_task(&self, id: ObjectId, command: &Command, caller: &Rc<Caller>) -> Result<Result<String, Error>, Fault> {
        let command = Command::parse(&command.to_text()).expect("it is read as it was written");
        let owner = Owner { caller: Rc::clone(caller), extensions: Rc::new(|_| ()) };
        self.task(id).object.handle(command, &owner)
    }
}

/// A client of the deployment, which says with each request what it can do.
pub(crate) struct Front {
    deployment: Rc<Deployment>,
    pub(crate) host: Rc<FakeHost>,
    pub(crate) hub: Rc<FakeHubHost>,
    declared: Value,
    last_id: Cell<u64>,
}

impl Front {
    /// The client can be asked for everything, and knows no tasks.
    pub(crate) fn new(server: Server) -> Self {
        assert_eq!(server.problems(), [""; 0]);
        let app = App::new(server).with_variables(&|name| match name {
            "SESSION_IDLE_SECONDS" => Some((IDLE_MS / 1000).to_string()),
            "SESSION_MAX_AGE_SECONDS" => Some((MAX_AGE_MS / 1000).to_string()),
            "SESSION_RESUME_SECONDS" => Some((RESUME_MS / 1000).to_string()),
            "LOG_REQUESTS" => Some("all".to_owned()),
            _ => None,
        });
        let settings = Settings {
            idle_ms: IDLE_MS,
            max_age_ms: MAX_AGE_MS,
            resume_ms: RESUME_MS,
            request_log: RequestLog::All,
            always_streams: false,
        };
        let host = FakeHost::new("worker".to_owned());
        Sleep::on(&host);
        let hub = FakeHubHost::new(&host);
        let deployment = Deployment {
            app,
            settings: Rc::new(settings),
            host: Rc::clone(&host),
            hub: Hub::new(Rc::clone(&hub) as _),
            hub_host: Rc::clone(&hub),
            states: RefCell::default(),
            tasks: RefCell::default(),
            last_object: Cell::new(0),
        };
        Self { deployment: Rc::new(deployment), host, hub, declared: everything(), last_id: Cell::new(0) }
    }

    /// The same with a client that declares only that.
    pub(crate) fn declaring(mut self, capabilities: Value) -> Self {
        self.declared = capabilities;
        self
    }

    /// The same with a client that knows tasks besides.
    pub(crate) fn knowing_tasks(mut self) -> Self {
        self.declared["extensions"] = json!({ "io.modelcontextprotocol/tasks": {} });
        self
    }

    /// The `_meta` of every request.
    pub(crate) fn envelope(&self) -> Members<String, Value> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": self.declared,
        });
        meta.as_object().unwrap().clone()
    }

    /// The headers and the body of a request. Members of `params._meta` stay.
    pub(crate) fn written(&self, method: &str, params: &Value) -> (Vec<(&'static str, String)>, String) {
        self.last_id.set(self.last_id.get() + 1);
        let mut params = params.clone();
        let mut meta = self.envelope();
        meta.extend(params["_meta"].as_object().cloned().unwrap_or_default());
        params["_meta"] = Value::Object(meta);
        let mut headers = vec![("mcp-protocol-version", VERSION.to_owned()), ("mcp-method", method.to_owned())];
        let name = ["name", "uri", "taskId"].into_iter().find_map(|name| params[name].as_str());
        headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
        (headers, json::request(self.last_id.get(), method, &params))
    }

    /// Sends anything. It runs as far as it goes without time passing.
    pub(crate) fn send(&self, method: Method, headers: &[(&str, String)], body: String) -> Exchange {
        self.send_to("/mcp", method, headers, body)
    }

    /// The same to another path, which may have a query.
    pub(crate) fn send_to(&self, path: &str, method: Method, headers: &[(&str, String)], body: String) -> Exchange {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut all = BTreeMap::from([
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ]);
        all.extend(headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
        let head = Head {
            method,
            secure: true,
            host: "mcp.example.com".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Rc::new(Map(all)),
        };
        let (connection, gone) = oneshot::channel();
        let deployment = Rc::clone(&self.deployment);
        let gone = Rc::new(Cell::new(Some(gone)));
        let (done, reply) = oneshot::channel();
        self.host.spawn(
            async move {
                let app = deployment.app.clone();
                let visit = Visit { deployment, head: head.clone(), body, gone, invocation: Invocation::default() };
                let mut reply = router::handle(&app, &head, &visit).await;
                if let Body::Native(answer) = reply.body {
                    let answer = answer.downcast::<LocalBoxFuture<'static, Reply>>().expect("an object answers");
                    reply = answer.await;
                }
                // The client may have hung up.
                let _ = done.send(reply);
            }
            .boxed_local(),
        );
        self.host.run();
        Exchange::new(&self.host, reply, Some(connection))
    }

    pub(crate) fn ask(&self, method: &str, params: &Value) -> Exchange {
        let (headers, body) = self.written(method, params);
        self.send(Method::POST, &headers, body)
    }

    /// A call of a tool.
    pub(crate) fn call(&self, name: &str, arguments: &Value) -> Exchange {
        self.ask("tools/call", &json!({ "name": name, "arguments": arguments }))
    }

    /// The result of a request that is answered at once.
    pub(crate) fn result(&self, method: &str, params: &Value) -> Value {
        let answer = self.ask(method, params).answer();
        assert_eq!(answer.status, 200, "{answer:?}");
        let result = answer.json()["result"].take();
        assert!(result["resultType"].is_string(), "{answer:?}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "s", "{answer:?}");
        result
    }

    /// A tool's text, from a call that is answered at once.
    pub(crate) fn text(&self, name: &str, arguments: &Value) -> String {
        text(&self.result("tools/call", &json!({ "name": name, "arguments": arguments })))
    }

    /// The request again with the state of an answer to it, and with answers to its questions.
    pub(crate) fn again(&self, method: &str, params: &Value, asked: &Value, answers: &Value) -> Value {
        let mut params = params.clone();
        params["requestState"] = asked["requestState"].clone();
        params["inputResponses"] = answers.clone();
        self.result(method, &params)
    }

    /// Has everything told that was published since.
    pub(crate) fn deliver(&self) {
        for notice in self.host.published.take() {
            let notice = Notice::parse(&notice.to_text()).expect("it is read as it was written");
            self.hub.invoke();
            let told = self.deployment.hub.publish(&notice).now_or_never();
            told.expect("nobody here has to be waited for").expect("the hub's store works");
        }
    }

    /// Lets time pass, in the steps that somebody waits for.
    pub(crate) fn advance(&self, milliseconds: u64) {
        let end = self.host.now() + milliseconds;
        self.host.run();
        loop {
            let next = self.alarms().chain(self.host.next_timer()).min().filter(|at| *at <= end);
            self.host.set_time(next.unwrap_or(end).max(self.host.now()));
            self.wake_due();
            self.host.run();
            if next.is_none() {
                return;
            }
        }
    }

    fn all_states(&self) -> Vec<State> {
        self.deployment.states.borrow().values().cloned().collect()
    }

    fn all_tasks(&self) -> Vec<Task> {
        self.deployment.tasks.borrow().values().cloned().collect()
    }

    fn alarms(&self) -> impl Iterator<Item = u64> {
        let states = self.all_states().into_iter().filter_map(|state| state.host.memory().alarm());
        let tasks = self.all_tasks().into_iter().filter_map(|task| task.host.store.alarm());
        states.chain(tasks).chain(self.hub.alarm())
    }

    fn wake_due(&self) {
        for state in self.all_states().iter().filter(|state| state.host.memory().take_due_alarm()) {
            state.object.wake().expect("the store works");
        }
        for task in self.all_tasks().iter().filter(|task| task.host.store.take_due_alarm(self.host.now())) {
            if task.object.wake().is_err() {
                // The runtime tries again.
                task.host.store.wake_at(self.host.now() + ALARM_RETRY_MS);
            }
        }
        if self.hub.take_due_alarm() {
            self.hub.invoke();
            let woken = self.deployment.hub.wake().now_or_never();
            woken.expect("nobody here has to be waited for").expect("the hub's store works");
        }
    }

    /// Sets the records of all tasks, as another version may have written them.
    pub(crate) fn set_task_records(&self, text: &str) {
        for task in self.all_tasks() {
            task.host.store.set_record(text);
        }
    }

    /// The records of all tasks.
    pub(crate) fn task_records(&self) -> Vec<String> {
        self.all_tasks().iter().filter_map(|task| task.host.store.record()).collect()
    }

    /// All objects wake anew: what was only in memory is gone.
    pub(crate) fn restart(&self) {
        self.host.sleep_now();
        for state in self.deployment.states.borrow_mut().values_mut() {
            *state = self.deployment.state_on(&state.host);
        }
        for task in self.deployment.tasks.borrow_mut().values_mut() {
            *task = self.deployment.task_on(&task.host);
        }
    }

    /// How many objects keep a state.
    pub(crate) fn states(&self) -> usize {
        self.deployment.states.borrow().len()
    }

    /// The runtime around the newest task.
    pub(crate) fn task(&self) -> Rc<FakeTaskHost> {
        let tasks = self.deployment.tasks.borrow();
        Rc::clone(&tasks.values().next_back().expect("a task was begun").host)
    }

    /// How many tasks' objects keep something.
    pub(crate) fn kept_tasks(&self) -> usize {
        self.all_tasks().iter().filter(|task| !task.host.store.is_empty()).count()
    }

    /// The runtime around the task that was begun after so many others.
    pub(crate) fn task_numbered(&self, number: usize) -> Rc<FakeTaskHost> {
        let tasks = self.deployment.tasks.borrow();
        Rc::clone(&tasks.values().nth(number).expect("a task was begun").host)
    }

    /// How many tasks' objects were reached.
    pub(crate) fn tasks(&self) -> usize {
        self.deployment.tasks.borrow().len()
    }

    /// The runtime around the newest state's object.
    pub(crate) fn state(&self) -> Rc<FakeHost> {
        let states = self.deployment.states.borrow();
        Rc::clone(&states.values().next_back().expect("a state was begun").host)
    }

    /// The lines of the log since this was asked last, without times.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.host.logs.take().iter().map(|line| json::value(line)).collect()
    }
}

/// The text of a tool's result that is no failure.
pub(crate) fn text(result: &Value) -> String {
    assert_eq!((&result["resultType"], result.get("isError")), (&json!("complete"), None), "{result}");
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()
}

/// Status, code and id of a refused request's answer.
pub(crate) fn refusal(answer: &Answer) -> (u16, i64, Value) {
    let json = answer.json();
    (answer.status, json["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer:?}")), json["id"].clone())
}
