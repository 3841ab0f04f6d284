//! The Worker's end of a stream: what the object sends on its socket goes out as the body of an answer, with comments
//! in between.
//!
//! The comments come from here so that the object may sleep. An event is passed from the socket to the body without
//! being read: it does not even come into this module's memory.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, LocalBoxFuture, select};
use worker::js_sys::{self, Function, Reflect, Uint8Array};
use worker::wasm_bindgen::prelude::{Closure, wasm_bindgen};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::spawn_local;
use worker::worker_sys::web_sys;
use worker::{Delay, Error, Result, WebSocket};

use crate::transport::sse::{KEEP_ALIVE, KEEP_ALIVE_MS, MAX_UNREAD_BYTES};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crash.js")]
extern "C" {
    #[wasm_bindgen(js_name = endWithModule)]
    fn end_with_module(writer: &web_sys::WritableStreamDefaultWriter, socket: &web_sys::WebSocket);
}

type Listener = Closure<dyn FnMut(JsValue)>;

/// A stream from an object's socket to a client.
struct StreamSocket {
    socket: WebSocket,
    writer: web_sys::WritableStreamDefaultWriter,
    encoder: JsValue,
    encode: Function,
    /// Bytes of each event that the client has not taken yet, oldest first.
    unread: RefCell<VecDeque<usize>>,
    unread_bytes: Cell<usize>,
    listeners: RefCell<Option<Listeners>>,
    /// Is dropped when the stream is over.
    over: Cell<Option<oneshot::Sender<()>>>,
}

struct Listeners {
    message: Listener,
    close: Listener,
    taken: Listener,
    refused: Listener,
}

/// The messages of a socket as the body of an answer, with `opening` before them. `gone` is ready when the client has hung
/// up.
pub(super) fn body(
    socket: WebSocket,
    opening: &str,
    gone: LocalBoxFuture<'static, ()>,
) -> Result<web_sys::ReadableStream> {
    // The runtime's own stream, which passes bytes on without a turn of JavaScript.
    let pair: web_sys::TransformStream = construct("IdentityTransformStream")?.unchecked_into();
    let encoder = construct("TextEncoder")?;
    let encode = Reflect::get(&encoder, &"encode".into())?.unchecked_into();
    let (over, is_over) = oneshot::channel();
    let stream = Rc::new(StreamSocket {
        writer: pair.writable().get_writer()?,
        socket,
        encoder,
        encode,
        unread: RefCell::default(),
        unread_bytes: Cell::new(0),
        listeners: RefCell::new(None),
        over: Cell::new(Some(over)),
    });
    stream.listen()?;
    end_with_module(&stream.writer, stream.socket.as_ref());
    if !opening.is_empty() {
        stream.write(&opening.into());
    }
    spawn_local(keep_alive(Rc::clone(&stream), gone, is_over));
    Ok(pair.readable())
}

fn construct(class: &str) -> Result<JsValue> {
    let class: Function = Reflect::get(&js_sys::global(), &class.into())?.unchecked_into();
    Reflect::construct(&class, &js_sys::Array::new()).map_err(Error::from)
}

/// Writes a comment now and then, until the stream is over. A client that has hung up without having said so is noticed by it.
///
/// The runtime drops the timers of a request when its answer is complete, so one that is waited for then would never come, and
/// this would never be freed.
async fn keep_alive(
    stream: Rc<StreamSocket>,
    gone: LocalBoxFuture<'static, ()>,
    is_over: oneshot::Receiver<()>,
) {
    let mut ended = select(gone, is_over);
    while stream.is_open() {
        let quiet = pin!(Delay::from(Duration::from_millis(KEEP_ALIVE_MS.into())));
        match select(quiet, &mut ended).await {
            Either::Left(_) => stream.write(&KEEP_ALIVE.into()),
            Either::Right(_) => return stream.end(),
        }
    }
}

impl StreamSocket {
    fn listen(self: &Rc<Self>) -> Result<()> {
        let listeners = Listeners {
            message: self.listener(|stream, event| {
                stream.write(&event.unchecked_into::<web_sys::MessageEvent>().data());
            }),
            close: self.listener(|stream, _| stream.end()),
            taken: self.listener(|stream, _| {
                let bytes = stream.unread.borrow_mut().pop_front().unwrap_or_default();
                stream
                    .unread_bytes
                    .set(stream.unread_bytes.get().saturating_sub(bytes));
            }),
            refused: self.listener(|stream, _| stream.end()),
        };
        let raw = self.socket.as_ref();
        let on = |name, listener: &Listener| {
            raw.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref())
                .map_err(Error::from)
        };
        on("message", &listeners.message)?;
        on("close", &listeners.close)?;
        on("error", &listeners.close)?;
        *self.listeners.borrow_mut() = Some(listeners);
        self.socket.accept()
    }

    fn listener(self: &Rc<Self>, act: impl Fn(&Self, JsValue) + 'static) -> Listener {
        let stream = Rc::downgrade(self);
        Closure::wrap_assert_unwind_safe(Box::new(move |value| {
            if let Some(stream) = stream.upgrade() {
                act(&stream, value);
            }
        }) as Box<dyn FnMut(JsValue)>)
    }

    fn is_open(&self) -> bool {
        self.listeners.borrow().is_some()
    }

    fn write(&self, text: &JsValue) {
        let listeners = self.listeners.borrow();
        let Some(listeners) = listeners.as_ref() else {
            return;
        };
        let Ok(bytes) = self.encode.call1(&self.encoder, text) else {
            return;
        };
        let length =
            usize::try_from(bytes.unchecked_ref::<Uint8Array>().length()).unwrap_or_default();
        let unread = self.unread_bytes.get() + length;
        if self.unread_bytes.get() > 0 && unread > MAX_UNREAD_BYTES {
            // The client resumes after the last event that it took; the object is told that it has gone.
            return self.close_socket();
        }
        self.unread_bytes.set(unread);
        self.unread.borrow_mut().push_back(length);
        // Whether it was taken is told to the listeners; the promise that they give has nothing to tell.
        drop(
            self.writer
                .write_with_chunk(&bytes)
                .then2(&listeners.taken, &listeners.refused),
        );
    }

    fn close_socket(&self) {
        // One that is closed already is no concern any more.
        let _ = self.socket.close(Some(1000), Some("the client has gone"));
    }

    /// Ends both sides: whichever was the first, the other one hears of it.
    fn end(&self) {
        let Some(listeners) = self.listeners.borrow_mut().take() else {
            return;
        };
        drop(self.over.take());
        self.close_socket();
        let raw = self.socket.as_ref();
        for (name, listener) in [
            ("message", &listeners.message),
            ("close", &listeners.close),
            ("error", &listeners.close),
        ] {
            // Listeners of a socket that is gone are gone with it.
            let _ =
                raw.remove_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        }
        let closed = self.writer.close();
        spawn_local(async move {
            // A listener may be what brought us here, and writes may still report to the others.
            let _ = worker::wasm_bindgen_futures::JsFuture::from(closed).await;
            drop(listeners);
        });
    }
}
