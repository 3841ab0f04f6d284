//! A task's Durable Object: a tool's call that goes on when its request is over (extension
//! `io.modelcontextprotocol/tasks`).
//!
//! A task is written down before its client hears of it. What it is asked and told is written down too, so that it can go
//! on after its object slept: its handler then runs from its beginning, with all answers at hand. A handler that was cut off
//! in the middle runs again only if its tool says that this does no harm; otherwise the task has failed, and says so.

pub mod command;
pub mod host;
pub mod id;
mod peer;
pub mod record;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use command::{Begin, Command};
use durable_core::formats::{Format, is_of_other_version};
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::Server;
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::context::{ClientInfo, Context, Extensions};
use durable_mcp_protocol::discover::ResultType;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::jsonrpc::{Request, to_json};
use durable_mcp_protocol::response::{CallResponse, CallResult};
use durable_mcp_protocol::round_trips::{Question, RoundTrips, read_answers};
use futures_util::FutureExt;
use futures_util::future::AbortRegistration;
use host::SharedTaskHost;
use peer::TaskPeer;
use record::{Record, Status};
use serde_json::value::RawValue;

use crate::hub::user_tag;
use crate::session::call_run::{CallRun, Cancellation, RunEnd};
use crate::session::log_line::RequestLog;
use crate::session::publication::Publication;

/// Value of `pollIntervalMs`: time in milliseconds that clients wait before they ask again, short enough for a person who waits.
pub const POLL_MS: u64 = 1000;

/// Interval in milliseconds at which the object of a running task is woken. An object without events is put to sleep after
/// 70 seconds.
const HEARTBEAT_MS: u64 = 30_000;

/// The most starts of a task whose tool may run again, with no answer in between: something that ends the object each time
/// is no accident.
const MAX_BEGINNINGS: u32 = 3;

/// Delay before a record of another version is read again, in milliseconds.
const LOOK_AT_UNREADABLE_MS: u64 = 24 * 3600 * 1000;

/// The most bytes of all answers to the questions of one task: they are written down together.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A task's object.
pub struct TaskObject {
    server: Rc<Server>,
    host: SharedTaskHost,
    request_log: RequestLog,
    record: RefCell<Option<Record>>,
    loaded: Cell<bool>,
    running: RefCell<Option<Running>>,
}

/// The handler at work.
struct Running {
    number: u64,
    peer: Rc<TaskPeer>,
    cancellation: Cancellation,
}

/// The sender of a command to a task.
#[derive(Clone)]
pub struct Owner {
    /// The user.
    pub caller: Rc<Caller>,
    /// Values for extractors that belong to the request.
    pub extensions: Rc<dyn Fn(&mut Extensions)>,
}

impl TaskObject {
    /// The object that has just woken.
    #[must_use]
    pub fn new(server: Rc<Server>, host: SharedTaskHost, request_log: RequestLog) -> Rc<Self> {
        Rc::new(Self {
            server,
            host,
            request_log,
            record: RefCell::default(),
            loaded: Cell::new(false),
            running: RefCell::default(),
        })
    }

    /// Carries out what the Worker was asked for, and gives the JSON of the result; the inner error is the client's.
    ///
    /// # Errors
    /// When storage fails.
    pub fn handle(
        self: &Rc<Self>,
        command: Command,
        owner: &Owner,
    ) -> Result<Result<String, Error>, RuntimeError> {
        self.load()?;
        match command {
            Command::Begin(begin) => self.begin(begin, owner),
            Command::End => {
                self.forget();
                Ok(Ok("{}".to_owned()))
            }
            other => self.of_known(other, owner),
        }
    }

    fn of_known(
        self: &Rc<Self>,
        command: Command,
        owner: &Owner,
    ) -> Result<Result<String, Error>, RuntimeError> {
        if self.record.borrow().is_none() {
            return Ok(Err(unknown()));
        }
        // A task that is cancelled need not begin first.
        if command != Command::Cancel {
            self.go_on_if_cut_off(owner)?;
        }
        match command {
            Command::Get => {}
            Command::Update(answers) => {
                if let Err(error) = self.take_answers(&answers, owner)? {
                    return Ok(Err(error));
                }
                return Ok(Ok("{}".to_owned()));
            }
            Command::Cancel => {
                self.cancel()?;
                return Ok(Ok("{}".to_owned()));
            }
            Command::Watch => self.change(|record| record.watched = true)?,
            Command::Begin(_) | Command::End => return Ok(Err(unknown())),
        }
        self.detailed().map(Ok)
    }

    fn load(&self) -> Result<(), RuntimeError> {
        if !self.loaded.get() {
            *self.record.borrow_mut() = self.host.store().load()?;
            self.loaded.set(true);
        }
        Ok(())
    }

    fn begin(
        self: &Rc<Self>,
        begin: Begin,
        owner: &Owner,
    ) -> Result<Result<String, Error>, RuntimeError> {
        let now = self.host.now();
        let record = Record::new(begin, now);
        self.host.store().put(&record)?;
        self.host
            .store()
            .wake_at(record.expires.min(now + HEARTBEAT_MS));
        let seed = record.seed_json();
        *self.record.borrow_mut() = Some(record);
        self.run(owner)?;
        Ok(Ok(seed))
    }

    /// Runs the handler from its beginning, with what was answered so far.
    fn run(self: &Rc<Self>, owner: &Owner) -> Result<(), RuntimeError> {
        let Some(begin) = self
            .record
            .borrow()
            .as_ref()
            .map(|record| record.begin.clone())
        else {
            return Ok(());
        };
        let answers = read_answers(&begin.answers).map_err(|_| Format::TaskRecord.unreadable())?;
        let rounds = Rc::new(RoundTrips::new(answers));
        let Some(request) = Request::call(&begin.params) else {
            let error = Error::internal("The task's request cannot be read.");
            return self.finish(Err(error), None);
        };
        let call = self.server.resolve(request);
        let peer = TaskPeer::new(self, rounds, user_tag(&owner.caller));
        let context = self.context(begin, owner, &peer);
        let (cancellation, registration) = Cancellation::new(&call, &context, &Rc::default());
        let number = self
            .running
            .borrow()
            .as_ref()
            .map_or(0, |running| running.number)
            + 1;
        // A handler whose beginning cannot be written does not begin, and does not pass for one at work.
        self.change(|record| record.beginnings += 1)?;
        *self.running.borrow_mut() = Some(Running {
            number,
            peer,
            cancellation,
        });
        let work = Rc::clone(self).work(number, call, context, registration);
        self.host.spawn(work.boxed_local());
        Ok(())
    }

    fn context(&self, begin: Begin, owner: &Owner, peer: &Rc<TaskPeer>) -> Context {
        let client = Rc::new(ClientInfo {
            version: begin.version,
            capabilities: begin.capabilities,
            name: begin.client,
        });
        let mut extensions = Extensions::default();
        self.host.extend(&mut extensions);
        (owner.extensions)(&mut extensions);
        let context = Context::new(
            client,
            Rc::clone(&owner.caller),
            Rc::clone(peer) as _,
            Rc::new(extensions),
        );
        // Progress is the task's own to tell, whether or not the request asked for it.
        if let Ok(token) = RawValue::from_string("0".to_owned()) {
            context.set_progress_token(token);
        }
        context
    }

    /// Runs the handler of that number to its end, and takes its response unless it was cancelled.
    async fn work(
        self: Rc<Self>,
        number: u64,
        call: Call,
        context: Context,
        registration: AbortRegistration,
    ) {
        let run = CallRun::start(&*self.host, self.request_log);
        let response = run
            .response(&self.server, &call, &context, registration)
            .await;
        let is_current = self.is_current(number);
        let end = RunEnd::without_rows("task", None);
        if let Some(response) = run.end(&call, response.filter(|_| is_current), &end) {
            self.ended(response);
        }
    }

    /// True if the handler of that number is at work, and was not cancelled.
    fn is_current(&self, number: u64) -> bool {
        self.running
            .borrow()
            .as_ref()
            .is_some_and(|running| running.number == number)
    }

    /// Takes the response of the handler.
    fn ended(&self, response: CallResponse) {
        self.running.borrow_mut().take();
        let outcome = match response.result {
            // The very result that the request would have had otherwise.
            Ok(CallResult::Json(result)) => {
                Ok(self.server.stamp(ResultType::Complete, &result, None))
            }
            Err(error) => Err(error),
            // The handler runs from its beginning once its questions are answered.
            Ok(CallResult::Suspended) => return,
        };
        if let Err(fault) = self.finish(outcome, None) {
            self.host.warn(&fault.0);
        }
    }

    /// Stores the outcome of the task. Its status message after an error is `message`, or the error's text.
    fn finish(
        &self,
        outcome: Result<String, Error>,
        message: Option<&str>,
    ) -> Result<(), RuntimeError> {
        let now = self.host.now();
        let done = self
            .record
            .borrow()
            .as_ref()
            .is_none_or(|record| record.status.is_terminal());
        if done {
            return Ok(());
        }
        let (status, json, message) = match outcome {
            Ok(result) => (Status::Completed, result, None),
            Err(error) => (
                Status::Failed,
                to_json(&error),
                Some(message.map_or(error.message, str::to_owned)),
            ),
        };
        self.host.store().put_outcome(&json)?;
        self.change(|record| {
            record.status = status;
            record.updated = now;
            record.questions.clear();
            record.message = message;
        })?;
        self.host.store().wake_at(self.expires());
        self.tell();
        Ok(())
    }

    /// Continues a task that an end of the object interrupted, or fails it.
    fn go_on_if_cut_off(self: &Rc<Self>, owner: &Owner) -> Result<(), RuntimeError> {
        if self.running.borrow().is_some() {
            return Ok(());
        }
        let (beginnings, repeatable) = match &*self.record.borrow() {
            Some(record) if record.status == Status::Working && record.questions.is_empty() => {
                (record.beginnings, self.may_run_again(record))
            }
            _ => return Ok(()),
        };
        if repeatable && beginnings < MAX_BEGINNINGS {
            self.host
                .store()
                .wake_at(self.expires().min(self.host.now() + HEARTBEAT_MS));
            return self.run(owner);
        }
        self.fail_cut_off()
    }

    /// True if the tool of a task that was cut off may run again.
    fn may_run_again(&self, record: &Record) -> bool {
        Request::call(&record.begin.params)
            .is_some_and(|request| self.server.resolve(request).may_run_again())
    }

    fn fail_cut_off(&self) -> Result<(), RuntimeError> {
        let message = "The server was restarted while this ran, and what it had done by then is not known. \
             Look at what it was to change before you call the tool again.";
        self.finish(Err(Error::internal(message)), Some("cut off by a restart"))
    }

    fn take_answers(
        self: &Rc<Self>,
        answers: &str,
        owner: &Owner,
    ) -> Result<Result<(), Error>, RuntimeError> {
        let taken = match self.fitting_answers(answers) {
            Ok(taken) => taken,
            Err(error) => return Ok(Err(error)),
        };
        if taken.is_empty() {
            return Ok(Ok(()));
        }
        let now = self.host.now();
        self.change(|record| {
            record.add_answers(&taken);
            record.updated = now;
            // The task has progressed, so earlier restarts no longer count as failures.
            record.beginnings = 0;
        })?;
        self.tell();
        self.go_on_with(taken, owner)?;
        Ok(Ok(()))
    }

    /// The answers to open questions, by their keys. One that nobody asked for, or that is no answer, is ignored: the question
    /// stays open.
    fn fitting_answers(&self, answers: &str) -> Result<Vec<(String, Box<RawValue>)>, Error> {
        let given = read_answers(answers)?;
        let record = self.record.borrow();
        let Some(record) = record
            .as_ref()
            .filter(|record| !record.status.is_terminal())
        else {
            return Ok(Vec::new());
        };
        let rounds = RoundTrips::new(given);
        let mut fitting = Vec::new();
        for question in &record.questions {
            if let Some(answer) = rounds.answer(&question.key, &question.method) {
                fitting.push((question.key.clone(), answer));
            }
        }
        let bytes = fitting
            .iter()
            .map(|(_, answer)| answer.get().len())
            .sum::<usize>()
            + record.begin.answers.len();
        if bytes > MAX_ANSWER_BYTES {
            let message =
                format!("All answers to one task together may have {MAX_ANSWER_BYTES} bytes.");
            return Err(Error::invalid_params(message));
        }
        Ok(fitting)
    }

    /// Hands answers to the handler that waits for them. Where none is at work, one begins once all questions are answered.
    fn go_on_with(
        self: &Rc<Self>,
        answers: Vec<(String, Box<RawValue>)>,
        owner: &Owner,
    ) -> Result<(), RuntimeError> {
        let waiting = self
            .running
            .borrow()
            .as_ref()
            .map(|running| Rc::clone(&running.peer));
        let next = self.expires().min(self.host.now() + HEARTBEAT_MS);
        match waiting {
            Some(peer) => {
                self.host.store().wake_at(next);
                peer.settle(answers);
            }
            None if self
                .record
                .borrow()
                .as_ref()
                .is_some_and(|record| record.questions.is_empty()) =>
            {
                self.host.store().wake_at(next);
                self.run(owner)?;
            }
            None => {}
        }
        Ok(())
    }

    fn cancel(&self) -> Result<(), RuntimeError> {
        if self
            .record
            .borrow()
            .as_ref()
            .is_none_or(|record| record.status.is_terminal())
        {
            return Ok(());
        }
        let now = self.host.now();
        self.change(|record| {
            record.status = Status::Cancelled;
            record.updated = now;
            record.questions.clear();
            record.message = None;
        })?;
        self.stop();
        self.host.store().wake_at(self.expires());
        self.tell();
        Ok(())
    }

    /// Calls the handler off.
    fn stop(&self) {
        if let Some(running) = self.running.borrow_mut().take() {
            running.cancellation.cancel();
        }
    }

    /// The time that was ordered has come: an expired task is forgotten, a running one is kept awake, and one that was cut
    /// off has failed, unless its client can have it go on.
    ///
    /// # Errors
    /// When storage fails.
    pub fn wake(&self) -> Result<(), RuntimeError> {
        let now = self.host.now();
        match self.load() {
            // The record is left alone, and read again when its version may have come back.
            Err(fault) if is_of_other_version(&fault) => {
                self.host.warn(&fault.0);
                self.host.store().wake_at(now + LOOK_AT_UNREADABLE_MS);
                return Ok(());
            }
            loaded => loaded?,
        }
        if now >= self.expires() {
            self.forget();
            return Ok(());
        }
        let works = self.running.borrow().is_some();
        let cut_off = match &*self.record.borrow() {
            Some(record)
                if record.status == Status::Working && record.questions.is_empty() && !works =>
            {
                !self.may_run_again(record)
            }
            _ => false,
        };
        if cut_off {
            return self.fail_cut_off();
        }
        let waits = self
            .record
            .borrow()
            .as_ref()
            .is_none_or(|record| !record.questions.is_empty());
        let next = if works && !waits {
            now + HEARTBEAT_MS
        } else {
            self.expires()
        };
        self.host.store().wake_at(next.min(self.expires()));
        Ok(())
    }

    /// Stops the handler and deletes everything.
    fn forget(&self) {
        self.stop();
        self.record.borrow_mut().take();
        self.host.store().clear();
    }

    fn expires(&self) -> u64 {
        self.record
            .borrow()
            .as_ref()
            .map_or(0, |record| record.expires)
    }

    /// Changes the record, and writes it. A change that cannot be written is discarded: it would be lost with the object.
    fn change(&self, change: impl FnOnce(&mut Record)) -> Result<(), RuntimeError> {
        let mut record = self.record.borrow_mut();
        let Some(record) = record.as_mut() else {
            return Ok(());
        };
        let mut changed = record.clone();
        change(&mut changed);
        self.host.store().put(&changed)?;
        *record = changed;
        Ok(())
    }

    /// Asks the client something, for the handler.
    fn ask(&self, question: Question) -> Result<(), RuntimeError> {
        let now = self.host.now();
        self.change(|record| {
            record.questions.push(question);
            record.updated = now;
        })?;
        self.tell();
        Ok(())
    }

    /// Notes the progress of the handler, for `tasks/get`. It is not worth a row.
    fn note(&self, message: String) {
        if let Some(record) = self
            .record
            .borrow_mut()
            .as_mut()
            .filter(|record| !record.status.is_terminal())
        {
            record.message = Some(message);
            record.updated = self.host.now();
        }
    }

    /// Stores a value beside the answers.
    fn keep(&self, name: String, json: Box<RawValue>) {
        if let Err(fault) = self.change(|record| record.add_answers(&[(name, json)])) {
            self.host.warn(&fault.0);
        }
    }

    /// The task with its questions, result or error, as JSON.
    fn detailed(&self) -> Result<String, RuntimeError> {
        let record = self.record.borrow();
        let Some(record) = record.as_ref() else {
            return Ok("{}".to_owned());
        };
        let outcome = if record.status.has_outcome() {
            self.host.store().outcome()?
        } else {
            None
        };
        Ok(record.detailed_json(outcome.as_deref()))
    }

    /// Notifies the clients that subscribed to the task.
    fn tell(&self) {
        let Some((id, user)) = self
            .record
            .borrow()
            .as_ref()
            .filter(|record| record.watched)
            .map(|record| (record.begin.id.clone(), record.begin.user.clone()))
        else {
            return;
        };
        match self.detailed() {
            Ok(params) => self.host.publish(Publication {
                about: format!("task {id}"),
                method: "notifications/tasks".to_owned(),
                params,
                user,
                except: None,
            }),
            Err(fault) => self.host.warn(&fault.0),
        }
    }
}

/// Error for an unknown task, or one of somebody else's: −32602 (Tasks, "Protocol Errors").
#[must_use]
pub fn unknown() -> Error {
    Error::invalid_params("There is no such task, or it has expired.")
}
