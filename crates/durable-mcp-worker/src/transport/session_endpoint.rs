//! The HTTP side of a session's object.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::wire::{ADDRESS_HEADER, Head, Headers, Reply, RuntimeError};
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::context::{ClientInfo, Extensions};
use durable_mcp_protocol::jsonrpc::notification_json;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};

use super::lifecycle::{Lifecycle, Transport, classify};
use super::refusal::{Refusal, Refused};
use super::session_id::SessionClaims;
use super::session_stream::CallStream;
use super::sse::{self, EventId, MAX_UNREAD_BYTES};
use super::stateless::{self, Accepted};
use super::version_header::VERSION_HEADER;
use super::{internal_headers, legacy_sse, request_state, streamable};
use crate::hub::{ClientNetwork, QuotaExceeded, QuotaSubject, user_tag};
use crate::session::host::Host;
use crate::session::log_line::{self, LogLine};
use crate::session::object::{Sender, SessionObject};
use crate::session::publication::Publication;
use crate::session::store::StoreError;

/// The tag of the standalone GET stream's socket.
pub(crate) const GET_TAG: &str = "get";

/// The tag of the one stream of an HTTP+SSE session.
pub(crate) const SSE_TAG: &str = "sse";

/// Events of the standalone stream that stay in memory, for a client whose connection died with them on the way.
const STANDALONE_KEPT: usize = 64;

/// Streams that stay in memory for clients that may come back; the oldest finished ones go first.
const MAX_STREAMS: usize = 64;

/// Reads the body of the request at hand.
pub type ReadBody = LocalBoxFuture<'static, Result<String, Refusal>>;

/// A session's object, as HTTP sees it.
pub struct SessionEndpoint {
    pub(crate) session: Rc<SessionObject>,
    /// First bytes of the object's id, for ids of events.
    id_prefix: u32,
    streams: RefCell<Vec<Rc<CallStream>>>,
    last_stream: Cell<u64>,
    standalone: RefCell<Standalone>,
    /// True once the session has joined the hub, to be told what is published.
    listens: Cell<bool>,
}

#[derive(Default)]
struct Standalone {
    last: u64,
    kept: VecDeque<(u64, String)>,
    /// A client had this stream and lost it: what it misses is kept in storage.
    lost: bool,
    /// Requests for the stream that wait for the hub.
    opening: usize,
    /// Messages to the client since the first of those requests came.
    waiting: VecDeque<(u64, String)>,
}

/// A request for the standalone stream that waits for the hub; messages of that time are kept for its stream.
pub(crate) struct Opening<'a>(&'a RefCell<Standalone>);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut standalone = self.0.borrow_mut();
        standalone.opening -= 1;
        if standalone.opening == 0 {
            standalone.waiting.clear();
        }
    }
}

/// Appends an event, and forgets the oldest where there are too many.
fn keep(kept: &mut VecDeque<(u64, String)>, event: (u64, String)) {
    kept.push_back(event);
    if kept.len() > STANDALONE_KEPT {
        kept.pop_front();
    }
}

/// The headers of the request that a call came with, for handlers. What is secret or internal is not among them.
#[derive(Clone)]
pub struct RequestHeaders(pub(crate) Rc<dyn Headers>);

/// The user or network whose quota counts the session of a request.
async fn counted(host: &dyn Host, head: &Head) -> Result<QuotaSubject, RuntimeError> {
    let user = user_tag(&internal_headers::decode(
        head.header(internal_headers::CALLER).as_deref(),
    )?);
    let origin = match head.header(ADDRESS_HEADER).filter(|_| user.is_none()) {
        Some(address) => ClientNetwork::of(&*host.keys(false).await?, &address),
        None => None,
    };
    Ok(QuotaSubject { user, origin })
}

/// The state that a request names, and whether it began with it.
fn named_state(head: &Head) -> Result<Option<(String, bool)>, RuntimeError> {
    head.raw_header(internal_headers::STATE)
        .map(|value| internal_headers::read_state(&value))
        .transpose()
}

impl SessionEndpoint {
    /// The object of a session that has just woken.
    #[must_use]
    pub fn new(session: Rc<SessionObject>) -> Rc<Self> {
        let id_prefix = session
            .host
            .object_id()
            .get(..8)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        Rc::new(Self {
            id_prefix: id_prefix.unwrap_or_default(),
            streams: RefCell::default(),
            last_stream: Cell::new(session.host.now()),
            standalone: RefCell::default(),
            listens: Cell::new(false),
            session,
        })
    }

    /// Answers a request that the Worker let through. `gone` is ready when its client has hung up.
    pub async fn handle(
        self: &Rc<Self>,
        head: &Head,
        body: ReadBody,
        gone: LocalBoxFuture<'static, ()>,
    ) -> Reply {
        let log = self.session.settings.request_log;
        let began = log.begin(|| self.session.host.now());
        let reply = self.route(head, body, gone).await;
        let (refused, ended) = (
            reply.status.is_client_error(),
            reply.status == StatusCode::NO_CONTENT,
        );
        // Requests of the protocol have a line of their own, and the Worker writes that of a stream.
        let has_line = refused || ended || reply.status.is_server_error();
        let outcome = if ended { log_line::OK } else { "refused" };
        if has_line
            && !reply.logged
            && let Some(ms) = log.due(outcome, began, || self.session.host.now())
        {
            self.session.host.log(&LogLine {
                event: "http",
                method: format!("{} {}", head.method, head.path),
                outcome,
                code: Some(i64::from(reply.status.as_u16())),
                ms,
                ..LogLine::default()
            });
        }
        reply
    }

    async fn route(
        self: &Rc<Self>,
        head: &Head,
        body: ReadBody,
        gone: LocalBoxFuture<'static, ()>,
    ) -> Reply {
        let transport =
            match Transport::parse(head.raw_header(internal_headers::TRANSPORT).as_deref()) {
                Ok(transport) => transport,
                Err(fault) => return self.refused(&fault),
            };
        match transport {
            Transport::Stateless => self.stateless(head, body, gone).await,
            // Not a request of a client: it leaves no line in the log.
            Transport::Publication => Reply {
                logged: true,
                ..self.handle_publication(body).await
            },
            Transport::Streamable | Transport::Sse => self.in_session(transport, head, body).await,
        }
    }

    /// Answers a request of the session, whose id the Worker has verified.
    async fn in_session(
        self: &Rc<Self>,
        transport: Transport,
        head: &Head,
        body: ReadBody,
    ) -> Reply {
        let in_header = head.header(internal_headers::SESSION);
        let id = in_header
            .as_deref()
            .or_else(|| head.query_value(internal_headers::SESSION_ID));
        // The Worker verified the id, so one that cannot be read is of another version.
        let Some(claims) = id.and_then(SessionClaims::read_verified) else {
            return self.refused(&Format::SessionId.unreadable());
        };
        match self.session.admit() {
            Ok(true) => {}
            Ok(false) => return Refusal::EndedSession.into(),
            Err(error) => return self.failed(&error),
        }
        let over_sse =
            in_header.is_none() || (head.method == Method::GET && transport == Transport::Sse);
        match (over_sse, &head.method) {
            (false, &Method::POST) => streamable::post(self, head, claims, body).await,
            (false, &Method::GET) => streamable::get(self, head, &claims).await,
            (false, _) => self.delete(&claims),
            (true, &Method::POST) => legacy_sse::post(self, head, claims, body).await,
            (true, _) => legacy_sse::open(self, head).await,
        }
    }

    pub(crate) fn failed(&self, error: &StoreError) -> Reply {
        self.refused(&RuntimeError(error.0.clone()))
    }

    /// The answer when this object failed.
    pub(crate) fn refused(&self, fault: &RuntimeError) -> Reply {
        self.session.host.warn(&fault.0);
        Refusal::of(fault).into()
    }

    /// A stateless request about the state that is here. The Worker has checked it.
    async fn stateless(
        self: &Rc<Self>,
        head: &Head,
        body: ReadBody,
        gone: LocalBoxFuture<'static, ()>,
    ) -> Reply {
        match self.accept(head, body, gone).await {
            Ok(accepted) => {
                let runtime = Rc::clone(&self.session.host) as _;
                stateless::run(Rc::clone(&self.session.server), runtime, accepted).await
            }
            Err(refused) => refused,
        }
    }

    /// Reads and checks a stateless request.
    async fn accept(
        &self,
        head: &Head,
        body: ReadBody,
        gone: LocalBoxFuture<'static, ()>,
    ) -> Result<Accepted, Reply> {
        let text = body.await?;
        let version = head.header(VERSION_HEADER);
        let (request, envelope) = match classify(version.as_deref(), &text) {
            Ok(Lifecycle::Stateless(request, envelope)) => (request, envelope),
            Ok(_) => return Err(Refusal::NoBatches.into()),
            Err(refused) => return Err(refused.into()),
        };
        let refused = |fault: RuntimeError| self.refused(&fault);
        self.session
            .admit_again()
            .map_err(|error| self.failed(&error))?;
        let sender = self
            .stateless_sender(head, envelope.client())
            .map_err(refused)?;
        let state = named_state(head).map_err(refused)?;
        let rounds = request_state::rounds(&request, &sender.caller, &*self.session.host)
            .await
            .map_err(refused)?
            .map_err(|error| Refused::bad_request(Some(request.id.clone()), error))?;
        Ok(Accepted {
            call: self.session.server.resolve(request),
            log_level: envelope.log_level,
            rounds: Rc::new(rounds),
            state,
            begin_task: None,
            gone,
            request_log: self.session.settings.request_log,
            always_streams: self.session.settings.always_streams,
            sender,
        })
    }

    /// The sender of a stateless request, whose handlers reach the state that is here.
    fn stateless_sender(&self, head: &Head, client: ClientInfo) -> Result<Sender, RuntimeError> {
        let mut sender = Self::sender(head, Rc::new(client))?;
        if let Some(since) = head.header(internal_headers::SESSIONS_SINCE) {
            Rc::make_mut(&mut sender.caller).sessions_since = since
                .parse()
                .map_err(|_| Format::CallerHeader.unreadable())?;
        }
        let (headers, states) = (sender.extensions, Rc::new(self.session.states()));
        sender.extensions = Rc::new(move |extensions: &mut Extensions| {
            extensions.insert(Rc::clone(&states));
            headers(extensions);
        });
        Ok(sender)
    }

    /// Something was published. The session's client hears of it if it wants to and has a stream; otherwise nobody is here to
    /// be told.
    async fn handle_publication(&self, body: ReadBody) -> Reply {
        let text = body.await.unwrap_or_default();
        let host = &self.session.host;
        let has = |tag| host.attachment(tag).is_some();
        if Publication::is_question(&text) {
            let listens = has(SSE_TAG) || has(GET_TAG);
            return Reply::empty(if listens {
                StatusCode::ACCEPTED
            } else {
                StatusCode::GONE
            });
        }
        let (over_sse, listens) = (has(SSE_TAG), has(GET_TAG) || self.standalone.borrow().lost);
        if !(over_sse || listens) {
            return Reply::empty(StatusCode::GONE);
        }
        match self.session.admit() {
            Ok(true) => {}
            Ok(false) => return Reply::empty(StatusCode::GONE),
            // The session is told of the next change.
            Err(error) => return self.failed(&error),
        }
        let Some(change) = Change::parse(&text) else {
            return self.refused(&Format::HubChange.unreadable());
        };
        if self.session.hears_of(&change) {
            let json = notification_json(change.method(), &change.params(None));
            if over_sse {
                host.send(SSE_TAG, &sse::message(None, &json));
            } else {
                self.announce(&json);
            }
        }
        Reply::empty(StatusCode::ACCEPTED)
    }

    /// Has the hub tell this session what is published, before its first stream opens: once, until that closes.
    ///
    /// # Errors
    /// The answer in the stream's place, when there are too many of the user's, or of the network that the client is in.
    pub(crate) async fn listen(&self, head: &Head) -> Result<(), Reply> {
        if !self.session.server.announces() || self.listens.get() {
            return Ok(());
        }
        let host = &self.session.host;
        let joined = match counted(&**host, head).await {
            Ok(counted) => {
                host.join(
                    counted.to_text(),
                    host.now() + self.session.settings.max_age_ms,
                )
                .await
            }
            Err(fault) => Err(fault),
        };
        match joined {
            Ok(Some(status)) => {
                return Err(QuotaExceeded::of_status(status)
                    .unwrap_or(QuotaExceeded::All)
                    .reply(None));
            }
            Ok(None) => self.listens.set(true),
            // A stream with the messages of its own calls alone is better than none.
            Err(fault) => host.warn(&format!(
                "a session is not told what is published: {}",
                fault.0
            )),
        }
        Ok(())
    }

    /// Has the hub tell this session no more from that time on. The object may have joined before it was evicted.
    fn leave(&self, time: u64) {
        if self.session.server.announces() {
            self.listens.set(false);
            self.session.host.leave(time);
        }
    }

    fn delete(&self, claims: &SessionClaims) -> Reply {
        if let Err(error) = self.session.end(claims.issued) {
            return self.failed(&error);
        }
        self.close_streams();
        Reply::empty(StatusCode::NO_CONTENT)
    }

    /// The time that the session ordered has come.
    ///
    /// # Errors
    /// When storage fails.
    pub fn wake(&self) -> Result<(), StoreError> {
        if self.session.wake()? {
            self.close_streams();
        }
        Ok(())
    }

    fn close_streams(&self) {
        // The hub forgets by itself a session whose stream has closed before.
        let host = &self.session.host;
        if self.listens.get()
            || [GET_TAG, SSE_TAG]
                .iter()
                .any(|tag| host.attachment(tag).is_some())
        {
            self.leave(0);
        }
        self.session.host.close(GET_TAG);
        self.session.host.close(SSE_TAG);
        for stream in self.streams.take() {
            stream.finish();
        }
    }

    /// A socket was closed by the other side.
    pub fn socket_closed(&self, tag: &str) {
        match tag {
            // Its stream was all that this session had.
            SSE_TAG => {
                self.leave(0);
                self.session.forget();
            }
            // Messages that its client misses are kept for as long as it may come back.
            GET_TAG => {
                self.standalone.borrow_mut().lost = true;
                self.leave(self.session.host.now() + self.session.settings.resume_ms);
            }
            _ => {}
        }
    }

    /// The sender of a message.
    ///
    /// # Errors
    /// When the caller's header cannot be read.
    pub(crate) fn sender(
        head: &Head,
        client: Rc<durable_mcp_protocol::context::ClientInfo>,
    ) -> Result<Sender, RuntimeError> {
        let caller =
            internal_headers::decode(head.raw_header(internal_headers::CALLER).as_deref())?;
        let headers = Rc::clone(&head.headers);
        let extensions = move |extensions: &mut Extensions| {
            extensions.insert(Rc::new(RequestHeaders(Rc::clone(&headers))));
        };
        Ok(Sender {
            client,
            caller: Rc::new(caller),
            extensions: Rc::new(extensions),
        })
    }

    /// A stream for a POST of that version's.
    pub(crate) fn new_stream(
        &self,
        version: durable_mcp_protocol::ProtocolVersion,
    ) -> Rc<CallStream> {
        let number = self.last_stream.get().max(self.session.host.now()) + 1;
        self.last_stream.set(number);
        CallStream::new(Rc::clone(&self.session), self.id_prefix, number, version)
    }

    /// Keeps a stream, so that its client can come back to it.
    pub(crate) fn keep(&self, stream: &Rc<CallStream>) {
        let now = self.session.host.now();
        let mut streams = self.streams.borrow_mut();
        streams.retain(|stream| !stream.is_over(now));
        while streams.len() >= MAX_STREAMS {
            let Some(oldest) = streams.iter().position(|stream| stream.is_finished()) else {
                break;
            };
            streams.remove(oldest);
        }
        streams.push(Rc::clone(stream));
    }

    pub(crate) fn stream(&self, number: u64) -> Option<Rc<CallStream>> {
        let now = self.session.host.now();
        self.streams
            .borrow()
            .iter()
            .find(|stream| stream.number == number && !stream.is_over(now))
            .cloned()
    }

    /// An id that the standalone stream can be resumed from: what comes later has a larger one, across restarts too.
    pub(crate) fn next_event_id(&self) -> EventId {
        let mut standalone = self.standalone.borrow_mut();
        standalone.last = (standalone.last + 1).max(self.session.host.now());
        EventId {
            session: self.id_prefix,
            stream: EventId::STANDALONE,
            sequence: standalone.last,
        }
    }

    /// True if an event id was given out by this session.
    pub(crate) fn gave(&self, id: EventId) -> bool {
        id.session == self.id_prefix
    }

    /// A client opens the standalone stream; what it missed since it saw `last`, and whether that is all of it.
    ///
    /// # Errors
    /// When the events that were written down cannot be read.
    pub(crate) fn take_standalone(
        &self,
        last: Option<u64>,
    ) -> Result<(Vec<String>, bool), StoreError> {
        let stored = last
            .map(|last| Ok((last, self.stored(EventId::STANDALONE, last)?)))
            .transpose()?;
        let mut standalone = self.standalone.borrow_mut();
        standalone.lost = false;
        let waiting = std::mem::take(&mut standalone.waiting);
        let frames =
            |events: Vec<(u64, String)>| events.into_iter().map(|(_, frame)| frame).collect();
        let Some((last, (mut missed, whole))) = stored else {
            return Ok((frames(waiting.into()), true));
        };
        if whole {
            missed.extend(standalone.kept.iter().filter(|(at, _)| *at > last).cloned());
            missed.extend(waiting);
        }
        missed.sort_by_key(|(at, _)| *at);
        missed.dedup_by_key(|(at, _)| *at);
        Ok((frames(missed), whole))
    }

    /// Notes that a client opens the standalone stream, for as long as the value lives.
    pub(crate) fn opening(&self) -> Opening<'_> {
        self.standalone.borrow_mut().opening += 1;
        Opening(&self.standalone)
    }

    /// The events of a stream that were written down, and whether those are all. A client that may not leave more unread
    /// is not given more at once: it comes back for the rest.
    ///
    /// # Errors
    /// When they cannot be read, which is not the same as none.
    pub(crate) fn stored(
        &self,
        stream: u64,
        after: u64,
    ) -> Result<(Vec<(u64, String)>, bool), StoreError> {
        let events = self
            .session
            .host
            .store()
            .events(stream, after, MAX_UNREAD_BYTES)?;
        let whole = events.iter().map(|(_, frame)| frame.len()).sum::<usize>() < MAX_UNREAD_BYTES;
        Ok((events, whole))
    }

    /// Sends a message of the session's on its standalone stream.
    pub(crate) fn announce(&self, json: &str) {
        let id = self.next_event_id();
        let frame = sse::message(Some(&id), json);
        let sent = self.session.host.send(GET_TAG, &frame);
        let mut standalone = self.standalone.borrow_mut();
        if sent {
            keep(&mut standalone.kept, (id.sequence, frame));
            return;
        }
        if standalone.lost {
            self.session
                .keep_event(EventId::STANDALONE, id.sequence, &frame);
        }
        if standalone.opening > 0 {
            keep(&mut standalone.waiting, (id.sequence, frame));
        }
    }
}
