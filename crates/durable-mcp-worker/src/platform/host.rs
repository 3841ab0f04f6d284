//! The runtime around a session's object.

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::context::Extensions;
use durable_mcp_protocol::error::Error;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::{SqlStorage, State, WebSocket};

use super::has_env::{HasEnv, runtime_of_env};
use super::hub;
use super::in_object::InObject;
use super::sql_store::SqlStore;
use crate::session::Session;
use crate::session::host::Host;
use crate::session::store::Store;

/// `WebSocket.readyState` while messages can be sent.
const OPEN: u16 = 1;

pub(super) struct ObjectHost {
    state: Rc<State>,
    env: Rc<worker::Env>,
    store: SqlStore,
    sql: Rc<Sql>,
    id: String,
    last: RefCell<Option<(String, WebSocket)>>,
}

impl ObjectHost {
    pub(super) fn new(state: Rc<State>, env: Rc<worker::Env>) -> Self {
        let (store, id) = (SqlStore::new(Rc::clone(&state)), state.id().to_string());
        let sql = Rc::new(Sql(state.storage().sql()));
        Self {
            state,
            env,
            store,
            sql,
            id,
            last: RefCell::new(None),
        }
    }

    fn sockets(&self, tag: &str) -> impl Iterator<Item = WebSocket> {
        self.state
            .get_websockets_with_tag(tag)
            .into_iter()
            .filter(is_open)
    }

    /// The socket of that tag. The one that was found last is tried first: finding it costs more than sending on it.
    fn socket(&self, tag: &str) -> Option<WebSocket> {
        let last = self
            .last
            .borrow()
            .as_ref()
            .filter(|(of, socket)| of == tag && is_open(socket))
            .cloned();
        if let Some((_, socket)) = last {
            return Some(socket);
        }
        let found = self.sockets(tag).next()?;
        *self.last.borrow_mut() = Some((tag.to_owned(), found.clone()));
        Some(found)
    }
}

fn is_open(socket: &WebSocket) -> bool {
    socket.as_ref().ready_state() == OPEN
}

impl HasEnv for ObjectHost {
    fn env(&self) -> &worker::Env {
        &self.env
    }
}

runtime_of_env!(ObjectHost);

impl InObject for ObjectHost {
    fn state(&self) -> &State {
        &self.state
    }

    fn extend(&self, extensions: &mut Extensions) {
        extensions.insert(Rc::clone(&self.env));
        extensions.insert(Rc::clone(&self.sql));
    }
}

impl Host for ObjectHost {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn object_id(&self) -> &str {
        &self.id
    }

    fn join(
        &self,
        counted: String,
        expires: u64,
    ) -> LocalBoxFuture<'_, Result<Option<u16>, RuntimeError>> {
        async move { hub::join(&self.env, &self.id, &counted, expires).await }.boxed_local()
    }

    fn leave(&self, time: u64) {
        hub::leave_later(&self.env, &self.id, time);
    }

    fn send(&self, tag: &str, text: &str) -> bool {
        self.socket(tag)
            .is_some_and(|socket| socket.send_with_str(text).is_ok())
    }

    fn close(&self, tag: &str) {
        for socket in self.sockets(tag) {
            // One that is closed already is no concern any more.
            let _ = socket.close(Some(1000), Some("another one took over"));
        }
    }

    fn attachment(&self, tag: &str) -> Option<String> {
        let socket = self.socket(tag)?;
        socket
            .deserialize_attachment::<String>()
            .ok()
            .flatten()
            .or_else(|| Some(String::new()))
    }

    fn attach(&self, tag: &str, attachment: &str) {
        for socket in self.sockets(tag) {
            if let Err(error) = socket.serialize_attachment(attachment) {
                self.warn(&format!(
                    "a stream's client could not be remembered: {error}"
                ));
            }
        }
    }
}

/// The SQLite of a session's object, for tables of a tool's own. They are deleted with the session.
///
/// Names that begin with `durable_mcp` are this library's. Each statement is a transaction of its own; those without an
/// `await` between them are kept or lost together.
#[derive(Debug, Clone)]
pub struct Sql(SqlStorage);

impl std::ops::Deref for Sql {
    type Target = SqlStorage;

    fn deref(&self) -> &SqlStorage {
        &self.0
    }
}

/// Only calls without a session have none, or calls outside of a Worker.
const NO_SQL: &str = if cfg!(target_arch = "wasm32") {
    "This call has no session to keep rows in."
} else {
    "Only a Worker has the SQL of sessions, and in a test there is none. Put the work behind `Session::sql` into a function of \
     plain arguments, and test that."
};

impl<S> Session<S> {
    /// The session's SQLite, for tables of your own.
    ///
    /// # Errors
    /// When the call has no session.
    pub fn sql(&self) -> Result<Rc<Sql>, Error> {
        // Tables of tools have to be collected with the session.
        self.keep_alive();
        self.context()
            .extension::<Sql>()
            .ok_or_else(|| Error::internal(NO_SQL))
    }
}
