//! The Worker's end of a stream: what the object sends on its socket, with comments where it is quiet.
//!
//! The comments come from here so that the object may sleep.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen::prelude::Closure;
use worker::worker_sys::web_sys;
use worker::{Delay, Error, Result, WebSocket};

use crate::transport::sse::{KEEP_ALIVE, KEEP_ALIVE_MS, MAX_UNREAD_BYTES};

type Listener<T> = Closure<dyn FnMut(T)>;

/// Events as they come from an object. Dropping it closes the socket, which tells the object.
pub(super) struct StreamSocket {
    socket: WebSocket,
    opening: Option<String>,
    frames: UnboundedReceiver<Option<String>>,
    unread_bytes: Rc<Cell<usize>>,
    /// One timer. It is in a set because a timer alone wakes only whoever polled it first, and each event of this
    /// stream is waited for by a task of its own.
    quiet: FuturesUnordered<Delay>,
    message: Listener<web_sys::MessageEvent>,
    close: Listener<web_sys::Event>,
}

fn quiet() -> FuturesUnordered<Delay> {
    FuturesUnordered::from_iter([Delay::from(Duration::from_millis(KEEP_ALIVE_MS.into()))])
}

fn close_socket(socket: &WebSocket) {
    // One that is closed already is no concern any more.
    let _ = socket.close(Some(1000), Some("the client has gone"));
}

fn send(sender: &UnboundedSender<Option<String>>, frame: Option<String>) {
    // The stream may be dropped while an event is on its way.
    let _ = sender.unbounded_send(frame);
}

impl StreamSocket {
    /// Takes a socket over; `opening` goes out before all else.
    pub(super) fn open(socket: WebSocket, opening: String) -> Result<Self> {
        let (sender, frames) = unbounded();
        let on_close = sender.clone();
        let unread_bytes = Rc::new(Cell::new(0));
        let (unread, own) = (Rc::clone(&unread_bytes), socket.clone());
        let message = Closure::wrap_assert_unwind_safe(Box::new(move |event: web_sys::MessageEvent| {
            let Some(text) = event.data().as_string() else { return };
            let bytes = unread.get() + text.len();
            if unread.get() > 0 && bytes > MAX_UNREAD_BYTES {
                // What was read so far tells the client where to go on; the object hears that it is gone.
                close_socket(&own);
                return send(&sender, None);
            }
            unread.set(bytes);
            send(&sender, Some(text));
        }) as Box<dyn FnMut(web_sys::MessageEvent)>);
        let close = Closure::wrap_assert_unwind_safe(
            Box::new(move |_: web_sys::Event| send(&on_close, None)) as Box<dyn FnMut(web_sys::Event)>
        );
        let raw = socket.as_ref();
        raw.add_event_listener_with_callback("message", message.as_ref().unchecked_ref()).map_err(Error::from)?;
        for name in ["close", "error"] {
            raw.add_event_listener_with_callback(name, close.as_ref().unchecked_ref()).map_err(Error::from)?;
        }
        socket.accept()?;
        let opening = Some(opening).filter(|text| !text.is_empty());
        Ok(Self { socket, opening, frames, unread_bytes, quiet: quiet(), message, close })
    }
}

impl Stream for StreamSocket {
    type Item = String;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.frames).poll_next(cx) {
            let frame = frame.flatten();
            let bytes = frame.as_ref().map_or(0, String::len);
            self.unread_bytes.set(self.unread_bytes.get().saturating_sub(bytes));
            // Each event is asked for by a task of its own, and a delay wakes only the task that asked first.
            self.quiet = quiet();
            return Poll::Ready(frame);
        }
        if self.quiet.poll_next_unpin(cx).is_ready() {
            self.quiet = quiet();
            return Poll::Ready(Some(KEEP_ALIVE.to_owned()));
        }
        Poll::Pending
    }
}

impl Drop for StreamSocket {
    fn drop(&mut self) {
        let raw = self.socket.as_ref();
        let message = self.message.as_ref().unchecked_ref();
        let close = self.close.as_ref().unchecked_ref();
        // Listeners of a socket that is gone are gone with it.
        let _ = raw.remove_event_listener_with_callback("message", message);
        for name in ["close", "error"] {
            let _ = raw.remove_event_listener_with_callback(name, close);
        }
        close_socket(&self.socket);
    }
}
