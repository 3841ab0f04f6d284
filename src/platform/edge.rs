//! The runtime around one request to the Worker.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use worker::js_sys::Promise;
use worker::js_sys::futures::JsFuture;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;
use worker::{ByteStream, ObjectNamespace, Stub};

use super::{convert, key_ring, linked, stream_socket};
use crate::http::app::Placement;
use crate::http::edge::{Edge, Order};
use crate::keys::Keys;
use crate::oauth::site::Surroundings;
use crate::runtime::Runtime;
use crate::session::log_line::LogLine;
use crate::transport::claims::ObjectId;
use crate::transport::era::Transport;
use crate::transport::order::{CALLER, SESSION, TRANSPORT, encode};
use crate::transport::refusal::{MAX_BODY_BYTES, Refusal};
use crate::wire::{Body, Fault, Reply};

/// The binding of the sessions' objects.
const MCP_OBJECT: &str = "MCP_OBJECT";

thread_local! {
    static OBJECTS: RefCell<Option<ObjectNamespace>> = const { RefCell::new(None) };
}

/// One request at the Worker.
pub(super) struct WorkerEdge {
    pub(super) request: web_sys::Request,
    pub(super) env: worker::Env,
    pub(super) context: JsValue,
    pub(super) placement: Placement,
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be given to map_err by name")]
fn fault(error: impl ToString) -> Fault {
    Fault(error.to_string())
}

fn js_fault(error: JsValue) -> Fault {
    fault(worker::Error::from(error))
}

impl WorkerEdge {
    pub(super) fn new(request: web_sys::Request, env: worker::Env, context: JsValue, placement: Placement) -> Self {
        Self { request, env, context, placement }
    }

    /// The namespace of the sessions' objects: looked up once, since a binding stays what it is.
    fn objects(&self) -> Result<ObjectNamespace, Fault> {
        if let Some(known) = OBJECTS.with_borrow(Clone::clone) {
            return Ok(known);
        }
        let namespace = self.env.durable_object(MCP_OBJECT).map_err(fault)?;
        OBJECTS.set(Some(namespace.clone()));
        Ok(namespace)
    }

    pub(super) fn stub(&self, object: ObjectId) -> Result<Stub, Fault> {
        let namespace = self.objects()?;
        let id = namespace.id_from_string(&object.to_hex()).map_err(fault)?;
        match &self.placement.location_hint {
            Some(hint) => id.get_stub_with_location_hint(hint).map_err(fault),
            None => id.get_stub().map_err(fault),
        }
    }

    /// Passes the request on. One that needs nothing changed goes as it is, which the runtime does best.
    fn send(&self, order: &Order, upgrade: bool) -> Result<Promise, Fault> {
        let stub = self.stub(order.object)?.into_rpc::<worker::worker_sys::DurableObject>();
        let changes = self.header_changes(order, upgrade);
        let promise = if changes.is_empty() && order.body.is_none() {
            stub.fetch_with_request(&self.request)
        } else {
            let init = web_sys::RequestInit::new();
            let headers = web_sys::Headers::new_with_headers(&self.request.headers()).map_err(js_fault)?;
            for (name, value) in changes {
                match value {
                    Some(value) => headers.set(name, &value),
                    None => headers.delete(name),
                }
                .map_err(js_fault)?;
            }
            init.set_headers(&headers);
            if let Some(body) = &order.body {
                init.set_body(&JsValue::from_str(body));
            }
            let request = web_sys::Request::new_with_request_and_init(&self.request, &init).map_err(js_fault)?;
            stub.fetch_with_request(&request)
        };
        promise.map_err(js_fault)
    }

    /// The headers that the object gets differently: what comes from outside under a private name goes.
    fn header_changes(&self, order: &Order, upgrade: bool) -> Vec<(&'static str, Option<String>)> {
        let given = self.request.headers();
        let over_sse = order.transport == Transport::Sse;
        let opens = over_sse && upgrade;
        let mut changes = vec![
            (CALLER, encode(&order.caller)),
            (TRANSPORT, opens.then(|| order.transport.as_str().to_owned())),
            ("authorization", None),
            ("cookie", None),
        ];
        if over_sse {
            // The id that was verified stands in the URL.
            changes.push((SESSION, order.session.clone()));
        }
        changes.retain(|(name, value)| value.is_some() || given.has(name).unwrap_or(true));
        if upgrade {
            changes.push(("upgrade", Some("websocket".to_owned())));
        }
        changes
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the runtime's clock counts whole milliseconds"
    )]
    let now = worker::js_sys::Date::now() as u64;
    now
}

impl Runtime for WorkerEdge {
    fn now(&self) -> u64 {
        now()
    }

    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
        key_ring::keys(&self.env, fresh).boxed_local()
    }

    fn warn(&self, message: &str) {
        worker::console_error!("{message}");
    }
}

impl Edge for WorkerEdge {
    fn surroundings(&self) -> Option<&dyn Surroundings> {
        linked::surroundings(self)
    }

    fn new_object(&self) -> Result<ObjectId, Fault> {
        let namespace = self.objects()?;
        let id = match &self.placement.jurisdiction {
            Ok(Some(jurisdiction)) => namespace.unique_id_with_jurisdiction(jurisdiction),
            Ok(None) => namespace.unique_id(),
            Err(problem) => return Err(fault(problem)),
        };
        let hex = id.map_err(fault)?.to_string();
        ObjectId::from_hex(&hex).ok_or_else(|| fault("an object's id is not 64 hexadecimal digits"))
    }

    fn read_body(&self) -> LocalBoxFuture<'_, Result<String, Refusal>> {
        read_text(&self.request).boxed_local()
    }

    fn forward(&self, order: Order) -> Result<Reply, Fault> {
        self.send(&order, false).map(convert::pending)
    }

    fn listen(&self, order: Order, opening: String) -> LocalBoxFuture<'_, Result<Reply, Fault>> {
        async move {
            let answer = JsFuture::from(self.send(&order, true)?).await.map_err(js_fault)?;
            let answer: web_sys::Response = answer.unchecked_into();
            match worker::Response::from(Clone::clone(&answer)).websocket() {
                Some(socket) => {
                    let events = stream_socket::body(socket, &opening).map_err(fault)?;
                    Ok(Reply::events(Body::NativeStream(Box::new(events))))
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

/// Reads a body as text, and no more of it than may be.
pub(super) async fn read_text(request: &web_sys::Request) -> Result<String, Refusal> {
    let declared = request.headers().get("content-length").ok().flatten();
    let declared = declared.and_then(|length| length.trim().parse::<usize>().ok());
    match declared {
        Some(length) if length > MAX_BODY_BYTES => Err(Refusal::TooLarge),
        // The runtime holds the sender to the length that it declared.
        Some(_) => whole(request).await,
        None => streamed(request).await,
    }
}

async fn whole(request: &web_sys::Request) -> Result<String, Refusal> {
    let promise = request.array_buffer().map_err(|_| Refusal::Internal)?;
    let buffer = JsFuture::from(promise).await.map_err(|_| Refusal::Internal)?;
    let bytes = worker::js_sys::Uint8Array::new(&buffer).to_vec();
    String::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)
}

async fn streamed(request: &web_sys::Request) -> Result<String, Refusal> {
    let Some(body) = request.body() else {
        return Ok(String::new());
    };
    let mut stream = ByteStream::from(body.unchecked_into::<web_sys::ReadableStream>());
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::Internal)?;
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        bytes.extend(chunk);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)
}
