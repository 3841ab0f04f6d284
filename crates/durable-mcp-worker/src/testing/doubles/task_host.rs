//! The runtime around one task's object, and its rows in memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_core::wire::RuntimeError;
use durable_mcp_protocol::context::Extensions;
use futures_util::future::LocalBoxFuture;

use super::host::FakeHost;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::session::publication::Publication;
use crate::task::host::{TaskHost, TaskStore};
use crate::task::record::Record;

/// Storage of a task, in memory instead of SQL.
#[derive(Default)]
pub struct MemoryTaskStore {
    /// As it is written: what cannot be read again is lost here too.
    record: RefCell<Option<String>>,
    outcome: RefCell<Option<String>>,
    alarm: Cell<Option<u64>>,
    written: Cell<u64>,
    broken: Cell<bool>,
    /// The write after so many fails.
    failing_write: Cell<Option<usize>>,
}

impl MemoryTaskStore {
    pub fn is_empty(&self) -> bool {
        self.record.borrow().is_none() && self.outcome.borrow().is_none()
    }

    /// Time of the object's alarm.
    pub fn alarm(&self) -> Option<u64> {
        self.alarm.get()
    }

    /// Takes the alarm if it is due.
    pub fn take_due_alarm(&self, now: u64) -> bool {
        let due = self.alarm.get().is_some_and(|at| at <= now);
        if due {
            self.alarm.set(None);
        }
        due
    }

    /// Rows written so far.
    pub fn rows_written(&self) -> u64 {
        self.written.get()
    }

    /// Sets the record, as another version may have written it.
    pub fn set_record(&self, text: &str) {
        self.record.replace(Some(text.to_owned()));
    }

    /// The record as it is.
    pub fn record(&self) -> Option<String> {
        self.record.borrow().clone()
    }

    /// Makes everything fail from now on, or no more.
    pub fn set_broken(&self, broken: bool) {
        self.broken.set(broken);
    }

    /// The write after `nth` others fails, and does nothing.
    pub fn fail_write(&self, nth: usize) {
        self.failing_write.set(Some(nth));
    }

    /// No write is to fail any more.
    pub fn fail_no_write(&self) {
        self.failing_write.set(None);
    }

    fn write(&self, row: &RefCell<Option<String>>, text: String) -> Result<(), RuntimeError> {
        self.check()?;
        let left = self.failing_write.take();
        if left == Some(0) {
            return Err(RuntimeError("the row cannot be written".to_owned()));
        }
        self.failing_write.set(left.map(|left| left - 1));
        row.replace(Some(text));
        self.written.set(self.written.get() + 1);
        Ok(())
    }

    fn check(&self) -> Result<(), RuntimeError> {
        if self.broken.get() {
            Err(RuntimeError("the disk is on fire".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl TaskStore for MemoryTaskStore {
    fn load(&self) -> Result<Option<Record>, RuntimeError> {
        self.check()?;
        Record::stored(self.record.borrow().as_deref().unwrap_or_default())
    }

    fn put(&self, record: &Record) -> Result<(), RuntimeError> {
        self.write(&self.record, record.to_text())
    }

    fn put_outcome(&self, json: &str) -> Result<(), RuntimeError> {
        self.write(&self.outcome, json.to_owned())
    }

    fn outcome(&self) -> Result<Option<String>, RuntimeError> {
        self.check()?;
        Ok(self.outcome.borrow().clone())
    }

    fn clear(&self) {
        self.record.take();
        self.outcome.take();
        self.alarm.set(None);
    }

    fn wake_at(&self, time: u64) {
        self.alarm.set(Some(time));
    }
}

/// The runtime around one task.
pub struct FakeTaskHost {
    runtime: Rc<FakeHost>,
    pub store: MemoryTaskStore,
}

impl FakeTaskHost {
    pub fn new(runtime: &Rc<FakeHost>) -> Rc<Self> {
        Rc::new(Self {
            runtime: Rc::clone(runtime),
            store: MemoryTaskStore::default(),
        })
    }
}

forward_runtime!(FakeTaskHost, runtime);

impl CallRuntime for FakeTaskHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        self.runtime.sleep(milliseconds)
    }

    fn extend(&self, extensions: &mut Extensions) {
        self.runtime.extend(extensions);
    }

    fn publish(&self, publication: Publication) {
        self.runtime.publish(publication);
    }

    fn log(&self, line: &LogLine) {
        CallRuntime::log(&*self.runtime, line);
    }
}

impl TaskHost for FakeTaskHost {
    fn store(&self) -> &dyn TaskStore {
        &self.store
    }
}
