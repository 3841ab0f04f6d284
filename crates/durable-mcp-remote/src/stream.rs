//! Streams of events that carry messages, and their resumption (Streamable HTTP, "Resumability and Redelivery").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, timeout_at};

use crate::bridge::Bridge;
use crate::calls::{Call, Done};
use crate::events::{Event, Parser};
use crate::http::{Request, Response};
use crate::log::log;
use crate::message::Message;
use crate::remote::{Terms, too_long};
use crate::session::SESSION_ID;
use crate::trouble::Trouble;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(crate) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Wait before a stream is resumed, unless the server names another one within these bounds.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
const SHORTEST_RETRY: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_RETRY: Duration = Duration::from_mins(1);
/// Reconnects without an event after which a request is given up.
const MAX_RECONNECTS: u32 = 5;
/// Time for a stream to end after the response, so that its connection can be used again.
const TIME_TO_END: Duration = Duration::from_secs(1);

/// Place in a stream, across its connections.
pub(crate) struct Cursor {
    pub(crate) last_id: Option<String>,
    retry: Duration,
    /// Whether this is not the first connection.
    pub(crate) is_resumed: bool,
    /// Connections since the last event.
    barren: u32,
}

impl Cursor {
    pub(crate) fn new() -> Self {
        Self {
            last_id: None,
            retry: DEFAULT_RETRY,
            is_resumed: false,
            barren: 0,
        }
    }

    pub(crate) fn note(&mut self, event: &Event) {
        self.barren = 0;
        if let Some(id) = &event.id {
            // An empty id resets it (HTML, section 9.2.6).
            self.last_id = Some(id.clone()).filter(|id| !id.is_empty());
        }
        if let Some(retry) = event.retry {
            self.retry = retry.clamp(SHORTEST_RETRY, LONGEST_RETRY);
        }
    }

    /// Wait before the next connection: the server's own, and longer after each without an event.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let factor = 1 << self.barren.min(6);
        self.barren += 1;
        self.is_resumed = true;
        LONGEST_RETRY.min(self.retry * factor)
    }

    /// `Last-Event-ID`, if there is one that fits a header.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_bytes(self.last_id.as_ref()?.as_bytes()).ok()?;
        Some((LAST_EVENT_ID, value))
    }
}

impl Bridge {
    /// Reads the stream that answers `call`, resumes it where it is cut, and returns once there is a response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn follow(&self, call: &Call, response: Response) -> Result<(), Trouble> {
        let generation = self.session.borrow().generation;
        let opens = call.method == "initialize";
        let mut cursor = Cursor::new();
        let mut outcome = self
            .read(response, &mut cursor, &call.done, Some(call))
            .await;
        while !call.done.is_done() {
            let reason = match outcome {
                Ok(()) => "the stream ended without a response".to_owned(),
                Err(Trouble::Lost(reason) | Trouble::Unsent(reason)) => reason,
                Err(trouble) if trouble.is_temporary() => trouble.error().1,
                Err(trouble) => return Err(trouble),
            };
            let is_current = opens || self.session.borrow().generation == generation;
            if cursor.header().is_none() || cursor.barren >= MAX_RECONNECTS || !is_current {
                return Err(Trouble::Lost(reason));
            }
            let wait = cursor.next_wait();
            tokio::select! {
                () = sleep(wait) => {}
                () = call.done.done() => return Ok(()),
            }
            outcome = match self.listen_from(&cursor, Some(call), false).await {
                Ok(response) => {
                    self.read(response, &mut cursor, &call.done, Some(call))
                        .await
                }
                // Without its session or without resumption, the response will not come.
                Err(trouble) if !trouble.is_temporary() => {
                    return Err(Trouble::Lost(trouble.error().1));
                }
                Err(trouble) => Err(trouble),
            };
        }
        Ok(())
    }

    /// GETs a stream: the session's own, or the rest of one that answers `call`. With `is_quiet`, nobody is asked to sign in for it.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the request.
    pub(crate) async fn listen_from(
        &self,
        cursor: &Cursor,
        call: Option<&Call>,
        is_quiet: bool,
    ) -> Result<Response, Trouble> {
        let mut headers = self.session.borrow().headers();
        let in_session = headers.contains_key(SESSION_ID);
        headers.insert(ACCEPT, EVENTS);
        headers.extend(cursor.header());
        let url = self.arguments.url.parsed.clone();
        let request = Request {
            method: Method::GET,
            url,
            headers,
            body: None,
        };
        let own = &self.passed_questions.stream;
        let terms = Terms {
            in_session,
            done: call.map(|call| &call.done),
            is_quiet,
            silence: Arc::clone(call.map_or(own, |call| &call.silence)),
        };
        self.remote.send(&request, terms).await
    }

    /// Hands on the messages of a stream until it ends, or some time after `done`.
    ///
    /// # Errors
    ///
    /// [`Trouble`] when it is cut, exceeds the limit or says that the session of `call` is lost.
    pub(crate) async fn read(
        &self,
        mut response: Response,
        cursor: &mut Cursor,
        done: &Done,
        call: Option<&Call>,
    ) -> Result<(), Trouble> {
        let mut parser = Parser::new(self.arguments.max_message);
        let mut end = None;
        loop {
            let chunk = match end {
                None => tokio::select! {
                    chunk = response.chunk() => chunk?,
                    () = done.done() => {
                        end = Some(Instant::now() + TIME_TO_END);
                        continue;
                    }
                },
                Some(end) => match timeout_at(end, response.chunk()).await {
                    Ok(chunk) => chunk?,
                    Err(_) => return Ok(()),
                },
            };
            let Some(chunk) = chunk else { return Ok(()) };
            parser.push(chunk);
            while let Some(event) = parser
                .next()
                .map_err(|_| too_long(response.status, self.arguments.max_message))?
            {
                cursor.note(&event);
                if !event.data.is_empty() && matches!(event.name.as_str(), "" | "message") {
                    self.take_event(event, cursor, call).await?;
                }
            }
        }
    }

    /// Hands on the messages of an event, unless the client has it already.
    ///
    /// # Errors
    ///
    /// [`Trouble`] that an error in it means for `call`.
    pub(crate) async fn take_event(
        &self,
        event: Event,
        cursor: &Cursor,
        call: Option<&Call>,
    ) -> Result<(), Trouble> {
        if let Some(id) = &event.id {
            let was_given = self
                .recent
                .borrow_mut()
                .was_given(id, &event.data, cursor.is_resumed);
            if was_given {
                return Ok(());
            }
        }
        self.take_messages(event.data, call).await
    }

    /// Hands on the messages of an event or of a JSON body.
    pub(crate) async fn take_messages(
        &self,
        json: Bytes,
        call: Option<&Call>,
    ) -> Result<(), Trouble> {
        let messages = Message::parse_all(json).unwrap_or_else(|malformed| vec![Err(malformed)]);
        for message in messages {
            match (message, call) {
                (Ok(message), Some(call)) => self.deliver_unless_refused(call, message).await?,
                (Ok(message), None) => self.deliver(message).await,
                (Err(malformed), _) => log(&format!(
                    "the server sent a malformed message: {}",
                    malformed.reason
                )),
            }
        }
        Ok(())
    }
}
