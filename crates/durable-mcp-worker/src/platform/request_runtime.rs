//! The runtime around one request to the Worker.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use durable_core::formats::Format;
use durable_core::runtime::Runtime;
use durable_core::wire::{Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::context::Extensions;
use durable_mcp_protocol::error::Error;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::auth_server::OAuthRuntime;
use worker::js_sys::futures::JsFuture;
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;
use worker::{Delay, ObjectNamespace, Stub};

use super::assets;
use super::clock::now;
use super::fault::{fault, js_fault};
use super::hung_up::hung_up;
use super::promise::promised;
use super::worker_runtime::{MCP_OBJECT, MCP_TASK, WorkerRuntime};
use super::{convert, hub, model, oauth_functions, own_route, relay, stream_socket};
use crate::http::request_runtime::{
    ForwardedRequest, ModelAnswer, ModelWork, ObjectTarget, RelayAnswer, RelayRequest, RelayWork,
    RequestRuntime, StartTask,
};
use crate::hub::Listener;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::session::publication::Publication;
use crate::task::command::{Begin, Command};
use crate::task::id;
use crate::transport::internal_headers::{
    CALLER, SESSION, SESSIONS_SINCE, STATE, TRANSPORT, encode, named_state,
};
use crate::transport::lifecycle::Transport;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::ObjectId;

thread_local! {
    static OBJECTS: RefCell<Option<ObjectNamespace>> = const { RefCell::new(None) };
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crossing.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = idOfName)]
    fn id_of_name(
        namespace: &JsValue,
        jurisdiction: Option<&str>,
        name: &str,
    ) -> Result<String, JsValue>;
}

impl WorkerRuntime {
    /// The namespace of the sessions' objects: looked up once, since a binding stays what it is.
    fn objects(&self) -> Result<ObjectNamespace, RuntimeError> {
        if let Some(known) = OBJECTS.with_borrow(Clone::clone) {
            return Ok(known);
        }
        let namespace = self.env.durable_object(MCP_OBJECT).map_err(fault)?;
        OBJECTS.set(Some(namespace.clone()));
        Ok(namespace)
    }

    pub(super) fn stub(&self, object: ObjectId) -> Result<Stub, RuntimeError> {
        self.stub_in(&self.objects()?, object)
    }

    fn stub_in(&self, namespace: &ObjectNamespace, object: ObjectId) -> Result<Stub, RuntimeError> {
        let id = namespace.id_from_string(&object.to_hex()).map_err(fault)?;
        match &self.app.placement.location_hint {
            Some(hint) => id.get_stub_with_location_hint(hint).map_err(fault),
            None => id.get_stub().map_err(fault),
        }
    }

    /// Passes the request on. One that needs nothing changed goes as it is, which the runtime does best.
    fn send(&self, forwarded: &ForwardedRequest, upgrade: bool) -> Result<Promise, RuntimeError> {
        let stub = match forwarded.place {
            ObjectTarget::Session(object) => self.stub(object),
            ObjectTarget::Task(object) => {
                self.stub_in(&self.env.durable_object(MCP_TASK).map_err(fault)?, object)
            }
        };
        let stub = stub?.into_rpc::<worker::worker_sys::DurableObject>();
        let changes = self.header_changes(forwarded, upgrade);
        let promise = if changes.is_empty() && forwarded.body.is_none() {
            stub.fetch_with_request(&self.request)
        } else {
            let init = web_sys::RequestInit::new();
            let headers =
                web_sys::Headers::new_with_headers(&self.request.headers()).map_err(js_fault)?;
            for (name, value) in changes {
                match value {
                    Some(value) => headers.set(name, &value),
                    None => headers.delete(name),
                }
                .map_err(js_fault)?;
            }
            init.set_headers(&headers);
            if let Some(body) = &forwarded.body {
                init.set_body(&JsValue::from_str(body));
            }
            let request = web_sys::Request::new_with_request_and_init(&self.request, &init)
                .map_err(js_fault)?;
            stub.fetch_with_request(&request)
        };
        promise.map_err(js_fault)
    }

    /// The id of an object of that class that does not exist yet.
    fn new_object_in(&self, namespace: &ObjectNamespace) -> Result<ObjectId, RuntimeError> {
        let id = match &self.app.placement.jurisdiction {
            Ok(Some(jurisdiction)) => namespace.unique_id_with_jurisdiction(jurisdiction),
            Ok(None) => namespace.unique_id(),
            Err(problem) => return Err(fault(problem)),
        };
        object_id(&id.map_err(fault)?.to_string())
    }

    async fn start_task(&self, begin: Begin, caller: &Rc<Caller>) -> Result<String, RuntimeError> {
        let object = self.new_object_in(&self.env.durable_object(MCP_TASK).map_err(fault)?)?;
        let expires = now().saturating_add(begin.ttl_ms);
        let keys = self.keys(false).await?;
        let id = id::seal(object, (now(), expires), caller, &keys, self.random())?;
        let told = self
            .ask_task(object, Command::Begin(Begin { id, ..begin }), caller)
            .await?;
        oauth_functions::note_task(self, &keys, caller, object, expires);
        told.map_err(|error| RuntimeError(error.message))
    }

    async fn ask_task(
        &self,
        object: ObjectId,
        command: Command,
        caller: &Rc<Caller>,
    ) -> Result<Result<String, Error>, RuntimeError> {
        let forwarded = ForwardedRequest {
            place: ObjectTarget::Task(object),
            body: Some(command.to_text()),
            ..ForwardedRequest::of_session(object, Rc::clone(caller), Transport::Streamable)
        };
        let answer = JsFuture::from(self.send(&forwarded, false)?)
            .await
            .map_err(js_fault)?;
        let answer: web_sys::Response = answer.unchecked_into();
        let text = JsFuture::from(answer.text().map_err(js_fault)?)
            .await
            .map_err(js_fault)?;
        let text = text.as_string().unwrap_or_default();
        match answer.status() {
            200 => Ok(Ok(text)),
            400 => Error::parse(&text)
                .map(Err)
                .ok_or_else(|| fault("a task's object answers nothing that can be read")),
            503 => Err(Format::TaskRecord.unreadable()),
            status => Err(RuntimeError(format!("a task's object answers {status}"))),
        }
    }

    /// Changes to the headers for the object: internal headers are set, and removed where the client sent them.
    fn header_changes(
        &self,
        forwarded: &ForwardedRequest,
        upgrade: bool,
    ) -> Vec<(&'static str, Option<String>)> {
        let given = self.request.headers();
        let over_sse = forwarded.transport == Transport::Sse;
        let told = (over_sse && upgrade) || forwarded.transport == Transport::Stateless;
        let transport = told.then(|| forwarded.transport.as_str().to_owned());
        let state = forwarded.state.as_ref();
        let state = state.map(|(name, is_new)| named_state(name, *is_new));
        let mut changes = vec![
            (CALLER, encode(&forwarded.caller)),
            (TRANSPORT, transport),
            (STATE, state),
            ("authorization", None),
            ("cookie", None),
        ];
        if over_sse {
            // The id that was verified stands in the URL.
            changes.push((SESSION, forwarded.session.clone()));
        }
        changes.retain(|(name, value)| value.is_some() || given.has(name).unwrap_or(true));
        if let Some(body) = &forwarded.body {
            changes.push(("content-length", Some(body.len().to_string())));
        }
        if forwarded.transport == Transport::Stateless {
            changes.push((
                SESSIONS_SINCE,
                Some(forwarded.caller.sessions_since.to_string()),
            ));
        }
        if upgrade {
            changes.push(("upgrade", Some("websocket".to_owned())));
        }
        changes
    }
}

fn object_id(hex: &str) -> Result<ObjectId, RuntimeError> {
    ObjectId::from_hex(hex).ok_or_else(|| fault("an object's id is not 64 hexadecimal digits"))
}

impl CallRuntime for WorkerRuntime {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let promise = promised(Box::pin(task.map(|()| Ok(JsValue::UNDEFINED))));
        // A context that takes nothing any more is of a request that is over: the task runs for as long as the runtime lets it.
        let _ = self
            .context
            .unchecked_ref::<worker::worker_sys::Context>()
            .wait_until(&promise);
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        Delay::from(Duration::from_millis(milliseconds.into())).boxed_local()
    }

    fn extend(&self, extensions: &mut Extensions) {
        extensions.insert(Rc::clone(&self.env));
    }

    fn publish(&self, publication: Publication) {
        hub::publish_later(Some(&self.context), &self.env, &publication);
    }

    fn log(&self, line: &LogLine) {
        worker::console_log!("{}", line.to_json());
    }
}

impl RequestRuntime for WorkerRuntime {
    fn oauth_runtime(&self) -> Option<&dyn OAuthRuntime> {
        oauth_functions::oauth_runtime(self)
    }

    fn call_runtime(&self) -> Rc<dyn CallRuntime> {
        Rc::new(self.clone())
    }

    fn gone(&self) -> LocalBoxFuture<'static, ()> {
        hung_up(&self.request)
    }

    fn object_named(&self, name: &str) -> Result<ObjectId, RuntimeError> {
        let jurisdiction = self
            .app
            .placement
            .jurisdiction
            .as_ref()
            .map_err(fault)?
            .as_deref();
        let namespace = Reflect::get(self.env.as_ref(), &MCP_OBJECT.into()).map_err(js_fault)?;
        object_id(&id_of_name(&namespace, jurisdiction, name).map_err(js_fault)?)
    }

    fn begin_task(&self) -> StartTask {
        let runtime = self.clone();
        Rc::new(move |begin, caller| {
            let runtime = runtime.clone();
            async move { runtime.start_task(begin, &caller).await }.boxed_local()
        })
    }

    fn of_task<'a>(
        &'a self,
        object: ObjectId,
        command: Command,
        caller: &'a Rc<Caller>,
    ) -> LocalBoxFuture<'a, Result<Result<String, Error>, RuntimeError>> {
        self.ask_task(object, command, caller).boxed_local()
    }

    fn subscribe<'a>(
        &'a self,
        listener: &'a Listener,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        hub::subscribe(&self.env, listener, self.gone()).boxed_local()
    }

    fn new_object(&self) -> Result<ObjectId, RuntimeError> {
        self.new_object_in(&self.objects()?)
    }

    fn own_route<'a>(
        &'a self,
        handler: &'a Rc<dyn Any>,
    ) -> LocalBoxFuture<'a, Result<Reply, RuntimeError>> {
        own_route::call(self, handler)
    }

    fn playground_file(&self, framed: &str, server: Option<&str>) -> Result<Reply, RuntimeError> {
        assets::file(&self.env, &self.request, framed, server)
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        self.body.text().boxed_local()
    }

    fn ask_model(
        &self,
        work: Rc<dyn ModelWork>,
    ) -> LocalBoxFuture<'_, Result<Result<ModelAnswer, Reply>, RuntimeError>> {
        model::answer(self, work).boxed_local()
    }

    fn look_up<'a>(&'a self, url: &'a str) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        relay::look_up(url).boxed_local()
    }

    fn relay(
        &self,
        request: RelayRequest,
        work: Rc<dyn RelayWork>,
    ) -> LocalBoxFuture<'_, Result<Result<RelayAnswer, Reply>, RuntimeError>> {
        relay::send(self, request, work).boxed_local()
    }

    fn forward(&self, forwarded: ForwardedRequest) -> Result<Reply, RuntimeError> {
        self.send(&forwarded, false).map(convert::pending)
    }

    fn listen(
        &self,
        forwarded: ForwardedRequest,
        opening: String,
    ) -> LocalBoxFuture<'_, Result<Reply, RuntimeError>> {
        async move {
            let answer = JsFuture::from(self.send(&forwarded, true)?)
                .await
                .map_err(js_fault)?;
            let answer: web_sys::Response = answer.unchecked_into();
            match worker::Response::from(Clone::clone(&answer)).websocket() {
                Some(socket) => {
                    let events =
                        stream_socket::body(socket, &opening, self.gone()).map_err(fault)?;
                    Ok(Reply::events(ReplyBody::NativeStream(Box::new(events))))
                }
                None => Ok(convert::pending(Promise::resolve(&JsValue::from(answer)))),
            }
        }
        .boxed_local()
    }

    fn log(&self, line: &LogLine) {
        worker::console_log!("{}", line.to_json());
    }
}
