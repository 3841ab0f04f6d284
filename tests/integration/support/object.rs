//! A session's object, and clients that speak HTTP with it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context as Poller, Poll, Waker};

use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_core::wire::{Head, Reply, ReplyBody};
use durable_mcp::Server;
use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::context::{ClientInfo, Context};
use durable_mcp_protocol::extract::{Extract, Rejection};
use durable_mcp_worker::session::host::{CallRuntime, SharedHost};
use durable_mcp_worker::session::log_line::RequestLog;
use durable_mcp_worker::session::object::{SessionObject, Settings};
use durable_mcp_worker::testing::doubles::headers::HeaderMap;
use durable_mcp_worker::testing::doubles::host::{FakeHost, START};
use durable_mcp_worker::transport::internal_headers;
use durable_mcp_worker::transport::lifecycle::Transport;
use durable_mcp_worker::transport::refusal::Refusal;
use durable_mcp_worker::transport::session_endpoint::SessionEndpoint;
use durable_mcp_worker::transport::session_id::{Binding, ObjectId, SessionClaims};
use futures_channel::oneshot;
use futures_util::future::{pending, ready};
use futures_util::stream::LocalBoxStream;
use futures_util::{FutureExt, StreamExt};
use http::Method;
use serde_json::Value;

use super::json;

pub(crate) const IDLE_MS: u64 = 1_000_000;
pub(crate) const MAX_AGE_MS: u64 = 50_000_000;
pub(crate) const RESUME_MS: u64 = 200_000;

thread_local! {
    static CLOCK: RefCell<Option<Rc<FakeHost>>> = const { RefCell::new(None) };
}

/// An extractor of the tests': waits on the test's clock.
pub(crate) struct Sleep(Rc<FakeHost>);

impl Extract for Sleep {
    fn extract(_: &Context) -> Result<Self, Rejection> {
        Ok(Self(
            CLOCK.with_borrow(Clone::clone).expect("an object runs"),
        ))
    }
}

impl Sleep {
    /// The clock that it waits on from now on.
    pub(crate) fn on(host: &Rc<FakeHost>) {
        CLOCK.set(Some(Rc::clone(host)));
    }

    pub(crate) async fn ms(&self, milliseconds: u32) {
        self.0.sleep(milliseconds).await;
    }
}

/// An object, its runtime, and the session id of one client.
pub(crate) struct Rig {
    server: Rc<Server>,
    settings: Rc<Settings>,
    pub(crate) host: Rc<FakeHost>,
    object: RefCell<Rc<SessionEndpoint>>,
    claims: SessionClaims,
}

impl Rig {
    /// A session of the newest version, with a client that can be asked for everything.
    pub(crate) fn new(server: Server) -> Self {
        Self::speaking(ProtocolVersion::LATEST_WITH_SESSIONS, server)
    }

    pub(crate) fn speaking(version: ProtocolVersion, server: Server) -> Self {
        Self::begin(version, Transport::Streamable, server)
    }

    /// A session of HTTP+SSE. Its stream is not open yet.
    pub(crate) fn over_sse(server: Server) -> Self {
        Self::begin(ProtocolVersion::V2024_11_05, Transport::Sse, server)
    }

    fn begin(version: ProtocolVersion, transport: Transport, server: Server) -> Self {
        assert_eq!(server.problems(), [""; 0]);
        let settings = Settings {
            idle_ms: IDLE_MS,
            max_age_ms: MAX_AGE_MS,
            resume_ms: RESUME_MS,
            request_log: RequestLog::All,
            always_streams: false,
        };
        let capabilities = match transport {
            Transport::Sse => ClientCapabilities::default(),
            _ => ClientCapabilities::from_bits(u8::MAX),
        };
        let id = ObjectId([0xa1; 32]);
        let claims = SessionClaims {
            object: id,
            issued: START / 1000,
            transport,
            client: ClientInfo {
                version,
                capabilities,
                name: "test".to_owned(),
            },
            binding: Binding::of(&Caller::default()),
        };
        let host = FakeHost::new(id.to_hex());
        Sleep::on(&host);
        let (server, settings) = (Rc::new(server), Rc::new(settings));
        let object = RefCell::new(object(&server, &host, &settings));
        Self {
            server,
            settings,
            host,
            object,
            claims,
        }
    }

    /// The same object when it wakes again: what was only in memory is gone.
    pub(crate) fn restart(&self) {
        self.host.sleep_now();
        self.object
            .replace(object(&self.server, &self.host, &self.settings));
    }

    pub(crate) fn now(&self) -> u64 {
        self.host.now()
    }

    /// Moves the clock forward, from one timer or alarm to the next.
    pub(crate) fn advance(&self, milliseconds: u64) {
        let end = self.now() + milliseconds;
        self.host.run();
        loop {
            let alarm = self.host.memory().alarm();
            let next = [self.host.next_timer(), alarm]
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= end);
            self.host.set_time(next.unwrap_or(end).max(self.now()));
            if self.host.memory().take_due_alarm() {
                self.object.borrow().wake().expect("the store works");
            }
            self.host.run();
            if next.is_none() {
                return;
            }
        }
    }

    fn head(&self, method: Method, more: &[(&str, &str)]) -> Head {
        let id = self.claims.sign(&Keys::from_secret("k"));
        let over_sse = self.claims.transport == Transport::Sse;
        let opens = over_sse && method == Method::GET;
        let mut headers: BTreeMap<_, _> = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if opens || !over_sse {
            headers.insert(internal_headers::SESSION.to_owned(), id.clone());
        }
        if opens {
            headers.insert(
                internal_headers::TRANSPORT.to_owned(),
                self.claims.transport.as_str().to_owned(),
            );
        }
        Head {
            method,
            secure: true,
            host: "mcp.example.com".to_owned(),
            path: if over_sse { "/sse/message" } else { "/mcp" }.to_owned(),
            query: if over_sse && !opens {
                format!("{}={id}", internal_headers::SESSION_ID)
            } else {
                String::new()
            },
            headers: Rc::new(HeaderMap(headers)),
        }
    }

    /// Sends a request. It runs as far as it goes without time passing.
    pub(crate) fn send(
        &self,
        method: Method,
        headers: &[(&str, &str)],
        body: Result<String, Refusal>,
    ) -> Exchange {
        let head = self.head(method, headers);
        let object = Rc::clone(&self.object.borrow());
        let (done, reply) = oneshot::channel();
        self.host.spawn(
            async move {
                // The client may have hung up.
                let _ = done.send(
                    object
                        .handle(&head, ready(body).boxed_local(), pending().boxed_local())
                        .await,
                );
            }
            .boxed_local(),
        );
        self.host.run();
        Exchange::new(&self.host, reply, None)
    }

    pub(crate) fn post(&self, body: impl Into<String>) -> Exchange {
        self.send(Method::POST, &[], Ok(body.into()))
    }

    /// A GET, whose socket opens under the tag that is returned.
    pub(crate) fn get(&self, last_event_id: Option<&str>) -> String {
        match self.try_get(last_event_id) {
            Ok(tag) => tag,
            Err(answer) => panic!("{answer:?}"),
        }
    }

    pub(crate) fn try_get(&self, last_event_id: Option<&str>) -> Result<String, Answer> {
        let headers: Vec<_> = last_event_id
            .map(|id| ("last-event-id", id))
            .into_iter()
            .collect();
        let reply = self.send(Method::GET, &headers, Ok(String::new())).reply();
        match reply.body {
            ReplyBody::Socket(socket) => {
                assert_eq!(reply.status, 101);
                self.host.accept(
                    socket.tag.clone(),
                    socket.attachment,
                    socket.greeting,
                    socket.closes,
                );
                Ok(socket.tag)
            }
            _ => Err(Answer::of(reply)),
        }
    }

    pub(crate) fn delete(&self) -> Answer {
        self.send(Method::DELETE, &[], Ok(String::new())).answer()
    }

    /// A tool's text, from a call that is answered at once.
    pub(crate) fn text(&self, name: &str, arguments: &Value) -> String {
        let answer = self.post(json::call(1, name, arguments)).answer();
        assert_eq!(answer.status, 200, "{answer:?}");
        let result = &answer.json()["result"];
        assert_eq!(result.get("isError"), None, "{answer:?}");
        result["content"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:?}"))
            .to_owned()
    }

    /// The status of a POST that asks for nothing.
    pub(crate) fn ping(&self) -> u16 {
        self.post(json::request("ping", "ping", &serde_json::json!({})))
            .answer()
            .status
    }

    /// The client at the other end of a socket hangs up.
    pub(crate) fn hang_up(&self, tag: &str) {
        self.host.hang_up(tag);
        self.object.borrow().socket_closed(tag);
    }

    /// The JSON messages on a socket since the last call.
    pub(crate) fn messages(&self, tag: &str) -> Vec<Value> {
        events(&self.host.read(tag).0)
            .into_iter()
            .filter_map(|event| event.message)
            .collect()
    }

    pub(crate) fn is_closed(&self, tag: &str) -> bool {
        self.host.is_closed(tag)
    }
}

fn object(
    server: &Rc<Server>,
    host: &Rc<FakeHost>,
    settings: &Rc<Settings>,
) -> Rc<SessionEndpoint> {
    let host: SharedHost = Rc::clone(host) as _;
    SessionEndpoint::new(SessionObject::new(
        Rc::clone(server),
        host,
        Rc::clone(settings),
    ))
}

/// A request under way.
pub(crate) struct Exchange {
    host: Rc<FakeHost>,
    reply: Cell<Option<oneshot::Receiver<Reply>>>,
    opened: RefCell<Option<LocalBoxStream<'static, String>>>,
    /// Dropping it tells the server that the client has gone.
    connection: Cell<Option<oneshot::Sender<()>>>,
}

impl Exchange {
    pub(crate) fn new(
        host: &Rc<FakeHost>,
        reply: oneshot::Receiver<Reply>,
        connection: Option<oneshot::Sender<()>>,
    ) -> Self {
        let (host, reply) = (Rc::clone(host), Cell::new(Some(reply)));
        Self {
            host,
            reply,
            opened: RefCell::default(),
            connection: Cell::new(connection),
        }
    }

    /// True if there is no answer yet, not even its head.
    pub(crate) fn is_open(&self) -> bool {
        let mut reply = self.reply.take().expect("nobody took the answer");
        match reply.try_recv().expect("the object answers") {
            None => {
                self.reply.set(Some(reply));
                true
            }
            Some(_) => panic!("an answer is lost: ask for it instead"),
        }
    }

    pub(crate) fn reply(&self) -> Reply {
        self.host.run();
        let mut reply = self.reply.take().expect("nobody took the answer");
        reply
            .try_recv()
            .expect("the object answers")
            .expect("the object answers at once")
    }

    /// Asserts that a socket opens.
    pub(crate) fn opens_socket(&self) {
        assert!(matches!(self.reply().body, ReplyBody::Socket(_)));
    }

    /// The whole answer, where there is no stream.
    pub(crate) fn answer(&self) -> Answer {
        Answer::of(self.reply())
    }

    /// Events and comments on the stream since the last call.
    pub(crate) fn read(&self) -> Read {
        if self.opened.borrow().is_none() {
            let reply = self.reply();
            assert_eq!(reply.status, 200, "{reply:?}");
            let ReplyBody::Stream(stream) = reply.body else {
                panic!("no stream: {reply:?}")
            };
            self.opened.replace(Some(stream));
        }
        let (mut text, mut ended) = (String::new(), false);
        // A task of its own, as the runtime's: each piece is asked for anew.
        while let Poll::Ready(piece) = self.next_piece() {
            let Some(piece) = piece else {
                ended = true;
                break;
            };
            text += &piece;
        }
        Read {
            events: events(&text),
            text,
            ended,
        }
    }

    fn next_piece(&self) -> Poll<Option<String>> {
        let mut opened = self.opened.borrow_mut();
        let stream = opened.as_mut().expect("the stream is open");
        stream.poll_next_unpin(&mut Poller::from_waker(Waker::noop()))
    }

    /// The runtime drops the stream, and says nothing else of the client.
    pub(crate) fn drop_stream(&self) {
        drop(self.opened.take());
    }

    /// The runtime says that the client has gone, and does not drop the stream yet.
    pub(crate) fn cut_connection(&self) {
        drop(self.connection.take());
    }

    /// The client goes, whatever it has read.
    pub(crate) fn hang_up(self) {
        drop(self);
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) text: String,
}

impl Answer {
    fn of(reply: Reply) -> Self {
        let text = match reply.body {
            ReplyBody::Text(text) => text,
            ReplyBody::Empty => String::new(),
            ref other => {
                panic!(
                    "not a whole answer: {}",
                    if matches!(other, ReplyBody::Stream(_)) {
                        "stream"
                    } else {
                        "socket"
                    }
                )
            }
        };
        Self {
            status: reply.status.as_u16(),
            headers: reply.headers,
            text,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json::value(&self.text)
    }

    /// Asserts a refusal with that status, code and id.
    pub(crate) fn refuses(&self, status: u16, code: i64, id: impl Into<Value>) {
        let json = self.json();
        assert_eq!(
            (self.status, &json["error"]["code"], &json["id"]),
            (status, &code.into(), &id.into()),
            "{self:?}"
        );
        assert_eq!(json["jsonrpc"], "2.0");
        assert!(
            json["error"]["message"]
                .as_str()
                .is_some_and(|message| message.len() > 10),
            "{self:?}"
        );
    }
}

/// A part of an event stream.
pub(crate) struct Read {
    pub(crate) events: Vec<Event>,
    pub(crate) text: String,
    pub(crate) ended: bool,
}

impl Read {
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.events
            .iter()
            .filter_map(|event| event.message.clone())
            .collect()
    }

    /// Number of comments.
    pub(crate) fn comments(&self) -> usize {
        self.text
            .split("\n\n")
            .filter(|block| block.starts_with(':'))
            .count()
    }

    pub(crate) fn last_id(&self) -> String {
        self.events
            .iter()
            .rev()
            .find_map(|event| event.id.clone())
            .expect("an event with an id")
    }
}

/// A server-sent event.
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<Value>,
}

fn events(text: &str) -> Vec<Event> {
    let field = |block: &str, name: &str| {
        let mut lines = block.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .next()
            .map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
    };
    let blocks = text
        .split("\n\n")
        .filter(|block| !block.is_empty() && !block.starts_with(':'));
    blocks
        .map(|block| Event {
            id: field(block, "id:"),
            message: field(block, "data:")
                .filter(|data| data.starts_with('{'))
                .map(|data| json::value(&data)),
        })
        .collect()
}
