//! A session's rows in the SQLite of its object.

use std::cell::Cell;
use std::rc::Rc;

use serde::Deserialize;
use worker::{SqlStorage, SqlStorageValue, State};

use crate::mcp::log::LogLevel;
use crate::session::store::{Kept, Store, StoreError};

/// One table, so that each thing that is kept is one row written. It comes to be with the first row.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS durable_mcp (\
     kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, \
     PRIMARY KEY (kind, name)) WITHOUT ROWID";
const EXISTS: &str = "SELECT 1 AS found FROM sqlite_master WHERE name = 'durable_mcp'";
const SETTINGS: &str = "SELECT kind, name, value, at FROM durable_mcp \
     WHERE kind IN ('ended', 'log_level', 'subscription', 'used', 'state')";
const GET_STATE: &str = "SELECT value FROM durable_mcp WHERE kind = 'state' AND name = ?";
const PUT: &str = "INSERT INTO durable_mcp (kind, name, value, at) VALUES (?, ?, ?, ?) \
     ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, at = excluded.at";
const DELETE: &str = "DELETE FROM durable_mcp WHERE kind = ? AND name = ?";
const EVENTS: &str = "SELECT name, value FROM durable_mcp WHERE kind = 'event' AND name > ? AND name < ? ORDER BY name";
const EXPIRE: &str = "DELETE FROM durable_mcp WHERE kind = 'event' AND at <= ?";
const NEXT_EXPIRY: &str = "SELECT min(at) AS at FROM durable_mcp WHERE kind = 'event'";

/// Rows of one object.
pub(super) struct SqlStore {
    state: Rc<State>,
    sql: SqlStorage,
    exists: Cell<bool>,
    rows_written: Cell<u64>,
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    name: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    at: f64,
}

#[derive(Deserialize)]
struct Value {
    value: String,
}

#[derive(Deserialize)]
struct Event {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Time {
    at: Option<f64>,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times of milliseconds fit an f64 exactly"
)]
fn milliseconds(at: f64) -> u64 {
    at as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times of milliseconds fit an f64 exactly"
)]
fn time(at: u64) -> SqlStorageValue {
    SqlStorageValue::Float(at as f64)
}

/// The name of an event's row, which sorts as its stream and sequence do.
fn event_name(stream: u64, sequence: u64) -> String {
    format!("{stream:016x}.{sequence:016x}")
}

impl SqlStore {
    pub(super) fn new(state: Rc<State>) -> Self {
        let sql = state.storage().sql();
        Self {
            state,
            sql,
            exists: Cell::new(false),
            rows_written: Cell::new(0),
        }
    }

    fn exec(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<worker::SqlCursor, StoreError> {
        self.sql
            .exec(query, values)
            .map_err(|error| StoreError(error.to_string()))
    }

    fn rows<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>, StoreError> {
        self.exec(query, values)?
            .to_array()
            .map_err(|error| StoreError(error.to_string()))
    }

    fn write(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<(), StoreError> {
        if !self.exists.get() {
            self.exec(CREATE, Vec::new())?;
            self.exists.set(true);
        }
        let cursor = self.exec(query, values)?;
        let written = u64::try_from(cursor.rows_written()).unwrap_or_default();
        self.rows_written.set(self.rows_written.get() + written);
        Ok(())
    }

    fn put(&self, kind: &str, name: &str, value: &str, at: u64) -> Result<(), StoreError> {
        self.write(PUT, vec![kind.into(), name.into(), value.into(), time(at)])
    }

    fn now() -> u64 {
        worker::Date::now().as_millis()
    }
}

impl Store for SqlStore {
    fn load(&self) -> Result<Kept, StoreError> {
        #[derive(Deserialize)]
        struct Found {}
        self.exists
            .set(!self.rows::<Found>(EXISTS, Vec::new())?.is_empty());
        let mut kept = Kept {
            anything: self.exists.get(),
            ..Kept::default()
        };
        if !kept.anything {
            return Ok(kept);
        }
        for row in self.rows::<Row>(SETTINGS, Vec::new())? {
            kept.used = kept.used.max(milliseconds(row.at));
            match row.kind.as_str() {
                "ended" => kept.ended = true,
                "log_level" => kept.log_level = serde_json::from_str(&row.value).ok(),
                "subscription" => kept.subscriptions.push(row.name),
                _ => {}
            }
        }
        Ok(kept)
    }

    fn state(&self, name: &str) -> Result<Option<String>, StoreError> {
        if !self.exists.get() {
            return Ok(None);
        }
        let rows: Vec<Value> = self.rows(GET_STATE, vec![name.into()])?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn put_state(&self, name: &str, json: &str) -> Result<(), StoreError> {
        self.put("state", name, json, Self::now())
    }

    fn put_log_level(&self, level: LogLevel) -> Result<(), StoreError> {
        self.put(
            "log_level",
            "",
            &crate::mcp::jsonrpc::to_json(&level),
            Self::now(),
        )
    }

    fn put_subscription(&self, uri: &str, subscribed: bool) -> Result<(), StoreError> {
        if subscribed {
            self.put("subscription", uri, "", Self::now())
        } else {
            self.write(DELETE, vec!["subscription".into(), uri.into()])
        }
    }

    fn put_event(
        &self,
        stream: u64,
        sequence: u64,
        frame: &str,
        expires: u64,
    ) -> Result<(), StoreError> {
        self.put("event", &event_name(stream, sequence), frame, expires)
    }

    fn events(&self, stream: u64, sequence: u64) -> Result<Vec<(u64, String)>, StoreError> {
        if !self.exists.get() {
            return Ok(Vec::new());
        }
        let range = vec![
            event_name(stream, sequence).into(),
            event_name(stream, u64::MAX).into(),
        ];
        let rows: Vec<Event> = self.rows(EVENTS, range)?;
        let read = |event: Event| {
            let (_, sequence) = event.name.split_once('.')?;
            Some((u64::from_str_radix(sequence, 16).ok()?, event.value))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    fn prune_events(&self, now: u64) -> Result<Option<u64>, StoreError> {
        if !self.exists.get() {
            return Ok(None);
        }
        self.write(EXPIRE, vec![time(now)])?;
        let next: Vec<Time> = self.rows(NEXT_EXPIRY, Vec::new())?;
        Ok(next.first().and_then(|row| row.at).map(milliseconds))
    }

    fn put_used(&self, now: u64) -> Result<(), StoreError> {
        self.put("used", "", "", now)
    }

    fn end(&self) -> Result<(), StoreError> {
        self.drop_tables()?;
        self.put("ended", "", "", Self::now())
    }

    fn clear(&self) {
        if !self.exists.get() {
            return;
        }
        self.exists.set(false);
        let state = Rc::clone(&self.state);
        self.state.wait_until(async move {
            let storage = state.storage();
            for outcome in [storage.delete_alarm().await, storage.delete_all().await] {
                if let Err(error) = outcome {
                    worker::console_error!("a session's storage could not be deleted: {error}");
                }
            }
        });
    }

    fn wake_at(&self, time: u64) {
        let state = Rc::clone(&self.state);
        self.state.wait_until(async move {
            let offset = std::time::Duration::from_millis(time.saturating_sub(Self::now()));
            if let Err(error) = state.storage().set_alarm(offset).await {
                worker::console_error!("a session's alarm could not be set: {error}");
            }
        });
    }

    fn rows_written(&self) -> u64 {
        self.rows_written.get()
    }
}

impl SqlStore {
    /// Deletes the rows of this table, and the tables that tools made for themselves.
    fn drop_tables(&self) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Table {
            name: String,
        }
        let tables: Vec<Table> = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
            Vec::new(),
        )?;
        for table in tables {
            let quoted = table.name.replace('"', "\"\"");
            self.exec(&format!("DROP TABLE IF EXISTS \"{quoted}\""), Vec::new())?;
        }
        self.exists.set(false);
        Ok(())
    }
}
