//! The answer to one POST of a session: JSON, or an event stream that the client can resume.
//!
//! The answer begins undecided, and [`json_or_stream`](super::json_or_stream) chooses. If every answer is there before anything
//! else was sent, it becomes a JSON body; else it opens as an event stream. Its events stay in memory for a while, and go to
//! storage when the client is known to have gone, so that it can come back for them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use durable_mcp_protocol::version::ProtocolVersion;

use super::event_sender::{EventBody, EventSender};
use super::json_or_stream::Opening;
use super::sse::{self, EventId};
use crate::session::call_channel::MAX_MESSAGE_BYTES;
use crate::session::object::SessionObject;

/// The most bytes of events that one stream keeps in memory; beyond that the oldest cannot be asked for again.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// Age of a request, in milliseconds, from which on its answer on a stream is stored before it is sent. A connection that
/// stood for so long may be dead without anybody having noticed, and such an answer is dear to make again; its row costs
/// less than the time for which its call kept the object awake.
const WRITTEN_AFTER_MS: u64 = 5000;

/// The target of events.
enum Sink {
    /// Nowhere yet: it may still become a JSON body.
    Undecided,
    /// The body of the POST's own answer.
    Body(EventSender),
    /// The socket of a GET that resumed it.
    Socket(String),
    /// Nowhere any more: all of it is on its way, to a client that may yet go before it has read it.
    Ending,
    /// Nowhere: the client has gone.
    Gone,
}

struct Inner {
    sink: Sink,
    /// Events that may be asked for again, oldest first.
    kept: VecDeque<(u64, String)>,
    kept_bytes: usize,
    next: u64,
    answers: Vec<String>,
    /// Bytes of all answers, those that are on their way included.
    answered: usize,
    finished: Option<u64>,
    /// The handler let the client go before there was a stream to end.
    released: bool,
}

/// The answer to one POST.
pub(crate) struct CallStream {
    session: Rc<SessionObject>,
    /// First bytes of the object's id, for ids of events.
    id_prefix: u32,
    pub(crate) number: u64,
    version: ProtocolVersion,
    began: u64,
    pub(super) opening: Rc<Opening>,
    inner: RefCell<Inner>,
}

impl CallStream {
    pub(crate) fn new(
        session: Rc<SessionObject>,
        id_prefix: u32,
        number: u64,
        version: ProtocolVersion,
    ) -> Rc<Self> {
        let inner = Inner {
            sink: Sink::Undecided,
            kept: VecDeque::new(),
            kept_bytes: 0,
            next: 0,
            answers: Vec::new(),
            answered: 0,
            finished: None,
            released: false,
        };
        Rc::new(Self {
            began: session.host.now(),
            session,
            id_prefix,
            number,
            version,
            opening: Rc::default(),
            inner: RefCell::new(inner),
        })
    }

    fn event_id(&self, sequence: u64) -> EventId {
        EventId {
            session: self.id_prefix,
            stream: self.number,
            sequence,
        }
    }

    /// Sends a message before the answer, which makes it an event stream.
    pub(crate) fn send(&self, json: &str) {
        self.request_opening();
        self.push(json, false);
    }

    /// Adds the answer to a request of this POST.
    pub(crate) fn answer(&self, json: String) {
        let mut inner = self.inner.borrow_mut();
        inner.answered += json.len();
        if matches!(inner.sink, Sink::Undecided) && !self.opening.is_requested() {
            inner.answers.push(json);
        } else {
            drop(inner);
            let aged = self.session.host.now().saturating_sub(self.began) >= WRITTEN_AFTER_MS;
            self.push(&json, aged);
        }
    }

    /// Bytes that the next answer may have.
    pub(crate) fn room(&self) -> usize {
        MAX_MESSAGE_BYTES.saturating_sub(self.inner.borrow().answered)
    }

    /// Asks for an event stream, though there is nothing to send yet.
    pub(crate) fn request_opening(&self) {
        let mut inner = self.inner.borrow_mut();
        if matches!(inner.sink, Sink::Undecided) && !self.opening.is_requested() {
            let answers = std::mem::take(&mut inner.answers);
            drop(inner);
            for json in &answers {
                self.push(json, false);
            }
            self.opening.request();
        }
    }

    /// The answers, of a POST that needs no event stream.
    pub(crate) fn take_answers(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.borrow_mut().answers)
    }

    /// Opens the event stream: the body of the POST's answer. What was sent before is in it.
    pub(crate) fn open(self: &Rc<Self>) -> EventBody {
        let mut inner = self.inner.borrow_mut();
        // The id sorts before all others: a client that resumes with it gets everything.
        let priming = self
            .version
            .primes_streams()
            .then(|| sse::priming(&self.event_id(0)));
        let kept = inner.kept.iter().map(|(_, frame)| frame.clone());
        let stream = Rc::downgrade(self);
        let (feed, body) = EventSender::open(priming.into_iter().chain(kept), move || {
            // A stream that a GET took over is no concern of the POST's body any more.
            let resumed = |stream: &Self| matches!(stream.inner.borrow().sink, Sink::Socket(_));
            if let Some(stream) = stream.upgrade().filter(|stream| !resumed(stream)) {
                stream.client_is_gone();
            }
        });
        if inner.finished.is_none() {
            inner.sink = if inner.released {
                Sink::Gone
            } else {
                Sink::Body(feed)
            };
        }
        body
    }

    /// Sends an event, which is kept in storage too if it has to outlast the object.
    fn push(&self, json: &str, outlasts: bool) {
        let mut inner = self.inner.borrow_mut();
        inner.next += 1;
        let sequence = inner.next;
        let frame = sse::message(Some(&self.event_id(sequence)), json);
        if outlasts && !matches!(inner.sink, Sink::Gone) {
            self.session.keep_event(self.number, sequence, &frame);
        }
        let gone = match &inner.sink {
            Sink::Undecided | Sink::Ending => false,
            Sink::Body(feed) => !feed.send(frame.clone()),
            Sink::Socket(tag) => !self.session.host.send(tag, &frame),
            Sink::Gone => {
                drop(inner);
                return self.session.keep_event(self.number, sequence, &frame);
            }
        };
        inner.kept_bytes += frame.len();
        inner.kept.push_back((sequence, frame));
        // Before the stream is open, nothing has been sent.
        let sent = !matches!(inner.sink, Sink::Undecided);
        while sent && inner.kept_bytes > MAX_KEPT_BYTES && inner.kept.len() > 1 {
            let oldest = inner.kept.pop_front().map_or(0, |(_, frame)| frame.len());
            inner.kept_bytes -= oldest;
        }
        drop(inner);
        if gone {
            self.client_is_gone();
        }
    }

    /// Keeps what the client may have missed. Its answers are not lost if the object is.
    fn client_is_gone(&self) {
        let mut inner = self.inner.borrow_mut();
        if matches!(inner.sink, Sink::Gone) {
            return;
        }
        inner.sink = Sink::Gone;
        let kept = std::mem::take(&mut inner.kept);
        inner.kept_bytes = 0;
        drop(inner);
        for (sequence, frame) in kept {
            self.session.keep_event(self.number, sequence, &frame);
        }
    }

    /// Ends the POST's own answer early; the client comes back for the rest.
    pub(crate) fn release(&self) {
        if !self.version.primes_streams() {
            return;
        }
        self.request_opening();
        let mut inner = self.inner.borrow_mut();
        // Dropping the sender ends the body once it has been read.
        match std::mem::replace(&mut inner.sink, Sink::Gone) {
            Sink::Undecided => {
                inner.sink = Sink::Undecided;
                inner.released = true;
            }
            Sink::Socket(tag) => self.session.host.close(&tag),
            Sink::Ending => inner.sink = Sink::Ending,
            Sink::Body(_) | Sink::Gone => {}
        }
    }

    /// Marks the stream as finished, and ends the body or socket that carries it.
    pub(crate) fn finish(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.finished = Some(self.session.host.now());
        match std::mem::replace(&mut inner.sink, Sink::Gone) {
            Sink::Socket(tag) => self.session.host.close(&tag),
            Sink::Undecided => inner.sink = Sink::Undecided,
            Sink::Body(_) | Sink::Ending => inner.sink = Sink::Ending,
            Sink::Gone => {}
        }
    }

    /// True if the stream finished so long ago that a client can no longer resume it.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.inner
            .borrow()
            .finished
            .is_some_and(|at| now.saturating_sub(at) > self.session.settings.resume_ms)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.inner.borrow().finished.is_some()
    }

    /// Gives the stream to the socket of a GET: the events after `sequence` that are still in memory, and whether it
    /// is at its end.
    pub(crate) fn resume(&self, sequence: u64, tag: &str) -> (Vec<(u64, String)>, bool) {
        let mut inner = self.inner.borrow_mut();
        let missed = inner
            .kept
            .iter()
            .filter(|(at, _)| *at > sequence)
            .cloned()
            .collect();
        let finished = inner.finished.is_some();
        if !finished {
            inner.sink = Sink::Socket(tag.to_owned());
        }
        (missed, finished)
    }
}
