//! Requests of the checks, each with its own deadline.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url, Version};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::events::Parser;
use crate::http::{Client, Failure, Request, Response};
use crate::session::{PROTOCOL_VERSION, SESSION_ID};

/// Time of one request: a server that takes longer has a fault of its own.
const DEADLINE: Duration = Duration::from_secs(15);
/// Largest answer that is read.
const MAX_ANSWER: usize = 4 << 20;

/// Server as the checks see it.
pub(super) struct Probe {
    client: Arc<Client>,
    url: Url,
    authorization: Option<HeaderValue>,
    pub(super) session: Option<HeaderValue>,
    pub(super) version: Option<HeaderValue>,
    /// `WWW-Authenticate` of a 401, empty if it was missing.
    pub(super) challenge: Option<String>,
}

/// Answer to a request of a check.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) http: Version,
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
    /// Response of JSON-RPC, from the body or from an event.
    pub(super) message: Option<Value>,
}

impl Probe {
    pub(super) fn new(client: Arc<Client>, arguments: &Arguments) -> Self {
        let url = arguments.url.parsed.clone();
        Self {
            client,
            url,
            authorization: None,
            session: None,
            version: None,
            challenge: None,
        }
    }

    /// Sends a token with all requests from now on.
    pub(super) fn authorize(&mut self, bearer: &str) {
        self.authorization =
            HeaderValue::try_from(format!("Bearer {bearer}"))
                .ok()
                .map(|mut value| {
                    value.set_sensitive(true);
                    value
                });
    }

    pub(super) fn has_token(&self) -> bool {
        self.authorization.is_some()
    }

    /// POSTs a request; `headers` are those of its version besides the session's.
    pub(super) async fn call(
        &mut self,
        method: &str,
        params: &Value,
        headers: &[(HeaderName, &'static str)],
    ) -> Result<Answer, Failure> {
        let body = json!({ "jsonrpc": "2.0", "id": format!("doctor-{method}"), "method": method, "params": params });
        self.post(&body, headers).await
    }

    /// POSTs a notification.
    pub(super) async fn notify(&mut self, method: &str) -> Result<Answer, Failure> {
        self.post(&json!({ "jsonrpc": "2.0", "method": method }), &[])
            .await
    }

    async fn post(
        &mut self,
        body: &Value,
        headers: &[(HeaderName, &'static str)],
    ) -> Result<Answer, Failure> {
        let mut all = HeaderMap::new();
        all.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            all.insert(name, HeaderValue::from_static(value));
        }
        self.send(Method::POST, all, Some(body.to_string().into()))
            .await
    }

    /// GETs the event stream; reading ends with the first event.
    pub(super) async fn listen(&mut self) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.send(Method::GET, headers, None).await
    }

    /// Ends the session, if there is one.
    pub(super) async fn end_session(&mut self) {
        if self.session.is_some() {
            // Servers that refuse this end their sessions by themselves.
            self.send(Method::DELETE, HeaderMap::new(), None).await.ok();
        }
    }

    async fn send(
        &mut self,
        method: Method,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, Failure> {
        let own = [
            (SESSION_ID, &self.session),
            (PROTOCOL_VERSION, &self.version),
            (AUTHORIZATION, &self.authorization),
        ];
        for (name, value) in own {
            if let Some(value) = value
                && !headers.contains_key(&name)
            {
                headers.insert(name, value.clone());
            }
        }
        let request = Request {
            method,
            url: self.url.clone(),
            headers,
            body,
        };
        let late = || Failure::late(&self.url, "no answer", DEADLINE.as_secs_f64());
        let exchange = async { read(self.client.send(request, &Arc::default()).await?).await };
        let answer = tokio::time::timeout(DEADLINE, exchange)
            .await
            .map_err(|_| late())??;
        if answer.status == StatusCode::UNAUTHORIZED {
            let challenge = answer.headers.get(reqwest::header::WWW_AUTHENTICATE);
            self.challenge = Some(
                challenge
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        Ok(answer)
    }
}

async fn read(mut response: Response) -> Result<Answer, Failure> {
    let media_type = crate::remote::media_type(&response);
    let mut answer = Answer {
        status: response.status,
        headers: response.headers.clone(),
        http: response.version(),
        media_type,
        body: Vec::new(),
        message: None,
    };
    let mut parser = Parser::new(MAX_ANSWER);
    while let Some(chunk) = response.chunk().await? {
        answer.body.extend_from_slice(&chunk);
        if answer.body.len() > MAX_ANSWER {
            break;
        }
        if answer.media_type == "text/event-stream" && answer.status.is_success() {
            parser.push(chunk);
            while let Ok(Some(event)) = parser.next() {
                if event.name == "endpoint" {
                    return Ok(answer);
                }
                answer.message = response_in(&event.data);
                if answer.message.is_some() {
                    return Ok(answer);
                }
            }
        }
    }
    answer.message = response_in(&answer.body);
    Ok(answer)
}

/// Response of JSON-RPC; notifications and requests are passed over.
fn response_in(json: &[u8]) -> Option<Value> {
    let message: Value = serde_json::from_slice(json).ok()?;
    let is_response = message.get("result").is_some() || message.get("error").is_some();
    is_response.then_some(message)
}
