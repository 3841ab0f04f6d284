//! The runtime around one request at the front door.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use durable_mcp::http::edge::{Edge, Order, Place, StartTask};
use durable_mcp::hub::Listener;
use durable_mcp::keys::Keys;
use durable_mcp::mcp::Error;
use durable_mcp::mcp::user::Caller;
use durable_mcp::oauth::memory::Invocation;
use durable_mcp::oauth::site::Surroundings;
use durable_mcp::runtime::{Random, Runtime};
use durable_mcp::session::host::Around;
use durable_mcp::session::log_line::LogLine;
use durable_mcp::task::command::{Begin, Command};
use durable_mcp::task::id;
use durable_mcp::transport::claims::ObjectId;
use durable_mcp::transport::order;
use durable_mcp::transport::refusal::Refusal;
use durable_mcp::wire::{Body, Fault, Head, Reply};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};

use super::Deployment;
use crate::support::object::Map;

/// One request at the front door.
pub(super) struct Visit {
    pub(super) deployment: Rc<Deployment>,
    pub(super) head: Head,
    pub(super) body: String,
    pub(super) gone: Rc<Cell<Option<oneshot::Receiver<()>>>>,
    /// Requests to objects are counted, as the platform counts them.
    pub(super) invocation: Invocation,
}

impl Runtime for Visit {
    fn now(&self) -> u64 {
        self.deployment.host.now()
    }

    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
        self.deployment.host.keys(fresh)
    }

    fn random(&self) -> &dyn Random {
        self.deployment.host.random()
    }

    fn warn(&self, message: &str) {
        self.deployment.host.warn(message);
    }
}

impl Edge for Visit {
    fn around(&self) -> Rc<dyn Around> {
        Rc::clone(&self.deployment.host) as _
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        let gone = self.gone.take().expect("it is asked for once");
        gone.map(|_| ()).boxed_local()
    }

    fn object_named(&self, _: &str) -> Result<ObjectId, Fault> {
        Err(Fault("nobody is signed in here".to_owned()))
    }

    fn begin_task(&self) -> StartTask {
        let (deployment, invocation) = (Rc::clone(&self.deployment), self.invocation.clone());
        Rc::new(move |begin: Begin, caller| {
            let (deployment, invocation) = (Rc::clone(&deployment), invocation.clone());
            async move {
                invocation.spend()?;
                let (object, host) = (deployment.new_object(), &deployment.host);
                let expires = host.now() + begin.ttl_ms;
                let id = id::seal(object, (host.now(), expires), &caller, &*host.keys(false).await?, host.random())?;
                let begun = deployment.ask_task(object, &Command::Begin(Begin { id, ..begin }), &caller)?;
                begun.map_err(|error| Fault(error.message))
            }
            .boxed_local()
        })
    }

    fn of_task<'a>(
        &'a self,
        object: ObjectId,
        command: Command,
        caller: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, Fault>> {
        let spent = self.invocation.spend();
        ready(spent.and_then(|()| self.deployment.ask_task(object, &command, caller))).boxed_local()
    }

    fn subscribe<'a>(&'a self, listener: &'a Listener) -> LocalBoxFuture<'a, Result<Reply, Fault>> {
        if let Err(fault) = self.invocation.spend() {
            return ready(Err(fault)).boxed_local();
        }
        let opened = self.deployment.hub.open(listener);
        let reply = opened.map(|greeting| {
            Reply::events(Body::Stream(Box::pin(self.deployment.hub_host.accept(listener, &greeting))))
        });
        ready(Ok(reply.unwrap_or_else(|refused| refused))).boxed_local()
    }

    fn surroundings(&self) -> Option<&dyn Surroundings> {
        None
    }

    fn new_object(&self) -> Result<ObjectId, Fault> {
        Ok(self.deployment.new_object())
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        ready(Ok(self.body.clone())).boxed_local()
    }

    fn forward(&self, order: Order) -> Result<Reply, Fault> {
        let Place::Session(object) = order.place else { return Err(Fault("tasks are asked".to_owned())) };
        self.invocation.spend()?;
        let mut headers: BTreeMap<String, String> = self.head.headers.all().into_iter().collect();
        headers.insert(order::TRANSPORT.to_owned(), order.transport.as_str().to_owned());
        if let Some((name, is_new)) = &order.state {
            headers.insert(order::STATE.to_owned(), order::named_state(name, *is_new));
        }
        let head = Head { headers: Rc::new(Map(headers)), ..self.head.clone() };
        let body = Ok(order.body.unwrap_or_else(|| self.body.clone()));
        let object = self.deployment.state(object);
        let gone = self.gone();
        let answer = async move { object.handle(&head, ready(body).boxed_local(), gone).await }.boxed_local();
        Ok(Reply { body: Body::Native(Box::new(answer)), ..Reply::default() })
    }

    fn listen(&self, _: Order, _: String) -> LocalBoxFuture<'_, Result<Reply, Fault>> {
        ready(Err(Fault("no sessions here".to_owned()))).boxed_local()
    }

    fn log(&self, line: &LogLine) {
        Around::log(&*self.deployment.host, line);
    }
}
