//! The runtime of one request of a deployment.

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::keys::{KeyId, Keys};
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::Error;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_worker::http::request_runtime::{
    ForwardedRequest, ModelAnswer, ModelWork, ObjectTarget, RelayAnswer, RelayRequest, RelayWork,
    RequestRuntime, StartTask,
};
use durable_mcp_worker::hub::Listener;
use durable_mcp_worker::session::host::CallRuntime;
use durable_mcp_worker::session::log_line::LogLine;
use durable_mcp_worker::task::command::Command;
use durable_mcp_worker::testing::doubles::host::FakeHost;
use durable_mcp_worker::transport::refusal::Refusal;
use durable_mcp_worker::transport::session_id::ObjectId;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use oauth_server::auth_server::{BodyError, OAuthRuntime};
use oauth_server::authority::Authority;
use oauth_server::event::Event;
use oauth_server::metadata_document::Fetch;
use oauth_server::port::Kv;
use oauth_server::rates::Rates;
use oauth_server::token::UserHandle;
use serde_json::{Value, json};

use super::super::super::grants::SESSION_MS;
use super::{UserObject, Visit};

impl Runtime for Visit<'_> {
    fn now(&self) -> u64 {
        self.deployment.shared.kv.now()
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        async { Ok(Rc::clone(&self.deployment.shared.keys)) }.boxed_local()
    }

    fn awaits_key(&self, _: KeyId) -> bool {
        self.deployment.awaits_keys.get()
    }

    fn random(&self) -> &dyn Random {
        &self.deployment.shared.random
    }

    fn warn(&self, message: &str) {
        self.deployment.log.borrow_mut().push(message.to_owned());
    }
}

impl OAuthRuntime for Visit<'_> {
    fn kv(&self) -> &dyn Kv {
        &self.deployment.shared.kv
    }

    fn web(&self) -> Option<&dyn Fetch> {
        (!self.deployment.is_inside.get()).then_some(&self.deployment.web)
    }

    fn rates(&self) -> &RefCell<Rates> {
        &self.deployment.rates
    }

    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        async move {
            if self.deployment.is_down.get() {
                return Err(RuntimeError("the object is away".to_owned()));
            }
            if let Some(outcome) = &*self.deployment.outcome.borrow() {
                return Ok(outcome.clone());
            }
            let authority = {
                let mut users = self.deployment.users.borrow_mut();
                let made = users.entry(handle.as_str().to_owned()).or_insert_with(|| {
                    let rows = self.deployment.rows(handle);
                    let host = UserObject {
                        shared: Rc::clone(&self.deployment.shared),
                        user: handle.clone(),
                        rows,
                    };
                    Rc::new(Authority::new(
                        Rc::new(host),
                        Rc::default(),
                        Rc::default(),
                        SESSION_MS,
                    ))
                });
                Rc::clone(made)
            };
            let outcome = authority
                .handle(serde_json::from_str(&command).unwrap())
                .await;
            Ok(serde_json::to_string(&outcome).unwrap())
        }
        .boxed_local()
    }

    fn command_later(&self, handle: &UserHandle, command: String) {
        if let Some(Err(fault)) = self.command(handle, command).now_or_never() {
            self.warn(&fault.0);
        }
    }

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        self.deployment.shared.end_session(key);
        async { Ok(()) }.boxed_local()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        let fits = self.body.len() <= limit;
        async move {
            if fits {
                Ok(self.body.clone())
            } else {
                Err(BodyError::TooLarge)
            }
        }
        .boxed_local()
    }

    fn event(&self, _: &Event) {}
}

impl RequestRuntime for Visit<'_> {
    fn oauth_runtime(&self) -> Option<&dyn OAuthRuntime> {
        Some(self)
    }

    fn call_runtime(&self) -> Rc<dyn CallRuntime> {
        FakeHost::new(String::new())
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        std::future::pending().boxed_local()
    }

    fn object_named(&self, _: &str) -> Result<ObjectId, RuntimeError> {
        Err(RuntimeError("no states here".to_owned()))
    }

    fn begin_task(&self) -> StartTask {
        Rc::new(|_, _| async { Err(RuntimeError("no tasks here".to_owned())) }.boxed_local())
    }

    fn of_task<'a>(
        &'a self,
        _: ObjectId,
        _: Command,
        _: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, RuntimeError>> {
        async { Err(RuntimeError("no tasks here".to_owned())) }.boxed_local()
    }

    fn subscribe<'a>(&'a self, _: &'a Listener) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        async { Err(RuntimeError("no hub here".to_owned())) }.boxed_local()
    }

    fn new_object(&self) -> Result<ObjectId, RuntimeError> {
        self.deployment
            .objects
            .set(self.deployment.objects.get() + 1);
        Ok(ObjectId([self.deployment.objects.get(); 32]))
    }

    fn own_route<'a>(
        &'a self,
        _: &'a Rc<dyn std::any::Any>,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        async { Ok(Reply::empty(StatusCode::IM_A_TEAPOT)) }.boxed_local()
    }

    fn playground_file(&self, framed: &str, server: Option<&str>) -> Result<Reply, RuntimeError> {
        let file = Reply {
            body: ReplyBody::Text(server.unwrap_or_default().to_owned()),
            ..Reply::default()
        };
        Ok(file.header("content-security-policy", format!("frame-src {framed}")))
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        async { Ok(self.body.clone()) }.boxed_local()
    }

    /// Notes the request, which is under way until the deployment ends it.
    fn ask_model(
        &self,
        work: Rc<dyn ModelWork>,
    ) -> LocalBoxFuture<'_, Result<Result<ModelAnswer, Reply>, RuntimeError>> {
        async move {
            let request = match work.prepare(self).await {
                Ok(request) => request,
                Err(refused) => return Ok(Err(refused)),
            };
            self.deployment.asked.borrow_mut().push((request, work));
            let body = ReplyBody::Text("data: [DONE]\n\n".to_owned());
            Ok(Ok(ModelAnswer::Stream {
                is_document: false,
                body,
            }))
        }
        .boxed_local()
    }

    /// As a session's object answers: with nothing, or that it has ended.
    fn forward(&self, forwarded: ForwardedRequest) -> Result<Reply, RuntimeError> {
        let (ObjectTarget::Session(object) | ObjectTarget::Task(object)) = forwarded.place;
        let object = object.to_hex();
        if self.deployment.ended.borrow().contains(&object) {
            return Ok(Refusal::EndedSession.into());
        }
        if self.ends {
            self.deployment.ended.borrow_mut().push(object);
        }
        Ok(Reply::empty(if self.ends {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::OK
        }))
    }

    fn listen(
        &self,
        _: ForwardedRequest,
        _: String,
    ) -> LocalBoxFuture<'_, Result<Reply, RuntimeError>> {
        async { Err(RuntimeError("no streams here".to_owned())) }.boxed_local()
    }

    fn look_up<'a>(&'a self, url: &'a str) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        let name = url.split(['=', '&']).nth(1).unwrap().to_owned();
        let names = self.deployment.names.borrow();
        let known = names
            .get(&name)
            .cloned()
            .unwrap_or_else(|| vec!["93.184.215.14".to_owned()]);
        let (wanted, kind) = if url.ends_with("=AAAA") {
            (true, 28)
        } else {
            (false, 1)
        };
        let answer: Vec<Value> = known
            .iter()
            .filter(|address| address.contains(':') == wanted)
            .map(|data| json!({ "name": name, "type": kind, "data": data }))
            .collect();
        self.deployment.looked_up.borrow_mut().push(name);
        async move { Ok(json!({ "Status": 0, "Answer": answer }).to_string()) }.boxed_local()
    }

    /// Notes the request, which is under way until the deployment ends it.
    fn relay(
        &self,
        request: RelayRequest,
        work: Rc<dyn RelayWork>,
    ) -> LocalBoxFuture<'_, Result<Result<RelayAnswer, Reply>, RuntimeError>> {
        async move {
            if self.deployment.relays_nothing.get() {
                return Err(RuntimeError("the client is gone".to_owned()));
            }
            if let Err(refused) = work.prepare(self).await {
                return Ok(Err(refused));
            }
            let is_stream = self.deployment.streams.get();
            work.answered(200);
            self.deployment.relayed.borrow_mut().push((request, work));
            let media_type = if is_stream {
                "text/event-stream"
            } else {
                "application/json"
            };
            let headers = [
                ("set-cookie", "a=b"),
                ("server", "x"),
                ("mcp-session-id", "the-session"),
            ];
            let headers = headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
            let body = Some(ReplyBody::Text("{}".to_owned()));
            Ok(Ok(RelayAnswer {
                status: 200,
                headers,
                media_type: media_type.to_owned(),
                body,
            }))
        }
        .boxed_local()
    }

    fn log(&self, line: &LogLine) {
        self.deployment.lines.borrow_mut().push(line.clone());
    }
}
