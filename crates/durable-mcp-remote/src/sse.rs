//! HTTP+SSE of version 2024-11-05: a GET opens a stream, whose first event names the address of messages.

use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::bridge::Bridge;
use crate::calls::{Call, Done, Open};
use crate::events::{Event, Parser};
use crate::http::{Request, Response};
use crate::log::log;
use crate::message::Message;
use crate::remote::{Terms, body, media_type, too_long};
use crate::silence::Silence;
use crate::stream::{Cursor, EVENTS};
use crate::trouble::{Refusal, Trouble};

/// Longest wait for the `endpoint` event, apart from sign-in.
const TIME_FOR_ENDPOINT: Duration = Duration::from_secs(10);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Connection of HTTP+SSE, as messages see it.
#[derive(Clone)]
pub(crate) struct Connection {
    endpoint: Url,
    /// End of the server's session: the stream came back with another endpoint, or not at all.
    lost: Done,
    /// Told each time that the stream comes back with the same endpoint.
    returns: watch::Receiver<()>,
}

impl Connection {
    /// Waits until the stream has come back since the last look at `returns`, and `time` has passed after that without a
    /// question. What the server sent in between is gone.
    async fn is_stale(&mut self, time: Option<Duration>, silence: &Silence) {
        match (self.returns.changed().await, time) {
            (Ok(()), Some(time)) => silence.lasts(time).await,
            _ => pending().await,
        }
    }
}

/// Connection that is in use. Dropping it closes its stream.
pub(crate) struct Held {
    connection: Connection,
    /// Whether no `initialize` was sent by it yet.
    pub(crate) is_fresh: bool,
    _stream: Open,
}

/// Stream that is read, with what was read beyond its last event.
struct Stream {
    response: Response,
    parser: Parser,
}

impl Bridge {
    /// Sends a request by HTTP+SSE and waits for its response on the stream.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn exchange_by_sse(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let mut connection = self.sse_connection(call.method == "initialize").await?;
        connection.returns.mark_unchanged();
        let lost = connection.lost.clone();
        self.post_to(&connection, message, Some(call)).await?;
        tokio::select! {
            () = call.done.done() => Ok(()),
            () = lost.done() => Err(Trouble::Lost("the stream ended without a response".to_owned())),
            () = connection.is_stale(self.arguments.network.body_timeout, &call.silence) => {
                Err(Trouble::Lost("the stream was cut, and came back without a response".to_owned()))
            }
        }
    }

    /// Sends a notification or a response by HTTP+SSE.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the request.
    pub(crate) async fn post_by_sse(self: &Rc<Self>, message: &Message) -> Result<(), Trouble> {
        let connection = self.sse_connection(false).await?;
        self.post_to(&connection, message, None).await
    }

    async fn post_to(
        &self,
        connection: &Connection,
        message: &Message,
        call: Option<&Call>,
    ) -> Result<(), Trouble> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON)]);
        let url = connection.endpoint.clone();
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: Some(message.bytes.clone()),
        };
        let mut response = self.remote.send(&request, Terms::of(call, true)).await?;
        // 202 by the specification, 200 and a text by many; the response comes on the stream.
        body(&mut response, self.arguments.max_message)
            .await
            .map(drop)
    }

    /// The connection, opened if there is none. A session of its own belongs to each, so `initialize` takes a new one.
    async fn sse_connection(self: &Rc<Self>, opens: bool) -> Result<Connection, Trouble> {
        if let Some(held) = self.sse.borrow_mut().as_mut()
            && !held.connection.lost.is_done()
            && (!opens || held.is_fresh)
        {
            held.is_fresh &= !opens;
            return Ok(held.connection.clone());
        }
        if !opens {
            return Err(Trouble::SessionLost("its stream has ended".to_owned()));
        }
        let mut cursor = Cursor::new();
        let (endpoint, stream) = self.open_sse(&mut cursor).await?;
        let connection = self.hold(endpoint, stream, cursor, false);
        Ok(connection)
    }

    fn hold(
        self: &Rc<Self>,
        endpoint: Url,
        stream: Stream,
        cursor: Cursor,
        is_fresh: bool,
    ) -> Connection {
        let (ends, lost) = Done::pair();
        let (held, done) = Done::pair();
        let (returned, returns) = watch::channel(());
        let connection = Connection {
            endpoint: endpoint.clone(),
            lost,
            returns,
        };
        *self.sse.borrow_mut() = Some(Held {
            connection: connection.clone(),
            is_fresh,
            _stream: held,
        });
        let bridge = Rc::clone(self);
        spawn_local(async move {
            bridge
                .keep_reading(endpoint, stream, cursor, done, (ends, returned))
                .await;
        });
        connection
    }

    /// GETs the stream and waits for its endpoint.
    async fn open_sse(&self, cursor: &mut Cursor) -> Result<(Url, Stream), Trouble> {
        let opened = self.first_endpoint(cursor);
        self.remote
            .patience
            .within(TIME_FOR_ENDPOINT, Box::pin(opened))
            .await
            .unwrap_or_else(|| {
                let reason = format!(
                    "no endpoint event came within {} s",
                    TIME_FOR_ENDPOINT.as_secs()
                );
                Err(missing(StatusCode::OK, &reason))
            })
    }

    async fn first_endpoint(&self, cursor: &mut Cursor) -> Result<(Url, Stream), Trouble> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, EVENTS)]);
        headers.extend(cursor.header());
        let request = Request {
            method: Method::GET,
            url: self.arguments.url.parsed.clone(),
            headers,
            body: None,
        };
        let terms = Terms {
            silence: Arc::clone(&self.passed_questions.stream),
            ..Terms::default()
        };
        let response = self.remote.send(&request, terms).await?;
        let status = response.status;
        if media_type(&response) != "text/event-stream" {
            return Err(missing(
                status,
                "GET is not answered with a stream of events",
            ));
        }
        let mut stream = Stream {
            response,
            parser: Parser::new(self.arguments.max_message),
        };
        while let Some(event) = stream.next(cursor, self.arguments.max_message).await? {
            if event.name == "endpoint" {
                return Ok((self.endpoint(&event)?, stream));
            }
        }
        Err(missing(status, "its stream ends without an endpoint event"))
    }

    /// Address of messages, which must be of the server itself: credentials are sent there.
    fn endpoint(&self, event: &Event) -> Result<Url, Trouble> {
        let server = &self.arguments.url.parsed;
        let text = std::str::from_utf8(&event.data).unwrap_or_default();
        let refused = |reason: String| {
            let refusal = Refusal {
                status: StatusCode::OK,
                error: None,
                reason,
            };
            Trouble::Refused(refusal)
        };
        let endpoint = server
            .join(text)
            .map_err(|_| refused("the server names an endpoint that is no URL".to_owned()))?;
        if endpoint.origin() != server.origin() {
            let host = endpoint.host_str().unwrap_or_default();
            return Err(refused(format!(
                "the server names an endpoint of another origin, on {host}: nothing is sent there"
            )));
        }
        Ok(endpoint)
    }

    /// Reads a connection's stream and opens it again where it is cut, until it is no longer held.
    async fn keep_reading(
        self: Rc<Self>,
        endpoint: Url,
        mut stream: Stream,
        mut cursor: Cursor,
        held: Done,
        (ends, returned): (Open, watch::Sender<()>),
    ) {
        loop {
            self.read_sse(&mut stream, &mut cursor, &held).await;
            let Some((named, next)) = self.reopen_sse(&mut cursor, &held).await else {
                return;
            };
            if named == endpoint {
                stream = next;
                returned.send_replace(());
                continue;
            }
            // Another endpoint is another session.
            let generation = self.session.borrow().generation;
            drop(ends);
            self.hold(named, next, cursor, true);
            if let Err(trouble) = self.renew(generation).await {
                log(&trouble.error().1);
            }
            return;
        }
    }

    /// Opens a stream that was cut, as often as it takes; `None` once it is no longer held, or is refused.
    async fn reopen_sse(&self, cursor: &mut Cursor, held: &Done) -> Option<(Url, Stream)> {
        loop {
            tokio::select! {
                () = sleep(cursor.next_wait()) => {}
                () = held.done() => return None,
            }
            let opened = tokio::select! {
                opened = self.open_sse(cursor) => opened,
                () = held.done() => return None,
            };
            // A newer connection has taken its place.
            if held.is_done() {
                return None;
            }
            match opened {
                Ok(opened) => return Some(opened),
                Err(trouble) if trouble.is_temporary() => {}
                Err(trouble) => {
                    log(&trouble.error().1);
                    return None;
                }
            }
        }
    }

    async fn read_sse(&self, stream: &mut Stream, cursor: &mut Cursor, held: &Done) {
        loop {
            let event = tokio::select! {
                event = stream.next(cursor, self.arguments.max_message) => event,
                () = held.done() => return,
            };
            match event {
                Ok(Some(event)) if matches!(event.name.as_str(), "" | "message") => {
                    if let Err(trouble) = self.take_event(event, cursor, None).await {
                        log(&trouble.error().1);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(trouble) => return log(&trouble.error().1),
            }
        }
    }
}

/// Refusal of an address that does not speak HTTP+SSE.
fn missing(status: StatusCode, reason: &str) -> Trouble {
    Trouble::Refused(Refusal {
        status,
        error: None,
        reason: format!("the server has no HTTP+SSE at this address: {reason}"),
    })
}

impl Stream {
    /// Next event, or the end of the stream.
    async fn next(&mut self, cursor: &mut Cursor, max: usize) -> Result<Option<Event>, Trouble> {
        loop {
            if let Some(event) = self
                .parser
                .next()
                .map_err(|_| too_long(self.response.status, max))?
            {
                cursor.note(&event);
                if !event.data.is_empty() {
                    return Ok(Some(event));
                }
                continue;
            }
            match self.response.chunk().await? {
                Some(chunk) => self.parser.push(chunk),
                None => return Ok(None),
            }
        }
    }
}
