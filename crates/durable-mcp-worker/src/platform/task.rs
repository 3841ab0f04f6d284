//! The Durable Object of a task, and the requests to it.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use durable_core::formats::{Format, is_of_other_version};
use durable_core::wire::{Reply, RuntimeError};
use durable_mcp_protocol::context::Extensions;
use durable_mcp_protocol::jsonrpc::to_json;
use futures_util::FutureExt;
use worker::js_sys::Promise;
use worker::worker_sys::web_sys;
use worker::{Env, SqlStorageValue, State};

use super::body::read_text;
use super::convert;
use super::fault::fault;
use super::has_env::{HasEnv, runtime_of_env};
use super::in_object::InObject;
use super::promise::promised;
use super::sql_store::{pieces, text};
use crate::http::App;
use crate::task::command::Command;
use crate::task::host::{TaskHost, TaskStore};
use crate::task::record::Record;
use crate::task::{Owner, TaskObject};
use crate::transport::internal_headers;
use crate::transport::session_endpoint::RequestHeaders;

/// Rows of the record are numbered down from 0, those of the outcome up from 1.
const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS task (part INTEGER PRIMARY KEY, value TEXT NOT NULL)";
const PUT: &str = "INSERT OR REPLACE INTO task (part, value) VALUES (?, ?)";
const CUT: &str = "DELETE FROM task WHERE part < ?";
const RECORD: &str = "SELECT value FROM task WHERE part <= 0 ORDER BY part DESC";
const OUTCOME: &str = "SELECT value FROM task WHERE part > 0 ORDER BY part";

/// The object behind one task. [`worker!`](crate::worker!) stamps the class that holds one.
///
/// A panic in a handler is caught where the handler is called, so nothing in here is ever seen half changed.
pub struct McpTask(AssertUnwindSafe<Rc<TaskObject>>);

impl std::fmt::Debug for McpTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpTask").finish_non_exhaustive()
    }
}

impl McpTask {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: State, env: Env, app: &App) -> Self {
        let state = Rc::new(state);
        let rows = TaskRows {
            state: Rc::clone(&state),
            parts: Cell::new(0),
        };
        let host = TaskObjectHost {
            rows,
            state,
            env: Rc::new(env),
        };
        Self(AssertUnwindSafe(TaskObject::new(
            Rc::clone(&app.server),
            Rc::new(host),
            app.settings.request_log,
        )))
    }

    /// Carries out what the Worker was asked for.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let task = Rc::clone(&self.0);
        promised(Box::pin(async move {
            let reply = match answer(&task, &request).await {
                // The Worker tells the client to try again.
                Err(fault) if is_of_other_version(&fault) => {
                    worker::console_error!("{}", fault.0);
                    Reply::empty(http::StatusCode::SERVICE_UNAVAILABLE)
                }
                answered => answered.map_err(|fault| worker::Error::RustError(fault.0))?,
            };
            Ok(convert::response(reply)?.into())
        }))
    }

    /// The time that the object ordered has come.
    ///
    /// # Errors
    /// When storage fails; the runtime tries again.
    pub fn alarm(&self) -> worker::Result<()> {
        self.0
            .wake()
            .map_err(|fault| worker::Error::RustError(fault.0))
    }
}

/// The result as JSON, or the client's error with another status.
async fn answer(task: &Rc<TaskObject>, request: &web_sys::Request) -> Result<Reply, RuntimeError> {
    let head = convert::read_head_at_object(request);
    let text = read_text(request)
        .await
        .map_err(|_| RuntimeError("a task's command cannot be read".to_owned()))?;
    let command = Command::parse(&text).ok_or_else(|| Format::TaskCommand.unreadable())?;
    let caller = Rc::new(internal_headers::decode(
        head.raw_header(internal_headers::CALLER).as_deref(),
    )?);
    let headers = Rc::clone(&head.headers);
    let extensions = move |extensions: &mut Extensions| {
        extensions.insert(Rc::new(RequestHeaders(Rc::clone(&headers))));
    };
    Ok(
        match task.handle(
            command,
            &Owner {
                caller,
                extensions: Rc::new(extensions),
            },
        )? {
            Ok(json) => Reply::json(http::StatusCode::OK, json),
            Err(error) => Reply::json(http::StatusCode::BAD_REQUEST, to_json(&error)),
        },
    )
}

pub(super) struct TaskObjectHost {
    state: Rc<State>,
    env: Rc<Env>,
    rows: TaskRows,
}

impl HasEnv for TaskObjectHost {
    fn env(&self) -> &Env {
        &self.env
    }
}

runtime_of_env!(TaskObjectHost);

impl InObject for TaskObjectHost {
    fn state(&self) -> &State {
        &self.state
    }

    fn extend(&self, extensions: &mut Extensions) {
        extensions.insert(Rc::clone(&self.env));
    }
}

impl TaskHost for TaskObjectHost {
    fn store(&self) -> &dyn TaskStore {
        &self.rows
    }
}

/// The task in the object's SQLite: its record and its outcome, split into rows within SQLite's limit.
struct TaskRows {
    state: Rc<State>,
    /// Number of rows that the record takes.
    parts: Cell<usize>,
}

impl TaskRows {
    fn texts(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<String>, RuntimeError> {
        let sql = self.state.storage().sql();
        sql.exec(CREATE, None).map_err(fault)?;
        let rows = sql.exec(query, values).map_err(fault)?;
        rows.raw()
            .map(|row| row.map(|row| text(&row, 0).to_owned()).map_err(fault))
            .collect()
    }

    fn background(&self, work: impl Future<Output = worker::Result<()>> + 'static) {
        self.state.wait_until(work.map(|outcome| {
            if let Err(error) = outcome {
                worker::console_error!("a task's storage failed: {error}");
            }
        }));
    }
}

impl TaskStore for TaskRows {
    fn load(&self) -> Result<Option<Record>, RuntimeError> {
        // A made-up task is asked for without a table being made for it.
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'task'";
        let known = self
            .state
            .storage()
            .sql()
            .exec(tables, None)
            .map_err(fault)?
            .raw()
            .next()
            .is_some();
        let record = if known {
            self.texts(RECORD, Vec::new())?
        } else {
            Vec::new()
        };
        self.parts.set(record.len());
        Record::stored(&record.concat())
    }

    fn put(&self, record: &Record) -> Result<(), RuntimeError> {
        let text = record.to_text();
        let pieces = pieces(&text);
        let before = self.parts.replace(pieces.len());
        let mut part = 0;
        for piece in pieces {
            self.texts(PUT, vec![SqlStorageValue::Integer(part), piece.into()])?;
            part -= 1;
        }
        if before > self.parts.get() {
            self.texts(CUT, vec![SqlStorageValue::Integer(part + 1)])?;
        }
        Ok(())
    }

    fn put_outcome(&self, json: &str) -> Result<(), RuntimeError> {
        for (part, piece) in (1..).zip(pieces(json)) {
            self.texts(PUT, vec![SqlStorageValue::Integer(part), piece.into()])?;
        }
        Ok(())
    }

    fn outcome(&self) -> Result<Option<String>, RuntimeError> {
        let parts = self.texts(OUTCOME, Vec::new())?;
        Ok((!parts.is_empty()).then(|| parts.concat()))
    }

    fn clear(&self) {
        let storage = self.state.storage();
        self.background(async move {
            storage.delete_alarm().await?;
            storage.delete_all().await
        });
    }

    fn wake_at(&self, time: u64) {
        let storage = self.state.storage();
        let offset = Duration::from_millis(time.saturating_sub(super::clock::now()));
        self.background(async move { storage.set_alarm(offset).await });
    }
}
