//! Notices that a client hangs up.

use std::cell::Cell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::wasm_bindgen::prelude::{Closure, wasm_bindgen};
use worker::worker_sys::web_sys;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crossing.js")]
extern "C" {
    #[wasm_bindgen(js_name = listenForHangUp)]
    fn listen_for_hang_up(request: &web_sys::Request, listener: &Listener) -> bool;

    #[wasm_bindgen(js_name = stopListeningForHangUp)]
    fn stop_listening_for_hang_up(request: &web_sys::Request, listener: &Listener);
}

type Listener = Closure<dyn FnMut()>;

/// Is ready when the client has hung up. The runtime is asked with the first poll.
pub(super) fn hung_up(request: &web_sys::Request) -> LocalBoxFuture<'static, ()> {
    HungUp {
        request: Clone::clone(request),
        listening: None,
    }
    .boxed_local()
}

/// Listens rather than waits for a promise: most clients never hang up, and a future of a promise that is never settled
/// is never freed.
struct HungUp {
    request: web_sys::Request,
    listening: Option<(Listener, Rc<HangUp>)>,
}

#[derive(Default)]
struct HangUp {
    has_come: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl HangUp {
    fn come(&self) {
        self.has_come.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl HungUp {
    fn listen(&self) -> (Listener, Rc<HangUp>) {
        let hang_up = Rc::<HangUp>::default();
        let heard = AssertUnwindSafe(Rc::clone(&hang_up));
        let listener =
            Closure::wrap_assert_unwind_safe(Box::new(move || heard.come()) as Box<dyn FnMut()>);
        hang_up
            .has_come
            .set(listen_for_hang_up(&self.request, &listener));
        (listener, hang_up)
    }
}

impl Future for HungUp {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.listening.is_none() {
            self.listening = Some(self.listen());
        }
        let Some((_, hang_up)) = &self.listening else {
            return Poll::Pending;
        };
        if hang_up.has_come.get() {
            return Poll::Ready(());
        }
        hang_up.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for HungUp {
    fn drop(&mut self) {
        if let Some((listener, _)) = &self.listening {
            stop_listening_for_hang_up(&self.request, listener);
        }
    }
}
