//! HTTP requests to the deployment, and their answers.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable_core::wire::{Head, Reply, ReplyBody};
use durable_mcp_protocol::caller::Caller;
use futures_channel::oneshot;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use futures_util::{FutureExt, StreamExt};
use http::Method;
use oauth_server::testing::Invocation;
use serde_json::Value;

use super::doubles::deployment::Deployment;
use super::doubles::headers::HeaderMap;
use super::doubles::visit::Visit;
use super::patience::Patience;
use crate::http::mcp_endpoint;
use crate::session::host::CallRuntime;

/// A request under way.
pub(super) struct Exchange {
    deployment: Rc<Deployment>,
    reply: oneshot::Receiver<Reply>,
    patience: Patience,
    /// Dropping it tells the server that the client has gone.
    connection: oneshot::Sender<()>,
}

/// The answer of the Worker, or of the object that the request is for.
async fn reply_to(visit: &Visit, caller: Rc<Caller>) -> Reply {
    let app = visit.deployment.app.clone();
    let reply = mcp_endpoint::handle(&app, &visit.head, visit, caller).await;
    let ReplyBody::Native(answer) = reply.body else {
        return reply;
    };
    let answer = answer
        .downcast::<LocalBoxFuture<'static, Reply>>()
        .expect("an object answers");
    answer.await
}

/// Sends a request to the endpoint of MCP.
pub(super) fn send(
    deployment: &Rc<Deployment>,
    caller: &Rc<Caller>,
    method: Method,
    headers: BTreeMap<String, String>,
    body: String,
    patience: Patience,
) -> Exchange {
    let head = Head {
        method,
        secure: true,
        host: "mcp.example.com".to_owned(),
        path: "/mcp".to_owned(),
        query: String::new(),
        headers: Rc::new(HeaderMap(headers)),
    };
    let (connection, gone) = oneshot::channel();
    let (done, reply) = oneshot::channel();
    let visit = Visit {
        deployment: Rc::clone(deployment),
        head,
        body,
        gone: Rc::new(Some(gone).into()),
        invocation: Invocation::default(),
    };
    let caller = Rc::clone(caller);
    let work = async move {
        // The test may have ended.
        let _ = done.send(reply_to(&visit, caller).await);
    };
    deployment.host.spawn(work.boxed_local());
    Exchange {
        deployment: Rc::clone(deployment),
        reply,
        patience,
        connection,
    }
}

impl Exchange {
    /// Waits for the answer's head, and moves the clock meanwhile.
    pub(super) fn reply(mut self) -> Replied {
        loop {
            self.deployment.host.run();
            if let Some(reply) = self.reply.try_recv().expect("the server answers") {
                let Self {
                    deployment,
                    patience,
                    connection,
                    ..
                } = self;
                let headers = reply
                    .headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.to_string()));
                let headers = headers.collect();
                let (unread, stream) = match reply.body {
                    ReplyBody::Text(text) => (text, None),
                    ReplyBody::Stream(stream) => (String::new(), Some(stream)),
                    _ => (String::new(), None),
                };
                return Replied {
                    deployment,
                    patience,
                    headers,
                    unread,
                    stream,
                    _connection: connection,
                };
            }
            self.patience.wait(&self.deployment);
        }
    }
}

/// An answer, whose messages may still be on their way.
pub(super) struct Replied {
    deployment: Rc<Deployment>,
    pub(super) patience: Patience,
    headers: BTreeMap<String, String>,
    unread: String,
    stream: Option<LocalBoxStream<'static, String>>,
    /// The client stays for as long as it reads.
    _connection: oneshot::Sender<()>,
}

impl Replied {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Messages that are there.
    pub(super) fn messages(&mut self) -> Vec<Value> {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(stream) = &mut self.stream {
            match stream.poll_next_unpin(&mut context) {
                Poll::Ready(Some(piece)) => self.unread.push_str(&piece),
                Poll::Ready(None) => self.stream = None,
                Poll::Pending => break,
            }
        }
        messages(&std::mem::take(&mut self.unread))
    }

    /// Runs what there is to run; lets time pass if that brings nothing.
    pub(super) fn wait(&mut self) {
        assert!(
            self.stream.is_some(),
            "The answer has ended without a result."
        );
        self.patience.wait(&self.deployment);
    }
}

/// The messages of an answer: JSON, or those of an event stream.
fn messages(text: &str) -> Vec<Value> {
    let read =
        |json: &str| serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    if text.starts_with('{') {
        return vec![read(text)];
    }
    let data = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim_start);
    data.filter(|data| data.starts_with('{'))
        .map(read)
        .collect()
}

/// A text as the value of a header (2026-07-28, Streamable HTTP, "Value Encoding").
pub(super) fn header_value(text: &str) -> String {
    let plain = text.trim() == text
        && !text.starts_with("=?")
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    }
}
