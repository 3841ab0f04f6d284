//! The runtime around one request at the front door.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Poll;

use durable_core::runtime::Runtime;
use durable_core::wire::{Head, Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::Error;
use durable_mcp_protocol::caller::Caller;
use futures_channel::oneshot;
use futures_util::future::{LocalBoxFuture, ready};
use futures_util::stream::{iter, poll_fn};
use futures_util::{FutureExt, Stream, StreamExt};
use oauth_server::auth_server::OAuthRuntime;
use oauth_server::testing::Invocation;

use super::deployment::Deployment;
use super::headers::HeaderMap;
use super::host::FakeHost;
use crate::http::request_runtime::{
    ForwardedRequest, ModelAnswer, ModelWork, ObjectTarget, RelayAnswer, RelayRequest, RelayWork,
    RequestRuntime, StartTask,
};
use crate::hub::Listener;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::task::command::{Begin, Command};
use crate::task::id;
use crate::transport::internal_headers;
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::ObjectId;

/// The handler of a route of the user's own.
pub type OwnHandler =
    Box<dyn Fn(Head, String) -> LocalBoxFuture<'static, Result<Reply, RuntimeError>>>;

/// The answer of an object, to come.
type Answering = LocalBoxFuture<'static, Reply>;

/// A request at the Worker.
pub struct Visit {
    /// The deployment.
    pub deployment: Rc<Deployment>,
    /// The request without its body.
    pub head: Head,
    /// The request's body.
    pub body: String,
    /// Ready when the client has disconnected.
    pub gone: Rc<Cell<Option<oneshot::Receiver<()>>>>,
    /// Requests to objects are counted, as the platform counts them.
    pub invocation: Invocation,
}

forward_runtime!(Visit, deployment.host);

impl RequestRuntime for Visit {
    fn call_runtime(&self) -> Rc<dyn CallRuntime> {
        Rc::clone(&self.deployment.host) as _
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        let gone = self.gone.take().expect("it is asked for once");
        gone.map(|_| ()).boxed_local()
    }

    fn object_named(&self, name: &str) -> Result<ObjectId, RuntimeError> {
        Ok(self.deployment.object_named(name))
    }

    fn begin_task(&self) -> StartTask {
        let (deployment, invocation) = (Rc::clone(&self.deployment), self.invocation.clone());
        Rc::new(move |begin: Begin, caller| {
            let (deployment, invocation) = (Rc::clone(&deployment), invocation.clone());
            async move {
                invocation.spend()?;
                let (object, host) = (deployment.new_object(), &deployment.host);
                let expires = host.now() + begin.ttl_ms;
                let id = id::seal(
                    object,
                    (host.now(), expires),
                    &caller,
                    &*host.keys(false).await?,
                    host.random(),
                )?;
                let begun =
                    deployment.ask_task(object, &Command::Begin(Begin { id, ..begin }), &caller)?;
                begun.map_err(|error| RuntimeError(error.message))
            }
            .boxed_local()
        })
    }

    fn of_task<'a>(
        &'a self,
        object: ObjectId,
        command: Command,
        caller: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, RuntimeError>> {
        let spent = self.invocation.spend();
        ready(spent.and_then(|()| self.deployment.ask_task(object, &command, caller))).boxed_local()
    }

    fn subscribe<'a>(
        &'a self,
        listener: &'a Listener,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        if let Err(fault) = self.invocation.spend() {
            return ready(Err(fault)).boxed_local();
        }
        let opened = self.deployment.hub.open(listener);
        let reply = opened.map(|greeting| {
            Reply::events(ReplyBody::Stream(Box::pin(
                self.deployment.hub_host.accept(listener, &greeting),
            )))
        });
        ready(Ok(reply.unwrap_or_else(|refused| refused))).boxed_local()
    }

    fn oauth_runtime(&self) -> Option<&dyn OAuthRuntime> {
        None
    }

    fn new_object(&self) -> Result<ObjectId, RuntimeError> {
        Ok(self.deployment.new_object())
    }

    fn own_route<'a>(
        &'a self,
        handler: &'a Rc<dyn Any>,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        match handler.downcast_ref::<OwnHandler>() {
            Some(handler) => handler(self.head.clone(), self.body.clone()),
            None => ready(Err(RuntimeError("a Worker's handler".to_owned()))).boxed_local(),
        }
    }

    fn playground_file(&self, _: &str, _: Option<&str>) -> Result<Reply, RuntimeError> {
        Err(RuntimeError("a test has no assets".to_owned()))
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        ready(Ok(self.body.clone())).boxed_local()
    }

    fn ask_model(
        &self,
        _: Rc<dyn ModelWork>,
    ) -> LocalBoxFuture<'_, Result<Result<ModelAnswer, Reply>, RuntimeError>> {
        ready(Err(RuntimeError("no models here".to_owned()))).boxed_local()
    }

    fn look_up<'a>(&'a self, _: &'a str) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        ready(Err(RuntimeError("no resolver here".to_owned()))).boxed_local()
    }

    fn relay(
        &self,
        _: RelayRequest,
        _: Rc<dyn RelayWork>,
    ) -> LocalBoxFuture<'_, Result<Result<RelayAnswer, Reply>, RuntimeError>> {
        ready(Err(RuntimeError("no relay here".to_owned()))).boxed_local()
    }

    fn forward(&self, forwarded: ForwardedRequest) -> Result<Reply, RuntimeError> {
        let (_, answer) = self.passed_on(forwarded)?;
        Ok(Reply {
            body: ReplyBody::Native(Box::new(answer)),
            ..Reply::default()
        })
    }

    fn listen(
        &self,
        forwarded: ForwardedRequest,
        opening: String,
    ) -> LocalBoxFuture<'_, Result<Reply, RuntimeError>> {
        async move {
            let (host, answer) = self.passed_on(forwarded)?;
            let reply = answer.await;
            let ReplyBody::Socket(socket) = reply.body else {
                return Ok(reply);
            };
            host.accept(
                socket.tag.clone(),
                socket.attachment,
                socket.greeting,
                socket.closes,
            );
            let opening = iter((!opening.is_empty()).then_some(opening));
            Ok(Reply::events(ReplyBody::Stream(
                opening.chain(frames(host, socket.tag)).boxed_local(),
            )))
        }
        .boxed_local()
    }

    fn log(&self, line: &LogLine) {
        CallRuntime::log(&*self.deployment.host, line);
    }
}

impl Visit {
    /// The answer of the object that a request is for, with the headers that the Worker sets and removes.
    fn passed_on(
        &self,
        forwarded: ForwardedRequest,
    ) -> Result<(Rc<FakeHost>, Answering), RuntimeError> {
        let ObjectTarget::Session(object) = forwarded.place else {
            return Err(RuntimeError("tasks are asked".to_owned()));
        };
        self.invocation.spend()?;
        let head = Head {
            headers: Rc::new(HeaderMap(self.forwarded_headers(&forwarded))),
            ..self.head.clone()
        };
        let body = Ok(forwarded.body.unwrap_or_else(|| self.body.clone()));
        let (host, object) = (
            self.deployment.state_host(object),
            self.deployment.state(object),
        );
        let gone = self.gone();
        let answer = async move { object.handle(&head, ready(body).boxed_local(), gone).await };
        Ok((host, answer.boxed_local()))
    }

    /// The headers of the request as the Worker forwards it.
    fn forwarded_headers(&self, forwarded: &ForwardedRequest) -> BTreeMap<String, String> {
        let mut headers: BTreeMap<String, String> = self.head.headers.all().into_iter().collect();
        for private in internal_headers::PRIVATE {
            headers.remove(private);
        }
        headers.insert(
            internal_headers::TRANSPORT.to_owned(),
            forwarded.transport.as_str().to_owned(),
        );
        headers.extend(
            internal_headers::encode(&forwarded.caller)
                .map(|caller| (internal_headers::CALLER.to_owned(), caller)),
        );
        if let Some((name, is_new)) = &forwarded.state {
            headers.insert(
                internal_headers::STATE.to_owned(),
                internal_headers::named_state(name, *is_new),
            );
        }
        if forwarded.transport == Transport::Sse {
            // The id that was verified stands in the URL.
            headers.remove(internal_headers::SESSION);
            let session = forwarded.session.clone();
            headers.extend(session.map(|id| (internal_headers::SESSION.to_owned(), id)));
        }
        if forwarded.transport == Transport::Stateless {
            headers.insert(
                internal_headers::SESSIONS_SINCE.to_owned(),
                forwarded.caller.sessions_since.to_string(),
            );
        }
        headers
    }
}

/// Frames that the object sends on a socket. Nothing wakes the reader: it asks again when the deployment has run.
fn frames(host: Rc<FakeHost>, tag: String) -> impl Stream<Item = String> {
    poll_fn(move |_| match host.read(&tag) {
        (frames, _) if !frames.is_empty() => Poll::Ready(Some(frames)),
        (_, true) => Poll::Ready(None),
        (_, false) => Poll::Pending,
    })
}
