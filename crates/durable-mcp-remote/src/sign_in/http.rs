//! Requests to authorization servers: small answers, deadlines, and no host that the server's word could misuse.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Map, Value};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::error::{SignInError, printable};
use crate::http::{Client, Reach, Request, reach};

/// Largest answer: metadata and tokens have some kilobytes.
const MAX_ANSWER: usize = 1 << 20;
/// Deadline of a request, shorter than the lease under which tokens are refreshed.
const DEADLINE: Duration = Duration::from_secs(20);
/// Wait for the addresses of a name: behind some proxies there is no answer.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);
/// Redirects that are followed for metadata.
const MAX_REDIRECTS: usize = 3;

/// HTTP client of the sign-in.
pub(crate) struct OAuthHttp {
    client: Arc<Client>,
    server: Url,
    allow_http: bool,
    reaches: Reaches,
}

/// Networks of the hosts that were looked up.
#[derive(Default)]
struct Reaches(Mutex<HashMap<String, Reach>>);

impl Reaches {
    fn known(&self, host: &str) -> Option<Reach> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .copied()
    }

    /// Network of the addresses of a host. A look-up that found none is made again the next time.
    fn note(&self, host: &str, addresses: &[IpAddr]) -> Reach {
        let reach = reach(addresses);
        if !addresses.is_empty() {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(host.to_owned(), reach);
        }
        reach
    }
}

/// Answer of an authorization server.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

/// Request that has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The URL must not be asked.
    Refused(SignInError),
    /// No answer came; the server may have acted on the request.
    Lost(SignInError),
}

impl From<Failure> for SignInError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) | Failure::Lost(error) => error,
        }
    }
}

impl Answer {
    /// Answer without headers.
    #[cfg(test)]
    pub(crate) fn of(status: StatusCode, body: &[u8]) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: body.to_vec(),
        }
    }

    /// JSON object of the body.
    pub(crate) fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// OAuth error code of the body.
    pub(crate) fn error(&self) -> Option<String> {
        self.object()?.get("error")?.as_str().map(str::to_owned)
    }

    /// Words of the server, for people.
    pub(crate) fn words(&self) -> String {
        let object = self.object().unwrap_or_default();
        let of = |name| object.get(name).and_then(Value::as_str).map(printable);
        let words = match (of("error"), of("error_description")) {
            (Some(error), Some(description)) => format!("{error}: {description}"),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return format!("HTTP {}", self.status.as_u16()),
        };
        format!("{words} (HTTP {})", self.status.as_u16())
    }
}

impl OAuthHttp {
    pub(crate) fn new(client: Arc<Client>, server: Url, allow_http: bool) -> Self {
        Self {
            client,
            server,
            allow_http,
            reaches: Reaches::default(),
        }
    }

    /// Fetches a JSON document, through a few redirects.
    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, Failure> {
        let mut url = url.clone();
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(Method::GET, &url, HeaderMap::new(), None).await?;
            let next = answer
                .headers
                .get(LOCATION)
                .filter(|_| answer.status.is_redirection());
            let Some(next) = next.and_then(|next| url.join(next.to_str().ok()?).ok()) else {
                return Ok(answer);
            };
            url = next;
        }
        Err(Failure::Refused(SignInError::impossible(format!(
            "{url} redirects too often"
        ))))
    }

    /// Asks without following redirects, as a browser's first step.
    pub(crate) async fn peek(&self, url: &Url) -> Result<Answer, Failure> {
        self.send(Method::GET, url, HeaderMap::new(), None).await
    }

    /// Posts a form; `authorization` is the client's own.
    pub(crate) async fn post_form(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        authorization: Option<HeaderValue>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        if let Some(mut authorization) = authorization {
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
        }
        self.send(Method::POST, url, headers, Some(encode_form(form).into()))
            .await
    }

    /// Posts a JSON object.
    pub(crate) async fn post_json(
        &self,
        url: &Url,
        object: &Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = serde_json::to_vec(object).unwrap_or_default();
        self.send(Method::POST, url, headers, Some(body.into()))
            .await
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, Failure> {
        let is_guarded = self.check(url).await.map_err(Failure::Refused)?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request {
            method,
            url: url.clone(),
            headers,
            body,
        };
        match timeout(DEADLINE, self.exchange(request, is_guarded)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Lost(unreachable(url, "it does not answer"))),
        }
    }

    async fn exchange(&self, request: Request, is_guarded: bool) -> Result<Answer, Failure> {
        let url = request.url.clone();
        let lost =
            |failure: crate::http::Failure| Failure::Lost(unreachable(&url, &failure.reason));
        let sent = if is_guarded {
            self.client.send_to_public(&request).await
        } else {
            self.client.send_once(&request, &Arc::default()).await
        };
        let mut response = sent.map_err(lost)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Refused(SignInError::impossible(format!(
                    "{} answers more than 1 MiB",
                    shown(&url)
                ))));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status,
            headers: response.headers,
            body,
        })
    }

    /// Refuses what is not encrypted, and hosts of a private network that the server is not part of itself; `true` if connections to
    /// private addresses have to be refused, too: a name may have others by then.
    async fn check(&self, url: &Url) -> Result<bool, SignInError> {
        self.check_scheme(url)?;
        if self.server_reach().await == Reach::Private {
            return Ok(false);
        }
        if self.reach(url).await == Reach::Private {
            return Err(SignInError::impossible(format!(
                "{} is an address of a private network, which {} must not lead to",
                shown(url),
                shown(&self.server)
            )));
        }
        Ok(true)
    }

    /// Network of the server: by the addresses that were found for connections to it where no proxy looked them up. A server that was
    /// public once stays so.
    async fn server_reach(&self) -> Reach {
        let host = self.server.host_str().unwrap_or_default();
        match self.client.addresses(host) {
            Some(addresses) => reach(&addresses),
            None => self.reach(&self.server).await,
        }
    }

    /// Refuses URLs that a secret must not be sent to.
    pub(crate) fn check_scheme(&self, url: &Url) -> Result<(), SignInError> {
        let is_plain =
            url.scheme() == "http" && (self.allow_http || crate::arguments::is_loopback(url));
        if url.scheme() == "https" || is_plain {
            return Ok(());
        }
        Err(SignInError::impossible(format!(
            "{} is not https, which is needed to sign in (--allow-http permits http)",
            shown(url)
        )))
    }

    async fn reach(&self, url: &Url) -> Reach {
        let host = url.host_str().unwrap_or_default();
        if let Some(known) = self.reaches.known(host) {
            return known;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<IpAddr> = match bare.parse() {
            Ok(address) => vec![address],
            // A name that cannot be resolved here is one that a proxy resolves, or nothing is sent at all.
            Err(_) => match timeout(LOOK_UP_TIME, lookup_host((bare, 443))).await {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            },
        };
        self.reaches.note(host, &addresses)
    }
}

/// URL without what may be secret in it.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode_form(form: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(form);
    }
    url.and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default()
}

fn unreachable(url: &Url, reason: &str) -> SignInError {
    SignInError::Unreachable(format!("{} could not be reached: {reason}", shown(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_without_addresses_is_repeated() {
        let reaches = Reaches::default();
        assert_eq!(reaches.note("x.example", &[]), Reach::Public);
        assert_eq!(reaches.known("x.example"), None);
        assert_eq!(
            reaches.note("x.example", &["10.0.0.1".parse().unwrap()]),
            Reach::Private
        );
        assert_eq!(reaches.known("x.example"), Some(Reach::Private));
    }

    #[test]
    fn forms_are_encoded_as_browsers_do() {
        assert_eq!(
            encode_form(&[("a", "x y&z"), ("é", "1+2=3~*")]),
            "a=x+y%26z&%C3%A9=1%2B2%3D3%7E*"
        );
        assert_eq!(encode_form(&[]), "");
    }

    #[test]
    fn a_shown_url_has_no_credentials_and_no_query() {
        let url = Url::parse("https://user:pass@x.example/token?code=secret#f").unwrap();
        assert_eq!(shown(&url), "https://x.example/token");
    }
}
