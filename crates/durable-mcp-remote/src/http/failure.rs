//! Requests without a whole answer, explained.

use std::error::Error;
use std::io;

use reqwest::Url;
use rustls::CertificateError;

use super::names::PrivateName;

/// Request without a whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Whether the request never left: name, connection or TLS failed. Otherwise the server may have acted on it.
    pub(crate) unsent: bool,
    pub(crate) cause: Cause,
    /// One sentence for people: the failure, and what to do. No secret is in it.
    pub(crate) reason: String,
}

/// Cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No address for the host's name.
    Name,
    /// No program listens at the address.
    Refused,
    /// No answer in time.
    Timeout,
    /// The certificate is not valid here.
    Certificate,
    /// TLS failed otherwise.
    Tls,
    /// The proxy refused.
    Proxy,
    /// The answer sends to a place that is not gone to.
    Redirect,
    /// The connection ended.
    Closed,
    Other,
}

impl Failure {
    /// Explains an error of a request to `url`.
    pub(super) fn new(error: &reqwest::Error, url: &Url) -> Self {
        let unsent = error.is_connect() || error.is_builder();
        let (cause, reason) = explain(error, &Place::of(url));
        Self {
            unsent,
            cause,
            reason,
        }
    }

    pub(crate) fn late(url: &Url, missing: &str, seconds: f64) -> Self {
        let host = Place::of(url).host;
        Self {
            unsent: false,
            cause: Cause::Timeout,
            reason: format!("{host} sent {missing} within {seconds} s"),
        }
    }

    pub(super) fn redirect(reason: String) -> Self {
        Self {
            unsent: false,
            cause: Cause::Redirect,
            reason,
        }
    }

    /// Refusal of a proxy for plain HTTP, which is an answer of its own.
    pub(super) fn proxy_credentials() -> Self {
        Self {
            unsent: true,
            cause: Cause::Proxy,
            reason: PROXY_CREDENTIALS.to_owned(),
        }
    }
}

const PROXY_CREDENTIALS: &str = "the proxy asks for credentials; write them into HTTPS_PROXY, as http://user:password@host:port";

/// Host and port of a URL: the rest of it may hold secrets.
struct Place {
    host: String,
    address: String,
}

impl Place {
    fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        let address = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        Self { host, address }
    }
}

fn explain(error: &reqwest::Error, place: &Place) -> (Cause, String) {
    let Place { host, address } = place;
    if let Some(tls) = find::<rustls::Error>(error) {
        return explain_tls(tls, host);
    }
    if find::<PrivateName>(error).is_some() {
        return (
            Cause::Name,
            format!(
                "{host} has addresses of a private network, which a public server must not lead to"
            ),
        );
    }
    if error.is_dns() {
        return (
            Cause::Name,
            format!("no address is known for {host}; check the URL and this machine's network"),
        );
    }
    let chain = chain(error);
    if error.is_connect() && chain.contains("proxy auth") {
        return (Cause::Proxy, PROXY_CREDENTIALS.to_owned());
    }
    if error.is_connect() && (chain.contains("tunnel") || chain.contains("socks")) {
        return (
            Cause::Proxy,
            format!(
                "the proxy does not connect to {address} ({chain}); check HTTPS_PROXY, or add the host to NO_PROXY"
            ),
        );
    }
    if error.is_timeout() && error.is_connect() {
        return (
            Cause::Timeout,
            format!("{address} does not take the connection in time; check network and proxy"),
        );
    }
    let kind = find::<io::Error>(error).map(io::Error::kind);
    explain_connection(kind, error.is_connect(), &chain, address)
}

/// Explains an error of the connection. `chain` has its causes.
fn explain_connection(
    kind: Option<io::ErrorKind>,
    is_unsent: bool,
    chain: &str,
    address: &str,
) -> (Cause, String) {
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => (
            Cause::Refused,
            format!(
                "{address} refuses connections; check that the server runs, and the URL's port"
            ),
        ),
        Some(
            io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable,
        ) => (
            Cause::Timeout,
            format!("{address} cannot be reached ({chain}); check the network"),
        ),
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe,
        ) => (Cause::Closed, format!("{address} closed the connection")),
        _ if is_unsent => (
            Cause::Other,
            format!("{address} cannot be connected to ({chain})"),
        ),
        _ => (
            Cause::Closed,
            format!("the connection to {address} ended early ({chain})"),
        ),
    }
}

fn explain_tls(error: &rustls::Error, host: &str) -> (Cause, String) {
    let rustls::Error::InvalidCertificate(invalid) = error else {
        let reason = format!("TLS with {host} fails ({error}); check that the port speaks https");
        return (Cause::Tls, reason);
    };
    let reason = match invalid {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; check this machine's clock, or tell the server's operator"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check this machine's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name; check the URL's host".to_owned()
        }
        // The text of our own verifier, or of the operating system.
        CertificateError::Other(other) => other.0.to_string(),
        other => format!("its certificate is not valid ({other})"),
    };
    (
        Cause::Certificate,
        format!("{host} is not trusted: {reason}"),
    )
}

/// First error of a type among the causes, also within an [`io::Error`], which hides the one that it wraps.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(cause) = next {
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = wrapped
            .and_then(|wrapped| find::<E>(wrapped))
            .or_else(|| cause.downcast_ref())
        {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// Causes of an error, outermost first, each once. The error itself is left out: it has the URL.
fn chain(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() {
        "the request failed".to_owned()
    } else {
        texts.join(": ")
    }
}
