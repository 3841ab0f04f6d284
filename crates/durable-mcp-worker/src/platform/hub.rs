//! The Durable Object that sends published changes to listeners, and requests to it.

mod columns;

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::runtime::Runtime;
use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use worker::js_sys::Promise;
use worker::js_sys::futures::JsFuture;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;
use worker::{Env, SqlStorageValue, State, WebSocket, WebSocketPair};

use self::columns::{as_delivery, count, number, texts, time};
use super::body::read_text;
use super::fault::{fault, js_fault};
use super::has_env::{HasEnv, runtime_of_env};
use super::promise::promised;
use super::{convert, placement, stream_socket};
use crate::hub::{
    END, Hub, HubCommand, HubHost, HubSocket, JOIN, LEAVE, Listener, PUBLISH, PendingDelivery,
    QuotaExceeded, QuotaSubject, STRANGER, ended,
};
use crate::session::publication::Publication;
use crate::transport::internal_headers::TRANSPORT;
use crate::transport::lifecycle::Transport;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/hub.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn send(
        env: &JsValue,
        jurisdiction: Option<&str>,
        path: &str,
        body: &str,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = sendLater)]
    fn send_later(
        context: &JsValue,
        env: &JsValue,
        jurisdiction: Option<&str>,
        path: &str,
        body: &str,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(catch)]
    fn ask(
        env: &JsValue,
        jurisdiction: Option<&str>,
        path: &str,
        body: &str,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    fn listen(
        env: &JsValue,
        jurisdiction: Option<&str>,
        listener: &str,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    fn tell(
        env: &JsValue,
        object: &str,
        header: &str,
        word: &str,
        body: &str,
    ) -> Result<Promise, JsValue>;
}

/// URL of the hub; a path follows.
const URL: &str = "https://hub";

const LISTEN: &str = "/listen";

/// The header of a request to listen, with who listens for what.
const LISTENER: &str = "x-durable-mcp-listener";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS sessions (object TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID";
/// Adds columns that a table of an earlier version lacks; fails, and may, where they are there already.
const ALTER: [&str; 3] = [
    "ALTER TABLE sessions ADD COLUMN tag TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN site TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE sessions ADD COLUMN stranger INTEGER NOT NULL DEFAULT 0",
];
const CREATE_TELLING: &str = "CREATE TABLE IF NOT EXISTS telling \
     (about TEXT PRIMARY KEY, notice TEXT NOT NULL, after TEXT NOT NULL, again INTEGER NOT NULL) WITHOUT ROWID";
const ADD: &str =
    "INSERT OR REPLACE INTO sessions (object, expires, tag, site, stranger) VALUES (?, ?, ?, ?, ?)";
const KEEP: &str = "UPDATE sessions SET expires = ? WHERE object = ? RETURNING object";
const REMOVE: &str = "DELETE FROM sessions WHERE object = ?";
const CREATE_ENDED: &str = "CREATE TABLE IF NOT EXISTS ended (grant_id TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID";
const END_GRANT: &str = "INSERT OR REPLACE INTO ended (grant_id, expires) VALUES (?, ?)";
const HAS_ENDED: &str = "SELECT 1 FROM ended WHERE grant_id = ?";
const EXPIRE_ENDED: &str = "DELETE FROM ended WHERE expires <= ?";
const NEXT_ENDED: &str = "SELECT min(expires) FROM ended";

const SOME: &str = "SELECT object FROM sessions WHERE object > ? ORDER BY object LIMIT ?";
const EXPIRED: &str = "SELECT object FROM sessions WHERE expires <= ? LIMIT ?";
const COUNT: &str = "SELECT count(*) FROM sessions";
const COUNT_STRANGERS: &str = "SELECT count(*) FROM sessions WHERE stranger = 1";
const COUNT_TAGGED: &str = "SELECT count(*) FROM sessions WHERE tag = ?1 OR site = ?1";
const NEXT: &str = "SELECT min(expires) FROM sessions";
const TELLING: &str = "SELECT about, notice, after, again FROM telling WHERE about = ?";
const NEXT_TELLING: &str =
    "SELECT about, notice, after, again FROM telling ORDER BY about <= ?, about LIMIT 1";
const PUT_TELLING: &str =
    "INSERT OR REPLACE INTO telling (about, notice, after, again) VALUES (?, ?, ?, ?)";
const REMOVE_TELLING: &str = "DELETE FROM telling WHERE about = ?";

/// Beginning of the tag of a socket with the id of its grant, so that no id is the tag of a user.
const GRANT_TAG: &str = "grant:";

/// Status of the hub's answer to a token whose grant has ended.
const ENDED: u16 = StatusCode::UNAUTHORIZED.as_u16();

/// `WebSocket.readyState` while messages can be sent.
const OPEN: u16 = 1;

/// The object that everything published goes through. [`worker!`](crate::worker!) stamps the class that holds one.
pub struct McpHub(AssertUnwindSafe<Rc<HubParts>>);

struct HubParts {
    state: Rc<State>,
    hub: Hub,
}

impl std::fmt::Debug for McpHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpHub").finish_non_exhaustive()
    }
}

impl McpHub {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let host = HubObjectHost {
            state: Rc::clone(&state),
            env,
            is_ready: Cell::new(false),
        };
        Self(AssertUnwindSafe(Rc::new(HubParts {
            state,
            hub: Hub::new(Rc::new(host)),
        })))
    }

    /// Answers the Worker and sessions' objects, which alone can reach it.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let parts = Rc::clone(&self.0);
        promised(Box::pin(async move {
            let response = parts
                .answer(&request)
                .await
                .map_err(|fault| JsValue::from(worker::Error::RustError(fault.0)))?;
            Ok(response.into())
        }))
    }

    /// The time that the hub ordered has come.
    pub fn alarm(&self) -> Promise {
        let parts = Rc::clone(&self.0);
        promised(Box::pin(async move {
            parts
                .hub
                .wake()
                .await
                .map_err(|fault| JsValue::from(worker::Error::RustError(fault.0)))?;
            Ok(JsValue::UNDEFINED)
        }))
    }

    /// A stream's other end has gone.
    pub fn closed(&self, socket: &WebSocket) {
        // Tells the runtime that the socket is done with.
        let _ = socket.close(Some(1000), Some("closed"));
    }
}

impl HubParts {
    async fn answer(&self, request: &web_sys::Request) -> Result<web_sys::Response, RuntimeError> {
        let unreadable = || RuntimeError("the hub does not understand".to_owned());
        let url = request.url();
        let path = url.strip_prefix(URL).unwrap_or_default();
        let reply = if path == LISTEN {
            let header = request.headers().get(LISTENER).ok().flatten();
            let text = header
                .and_then(|header| String::from_utf8(URL_SAFE_NO_PAD.decode(header).ok()?).ok());
            let text = text.ok_or_else(unreadable)?;
            let listener = Listener::parse(&text).ok_or_else(unreadable)?;
            match self.hub.open(&listener) {
                Ok(greeting) => return self.accept(&listener, &text, &greeting).map_err(fault),
                Err(refused) => refused,
            }
        } else {
            let text = read_text(request).await.map_err(|_| unreadable())?;
            let command = HubCommand::parse(path, &text).ok_or_else(unreadable)?;
            let excess = self.hub.carry_out(command).await?;
            Reply::empty(excess.map_or(StatusCode::NO_CONTENT, QuotaExceeded::status))
        };
        convert::response(reply).map_err(fault)
    }

    fn accept(
        &self,
        listener: &Listener,
        text: &str,
        greeting: &str,
    ) -> worker::Result<web_sys::Response> {
        let pair = WebSocketPair::new()?;
        let of_grant = listener
            .grant
            .as_ref()
            .map(|grant| format!("{GRANT_TAG}{grant}"));
        let mut tags = listener.counted.tags();
        tags.extend(of_grant.as_deref());
        self.state.accept_websocket_with_tags(&pair.server, &tags);
        pair.server.serialize_attachment(text)?;
        HubWebSocket(pair.server).send(greeting);
        worker::Response::from_websocket(pair.client).map(web_sys::Response::from)
    }
}

pub(super) struct HubObjectHost {
    state: Rc<State>,
    env: Env,
    /// True once the tables are known to exist.
    is_ready: Cell<bool>,
}

struct HubWebSocket(WebSocket);

impl HubSocket for HubWebSocket {
    fn send(&self, json: &str) {
        // One that is gone is taken away when it is closed.
        let _ = self
            .0
            .send_with_str(crate::transport::sse::message(None, json));
    }

    fn close(&self) {
        let _ = self.0.close(Some(1000), Some("the end"));
    }
}

impl HubObjectHost {
    fn rows(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<Vec<SqlStorageValue>>, RuntimeError> {
        let sql = self.state.storage().sql();
        if !self.is_ready.get() {
            for table in [CREATE, CREATE_TELLING, CREATE_ENDED] {
                sql.exec(table, None).map_err(fault)?;
            }
            for column in ALTER {
                let _ = sql.exec(column, None);
            }
            self.is_ready.set(true);
        }
        sql.exec(query, values)
            .map_err(fault)?
            .raw()
            .map(|row| row.map_err(fault))
            .collect()
    }

    /// The first publication that a query finds. One that cannot be read is removed, so that it holds up no other.
    fn first_delivery(
        &self,
        query: &str,
        about: &str,
    ) -> Result<Option<PendingDelivery>, RuntimeError> {
        while let Some(row) = self.rows(query, vec![about.into()])?.into_iter().next() {
            let mut row = row.into_iter();
            let Some(SqlStorageValue::String(about)) = row.next() else {
                break;
            };
            if let Some(delivery) = as_delivery(row) {
                return Ok(Some(delivery));
            }
            worker::console_error!(
                "the rest of the sessions is not told of {about:?}: its notice cannot be read"
            );
            self.remove_delivery(&about)?;
        }
        Ok(None)
    }
}

/// The open sockets among `sockets`, each with its attachment.
fn remembered(sockets: Vec<WebSocket>) -> Vec<(Rc<dyn HubSocket>, String)> {
    let open = sockets
        .into_iter()
        .filter(|socket| socket.as_ref().ready_state() == OPEN);
    open.map(|socket| {
        // An attachment that is not text is unreadable, as an empty one is.
        let remembered = socket
            .deserialize_attachment::<String>()
            .ok()
            .flatten()
            .unwrap_or_default();
        let socket: Rc<dyn HubSocket> = Rc::new(HubWebSocket(socket));
        (socket, remembered)
    })
    .collect()
}

impl HasEnv for HubObjectHost {
    fn env(&self) -> &Env {
        &self.env
    }
}

runtime_of_env!(HubObjectHost);

impl HubHost for HubObjectHost {
    fn sockets(&self) -> Vec<(Rc<dyn HubSocket>, String)> {
        remembered(self.state.get_websockets())
    }

    fn sockets_of(&self, grant: &str) -> Vec<(Rc<dyn HubSocket>, String)> {
        remembered(
            self.state
                .get_websockets_with_tag(&format!("{GRANT_TAG}{grant}")),
        )
    }

    fn note_ended(&self, grant: &str, until: u64) -> Result<(), RuntimeError> {
        self.rows(END_GRANT, vec![grant.into(), time(until)])
            .map(drop)
    }

    fn has_ended(&self, grant: &str) -> Result<bool, RuntimeError> {
        Ok(!self.rows(HAS_ENDED, vec![grant.into()])?.is_empty())
    }

    fn count(&self, tag: Option<&str>) -> usize {
        match tag {
            Some(tag) => self.state.get_websockets_with_tag(tag).len(),
            None => self.state.get_websockets().len(),
        }
    }

    fn sessions(&self, after: &str, limit: usize) -> Result<Vec<String>, RuntimeError> {
        Ok(texts(self.rows(SOME, vec![after.into(), count(limit)])?))
    }

    fn expired_sessions(&self, now: u64, limit: usize) -> Result<Vec<String>, RuntimeError> {
        Ok(texts(self.rows(EXPIRED, vec![time(now), count(limit)])?))
    }

    fn count_sessions(&self, tag: Option<&str>) -> Result<usize, RuntimeError> {
        let rows = match tag {
            None => self.rows(COUNT, Vec::new()),
            Some(STRANGER) => self.rows(COUNT_STRANGERS, Vec::new()),
            Some(tag) => self.rows(COUNT_TAGGED, vec![tag.into()]),
        }?;
        let found = number(&rows).and_then(|found| usize::try_from(found).ok());
        found.ok_or_else(|| RuntimeError("the hub cannot count".to_owned()))
    }

    fn renew_session(&self, object: &str, expires: u64) -> Result<bool, RuntimeError> {
        Ok(!self
            .rows(KEEP, vec![time(expires), object.into()])?
            .is_empty())
    }

    fn add_session(
        &self,
        object: &str,
        counted: &QuotaSubject,
        expires: u64,
    ) -> Result<(), RuntimeError> {
        let (user, origin) = (counted.user.as_deref(), counted.origin.as_ref());
        let tag = user
            .or(origin.map(|origin| origin.network.as_str()))
            .unwrap_or_default();
        let site = origin
            .and_then(|origin| origin.site.as_deref())
            .unwrap_or_default();
        let stranger = SqlStorageValue::Integer(user.is_none().into());
        self.rows(
            ADD,
            vec![
                object.into(),
                time(expires),
                tag.into(),
                site.into(),
                stranger,
            ],
        )
        .map(drop)
    }

    fn delivery(&self, about: &str) -> Result<Option<PendingDelivery>, RuntimeError> {
        self.first_delivery(TELLING, about)
    }

    fn next_delivery(&self, after: &str) -> Result<Option<PendingDelivery>, RuntimeError> {
        self.first_delivery(NEXT_TELLING, after)
    }

    fn put_delivery(&self, delivery: &PendingDelivery) -> Result<(), RuntimeError> {
        let PendingDelivery {
            publication,
            after,
            again,
        } = delivery;
        let again = SqlStorageValue::Integer((*again).into());
        let about = publication.about.as_str();
        self.rows(
            PUT_TELLING,
            vec![
                about.into(),
                publication.to_text().into(),
                after.as_str().into(),
                again,
            ],
        )
        .map(drop)
    }

    fn remove_delivery(&self, about: &str) -> Result<(), RuntimeError> {
        self.rows(REMOVE_TELLING, vec![about.into()]).map(drop)
    }

    fn remove_session(&self, object: &str) -> Result<(), RuntimeError> {
        self.rows(REMOVE, vec![object.into()]).map(drop)
    }

    fn next_ended(&self, now: u64) -> Result<Option<u64>, RuntimeError> {
        self.rows(EXPIRE_ENDED, vec![time(now)])?;
        Ok(number(&self.rows(NEXT_ENDED, Vec::new())?).and_then(|next| u64::try_from(next).ok()))
    }

    fn next_session(&self) -> Result<Option<u64>, RuntimeError> {
        Ok(number(&self.rows(NEXT, Vec::new())?).and_then(|next| u64::try_from(next).ok()))
    }

    fn notify(
        &self,
        object: &str,
        publication: &Publication,
    ) -> LocalBoxFuture<'_, Result<bool, RuntimeError>> {
        let told = tell(
            self.env.as_ref(),
            object,
            TRANSPORT,
            Transport::Publication.as_str(),
            &publication.about,
        );
        async move {
            let status = JsFuture::from(told.map_err(js_fault)?)
                .await
                .map_err(js_fault)?;
            has_heard(status.as_f64())
        }
        .boxed_local()
    }

    fn wake_by(&self, time: u64) -> Result<(), RuntimeError> {
        let storage = self.state.storage();
        let offset = Duration::from_millis(time.saturating_sub(self.now()));
        self.state.wait_until(async move {
            let ordered = storage
                .get_alarm()
                .await
                .ok()
                .flatten()
                .and_then(|at| u64::try_from(at).ok());
            if ordered.is_some_and(|at| at <= time) {
                return;
            }
            if let Err(error) = storage.set_alarm(offset).await {
                worker::console_error!("the hub's storage failed: {error}");
            }
        });
        Ok(())
    }
}

/// Parses the status by which a session's object answers a change: false if it has no client to notify, and is to be removed.
/// An object that failed, or is of another version, is notified of the next change.
fn has_heard(status: Option<f64>) -> Result<bool, RuntimeError> {
    if is(status, StatusCode::ACCEPTED) {
        Ok(true)
    } else if is(status, StatusCode::GONE) || is(status, StatusCode::NOT_FOUND) {
        Ok(false)
    } else {
        Err(RuntimeError(format!(
            "a session's object answers {status:?} to a change"
        )))
    }
}

fn is(status: Option<f64>, expected: StatusCode) -> bool {
    status == Some(f64::from(expected.as_u16()))
}

/// Publishes in the background (`waitUntil`) of the request that `context` belongs to; an object has no context.
pub(super) fn publish_later(context: Option<&JsValue>, env: &Env, publication: &Publication) {
    later(context, env, PUBLISH, &publication.to_text());
}

/// Publishes, and waits until the hub has notified the listeners.
pub(super) async fn publish(env: &Env, publication: &Publication) -> worker::Result<()> {
    let jurisdiction =
        placement::jurisdiction().map_err(|fault| worker::Error::RustError(fault.0))?;
    JsFuture::from(send(
        env.as_ref(),
        jurisdiction.as_deref(),
        PUBLISH,
        &publication.to_text(),
    )?)
    .await?;
    Ok(())
}

/// Ends the streams of a grant that has ended.
pub(super) async fn end_grant(env: &Env, grant: &str, until: u64) -> Result<(), RuntimeError> {
    let jurisdiction = placement::jurisdiction()?;
    let sent = send(
        env.as_ref(),
        jurisdiction.as_deref(),
        END,
        &format!("{grant} {until}"),
    )
    .map_err(js_fault)?;
    JsFuture::from(sent).await.map(drop).map_err(js_fault)
}

/// Joins a session to the hub; returns the status of the rejection if there are too many.
pub(super) async fn join(
    env: &Env,
    object: &str,
    counted: &str,
    expires: u64,
) -> Result<Option<u16>, RuntimeError> {
    let (jurisdiction, body) = (
        placement::jurisdiction()?,
        format!("{object} {expires}\n{counted}"),
    );
    let asked = ask(env.as_ref(), jurisdiction.as_deref(), JOIN, &body).map_err(js_fault)?;
    let status = JsFuture::from(asked).await.map_err(js_fault)?;
    let status = status.as_f64();
    let refusals = [QuotaExceeded::Own, QuotaExceeded::All].map(QuotaExceeded::status);
    match refusals.into_iter().find(|refusal| is(status, *refusal)) {
        None if !is(status, StatusCode::NO_CONTENT) => {
            Err(RuntimeError("the hub does not answer".to_owned()))
        }
        refusal => Ok(refusal.map(|refusal| refusal.as_u16())),
    }
}

/// Ends a session's publications at that time.
pub(super) fn leave_later(env: &Env, object: &str, time: u64) {
    later(None, env, LEAVE, &format!("{object} {time}"));
}

fn later(context: Option<&JsValue>, env: &Env, path: &str, body: &str) {
    let none = JsValue::UNDEFINED;
    let sent = placement::jurisdiction().and_then(|jurisdiction| {
        send_later(
            context.unwrap_or(&none),
            env.as_ref(),
            jurisdiction.as_deref(),
            path,
            body,
        )
        .map_err(js_fault)
    });
    if let Err(fault) = sent {
        worker::console_error!("nobody is told: {}", fault.0);
    }
}

/// Opens a listening stream; or returns the rejection for its client if there are too many.
pub(super) async fn subscribe(
    env: &Env,
    listener: &Listener,
    gone: LocalBoxFuture<'static, ()>,
) -> Result<Reply, RuntimeError> {
    let jurisdiction = placement::jurisdiction()?;
    let header = URL_SAFE_NO_PAD.encode(listener.to_text());
    let asked = listen(env.as_ref(), jurisdiction.as_deref(), &header).map_err(js_fault)?;
    let answer: web_sys::Response = JsFuture::from(asked)
        .await
        .map_err(js_fault)?
        .unchecked_into();
    let status = answer.status();
    match worker::Response::from(answer).websocket() {
        Some(socket) => {
            let events = stream_socket::body(socket, "", gone).map_err(fault)?;
            Ok(Reply::events(ReplyBody::NativeStream(Box::new(events))))
        }
        // The hub knows nothing of the request, so the Worker says it to the client.
        None if status == ENDED => Ok(ended(&listener.id)),
        None => match QuotaExceeded::of_status(status) {
            Some(excess) => Ok(excess.reply(Some(&listener.id))),
            None => Err(RuntimeError(format!("the hub answers {status}"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::has_heard;

    #[test]
    fn only_a_session_that_answers_404_or_410_is_forgotten() {
        assert_eq!(
            (
                has_heard(Some(202.0)),
                has_heard(Some(410.0)),
                has_heard(Some(404.0))
            ),
            (Ok(true), Ok(false), Ok(false))
        );
        for status in [Some(500.0), Some(503.0), Some(200.0), None] {
            assert!(has_heard(status).is_err(), "{status:?}");
        }
    }
}
