//! A session, independent of its transport: its calls, its subscriptions and log level, and its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_core::formats::is_of_other_version;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::Server;
use durable_mcp_protocol::call::Call;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::context::{ClientInfo, Context, Extensions};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{Notification, Response, error_json, result_json};
use durable_mcp_protocol::log_level::LogLevel;
use durable_mcp_protocol::questions::Questions;
use durable_mcp_protocol::response::CallResult;

use super::call_channel::{CallChannel, SessionPeer};
use super::call_run::{CallRun, Cancellation, RunEnd};
use super::host::SharedHost;
use super::log_line::RequestLog;
use super::running::Running;
use super::state::{Cache, States};
use super::store::{Kept, StoreError};

/// The most resources that a client may subscribe to in one session; each is a row.
pub const MAX_SUBSCRIPTIONS: usize = 256;

/// The longest URI that a client may subscribe to, in bytes: each stays in memory for as long as its session.
pub const MAX_SUBSCRIBED_URI_BYTES: usize = 8 * 1024;

/// Default for the idle time after which a session with stored rows ends, in seconds: long enough to span a holiday.
pub const DEFAULT_IDLE_SECONDS: u64 = 14 * 24 * 3600;

/// Default for the time within which a client can resume a stream and get the events that it missed, in seconds: as long
/// as a phone takes to find another network, and a person to notice.
pub const DEFAULT_RESUME_SECONDS: u64 = 5 * 60;

/// Time beyond the expiry of an id for which the end of its session stays stored, in milliseconds: ids count whole seconds,
/// and the clocks of two machines differ.
const TOMBSTONE_SLACK_MS: u64 = 2000;

/// Parts of the idle time after which an unwritten use is written down. One row in so long keeps an active session
/// alive, and an idle one is ended at most so much too early.
const USED_WRITTEN_EVERY: u64 = 8;

/// Delay before rows of another version are read again, in milliseconds.
const LOOK_AT_UNREADABLE_MS: u64 = 24 * 3600 * 1000;

/// An application's settings for all its sessions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Milliseconds after which an idle session ends.
    pub idle_ms: u64,
    /// Milliseconds for which a session id is good at most.
    pub max_age_ms: u64,
    /// Milliseconds for which a client can come back for events that it missed.
    pub resume_ms: u64,
    /// The requests that leave a line in the log.
    pub request_log: RequestLog,
    /// True if every answer to a POST is an event stream, also one that JSON would do for.
    pub always_streams: bool,
}

/// A session of any transport.
pub struct SessionObject {
    pub(crate) server: Rc<Server>,
    pub(crate) host: SharedHost,
    pub(crate) settings: Rc<Settings>,
    pub(crate) questions: Questions,
    pub(crate) running: Running,
    states: Rc<RefCell<Cache>>,
    kept: RefCell<Option<Kept>>,
    /// Time at which the object is next woken, in milliseconds since 1970; 0 if it has set no such time since it last woke.
    wakes_at: Cell<u64>,
    used: Cell<u64>,
}

/// The sender of a message: client program, user, and values of the request.
#[derive(Clone)]
pub struct Sender {
    /// The client program.
    pub client: Rc<ClientInfo>,
    /// The user.
    pub caller: Rc<Caller>,
    /// Values for extractors that belong to this request.
    pub extensions: Rc<dyn Fn(&mut Extensions)>,
}

impl SessionObject {
    /// The session of an object that has just woken.
    #[must_use]
    pub fn new(server: Rc<Server>, host: SharedHost, settings: Rc<Settings>) -> Rc<Self> {
        let now = host.now();
        Rc::new(Self {
            server,
            host,
            settings,
            questions: Questions::new(now),
            running: Running::default(),
            states: Rc::default(),
            kept: RefCell::default(),
            wakes_at: Cell::new(0),
            used: Cell::new(now),
        })
    }

    /// Lets a request in: false if the session has ended.
    ///
    /// # Errors
    /// When storage fails.
    pub fn admit(&self) -> Result<bool, StoreError> {
        let now = self.host.now();
        self.used.set(now);
        if self.kept.borrow().is_none() {
            *self.kept.borrow_mut() = Some(self.host.store().load()?);
        }
        let mut kept = self.kept.borrow_mut();
        let Some(kept) = kept.as_mut() else {
            return Ok(true);
        };
        let unwritten = now.saturating_sub(kept.used) > self.settings.idle_ms / USED_WRITTEN_EVERY;
        if !kept.ended && kept.anything && unwritten {
            self.host.store().put_used(now)?;
            kept.used = now;
        }
        Ok(!kept.ended)
    }

    /// Lets a request in to a state that does not end: one that ended by idling begins anew.
    ///
    /// # Errors
    /// When storage fails.
    pub fn admit_again(&self) -> Result<(), StoreError> {
        if !self.admit()? {
            self.host.store().begin_anew()?;
            self.states.borrow_mut().clear();
            self.wakes_at.set(0);
            *self.kept.borrow_mut() = Some(Kept::default());
        }
        Ok(())
    }

    /// Runs one call to its response, as JSON; `None` if it was cancelled.
    pub async fn answer(
        self: &Rc<Self>,
        call: Call,
        sender: Sender,
        channel: Rc<dyn CallChannel>,
    ) -> Option<String> {
        let run = CallRun::start(&*self.host, self.settings.request_log);
        let rows = self.host.store().rows_written();
        let silenced = Rc::default();
        let context = self.context(&sender, Rc::clone(&channel), &silenced);
        let (cancellation, registration) = Cancellation::new(&call, &context, &silenced);
        let running = self.running.enter(&call.request.id, cancellation);
        let response = run
            .response(&self.server, &call, &context, registration)
            .await
            .filter(|_| !silenced.get());
        drop(running);
        let end = RunEnd {
            event: "request",
            version: Some(sender.client.version),
            room: channel.room(),
            rows: self.host.store().rows_written().saturating_sub(rows),
        };
        let id = &call.request.id;
        match run.end(&call, response, &end)?.result {
            Ok(CallResult::Json(result)) => Some(result_json(id, &result)),
            // A session's call is never suspended: its questions go out on its stream.
            Ok(CallResult::Suspended) => None,
            Err(error) => Some(error_json(Some(id), &error)),
        }
    }

    fn context(
        self: &Rc<Self>,
        sender: &Sender,
        channel: Rc<dyn CallChannel>,
        silenced: &Rc<Cell<bool>>,
    ) -> Context {
        let mut extensions = Extensions::default();
        extensions.insert(Rc::new(self.states()));
        self.host.extend(&mut extensions);
        (sender.extensions)(&mut extensions);
        let peer = SessionPeer {
            session: Rc::clone(self),
            channel,
            silenced: Rc::clone(silenced),
        };
        let (client, caller) = (Rc::clone(&sender.client), Rc::clone(&sender.caller));
        Context::new(client, caller, Rc::new(peer), Rc::new(extensions))
    }

    pub(crate) fn states(self: &Rc<Self>) -> States {
        let session = Rc::clone(self);
        let on_write = move || session.something_is_kept();
        States {
            host: Rc::clone(&self.host),
            cache: Rc::clone(&self.states),
            on_write: Rc::new(on_write),
        }
    }

    /// Takes a notification.
    pub fn handle_notification(&self, notification: &Notification) {
        if notification.method == "notifications/cancelled"
            && let Some(id) = notification.params.request_id("requestId")
        {
            self.running.cancel(&id);
        }
    }

    /// Takes the client's answer to a question.
    pub fn settle(&self, response: Response) {
        self.questions.settle(response);
    }

    /// Ends the session: calls stop, and everything it kept is deleted.
    ///
    /// # Errors
    /// When storage fails.
    pub fn end(&self, issued: u64) -> Result<(), StoreError> {
        self.end_for_id_of(issued.saturating_mul(1000))
    }

    /// Ends the session, and stores its end until ids of that time, in milliseconds since 1970, have expired.
    fn end_for_id_of(&self, issued: u64) -> Result<(), StoreError> {
        self.running.cancel_all();
        self.host.store().end()?;
        self.states.borrow_mut().clear();
        *self.kept.borrow_mut() = Some(Kept {
            anything: true,
            ended: true,
            ..Kept::default()
        });
        self.host
            .store()
            .wake_at(issued + self.settings.max_age_ms + TOMBSTONE_SLACK_MS);
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.kept.borrow().as_ref().is_some_and(|kept| kept.ended)
    }

    /// Deletes everything, of a session that nobody can come back to.
    pub fn forget(&self) {
        self.running.cancel_all();
        self.states.borrow_mut().clear();
        self.wakes_at.set(0);
        let kept = self.kept.replace(Some(Kept::default()));
        // A session that wrote no row has nothing to delete.
        if kept.is_none_or(|kept| kept.anything) {
            self.host.store().clear();
        }
    }

    /// The time that was ordered has come: deletes what has expired, and orders the next time. True if the session ends
    /// by it.
    ///
    /// # Errors
    /// When storage fails.
    pub fn wake(&self) -> Result<bool, StoreError> {
        let now = self.host.now();
        let store = self.host.store();
        let kept = match store.load() {
            // The rows are left alone, and looked at again when their version may have come back.
            Err(error) if is_of_other_version(&RuntimeError(error.0.clone())) => {
                self.host.warn(&error.0);
                store.wake_at(now + LOOK_AT_UNREADABLE_MS);
                return Ok(false);
            }
            kept => kept?,
        };
        if kept.ended {
            self.forget();
            return Ok(true);
        }
        let next_event = store.prune_events(now)?;
        let used = if self.kept.borrow().is_some() {
            self.used.get().max(kept.used)
        } else {
            kept.used
        };
        let ends = used + self.settings.idle_ms;
        if now >= ends {
            self.end_for_id_of(now)?;
            return Ok(true);
        }
        let next = next_event.map_or(ends, |event| event.min(ends));
        store.wake_at(next);
        self.wakes_at.set(next);
        Ok(false)
    }

    /// Notes that the session has stored rows, and has the object woken once they may have expired.
    fn something_is_kept(&self) {
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            kept.anything = true;
            kept.used = self.host.now();
        }
        self.wake_by(self.host.now() + self.settings.idle_ms);
    }

    /// Keeps an event that its client may come back for.
    pub(crate) fn keep_event(&self, stream: u64, sequence: u64, frame: &str) {
        if self.has_ended() {
            return;
        }
        let expires = self.host.now().saturating_add(self.settings.resume_ms);
        match self
            .host
            .store()
            .put_event(stream, sequence, frame, expires)
        {
            Ok(()) => self.wake_by(expires),
            Err(error) => self.host.warn(&format!("an event is lost: {}", error.0)),
        }
    }

    /// Has the object woken at `time` at the latest.
    fn wake_by(&self, time: u64) {
        let now = self.host.now();
        let ordered = self.wakes_at.get();
        if ordered <= now || time < ordered {
            self.host.store().wake_at(time);
            self.wakes_at.set(time);
        }
    }

    pub(crate) fn log_level(&self) -> LogLevel {
        self.kept
            .borrow()
            .as_ref()
            .and_then(|kept| kept.log_level)
            .unwrap_or(LogLevel::DEFAULT)
    }

    pub(crate) fn set_log_level(&self, level: LogLevel) -> Result<(), Error> {
        if self.log_level() == level {
            return Ok(());
        }
        self.host
            .store()
            .put_log_level(level)
            .map_err(|error| self.failed(&error))?;
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            kept.log_level = Some(level);
        }
        self.something_is_kept();
        Ok(())
    }

    pub(crate) fn is_subscribed(&self, uri: &str) -> bool {
        self.kept
            .borrow()
            .as_ref()
            .is_some_and(|kept| kept.subscriptions.iter().any(|other| other == uri))
    }

    /// True if the client is notified of a change: of any list, and of a resource that it subscribed to.
    pub(crate) fn hears_of(&self, change: &Change) -> bool {
        match change {
            Change::Resource(uri) => self.is_subscribed(uri),
            _ => true,
        }
    }

    pub(crate) fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error> {
        if self.is_subscribed(uri) == subscribed {
            return Ok(());
        }
        if uri.len() > MAX_SUBSCRIBED_URI_BYTES {
            let message = format!(
                "The URI is longer than {MAX_SUBSCRIBED_URI_BYTES} bytes. Subscribe to a shorter one."
            );
            return Err(Error::new(ErrorCode::REFUSED, message));
        }
        let count = self
            .kept
            .borrow()
            .as_ref()
            .map_or(0, |kept| kept.subscriptions.len());
        if subscribed && count >= MAX_SUBSCRIPTIONS {
            let message = format!(
                "A session has at most {MAX_SUBSCRIPTIONS} subscriptions. Give one up first."
            );
            return Err(Error::new(ErrorCode::REFUSED, message));
        }
        self.host
            .store()
            .put_subscription(uri, subscribed)
            .map_err(|error| self.failed(&error))?;
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            kept.subscriptions.retain(|other| other != uri);
            if subscribed {
                kept.subscriptions.push(uri.to_owned());
            }
        }
        self.something_is_kept();
        Ok(())
    }

    fn failed(&self, error: &StoreError) -> Error {
        self.host.warn(&error.0);
        Error::internal(error.to_string())
    }
}
