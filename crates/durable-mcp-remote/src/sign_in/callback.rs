//! Loopback endpoint that the browser comes back to (RFC 8252, section 7.3), and that instances of this program and of the
//! reference find one another by.

mod answer;
mod head;

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::authorize::Redirect;
use super::error::SignInError;
use super::page::Outcome;
use crate::log::without_secrets;
use crate::store::Store;
use crate::store::records::PendingFlow;
use answer::Answer;
use head::{Head, read_head};

/// Path by which an instance tells what it signs in to.
pub(crate) const ID_PATH: &str = "/.mcp-remote/id";
/// Path that older versions of the reference wait at.
pub(crate) const WAIT_PATH: &str = "/wait-for-auth";
/// Time in which a request has to be there.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Longest wait for the token endpoint, before the page is shown.
const OUTCOME_TIME: Duration = Duration::from_mins(1);
/// Connections at a time: a browser has a few, instances that wait have one each.
const MAX_CONNECTIONS: usize = 64;

/// Port on loopback, held by this process.
#[derive(Debug)]
pub(crate) struct BoundPort {
    pub(crate) port: u16,
    listener: TcpListener,
    listener_v6: Option<TcpListener>,
}

impl BoundPort {
    /// Takes a port on 127.0.0.1, and on `::1` where there is one: browsers may ask `localhost` at either.
    pub(crate) async fn take(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let listener_v6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) => Some(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => None,
        };
        Ok(Self {
            port,
            listener,
            listener_v6,
        })
    }
}

/// Settings of the endpoint.
#[derive(Clone, Debug)]
pub(crate) struct CallbackSettings {
    /// Path of the redirect URI.
    pub(crate) path: String,
    /// Host of the server, for the page.
    pub(crate) host: String,
    /// `--auth-success-url`.
    pub(crate) success_url: Option<Url>,
    /// Longest wait at [`WAIT_PATH`].
    pub(crate) wait: Duration,
}

/// Answer that came back, with the sign-in that it belongs to.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) flow: PendingFlow,
    pub(crate) redirect: RedirectOnce,
    /// Told how it ended, for the page.
    pub(crate) done: oneshot::Sender<Result<(), SignInError>>,
}

/// [`Redirect`] whose `Debug` shows nothing.
pub(crate) struct RedirectOnce(pub(crate) Redirect);

impl std::fmt::Debug for RedirectOnce {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RedirectOnce")
    }
}

/// Endpoint while a sign-in runs.
#[derive(Debug)]
pub(crate) struct CallbackServer {
    task: JoinHandle<()>,
    is_finished: watch::Sender<bool>,
}

impl CallbackServer {
    /// Serves a port until it is closed; answers go to `arrivals`. `awaited` is the state of the sign-in that this process waits for.
    pub(crate) fn start(
        bound: BoundPort,
        settings: CallbackSettings,
        store: Store,
        arrivals: mpsc::Sender<Arrival>,
        awaited: watch::Receiver<String>,
    ) -> Self {
        let (is_finished, finished) = watch::channel(false);
        let finished_too = finished.clone();
        let endpoint = Endpoint {
            settings,
            store,
            arrivals,
            awaited,
            used: Mutex::default(),
            finished: finished_too,
        };
        let task = tokio::spawn(serve(bound, Arc::new(endpoint), finished));
        Self { task, is_finished }
    }

    /// Gives the port back, after the pages that are under way are out.
    pub(crate) async fn close(self) {
        let _ = self.is_finished.send(true);
        let _ = self.task.await;
    }
}

struct Endpoint {
    settings: CallbackSettings,
    store: Store,
    arrivals: mpsc::Sender<Arrival>,
    awaited: watch::Receiver<String>,
    /// States that came back once.
    used: Mutex<HashSet<String>>,
    finished: watch::Receiver<bool>,
}

async fn serve(bound: BoundPort, endpoint: Arc<Endpoint>, mut finished: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept(&bound) => {
                // Out of descriptors, or a connection that is gone again.
                let Ok(stream) = accepted else { continue };
                while connections.try_join_next().is_some() {}
                if connections.len() < MAX_CONNECTIONS {
                    connections.spawn(handle(stream, Arc::clone(&endpoint)));
                }
            }
            // An error is an owner that is gone without closing.
            _ = finished.wait_for(|finished| *finished) => break,
        }
    }
    drop(bound);
    let _ = timeout(HEAD_TIME, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn accept(bound: &BoundPort) -> io::Result<TcpStream> {
    let Some(listener_v6) = &bound.listener_v6 else {
        return Ok(bound.listener.accept().await?.0);
    };
    tokio::select! {
        accepted = bound.listener.accept() => Ok(accepted?.0),
        accepted = listener_v6.accept() => Ok(accepted?.0),
    }
}

async fn handle(mut stream: TcpStream, endpoint: Arc<Endpoint>) {
    let mut finished = endpoint.finished.clone();
    let head = tokio::select! {
        biased;
        head = timeout(HEAD_TIME, read_head(&mut stream)) => head,
        // Browsers open connections that they may never use: the end does not wait for their requests.
        _ = finished.wait_for(|finished| *finished) => return,
    };
    let Ok(Ok(head)) = head else { return };
    let answer = match Head::parse(&head) {
        Some(head) => endpoint.answer(&head).await,
        None => Answer::text(400, "Bad request"),
    };
    let _ = timeout(HEAD_TIME, async {
        stream.write_all(&answer.bytes()).await?;
        stream.shutdown().await
    })
    .await;
}

impl Endpoint {
    async fn answer(&self, head: &Head) -> Answer {
        if !head.is_of_loopback {
            return Answer::text(421, "This endpoint is for this machine alone");
        }
        if head.method != "GET" {
            return Answer::text(405, "Only GET is possible here");
        }
        match head.url.path() {
            ID_PATH => Answer::json(
                &serde_json::json!({ "mcpRemote": true, "serverUrlHash": self.store.key().as_str() }),
            ),
            WAIT_PATH => self.wait(&head.url).await,
            path if path == self.settings.path => self.redirect(head).await,
            _ => Answer::page(404, &Outcome::NotFound, head.language),
        }
    }

    /// Answers instances of older versions of the reference.
    async fn wait(&self, url: &Url) -> Answer {
        let is_poll = !url
            .query_pairs()
            .any(|(name, value)| name == "poll" && value == "false");
        let mut finished = self.finished.clone();
        let time = if is_poll {
            self.settings.wait
        } else {
            Duration::ZERO
        };
        match timeout(time, finished.wait_for(|finished| *finished)).await {
            Ok(_) => Answer::text(200, "Authentication completed"),
            Err(_) => Answer::text(202, "Authentication in progress"),
        }
    }

    async fn redirect(&self, head: &Head) -> Answer {
        let redirect = Redirect::parse(&head.url);
        let Some(flow) = self.claim(&redirect) else {
            return Answer::page(400, &Outcome::Unknown, head.language);
        };
        let (done, outcome) = oneshot::channel();
        let arrival = Arrival {
            flow,
            redirect: RedirectOnce(redirect),
            done,
        };
        let host = self.settings.host.clone();
        if self.arrivals.send(arrival).await.is_err() {
            return Answer::page(400, &Outcome::Unknown, head.language);
        }
        let reason = match timeout(OUTCOME_TIME, outcome).await {
            Ok(Ok(Ok(()))) => {
                return match &self.settings.success_url {
                    Some(url) => Answer::see_other(url),
                    None => Answer::page(200, &Outcome::Connected { host }, head.language),
                };
            }
            Ok(Ok(Err(error))) => without_secrets(&error.to_string()),
            Ok(Err(_)) | Err(_) => "the authorization server did not answer in time".to_owned(),
        };
        Answer::page(400, &Outcome::Failed { host, reason }, head.language)
    }

    /// Sign-in that a state belongs to, once.
    fn claim(&self, redirect: &Redirect) -> Option<PendingFlow> {
        let state = redirect.state.as_deref()?;
        let is_awaited = *self.awaited.borrow() == state;
        let flow = if is_awaited {
            self.store.flow_of_any_age(state)
        } else {
            self.store.flow(state)
        };
        let flow = flow.ok()??;
        let is_first = self
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(state.to_owned());
        is_first.then_some(flow)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_silent_connection_does_not_keep_the_endpoint_from_closing() {
        let folder = crate::store::tests::Folder::new("callback");
        let bound = BoundPort::take(0).await.unwrap();
        let address = (Ipv4Addr::LOCALHOST, bound.port);
        let settings = CallbackSettings {
            path: "/oauth/callback".to_owned(),
            host: "x.example".to_owned(),
            success_url: None,
            wait: Duration::ZERO,
        };
        let (arrivals, _kept) = mpsc::channel(1);
        let (_, awaited) = watch::channel(String::new());
        let server =
            CallbackServer::start(bound, settings, folder.store().unwrap(), arrivals, awaited);
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"GET /").await.unwrap();
        // Accepted after the silent one.
        let mut other = TcpStream::connect(address).await.unwrap();
        other
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut page = String::new();
        other.read_to_string(&mut page).await.unwrap();
        assert!(page.starts_with("HTTP/1.1 404"), "{page}");
        timeout(HEAD_TIME / 2, server.close()).await.unwrap();
        assert!(silent.read(&mut [0]).await.is_ok_and(|count| count == 0));
    }
}
