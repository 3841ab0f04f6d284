//! A deployment without a runtime: the objects of sessions, states and tasks behind its front door, and its hub.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::Error;
use durable_mcp_protocol::caller::Caller;
use futures_util::FutureExt;

use super::host::FakeHost;
use super::hub_host::FakeHubHost;
use super::task_host::FakeTaskHost;
use crate::App;
use crate::hub::Hub;
use crate::session::object::{SessionObject, Settings};
use crate::session::publication::Publication;
use crate::task::command::Command;
use crate::task::host::TaskStore;
use crate::task::{Owner, TaskObject};
use crate::transport::session_endpoint::SessionEndpoint;
use crate::transport::session_id::ObjectId;

/// Steps of the test's clock that a call may wait for: one that looks every second gets through five hours. They take a few seconds,
/// where a day of milliseconds would take an hour.
pub(crate) const MAX_STEPS: u32 = 20_000;

/// After so long the runtime tries an alarm again that failed.
const ALARM_RETRY_MS: u64 = 2000;

/// The object of a session or a state, and its runtime.
#[derive(Clone)]
struct State {
    host: Rc<FakeHost>,
    object: Rc<SessionEndpoint>,
}

/// A task's object and its runtime.
#[derive(Clone)]
struct Task {
    host: Rc<FakeTaskHost>,
    object: Rc<TaskObject>,
}

/// A deployment of one application.
pub struct Deployment {
    /// The application.
    pub app: App,
    /// The Worker's runtime.
    pub host: Rc<FakeHost>,
    /// The hub's runtime.
    pub hub_host: Rc<FakeHubHost>,
    /// The hub.
    pub hub: Hub,
    settings: Rc<Settings>,
    states: RefCell<BTreeMap<String, State>>,
    tasks: RefCell<BTreeMap<String, Task>>,
    named: RefCell<BTreeMap<String, ObjectId>>,
    last_object: Cell<u32>,
}

impl Deployment {
    /// The deployment of an application, on the runtime of `host`.
    pub fn new(app: App, host: &Rc<FakeHost>) -> Rc<Self> {
        let hub_host = FakeHubHost::new(host);
        Rc::new(Self {
            settings: Rc::clone(&app.settings),
            app,
            host: Rc::clone(host),
            hub: Hub::new(Rc::clone(&hub_host) as _),
            hub_host,
            states: RefCell::default(),
            tasks: RefCell::default(),
            named: RefCell::default(),
            last_object: Cell::new(0),
        })
    }

    /// The id of an object that does not exist yet. Later ones sort behind earlier ones.
    pub fn new_object(&self) -> ObjectId {
        let number = self.last_object.get() + 1;
        self.last_object.set(number);
        let mut id = [0xa1; 32];
        id.iter_mut()
            .zip(number.to_be_bytes())
            .for_each(|(to, from)| *to = from);
        ObjectId(id)
    }

    /// The id of the object of that name.
    pub fn object_named(&self, name: &str) -> ObjectId {
        *self
            .named
            .borrow_mut()
            .entry(name.to_owned())
            .or_insert_with(|| self.new_object())
    }

    /// The object of a session or a state.
    pub fn state(&self, id: ObjectId) -> Rc<SessionEndpoint> {
        Rc::clone(&self.state_of(id).object)
    }

    /// The runtime around the object of a session or a state.
    pub fn state_host(&self, id: ObjectId) -> Rc<FakeHost> {
        Rc::clone(&self.state_of(id).host)
    }

    fn state_of(&self, id: ObjectId) -> State {
        let mut states = self.states.borrow_mut();
        states
            .entry(id.to_hex())
            .or_insert_with(|| self.state_on(&self.host.beside(id.to_hex())))
            .clone()
    }

    fn state_on(&self, host: &Rc<FakeHost>) -> State {
        let session = SessionObject::new(
            Rc::clone(&self.app.server),
            Rc::clone(host) as _,
            Rc::clone(&self.settings),
        );
        State {
            host: Rc::clone(host),
            object: SessionEndpoint::new(session),
        }
    }

    fn task(&self, id: ObjectId) -> Task {
        let mut tasks = self.tasks.borrow_mut();
        tasks
            .entry(id.to_hex())
            .or_insert_with(|| self.task_on(&FakeTaskHost::new(&self.host)))
            .clone()
    }

    fn task_on(&self, host: &Rc<FakeTaskHost>) -> Task {
        let object = TaskObject::new(
            Rc::clone(&self.app.server),
            Rc::clone(host) as _,
            self.settings.request_log,
        );
        Task {
            host: Rc::clone(host),
            object,
        }
    }

    /// Has a task's object carry out a command.
    pub fn ask_task(
        &self,
        id: ObjectId,
        command: &Command,
        caller: &Rc<Caller>,
    ) -> Result<Result<String, Error>, RuntimeError> {
        let command = Command::parse(&command.to_text()).expect("it is read as it was written");
        let owner = Owner {
            caller: Rc::clone(caller),
            extensions: Rc::new(|_| ()),
        };
        self.task(id).object.handle(command, &owner)
    }

    /// Delivers all publications that were published since the last call.
    pub fn deliver(&self) {
        for publication in self.host.published.take() {
            let publication =
                Publication::parse(&publication.to_text()).expect("it is read as it was written");
            self.hub_host.invoke();
            let told = self.hub.publish(&publication).now_or_never();
            told.expect("nobody here has to be waited for")
                .expect("the hub's store works");
        }
    }

    /// Moves the clock forward, from one timer or alarm to the next.
    pub fn advance(&self, milliseconds: u64) {
        let end = self.host.now() + milliseconds;
        self.host.run();
        let begun = self.host.now();
        let mut steps = 0;
        while self.step(end) {
            steps += 1;
            assert!(
                steps <= MAX_STEPS,
                "Something has waited {MAX_STEPS} times in {} ms of the {milliseconds} ms that are to pass. Does it wait in a loop? \
                 Give the loop an end, or sleep for longer in it",
                self.host.now() - begun
            );
        }
    }

    /// Moves the clock to the next timer or alarm, and to `end` at the latest: false if none is due by then.
    pub fn step(&self, end: u64) -> bool {
        let next = self
            .alarms()
            .chain(self.host.next_timer())
            .min()
            .filter(|at| *at <= end);
        self.host.set_time(next.unwrap_or(end).max(self.host.now()));
        self.wake_due();
        self.host.run();
        next.is_some()
    }

    fn all_states(&self) -> Vec<State> {
        self.states.borrow().values().cloned().collect()
    }

    fn all_tasks(&self) -> Vec<Task> {
        self.tasks.borrow().values().cloned().collect()
    }

    /// The runtimes around all tasks, oldest first.
    pub fn task_hosts(&self) -> Vec<Rc<FakeTaskHost>> {
        self.tasks
            .borrow()
            .values()
            .map(|task| Rc::clone(&task.host))
            .collect()
    }

    /// The runtimes around the objects of all sessions and states, oldest first.
    pub fn state_hosts(&self) -> Vec<Rc<FakeHost>> {
        self.states
            .borrow()
            .values()
            .map(|state| Rc::clone(&state.host))
            .collect()
    }

    fn alarms(&self) -> impl Iterator<Item = u64> {
        let states = self
            .state_hosts()
            .into_iter()
            .filter_map(|host| host.memory().alarm());
        let tasks = self
            .task_hosts()
            .into_iter()
            .filter_map(|host| host.store.alarm());
        states.chain(tasks).chain(self.hub_host.alarm())
    }

    fn wake_due(&self) {
        for state in self
            .all_states()
            .iter()
            .filter(|state| state.host.memory().take_due_alarm())
        {
            state.object.wake().expect("the store works");
        }
        for task in self
            .all_tasks()
            .iter()
            .filter(|task| task.host.store.take_due_alarm(self.host.now()))
        {
            if task.object.wake().is_err() {
                // The runtime tries again.
                task.host.store.wake_at(self.host.now() + ALARM_RETRY_MS);
            }
        }
        if self.hub_host.take_due_alarm() {
            self.hub_host.invoke();
            let woken = self.hub.wake().now_or_never();
            woken
                .expect("nobody here has to be waited for")
                .expect("the hub's store works");
        }
    }

    /// All objects wake anew: what was only in memory is gone.
    pub fn restart(&self) {
        self.host.sleep_now();
        for state in self.states.borrow_mut().values_mut() {
            *state = self.state_on(&state.host);
        }
        for task in self.tasks.borrow_mut().values_mut() {
            *task = self.task_on(&task.host);
        }
    }
}
