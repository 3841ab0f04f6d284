//! Test double of identity providers: prepared responses, failures on demand, and made-up signatures.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::wire::{Head, Headers, RuntimeError};
use futures_util::future::FutureExt;
use http::{Request, Response};
use oauth_server::params::RequestParams;
use oauth_server::testing::SeededRandom;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::upstream::{UnverifiedSignature, Upstream, UpstreamFuture};
use super::{
    Callback, DynIdentityProvider, Identity, IdentityError, LoginRequest, ProviderFuture, Redirect,
};

/// Time at which a test double's clock starts, in milliseconds since 1970.
pub const NOW: u64 = 1_700_000_000_000;

/// A request that was sent, with its body as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRequest {
    /// Method and URL.
    pub line: String,
    /// The `authorization` header.
    pub authorization: String,
    /// The `user-agent` header.
    pub agent: String,
    /// The body.
    pub body: String,
    /// The timeout of the request.
    pub timeout: Duration,
}

/// Providers in memory. A request without a prepared response times out.
#[derive(Default)]
pub struct FakeUpstream {
    answers: RefCell<BTreeMap<String, PreparedResponse>>,
    sent: RefCell<Vec<SentRequest>>,
    passed: Cell<u64>,
}

#[derive(Clone)]
struct PreparedResponse {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl std::fmt::Debug for FakeUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeUpstream")
    }
}

impl FakeUpstream {
    /// Sets what a `GET` of a URL is answered with.
    pub fn get(&self, url: &str, status: u16, body: &Value) {
        self.set(
            &format!("GET {url}"),
            status,
            &[],
            body.to_string().as_bytes(),
        );
    }

    /// Sets what a `POST` to a URL is answered with.
    pub fn post(&self, url: &str, status: u16, body: &Value) {
        self.set(
            &format!("POST {url}"),
            status,
            &[],
            body.to_string().as_bytes(),
        );
    }

    /// Sets an answer by method and URL, with headers and any body.
    pub fn set(
        &self,
        line: &str,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &[u8],
    ) {
        let answer = PreparedResponse {
            status,
            headers: headers.to_vec(),
            body: body.to_vec(),
        };
        self.answers.borrow_mut().insert(line.to_owned(), answer);
    }

    /// Removes the prepared response, so that the request times out.
    pub fn hang(&self, line: &str) {
        self.answers.borrow_mut().remove(line);
    }

    /// Lets time pass.
    pub fn pass_ms(&self, ms: u64) {
        self.passed.set(self.passed.get() + ms);
    }

    /// The requests that were sent.
    #[must_use]
    pub fn sent(&self) -> Vec<SentRequest> {
        self.sent.borrow().clone()
    }

    /// Method and URL of what was sent.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.sent
            .borrow()
            .iter()
            .map(|sent| sent.line.clone())
            .collect()
    }
}

impl Upstream for FakeUpstream {
    fn now(&self) -> u64 {
        NOW + self.passed.get()
    }

    fn send(
        &self,
        request: Request<Vec<u8>>,
        limit: usize,
        timeout: Duration,
    ) -> UpstreamFuture<'_, Response<Vec<u8>>> {
        let line = format!("{} {}", request.method(), request.uri());
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        self.sent.borrow_mut().push(SentRequest {
            line: line.clone(),
            authorization: header("authorization").to_owned(),
            agent: header("user-agent").to_owned(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
            timeout,
        });
        let answer = self.answers.borrow().get(&line).cloned();
        async move {
            let mut answer =
                answer.ok_or_else(|| RuntimeError(format!("no answer in time: {line}")))?;
            answer.body.truncate(limit + 1);
            let mut response = Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            response
                .body(answer.body)
                .map_err(|error| RuntimeError(error.to_string()))
        }
        .boxed_local()
    }

    fn verify<'a>(&'a self, signature: UnverifiedSignature<'a>) -> UpstreamFuture<'a, bool> {
        let UnverifiedSignature {
            algorithm,
            key,
            signed,
            bytes,
        } = signature;
        let good = bytes == made_up(algorithm.as_str(), key, signed);
        async move { Ok(good) }.boxed_local()
    }
}

fn made_up(algorithm: &str, key: &Value, signed: &[u8]) -> Vec<u8> {
    let key = key.get("n").map(Value::to_string).unwrap_or_default();
    Sha256::digest([algorithm.as_bytes(), key.as_bytes(), signed].concat()).to_vec()
}

/// The RSA key of that id.
#[must_use]
pub fn key(id: &str) -> Value {
    json!({ "kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": format!("modulus of {id}"), "e": "AQAB" })
}

/// The set of the keys of these ids.
#[must_use]
pub fn keys(ids: &[&str]) -> Value {
    json!({ "keys": ids.iter().map(|id| key(id)).collect::<Vec<_>>() })
}

/// A token signed with the key of that id.
#[must_use]
pub fn signed(id: &str, claims: &Value) -> String {
    token("RS256", &key(id), claims)
}

/// A token signed with a key, by whatever algorithm it says.
#[must_use]
pub fn token(algorithm: &str, key: &Value, claims: &Value) -> String {
    let mut header = json!({ "alg": algorithm, "typ": "JWT" });
    if let (Some(header), Some(id)) = (header.as_object_mut(), key.get("kid")) {
        header.insert("kid".to_owned(), id.clone());
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(made_up(algorithm, key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

struct HeaderList(Vec<(String, String)>);

impl Headers for HeaderList {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into())
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// The request of a browser that comes back to `/callback`.
#[must_use]
pub fn head(query: &str, headers: &[(&str, &str)]) -> Head {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Head {
        method: http::Method::GET,
        secure: true,
        host: "mcp.example".to_owned(),
        path: "/callback".to_owned(),
        query: query.to_owned(),
        headers: Rc::new(HeaderList(headers)),
    }
}

/// URL that browsers are redirected to.
pub const CALLBACK: &str = "https://mcp.example/callback";

/// Starts a sign-in with a provider that sends no request for it.
///
/// # Errors
/// The provider's.
pub fn start(
    provider: &dyn DynIdentityProvider,
    name: Option<&str>,
) -> Result<Redirect, IdentityError> {
    start_on(provider, name, &FakeUpstream::default())
}

/// Begins a sign-in. It has the same secrets each time.
///
/// # Errors
/// The provider's.
pub fn start_on(
    provider: &dyn DynIdentityProvider,
    name: Option<&str>,
    web: &FakeUpstream,
) -> Result<Redirect, IdentityError> {
    let random = SeededRandom::new(1);
    at_once(provider.start(LoginRequest {
        redirect_uri: CALLBACK,
        state: "state",
        name,
        random: &random,
        web,
    }))
}

/// Begins a sign-in and finishes it with that query.
///
/// # Errors
/// The provider's.
pub fn finish(
    provider: &dyn DynIdentityProvider,
    query: &str,
    web: &FakeUpstream,
) -> Result<Identity, IdentityError> {
    let kept = start_on(provider, None, &FakeUpstream::default())
        .or_else(|_| start_on(provider, None, web))?
        .flow_state;
    finish_with(provider, &head(query, &[]), &kept, web)
}

/// Finishes a sign-in that began so.
///
/// # Errors
/// The provider's.
pub fn finish_with(
    provider: &dyn DynIdentityProvider,
    head: &Head,
    kept: &Value,
    web: &FakeUpstream,
) -> Result<Identity, IdentityError> {
    let params = RequestParams::parse(&head.query).unwrap_or_default();
    at_once(provider.finish(Callback {
        redirect_uri: CALLBACK,
        params: &params,
        head,
        flow_state: kept,
        web,
    }))
}

/// Renews what a provider gave.
///
/// # Errors
/// The provider's.
pub fn renew(
    provider: &dyn DynIdentityProvider,
    props: &Value,
    web: &FakeUpstream,
) -> Result<Option<Value>, IdentityError> {
    at_once(provider.renew(props, web))
}

/// The result of a future that is ready, since the stand-in of the web waits for nothing.
fn at_once<T>(asked: ProviderFuture<'_, T>) -> Result<T, IdentityError> {
    asked
        .now_or_never()
        .unwrap_or_else(|| Err(IdentityError::Unavailable("the provider waits".to_owned())))
}
