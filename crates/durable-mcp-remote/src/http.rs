//! HTTP requests with the settings of the command line.

mod address;
mod connections;
mod cookies;
mod failure;
mod issuer;
mod names;
mod redirect;
mod tls;

use std::env;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{COOKIE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url, Version};

use crate::arguments::Arguments;
use crate::silence::Silence;
pub(crate) use address::{Reach, reach};
use connections::Connections;
use cookies::Cookies;
pub(crate) use failure::{Cause, Failure};
use redirect::{MOST_REDIRECTS, Redirect, redirect};

/// HTTP client with the configured headers, proxy and certificates.
pub(crate) struct Client {
    connections: Connections,
    server: Url,
    /// Headers of the command line, for the server's origin alone.
    headers: HeaderMap,
    /// `None` with `--disable-cookies`.
    cookies: Option<Mutex<Cookies>>,
    headers_timeout: Option<Duration>,
    body_timeout: Option<Duration>,
    /// Settings of the environment that were ignored, for stderr.
    pub(crate) warnings: Vec<String>,
}

/// Request of HTTP. Headers of the command line and cookies are added by [`Client::send`].
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// Head of an answer, and its body to come.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    url: Url,
    inner: reqwest::Response,
    body_timeout: Option<Duration>,
    silence: Arc<Silence>,
}

impl Client {
    /// # Errors
    ///
    /// One sentence that says what to change on the command line.
    pub(crate) fn new(arguments: &Arguments) -> Result<Self, String> {
        let network = &arguments.network;
        let mut warnings = Vec::new();
        let connections = Connections::new(network, &|name| env::var(name).ok(), &mut warnings)?;
        Ok(Self {
            connections,
            server: arguments.url.parsed.clone(),
            headers: arguments.headers.sent.clone(),
            cookies: network.cookies.then(Mutex::default),
            headers_timeout: network.headers_timeout,
            body_timeout: network.body_timeout,
            warnings,
        })
    }

    /// Sends a request and waits for the head of the answer. Redirects are followed within the origin. `silence` is that of what the
    /// request is sent for.
    ///
    /// # Errors
    ///
    /// [`Failure`], with whether the request may have reached the server.
    pub(crate) async fn send(
        &self,
        mut request: Request,
        silence: &Arc<Silence>,
    ) -> Result<Response, Failure> {
        for _ in 0..=MOST_REDIRECTS {
            let response = self.send_once(&request, silence).await?;
            let location = response
                .headers
                .get(LOCATION)
                .and_then(|location| location.to_str().ok());
            match redirect(&request.method, &request.url, response.status, location) {
                Redirect::None => return Ok(response),
                Redirect::Follow(url) => request.url = url,
                Redirect::Refused(reason) => return Err(Failure::redirect(reason)),
            }
        }
        Err(Failure::redirect(format!(
            "the server redirects more than {MOST_REDIRECTS} times; check the URL for its final place"
        )))
    }

    /// Closes connections that no request uses.
    pub(crate) fn close(&self) {
        self.connections.close();
    }

    /// Public addresses of a host that were found for a connection once, else those of the last look-up; `None` where there was none,
    /// or a proxy looks the name up.
    pub(crate) fn addresses(&self, host: &str) -> Option<Vec<IpAddr>> {
        self.connections.addresses(host)
    }

    /// [`Client::send_once`], by connections to public addresses alone.
    pub(crate) async fn send_to_public(&self, request: &Request) -> Result<Response, Failure> {
        let client = self.connections.public(&request.url);
        self.send_by(client, request, &Arc::default()).await
    }

    /// [`Client::send`] without following redirects.
    pub(crate) async fn send_once(
        &self,
        request: &Request,
        silence: &Arc<Silence>,
    ) -> Result<Response, Failure> {
        let client = self.connections.client(&request.url);
        self.send_by(client, request, silence).await
    }

    async fn send_by(
        &self,
        client: reqwest::Result<reqwest::Client>,
        request: &Request,
        silence: &Arc<Silence>,
    ) -> Result<Response, Failure> {
        let url = &request.url;
        let client = client.map_err(|error| Failure::new(&error, url))?;
        let mut builder = client
            .request(request.method.clone(), url.clone())
            .headers(self.headers_for(request));
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let inner = within(
            (self.headers_timeout, silence),
            url,
            "no answer",
            builder.send(),
        )
        .await?;
        let inner = inner.map_err(|error| Failure::new(&error, url))?;
        if inner.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(Failure::proxy_credentials());
        }
        let (status, headers) = (inner.status(), inner.headers().clone());
        self.keep_cookies(url, &headers);
        Ok(Response {
            status,
            headers,
            url: url.clone(),
            inner,
            body_timeout: self.body_timeout,
            silence: Arc::clone(silence),
        })
    }

    /// Keeps the cookies of an answer for later requests.
    fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        if let Some(cookies) = &self.cookies {
            cookies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .receive(url, headers, now());
        }
    }

    /// Headers of a request: the command line's, then cookies, then its own.
    fn headers_for(&self, request: &Request) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if request.url.origin() == self.server.origin() {
            headers.clone_from(&self.headers);
        }
        if let Some(cookies) = self
            .cookies
            .as_ref()
            .filter(|_| !headers.contains_key(COOKIE))
        {
            let cookies = cookies.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = cookies.header(&request.url, now()) {
                headers.insert(COOKIE, value);
            }
        }
        for name in request.headers.keys() {
            headers.remove(name);
        }
        headers.extend(request.headers.clone());
        headers
    }
}

impl Response {
    pub(crate) fn version(&self) -> Version {
        self.inner.version()
    }

    /// Next bytes of the body, decoded; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the connection ends early, or nothing comes for `--body-timeout`.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let chunk = within(
            (self.body_timeout, &self.silence),
            &self.url,
            "nothing more of its answer",
            self.inner.chunk(),
        )
        .await?;
        chunk.map_err(|error| Failure::new(&error, &self.url))
    }
}

/// Waits for `future`, but not longer than the server may be silent.
async fn within<T>(
    (time, silence): (Option<Duration>, &Silence),
    url: &Url,
    missing: &str,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    let Some(time) = time else {
        return Ok(future.await);
    };
    tokio::select! {
        biased;
        outcome = future => Ok(outcome),
        () = silence.lasts(time) => Err(Failure::late(url, missing, time.as_secs_f64())),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of HTTP that reads the clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
