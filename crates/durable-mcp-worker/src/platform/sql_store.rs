//! A session's rows in the SQLite of its object.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use durable_mcp_protocol::log_level::LogLevel;
use futures_util::FutureExt;
use worker::{SqlStorage, SqlStorageValue, State};

use crate::session::store::{Kept, Store, StoreError, unreadable};

/// The most bytes of an event in one row, which holds 2 MB with all its columns. A longer one has several.
const MAX_ROW_BYTES: usize = 1024 * 1024;

/// The table of all that a session stores.
const TABLE: &str = "durable_mcp";

/// A single table, so that storing a value writes one row. It is created with the first row.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS durable_mcp (\
     kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, \
     PRIMARY KEY (kind, name)) WITHOUT ROWID";
const SETTINGS: &str = "SELECT kind, CASE kind WHEN 'log_level' THEN value ELSE name END, at FROM durable_mcp \
     WHERE kind < 'event' OR kind > 'event'";
const GET_STATE: &str = "SELECT value FROM durable_mcp WHERE kind = 'state' AND name = ?";
const PUT: &str = "INSERT INTO durable_mcp (kind, name, value, at) VALUES (?, ?, ?, ?) \
     ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, at = excluded.at";
const DELETE: &str = "DELETE FROM durable_mcp WHERE kind = ? AND name = ?";
const EVENTS: &str = "SELECT name, value FROM durable_mcp WHERE kind = 'event' AND name > ? AND name < ? ORDER BY name";
const EXPIRE: &str = "DELETE FROM durable_mcp WHERE kind = 'event' AND at <= ?";
const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'";
const NEXT_EXPIRY: &str = "SELECT min(at) AS at FROM durable_mcp WHERE kind = 'event'";

/// Rows of one object.
pub(super) struct SqlStore {
    state: Rc<State>,
    sql: SqlStorage,
    exists: Cell<bool>,
    ended: Cell<bool>,
    rows_written: Cell<u64>,
}

/// A row of a result.
pub(super) type Row = Vec<SqlStorageValue>;

pub(super) fn text(row: &Row, column: usize) -> &str {
    match row.get(column) {
        Some(SqlStorageValue::String(text)) => text,
        _ => "",
    }
}

fn number(row: &Row, column: usize) -> Option<u64> {
    match row.get(column) {
        Some(SqlStorageValue::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// A time in milliseconds since 1970: far from where whole numbers end in JavaScript.
fn time(at: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(at).unwrap_or(i64::MAX))
}

/// The name of an event's row, which sorts as its stream and sequence do. Those of a long event's further rows have an
/// ending, and sort behind it.
fn event_name(stream: u64, sequence: u64) -> String {
    format!("{stream:016x}.{sequence:016x}")
}

/// The rows of a text, none longer than it may be.
pub(super) fn pieces(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while text.len() > MAX_ROW_BYTES {
        let (piece, rest) = text
            .split_at_checked(text.floor_char_boundary(MAX_ROW_BYTES))
            .unwrap_or((text, ""));
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}

impl SqlStore {
    pub(super) fn new(state: Rc<State>) -> Self {
        let sql = state.storage().sql();
        Self {
            state,
            sql,
            exists: Cell::new(false),
            ended: Cell::new(false),
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

    fn rows(&self, query: &str, values: Row) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.each(query, values, &mut |row| {
            rows.push(row);
            true
        })?;
        Ok(rows)
    }

    /// Reads rows for as long as they are wanted.
    fn each(
        &self,
        query: &str,
        values: Row,
        wants_more: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), StoreError> {
        for row in self.exec(query, values)?.raw() {
            if !wants_more(row.map_err(|error| StoreError(error.to_string()))?) {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<(), StoreError> {
        if self.ended.get() {
            return Err(StoreError("the session has ended".to_owned()));
        }
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
        super::clock::now()
    }
}

impl Store for SqlStore {
    fn load(&self) -> Result<Kept, StoreError> {
        let tables = self.rows(TABLES, Vec::new())?;
        self.exists
            .set(tables.iter().any(|row| text(row, 0) == TABLE));
        let mut kept = Kept {
            anything: !tables.is_empty(),
            ..Kept::default()
        };
        if !self.exists.get() {
            return Ok(kept);
        }
        for row in self.rows(SETTINGS, Vec::new())? {
            kept.take(
                text(&row, 0),
                text(&row, 1),
                number(&row, 2).ok_or_else(unreadable)?,
            )?;
        }
        self.ended.set(kept.ended);
        Ok(kept)
    }

    fn state(&self, name: &str) -> Result<Option<String>, StoreError> {
        if !self.exists.get() {
            return Ok(None);
        }
        let rows = self.rows(GET_STATE, vec![name.into()])?;
        rows.first()
            .map(|row| match row.first() {
                Some(SqlStorageValue::String(json)) => Ok(json.clone()),
                _ => Err(unreadable()),
            })
            .transpose()
    }

    fn put_state(&self, name: &str, json: &str) -> Result<(), StoreError> {
        self.put("state", name, json, Self::now())
    }

    fn put_log_level(&self, level: LogLevel) -> Result<(), StoreError> {
        self.put("log_level", "", level.as_str(), Self::now())
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
        let name = event_name(stream, sequence);
        // Its beginning comes last: without that, the rest of it is not read.
        for (at, piece) in pieces(frame).into_iter().enumerate().rev() {
            let ending = if at == 0 {
                String::new()
            } else {
                format!(".{at:03}")
            };
            self.put("event", &format!("{name}{ending}"), piece, expires)?;
        }
        Ok(())
    }

    fn events(
        &self,
        stream: u64,
        sequence: u64,
        enough: usize,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        if !self.exists.get() {
            return Ok(Vec::new());
        }
        // Names that sort behind all rows of the one event, and behind all of the stream.
        let range = vec![
            format!("{}~", event_name(stream, sequence)).into(),
            event_name(stream, u64::MAX).into(),
        ];
        let (mut events, mut bytes) = (Vec::<(u64, String)>::new(), 0);
        let mut is_readable = true;
        self.each(EVENTS, range, &mut |row| {
            let mut parts = text(&row, 0).split('.').skip(1);
            let Some(at) = parts
                .next()
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
            else {
                is_readable = false;
                return false;
            };
            match (parts.next(), events.last_mut()) {
                (None, _) if bytes >= enough => return false,
                (None, _) => events.push((at, text(&row, 1).to_owned())),
                (Some(_), Some((last, frame))) if *last == at => frame.push_str(text(&row, 1)),
                (Some(_), _) => return true,
            }
            bytes += text(&row, 1).len();
            true
        })?;
        if is_readable {
            Ok(events)
        } else {
            Err(unreadable())
        }
    }

    fn prune_events(&self, now: u64) -> Result<Option<u64>, StoreError> {
        if !self.exists.get() {
            return Ok(None);
        }
        self.write(EXPIRE, vec![time(now)])?;
        Ok(self
            .rows(NEXT_EXPIRY, Vec::new())?
            .first()
            .and_then(|row| number(row, 0)))
    }

    fn put_used(&self, now: u64) -> Result<(), StoreError> {
        self.put("used", "", "", now)
    }

    fn end(&self) -> Result<(), StoreError> {
        self.drop_tables()?;
        self.put("ended", "", "", Self::now())?;
        self.ended.set(true);
        Ok(())
    }

    fn begin_anew(&self) -> Result<(), StoreError> {
        self.drop_tables()
    }

    fn clear(&self) {
        self.exists.set(false);
        self.ended.set(false);
        let storage = self.state.storage();
        self.in_background(async move {
            storage.delete_alarm().await?;
            storage.delete_all().await
        });
    }

    fn wake_at(&self, time: u64) {
        let storage = self.state.storage();
        let offset = Duration::from_millis(time.saturating_sub(Self::now()));
        self.in_background(async move { storage.set_alarm(offset).await });
    }

    fn rows_written(&self) -> u64 {
        self.rows_written.get()
    }
}

impl SqlStore {
    /// Deletes the rows of this table, and the tables that tools made for themselves.
    fn drop_tables(&self) -> Result<(), StoreError> {
        for row in self.rows(TABLES, Vec::new())? {
            let quoted = text(&row, 0).replace('"', "\"\"");
            self.exec(&format!("DROP TABLE IF EXISTS \"{quoted}\""), Vec::new())?;
        }
        self.exists.set(false);
        self.ended.set(false);
        Ok(())
    }

    fn in_background(&self, work: impl Future<Output = worker::Result<()>> + 'static) {
        let work = work.map(|outcome| {
            if let Err(error) = outcome {
                worker::console_error!("a session's storage failed: {error}");
            }
        });
        self.state.wait_until(work.boxed_local());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_split_into_full_rows_of_whole_characters() {
        assert_eq!(pieces(""), [""]);
        assert_eq!(pieces(&"x".repeat(MAX_ROW_BYTES)).len(), 1);
        let text = "x".repeat(MAX_ROW_BYTES - 1) + &"ü".repeat(MAX_ROW_BYTES);
        let lengths: Vec<_> = pieces(&text).into_iter().map(str::len).collect();
        assert_eq!(lengths, [MAX_ROW_BYTES - 1, MAX_ROW_BYTES, MAX_ROW_BYTES]);
        assert_eq!(pieces(&text).concat(), text);
    }
}
