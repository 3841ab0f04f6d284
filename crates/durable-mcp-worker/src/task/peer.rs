//! The client of a task, as its handler sees it: its questions wait in the task's record until the client polls.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use durable_mcp_protocol::change::{Change, Reach};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::fields::Fields;
use durable_mcp_protocol::peer::{About, Peer};
use durable_mcp_protocol::round_trips::{Question, RoundTrips};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::value::RawValue;

use super::TaskObject;
use super::host::SharedTaskHost;
use crate::session::call_run::cause_id;
use crate::session::publication::Publication;

type Waiting = Vec<(String, oneshot::Sender<Box<RawValue>>)>;

pub(super) struct TaskPeer {
    task: Weak<TaskObject>,
    host: SharedTaskHost,
    rounds: Rc<RoundTrips>,
    user: Option<String>,
    waiting: RefCell<Waiting>,
}

impl TaskPeer {
    pub(super) fn new(
        task: &Rc<TaskObject>,
        rounds: Rc<RoundTrips>,
        user: Option<String>,
    ) -> Rc<Self> {
        let host = Rc::clone(&task.host);
        Rc::new(Self {
            task: Rc::downgrade(task),
            host,
            rounds,
            user,
            waiting: RefCell::default(),
        })
    }

    /// Hands answers to whoever waits for them.
    pub(super) fn settle(&self, answers: Vec<(String, Box<RawValue>)>) {
        for (key, answer) in answers {
            let mut waiting = self.waiting.borrow_mut();
            let asked = waiting.iter().position(|(other, _)| *other == key);
            if let Some((_, sender)) = asked.map(|at| waiting.swap_remove(at)) {
                // The handler may have given up meanwhile.
                let _ = sender.send(answer);
            }
        }
    }
}

impl Peer for TaskPeer {
    fn now(&self) -> u64 {
        self.host.now()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        self.host.sleep(milliseconds)
    }

    /// Progress is what a task says of its status; nothing else is sent (Tasks, "Task Status Notifications").
    fn notify(&self, _: About, method: &'static str, params: String) {
        let Some(task) = self
            .task
            .upgrade()
            .filter(|_| method == "notifications/progress")
        else {
            return;
        };
        let Ok(fields) = Fields::parse(&params) else {
            return;
        };
        let number = |name| fields.raw(name).map(RawValue::get);
        let message = fields.optional_text("message").ok().flatten().or_else(|| {
            let done = number("progress")?;
            Some(
                number("total")
                    .map_or_else(|| done.to_owned(), |total| format!("{done} of {total}")),
            )
        });
        if let Some(message) = message {
            task.note(message);
        }
    }

    fn cause_id(&self) -> String {
        cause_id(&*self.host)
    }

    fn warn(&self, message: &str) {
        self.host.warn(message);
    }

    fn announce(&self, change: &Change) {
        let Some(task) = self.task.upgrade() else {
            return;
        };
        let user = match task.server.reach(change) {
            Reach::Everyone => None,
            Reach::Own if self.user.is_some() => self.user.clone(),
            // A task has no state of its own, so this is nobody's.
            Reach::Own => return,
        };
        task.host.publish(Publication {
            user,
            ..Publication::of(change)
        });
    }

    fn request(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        let key = self.rounds.name(key);
        if let Some(answer) = self.rounds.answer(&key, method) {
            return ready(Ok(answer)).boxed_local();
        }
        let gone = || Error::new(ErrorCode::REFUSED, "The task is over.");
        let Some(task) = self.task.upgrade() else {
            return ready(Err(gone())).boxed_local();
        };
        if let Err(fault) = task.ask(Question {
            key: key.clone(),
            method: method.to_owned(),
            params,
        }) {
            task.host.warn(&fault.0);
            return ready(Err(Error::internal("The task's storage failed."))).boxed_local();
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push((key, sender));
        async move { receiver.await.map_err(|_| gone()) }.boxed_local()
    }

    fn recall(&self, key: &str) -> Option<Box<RawValue>> {
        self.rounds.recall(key)
    }

    fn remember(&self, key: &str, json: String) {
        if let (Some(task), Some((name, json))) =
            (self.task.upgrade(), self.rounds.remember(key, json))
        {
            task.keep(name, json);
        }
    }
}
