//! Messages between the client, on stdio, and the server.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_local;

use crate::arguments::Arguments;
use crate::calls::Calls;
use crate::era::{self, MirroredTools, Modern, Questions};
use crate::gate::Gate;
use crate::http::Client;
use crate::log::log;
use crate::members::Members;
use crate::message::{
    BRIDGE_ERROR, INVALID_REQUEST, Id, Kind, Malformed, Message, error_response, is_batch,
};
use crate::recent::RecentEvents;
use crate::remote::Remote;
use crate::seen::Seen;
use crate::session::Session;
use crate::silence::PassedQuestions;
use crate::sse::Held;
use crate::stateless::Stateless;
use crate::stdio::{Line, Output, read_lines};
use crate::store::Store;
use crate::tools;
use crate::transport::Transport;
use crate::trouble::Trouble;

/// Most requests of the client without an answer. A client that has more has lost count.
const MAX_CALLS: usize = 4096;
/// Notifications that wait for the one before them.
const NOTIFICATIONS_WAITING: usize = 64;
/// Longest that a notification waits for the receipt of the one before it.
const NOTIFICATION_WAIT: Duration = Duration::from_secs(5);

/// Bridge between a client and a server.
pub(crate) struct Bridge {
    pub(crate) arguments: Arguments,
    pub(crate) remote: Remote,
    pub(crate) output: Output,
    pub(crate) calls: Calls,
    pub(crate) gate: Gate,
    pub(crate) session: RefCell<Session>,
    pub(crate) transport: Cell<Transport>,
    /// Transports that `initialize` tries.
    pub(crate) transports: Cell<(Transport, Option<Transport>)>,
    pub(crate) seen: Seen,
    /// Connection of HTTP+SSE.
    pub(crate) sse: RefCell<Option<Held>>,
    /// Server of 2026-07-28, once it is known to be one.
    pub(crate) era: RefCell<Option<Rc<Modern>>>,
    pub(crate) questions: Questions,
    pub(crate) passed_questions: PassedQuestions,
    /// Client of 2026-07-28, before a server with sessions.
    pub(crate) stateless: Stateless,
    /// Told of each request that memory cannot answer while the server is out of reach.
    pub(crate) unanswered_offline: Notify,
    pub(crate) mirrored: RefCell<MirroredTools>,
    /// Whether all tools were listed, so that `mirrored` is whole.
    pub(crate) knows_tools: Cell<bool>,
    pub(crate) recent: RefCell<RecentEvents>,
    /// Told of each line of the client.
    pub(crate) activity: Notify,
    /// Held while a new session is opened, with the reason why the last one could not be.
    pub(crate) renewing: tokio::sync::Mutex<Option<Trouble>>,
    /// Counts the new sessions that could not be opened.
    pub(crate) failed_renewals: Cell<u64>,
    work: watch::Sender<usize>,
    notifications: mpsc::Sender<(Message, Work)>,
}

/// Unit of work that the end waits for.
pub(crate) struct Work(watch::Sender<usize>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) cursor: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancelled {
    request_id: Id,
}

impl Bridge {
    /// Starts the threads of stdio. The lines of the client are to be given to [`Bridge::relay`].
    ///
    /// # Errors
    ///
    /// One sentence that says what to change.
    pub(crate) fn start(arguments: Arguments) -> Result<(Rc<Self>, mpsc::Receiver<Line>), String> {
        let client = Arc::new(Client::new(&arguments)?);
        for warning in arguments.warnings.iter().chain(&client.warnings) {
            log(warning);
        }
        let prefix = random_prefix()
            .map_err(|error| format!("the system gives no random bytes: {error}"))?;
        let lines = read_lines(arguments.max_message).map_err(|error| no_thread(&error))?;
        let (notifications, waiting) = mpsc::channel(NOTIFICATIONS_WAITING);
        let calls = Calls::new(prefix);
        let bridge = Rc::new(Self::new(arguments, client, calls, notifications)?);
        bridge.begin_upkeep(waiting);
        Ok((bridge, lines))
    }

    /// A bridge without a session, and the thread of its output.
    fn new(
        arguments: Arguments,
        client: Arc<Client>,
        calls: Calls,
        notifications: mpsc::Sender<(Message, Work)>,
    ) -> Result<Self, String> {
        let seen = Seen::load(
            Store::open(arguments.store_key()).ok(),
            &arguments.url.parsed,
        );
        Ok(Self {
            remote: Remote::new(&arguments, client),
            output: Output::start().map_err(|error| no_thread(&error))?,
            calls,
            gate: Gate::new(),
            session: RefCell::default(),
            transport: Cell::new(Transport::Streamable),
            transports: Cell::new(Transport::order(arguments.transport, seen.transport())),
            seen,
            sse: RefCell::default(),
            era: RefCell::default(),
            questions: Questions::default(),
            passed_questions: PassedQuestions::default(),
            stateless: Stateless::default(),
            unanswered_offline: Notify::new(),
            mirrored: RefCell::default(),
            knows_tools: Cell::new(false),
            recent: RefCell::default(),
            activity: Notify::new(),
            renewing: tokio::sync::Mutex::default(),
            failed_renewals: Cell::new(0),
            work: watch::Sender::new(0),
            notifications,
            arguments,
        })
    }

    fn begin_upkeep(self: &Rc<Self>, waiting: mpsc::Receiver<(Message, Work)>) {
        spawn_local(Rc::clone(self).send_notifications(waiting));
        if let Some(interval) = self.arguments.ping_interval {
            spawn_local(Rc::clone(self).keep_alive(interval));
        }
        if let Some(quiet) = self.arguments.idle_timeout {
            spawn_local(Rc::clone(self).rest(quiet));
        }
    }

    /// Relays the client's lines until their end.
    pub(crate) async fn relay(self: Rc<Self>, mut lines: mpsc::Receiver<Line>) {
        while let Some(line) = lines.recv().await {
            self.activity.notify_one();
            match line {
                Line::Whole(bytes)
                    if is_batch(&bytes) && !self.session.borrow().allows_batches() =>
                {
                    let reason = "batches are of version 2025-03-26 alone".to_owned();
                    self.refuse(Malformed {
                        code: INVALID_REQUEST,
                        id: None,
                        reason,
                    })
                    .await;
                }
                Line::Whole(bytes) => match Message::parse_all(bytes) {
                    Err(malformed) => self.refuse(malformed).await,
                    Ok(messages) => {
                        for message in messages {
                            match message {
                                Ok(message) => self.dispatch(message).await,
                                Err(malformed) => self.refuse(malformed).await,
                            }
                        }
                    }
                },
                Line::TooLong(members) => self.refuse_long(members).await,
            }
        }
    }

    /// Waits until everything the client asked for is answered, or `time` is over.
    pub(crate) async fn finish(&self, time: Duration) {
        let mut work = self.work.subscribe();
        // Time over: what is left is lost with the process.
        tokio::time::timeout(time, work.wait_for(|count| *count == 0))
            .await
            .ok();
    }

    pub(crate) fn work(&self) -> Work {
        self.work.send_modify(|count| *count += 1);
        Work(self.work.clone())
    }

    async fn refuse(&self, malformed: Malformed) {
        let answer = error_response(
            malformed.id.as_ref(),
            malformed.code.into(),
            &malformed.reason,
        );
        self.output.write(answer).await;
    }

    /// Answers a message over the limit with an error: a request to the client, a response to the server.
    async fn refuse_long(self: &Rc<Self>, members: Members) {
        let reason = format!(
            "the message has more than {} bytes: raise --max-message",
            self.arguments.max_message
        );
        log(&reason);
        let Some(id) = members.id.as_deref().and_then(Id::from_json) else {
            return;
        };
        let error = error_response(Some(&id), BRIDGE_ERROR.into(), &reason);
        if members.has_method {
            self.output.write(error).await;
        } else if let Ok(response) = Message::parse(error) {
            self.dispatch(response).await;
        }
    }

    async fn dispatch(self: &Rc<Self>, message: Message) {
        match message.kind.clone() {
            Kind::Request { id, method } => self.dispatch_request(message, id, &method).await,
            Kind::Notification { method } => match method.as_str() {
                _ if self.session.borrow().is_of_bridge => self.take_stateless(message).await,
                "notifications/initialized" => {
                    self.gate.close();
                    self.spawn(|bridge| bridge.send_initialized(message));
                }
                "notifications/cancelled" => {
                    if !self.withdraw(&message) {
                        self.spawn(|bridge| bridge.send_one_way(message));
                    }
                }
                _ => self.send_in_order(message).await,
            },
            Kind::Response { id: Some(id), .. } if self.questions.answered(&id, &message) => {}
            // A client of 2026-07-28 is asked in results, so a response of its own answers nothing.
            Kind::Response { .. } if self.session.borrow().is_of_bridge => {}
            Kind::Response { id, .. } => {
                if let Some(id) = &id {
                    self.passed_questions.ended(id);
                }
                self.spawn(|bridge| bridge.send_one_way(message));
            }
        }
    }

    async fn dispatch_request(self: &Rc<Self>, message: Message, id: Id, method: &str) {
        if let Some(answer) = tools::refusal(&self.arguments.tools, &message, &id, method) {
            return self.output.write(answer).await;
        }
        // Not entered where it is refused: nothing would take it out.
        let has_room = self.calls.len() < MAX_CALLS;
        let Some(call) = has_room
            .then(|| self.calls.of_client(&id, method))
            .flatten()
        else {
            let reason = "this id is in use, or too many requests have no answer yet";
            return self
                .output
                .write(error_response(Some(&id), INVALID_REQUEST.into(), reason))
                .await;
        };
        if !self.has_session() && era::is_of_modern(&message) {
            self.calls.mark_modern(&id);
        }
        if self.is_stateless(&message) {
            self.spawn(|bridge| bridge.call_stateless(call, message));
        } else if method == "initialize" {
            self.gate.close();
            self.session.borrow_mut().begin(message.clone());
            self.passed_questions.forget();
            self.spawn(|bridge| bridge.initialize(call, message));
        } else {
            if message
                .params::<Page>()
                .is_some_and(|page| page.cursor.is_some())
            {
                self.calls.mark_page(&id);
            }
            self.session.borrow_mut().note(method, &message);
            self.spawn(|bridge| bridge.call(call, message));
        }
    }

    /// Forgets the request that the client has cancelled; `true` if that closes its connection, so that the server needs no notice.
    pub(crate) fn withdraw(&self, cancelled: &Message) -> bool {
        let Some(Cancelled { request_id }) = cancelled.params() else {
            return false;
        };
        let entry = self.calls.cancel(&request_id);
        // A call without an entry has been answered.
        entry.map_or(!self.has_session(), |entry| entry.is_modern)
    }

    /// Whether the client has begun a session, as clients before 2026-07-28 do.
    fn has_session(&self) -> bool {
        self.session.borrow().initialize.is_some()
    }

    /// Sends a notification, or a response to the server, after those before it.
    pub(crate) async fn send_in_order(&self, message: Message) {
        // The receiver lives as long as the bridge.
        drop(self.notifications.send((message, self.work())).await);
    }

    /// Whether the client waits for responses, apart from streams that end when it likes, or the server for answers.
    pub(crate) fn has_calls(&self) -> bool {
        let apart = if self.session.borrow().is_of_bridge {
            "subscriptions/listen"
        } else {
            ""
        };
        self.calls.has_client_besides(apart) || self.stateless.has_calls()
    }

    /// Runs a task that the end waits for.
    fn spawn<F: Future<Output = ()> + 'static>(self: &Rc<Self>, task: impl FnOnce(Rc<Self>) -> F) {
        let work = self.work();
        let task = task(Rc::clone(self));
        spawn_local(async move {
            task.await;
            drop(work);
        });
    }

    async fn send_initialized(self: Rc<Self>, message: Message) {
        {
            let mut session = self.session.borrow_mut();
            session.notification = Some(message.clone());
            if session.offline.is_some() {
                return self.gate.open();
            }
        }
        self.post_initialized(message).await;
        self.listen().await;
        self.gate.open();
    }

    /// Sends `notifications/initialized`. A server that never says that it has it holds up no call.
    pub(crate) async fn post_initialized(self: &Rc<Self>, message: Message) {
        let bridge = Rc::clone(self);
        let sent = spawn_local(async move {
            if let Err(trouble) = bridge.post(&message).await {
                log(&trouble.error().1);
            }
        });
        tokio::time::timeout(NOTIFICATION_WAIT, sent).await.ok();
    }

    /// Sends a response of the client, or a notification that need not wait for those before it.
    async fn send_one_way(self: Rc<Self>, message: Message) {
        if self.gate.pass().await.is_err() {
            return;
        }
        let generation = self.session.borrow().generation;
        let mut outcome = self.post(&message).await;
        // A response belongs to a request of the session that is gone.
        if matches!(
            (&outcome, &message.kind),
            (Err(Trouble::SessionLost(_)), Kind::Notification { .. })
        ) {
            outcome = match self.renew(generation).await {
                Ok(()) => self.post(&message).await,
                failed => failed,
            };
        }
        if let Err(trouble) = outcome {
            log(&trouble.error().1);
        }
    }

    async fn send_notifications(self: Rc<Self>, mut waiting: mpsc::Receiver<(Message, Work)>) {
        while let Some((message, work)) = waiting.recv().await {
            let bridge = Rc::clone(&self);
            let sent = spawn_local(async move {
                bridge.send_one_way(message).await;
                drop(work);
            });
            // One that takes long is overtaken, and goes on.
            tokio::time::timeout(NOTIFICATION_WAIT, sent).await.ok();
        }
    }
}

fn no_thread(error: &io::Error) -> String {
    format!("the system gives no thread: {error}")
}

fn random_prefix() -> Result<String, getrandom::Error> {
    Ok(format!("bridge-{:016x}", getrandom::u64()?))
}
