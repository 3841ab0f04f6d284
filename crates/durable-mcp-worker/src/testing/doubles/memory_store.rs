//! A session's rows in memory: what the platform's store does, without SQL.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use durable_core::limits::ROW_BYTES;
use durable_mcp_protocol::log_level::LogLevel;

use crate::session::store::{Kept, Store, StoreError};

#[derive(Default)]
struct Rows {
    states: BTreeMap<String, String>,
    log_level: Option<LogLevel>,
    subscriptions: BTreeSet<String>,
    events: BTreeMap<(u64, u64), (String, u64)>,
    used: u64,
    ended: bool,
}

pub struct MemoryStore {
    clock: Rc<Cell<u64>>,
    rows: RefCell<Option<Rows>>,
    alarm: Cell<Option<u64>>,
    alarms_ordered: Cell<u64>,
    written: Cell<u64>,
    broken: Cell<bool>,
    /// The rows are of a newer version.
    newer: Cell<bool>,
}

impl MemoryStore {
    pub fn new(clock: Rc<Cell<u64>>) -> Self {
        Self {
            clock,
            rows: RefCell::new(None),
            alarm: Cell::new(None),
            alarms_ordered: Cell::new(0),
            written: Cell::new(0),
            broken: Cell::new(false),
            newer: Cell::new(false),
        }
    }

    /// True if nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.rows.borrow().is_none()
    }

    /// Time of the object's alarm.
    pub fn alarm(&self) -> Option<u64> {
        self.alarm.get()
    }

    /// Takes the alarm if it is due.
    pub fn take_due_alarm(&self) -> bool {
        let due = self.alarm.get().is_some_and(|at| at <= self.clock.get());
        if due {
            self.alarm.set(None);
        }
        due
    }

    pub fn alarms_ordered(&self) -> u64 {
        self.alarms_ordered.get()
    }

    /// Number of stored events.
    pub fn event_count(&self) -> usize {
        self.rows
            .borrow()
            .as_ref()
            .map_or(0, |rows| rows.events.len())
    }

    /// Makes everything fail from now on, or no more.
    pub fn set_broken(&self, broken: bool) {
        self.broken.set(broken);
    }

    /// The rows are as a newer version writes them, or are again as this one does.
    pub fn set_newer(&self, newer: bool) {
        self.newer.set(newer);
    }

    /// Puts a state in, as an earlier release may have written it.
    pub fn plant_state(&self, name: &str, json: &str) {
        self.write(|rows| drop(rows.states.insert(name.to_owned(), json.to_owned())))
            .expect("a session that has not ended");
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.broken.get() {
            Err(StoreError("the disk is on fire".to_owned()))
        } else {
            Ok(())
        }
    }

    /// Checks that a row is no larger than the platform takes it.
    fn fits(name: &str, value: &str) -> Result<(), StoreError> {
        let fits = name.len() + value.len() <= ROW_BYTES;
        fits.then_some(())
            .ok_or_else(|| StoreError("the row is too large".to_owned()))
    }

    fn read<T: Default>(&self, read: impl FnOnce(&Rows) -> T) -> Result<T, StoreError> {
        self.check()?;
        Ok(self.rows.borrow().as_ref().map(read).unwrap_or_default())
    }

    fn write(&self, write: impl FnOnce(&mut Rows)) -> Result<(), StoreError> {
        self.check()?;
        let mut rows = self.rows.borrow_mut();
        let rows = rows.get_or_insert_default();
        if rows.ended {
            return Err(StoreError("the session has ended".to_owned()));
        }
        write(rows);
        rows.used = rows.used.max(self.clock.get());
        self.written.set(self.written.get() + 1);
        Ok(())
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Kept, StoreError> {
        if self.newer.get() && !self.is_empty() {
            Kept::default().take("of a newer version", "", 0)?;
        }
        self.read(|rows| Kept {
            anything: true,
            ended: rows.ended,
            used: rows.used,
            log_level: rows.log_level,
            subscriptions: rows.subscriptions.iter().cloned().collect(),
        })
    }

    fn state(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|rows| rows.states.get(name).cloned())
    }

    fn put_state(&self, name: &str, json: &str) -> Result<(), StoreError> {
        Self::fits(name, json)?;
        self.write(|rows| drop(rows.states.insert(name.to_owned(), json.to_owned())))
    }

    fn put_log_level(&self, level: LogLevel) -> Result<(), StoreError> {
        self.write(|rows| rows.log_level = Some(level))
    }

    fn put_subscription(&self, uri: &str, subscribed: bool) -> Result<(), StoreError> {
        Self::fits(uri, "")?;
        self.write(|rows| {
            if subscribed {
                rows.subscriptions.insert(uri.to_owned());
            } else {
                rows.subscriptions.remove(uri);
            }
        })
    }

    fn put_event(
        &self,
        stream: u64,
        sequence: u64,
        frame: &str,
        expires: u64,
    ) -> Result<(), StoreError> {
        let used = self.rows.borrow().as_ref().map_or(0, |rows| rows.used);
        self.write(|rows| {
            drop(
                rows.events
                    .insert((stream, sequence), (frame.to_owned(), expires)),
            );
        })?;
        // That a client missed something is no use of the session.
        self.rows
            .borrow_mut()
            .iter_mut()
            .for_each(|rows| rows.used = used);
        Ok(())
    }

    fn events(
        &self,
        stream: u64,
        sequence: u64,
        enough: usize,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.read(|rows| {
            let later = rows
                .events
                .range((stream, sequence + 1)..=(stream, u64::MAX));
            let mut bytes = 0;
            let wanted = later.take_while(|(_, (frame, _))| {
                let wanted = bytes < enough;
                bytes += frame.len();
                wanted
            });
            wanted
                .map(|((_, at), (frame, _))| (*at, frame.clone()))
                .collect()
        })
    }

    fn prune_events(&self, now: u64) -> Result<Option<u64>, StoreError> {
        self.check()?;
        let mut rows = self.rows.borrow_mut();
        let Some(rows) = rows.as_mut() else {
            return Ok(None);
        };
        rows.events.retain(|_, (_, expires)| *expires > now);
        Ok(rows.events.values().map(|(_, expires)| *expires).min())
    }

    fn put_used(&self, now: u64) -> Result<(), StoreError> {
        self.write(|rows| rows.used = now)
    }

    fn end(&self) -> Result<(), StoreError> {
        self.check()?;
        *self.rows.borrow_mut() = Some(Rows {
            ended: true,
            used: self.clock.get(),
            ..Rows::default()
        });
        self.written.set(self.written.get() + 1);
        Ok(())
    }

    fn begin_anew(&self) -> Result<(), StoreError> {
        self.check()?;
        *self.rows.borrow_mut() = None;
        Ok(())
    }

    fn clear(&self) {
        *self.rows.borrow_mut() = None;
        self.alarm.set(None);
    }

    fn wake_at(&self, time: u64) {
        self.alarm.set(Some(time));
        self.alarms_ordered.set(self.alarms_ordered.get() + 1);
    }

    fn rows_written(&self) -> u64 {
        self.written.get()
    }
}
