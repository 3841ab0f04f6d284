//! Streamable HTTP: messages are sent by POST, answers come as JSON or as a stream of events.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::task::yield_now;

use crate::bridge::Bridge;
use crate::calls::Call;
use crate::era;
use crate::http::{Request, Response};
use crate::message::{INVALID_REQUEST, Kind, Message};
use crate::remote::{Terms, body, media_type, names_session};
use crate::session::SESSION_ID;
use crate::trouble::{Refusal, Trouble};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const JSON_OR_EVENTS: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
/// Error code of a session that is not found, where servers answer with HTTP 200.
const SESSION_NOT_FOUND: i64 = -32001;

/// Turns of the event loop in which what is ready of the sockets is looked at: one by the loop, one by the connections.
const TURNS: usize = 2;

impl Bridge {
    /// POSTs a request and hands on what comes, until it has its response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn exchange_by_http(
        &self,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        let opens = call.method == "initialize";
        let generation = self.session.borrow().generation;
        let mut response = self.send(message, Some(call)).await?;
        if opens && self.session.borrow().generation == generation {
            self.session.borrow_mut().id = response.headers.get(SESSION_ID).cloned();
        }
        if matches!(
            response.status,
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT
        ) {
            return Err(unexpected(
                &response,
                "it took the request without answering",
            ));
        }
        match media_type(&response).as_str() {
            "text/event-stream" => return self.follow(call, response).await,
            "application/json" | "" => {
                let body = body(&mut response, self.arguments.max_message).await?;
                self.take_messages(body, Some(call)).await?;
            }
            other => {
                return Err(unexpected(
                    &response,
                    &format!("its answer is {other}; is this the address of an MCP server?"),
                ));
            }
        }
        if call.done.is_done() {
            Ok(())
        } else {
            Err(unexpected(&response, "its answer is none to this request"))
        }
    }

    /// POSTs a notification or a response.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the request.
    pub(crate) async fn post_by_http(&self, message: &Message) -> Result<(), Trouble> {
        let mut response = self.send(message, None).await?;
        // The rest of a short answer is read, so that the connection can be used again.
        body(&mut response, self.arguments.max_message)
            .await
            .map(drop)
    }

    async fn send(&self, message: &Message, call: Option<&Call>) -> Result<Response, Trouble> {
        let mut headers = self.headers(message);
        let in_session = headers.contains_key(SESSION_ID);
        headers.insert(ACCEPT, JSON_OR_EVENTS);
        headers.insert(CONTENT_TYPE, JSON);
        let url = self.arguments.url.parsed.clone();
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: Some(message.bytes.clone()),
        };
        // Connections that were closed while this process slept are found out first: a request on one of them might have
        // run, as far as this side can tell.
        for _ in 0..TURNS {
            yield_now().await;
        }
        self.remote
            .send(&request, Terms::of(call, in_session))
            .await
    }

    /// Headers of the session, or those that repeat the body of a message of 2026-07-28.
    fn headers(&self, message: &Message) -> HeaderMap {
        let session = self.session.borrow();
        let may_be_modern = self.era.borrow().is_some() || !session.is_open;
        let modern = may_be_modern
            .then(|| era::headers(message, &self.mirrored.borrow()))
            .flatten();
        modern.unwrap_or_else(|| session.headers())
    }

    /// Hands a message on, unless it says that the session of `call` is lost.
    ///
    /// # Errors
    ///
    /// [`Trouble::SessionLost`], or [`Trouble::Refused`] for an error without an id.
    pub(crate) async fn deliver_unless_refused(
        &self,
        call: &Call,
        message: Message,
    ) -> Result<(), Trouble> {
        match &message.kind {
            Kind::Response { id, failed: true }
                if id.is_none() || id.as_ref() == Some(&call.id) =>
            {
                let error = message.error();
                let (code, text) =
                    error.map_or((0, String::new()), |error| (error.code, error.message));
                let is_code = code == i64::from(INVALID_REQUEST) || code == SESSION_NOT_FOUND;
                if call.method != "initialize" && is_code && names_session(text.clone()) {
                    return Err(Trouble::SessionLost(text));
                }
                // Servers without initialize have another way.
                let has_no_initialize =
                    call.method == "initialize" && (code == -32601 || code == -32022);
                if id.is_none() || has_no_initialize {
                    let refusal = Refusal {
                        status: StatusCode::OK,
                        error: Some(message),
                        reason: text,
                    };
                    return Err(Trouble::Refused(refusal));
                }
            }
            _ => {}
        }
        self.deliver_from(message, Some(call)).await;
        Ok(())
    }

    /// Ends the session on the server.
    pub(crate) async fn delete_session(&self) {
        let headers = self.session.borrow().headers();
        self.delete_session_of(headers).await;
    }

    /// Ends the session that these headers name.
    pub(crate) async fn delete_session_of(&self, headers: HeaderMap) {
        // HTTP+SSE has none: its session ends with the stream.
        if !headers.contains_key(SESSION_ID) {
            return;
        }
        let url = self.arguments.url.parsed.clone();
        let request = Request {
            method: Method::DELETE,
            url,
            headers,
            body: None,
        };
        // 405 and the like: the server ends its sessions by itself. Nobody is asked to sign in for this.
        self.remote
            .send(
                &request,
                Terms {
                    is_quiet: true,
                    ..Terms::default()
                },
            )
            .await
            .ok();
    }
}

fn unexpected(response: &Response, reason: &str) -> Trouble {
    let reason = format!(
        "the server cannot be understood (HTTP {}): {reason}",
        response.status
    );
    Trouble::Refused(Refusal {
        status: response.status,
        error: None,
        reason,
    })
}
