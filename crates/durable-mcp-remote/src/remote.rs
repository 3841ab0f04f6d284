//! Requests to the server, with authorization.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::calls::{Call, Done};
use crate::http::{Client, Request, Response};
use crate::log::{self, Direction, Record};
use crate::message::{Kind, Message};
use crate::patience::Patience;
use crate::sign_in::{Attempt, SignIn};
use crate::silence::Silence;
use crate::trouble::{Refusal, Trouble};

/// Largest part that is read of an answer with an error status.
const MAX_ERROR_BODY: usize = 64 << 10;
/// Longest part of such an answer that people are shown.
const SHOWN_BODY: usize = 300;

/// Terms on which a request is sent.
#[derive(Default)]
pub(crate) struct Terms<'a> {
    /// Whether an answer may tell that the session is lost.
    pub(crate) in_session: bool,
    /// End of that for which it is sent: after it, nothing is sent again.
    pub(crate) done: Option<&'a Done>,
    /// Whether nobody is asked to sign in for it.
    pub(crate) is_quiet: bool,
    /// Silence of that for which it is sent.
    pub(crate) silence: Arc<Silence>,
}

impl<'a> Terms<'a> {
    /// Terms of a request for a call, or of another message.
    pub(crate) fn of(call: Option<&'a Call>, in_session: bool) -> Self {
        Self {
            in_session,
            done: call.map(|call| &call.done),
            is_quiet: false,
            silence: call.map_or_else(Arc::default, |call| Arc::clone(&call.silence)),
        }
    }
}

/// The server, as a place to send requests to.
pub(crate) struct Remote {
    pub(crate) client: Arc<Client>,
    pub(crate) sign_in: SignIn,
    /// Waits for `sign_in`, which limits of time leave out.
    pub(crate) patience: Patience,
}

impl Remote {
    pub(crate) fn new(arguments: &Arguments, client: Arc<Client>) -> Self {
        Self {
            sign_in: SignIn::new(arguments, Arc::clone(&client)),
            client,
            patience: Patience::default(),
        }
    }

    /// The sign-in that a person has not finished, as the reason why there is no answer yet.
    pub(crate) fn pending_sign_in(&self) -> Option<Trouble> {
        let error = self.sign_in.pending()?;
        Some(Trouble::SignIn(error.to_string()))
    }

    /// Sends a request; the answer has a status of success. Where the server asks for authorization, the request is sent
    /// again once there is one.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; [`Trouble::SessionLost`] only in a session.
    pub(crate) async fn send(
        &self,
        request: &Request,
        terms: Terms<'_>,
    ) -> Result<Response, Trouble> {
        let mut attempt = Attempt::default();
        loop {
            let mut response = self
                .send_once(request.clone(), &terms, &mut attempt)
                .await?;
            let status = response.status;
            if status.is_success() {
                self.sign_in.accepted(&attempt);
                return Ok(response);
            }
            let body = beginning(&mut response).await;
            if terms.in_session && tells_of_session(status, &body) {
                return Err(Trouble::SessionLost(shown(status, &body)));
            }
            if terms.is_quiet {
                return Err(Trouble::Refused(refusal(status, &body)));
            }
            let challenge = challenge(&response.headers);
            let _waiting = self.patience.sign_in();
            let answer = self
                .sign_in
                .challenged(status, challenge.as_deref(), &mut attempt)
                .await;
            if !answer.map_err(|error| Trouble::SignIn(error.to_string()))? {
                return Err(Trouble::Refused(refusal(status, &body)));
            }
        }
    }

    /// Sends a request with the present authorization.
    async fn send_once(
        &self,
        mut request: Request,
        terms: &Terms<'_>,
        attempt: &mut Attempt,
    ) -> Result<Response, Trouble> {
        let waiting = self.patience.sign_in();
        if let Some(value) = self.sign_in.header(attempt).await {
            request.headers.insert(AUTHORIZATION, value);
        }
        drop(waiting);
        // Cancelled while it waited for a sign-in.
        if terms.done.is_some_and(Done::is_done) {
            return Err(Trouble::Unsent("the request was cancelled".to_owned()));
        }
        let logged = log::is_debug().then(|| {
            (
                request.body.clone().unwrap_or_default(),
                request.method.clone(),
                Instant::now(),
            )
        });
        let response = self.client.send(request, &terms.silence).await?;
        if let Some((body, method, sent)) = logged {
            log::debug(|| {
                Record::new(Direction::ToServer, &body).over_http(
                    &method,
                    response.status,
                    sent.elapsed(),
                )
            });
        }
        Ok(response)
    }
}

/// Whole body, if it has at most `max` bytes.
///
/// # Errors
///
/// [`Trouble::Lost`] when it is cut, [`Trouble::Refused`] when it is too long.
pub(crate) async fn body(response: &mut Response, max: usize) -> Result<Bytes, Trouble> {
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if whole.len() + chunk.len() > max {
            return Err(too_long(response.status, max));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(whole))
}

/// Refusal of an answer over the limit.
pub(crate) fn too_long(status: StatusCode, max: usize) -> Trouble {
    let reason = format!("the answer has more than {max} bytes: raise --max-message");
    Trouble::Refused(Refusal {
        status,
        error: None,
        reason,
    })
}

/// Media type without parameters, in lower case.
pub(crate) fn media_type(response: &Response) -> String {
    let value = response
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Challenges of all `WWW-Authenticate` headers.
fn challenge(headers: &HeaderMap) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_ERROR_BODY - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() >= MAX_ERROR_BODY {
            break;
        }
    }
    body
}

// 404 is the specification's; the others are what servers do instead. -32601 with a 404 is an unknown method.
fn tells_of_session(status: StatusCode, body: &[u8]) -> bool {
    match status {
        StatusCode::NOT_FOUND => json_error(body).is_none_or(|(_, code, _)| code != -32601),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            names_session(json_error(body).map_or_else(
                || String::from_utf8_lossy(body).into_owned(),
                |(.., text)| text,
            ))
        }
        _ => false,
    }
}

/// Whether an error text is about a session that the server does not know.
pub(crate) fn names_session(mut text: String) -> bool {
    text.make_ascii_lowercase();
    text.contains("session") || text.contains("not initialized")
}

/// Error of a body; secrets that it repeats are masked.
fn json_error(body: &[u8]) -> Option<(Message, i64, String)> {
    let message = Message::parse(log::json_without_secrets(body)?.into()).ok()?;
    let Kind::Response { failed: true, .. } = message.kind else {
        return None;
    };
    let error = message.error()?;
    Some((message, error.code, error.message))
}

fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    Refusal {
        status,
        error: json_error(body).map(|(message, ..)| message),
        reason: shown(status, body),
    }
}

fn shown(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = json_error(body).map_or_else(
        || log::without_secrets(text.trim()),
        |(_, _, message)| message,
    );
    let is_page = text.starts_with('<');
    let text: String = text
        .chars()
        .filter(|letter| !letter.is_control())
        .take(SHOWN_BODY)
        .collect();
    if text.is_empty() || is_page {
        return format!("the server answered with HTTP {status}");
    }
    format!("the server answered with HTTP {status}: {text}")
}
