//! A request's body as text, and answers to requests that wait for nothing else.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use worker::ByteStream;
use worker::js_sys::Promise;
use worker::js_sys::futures::JsFuture;
use worker::wasm_bindgen::prelude::{Closure, wasm_bindgen};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::promise::{given, or_failed, promised};
use crate::transport::refusal::{MAX_BODY_BYTES, Refusal};
use crate::transport::repollable::repollable;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crash.js")]
extern "C" {
    #[wasm_bindgen(js_name = afterText)]
    fn after_text(request: &web_sys::Request, rest: JsValue) -> Promise;
}

/// The work of a request, which resolves to the runtime's response.
pub(super) type Work = LocalBoxFuture<'static, Result<JsValue, JsValue>>;

/// The body of one request.
pub(super) struct RequestBody {
    request: web_sys::Request,
    /// The length in bytes that `Content-Length` declares.
    declared: Option<usize>,
    reading: Cell<Reading>,
}

/// Progress of reading a body.
enum Reading {
    /// The work is polled for the first time, which may end with waiting for the body alone.
    First,
    /// The work waits for the body alone.
    Awaited(Waker),
    /// The text of the body; `None` if it cannot be read.
    Here(Option<String>),
    /// The work is a task, which waits for anything.
    Task,
}

impl RequestBody {
    pub(super) fn new(request: web_sys::Request, declared: Option<usize>) -> Self {
        Self {
            request,
            declared,
            reading: Cell::new(Reading::First),
        }
    }

    /// The text of the body, up to the limit.
    pub(super) async fn text(&self) -> Result<String, Refusal> {
        match self.declared {
            Some(length) if length > MAX_BODY_BYTES => Err(Refusal::TooLarge),
            // The runtime holds the sender to the length that it declared.
            Some(length) => whole(self.read().await, length),
            None => streamed(&self.request).await,
        }
    }

    async fn read(&self) -> Option<String> {
        match self.reading.replace(Reading::Task) {
            Reading::First => {
                poll_fn(|context| {
                    if let Reading::Here(text) = self.reading.replace(Reading::Task) {
                        return Poll::Ready(text);
                    }
                    self.reading.set(Reading::Awaited(context.waker().clone()));
                    Poll::Pending
                })
                .await
            }
            _ => read(&self.request).await,
        }
    }

    /// True if the work waits for the body alone; otherwise it becomes a task.
    fn is_awaited(&self) -> bool {
        let reading = self.reading.replace(Reading::Task);
        let is_awaited = matches!(reading, Reading::Awaited(_));
        if is_awaited {
            self.reading.set(reading);
        }
        is_awaited
    }

    fn arrive(&self, text: Option<String>) {
        if let Reading::Awaited(waker) = self.reading.replace(Reading::Here(text)) {
            waker.wake();
        }
    }
}

/// Answers a request. Most work waits for the body of its request and for nothing else: it goes on with the text, without
/// what a task costs, which is much of what a request does.
pub(super) fn answered(body: &Rc<RequestBody>, work: Work) -> Promise {
    let work = match at_once(repollable(work)) {
        Ok(Ok(answer)) => return given(&answer, &body.request),
        Ok(Err(error)) => return or_failed(&Promise::reject(&error), &body.request),
        Err(work) => work,
    };
    if !body.is_awaited() {
        return or_failed(&promised(work), &body.request);
    }
    let rest = AssertUnwindSafe((Rc::clone(body), work));
    let rest = Closure::once_assert_unwind_safe(move |text: Option<String>| {
        let AssertUnwindSafe((body, work)) = rest;
        body.arrive(text);
        at_once(work).unwrap_or_else(|work| Ok(promised(work).into()))
    });
    after_text(&body.request, rest.into_js_value())
}

/// Polls work once, and returns its outcome, or the work if it is pending.
fn at_once(mut work: Work) -> Result<Result<JsValue, JsValue>, Work> {
    (&mut work).now_or_never().ok_or(work)
}

/// Reads a body as text, up to the limit.
pub(super) async fn read_text(request: &web_sys::Request) -> Result<String, Refusal> {
    let declared = request.headers().get("content-length").ok().flatten();
    let body = RequestBody::new(
        Clone::clone(request),
        declared.and_then(|length| length.trim().parse().ok()),
    );
    body.reading.set(Reading::Task);
    body.text().await
}

async fn read(request: &web_sys::Request) -> Option<String> {
    JsFuture::from(request.text().ok()?).await.ok()?.as_string()
}

/// The runtime makes a text of a body in half the time that handing over its bytes takes. Bytes that are not UTF-8 become
/// U+FFFD, which is no shorter; where by chance it is as long, the text is accepted as it is. A byte order mark, of three
/// bytes, is left out.
fn whole(text: Option<String>, length: usize) -> Result<String, Refusal> {
    let text = text.ok_or(Refusal::Internal)?;
    if text.len() == length || text.len() + MARK.len_utf8() == length {
        Ok(unmarked(text))
    } else {
        Err(Refusal::NotUtf8)
    }
}

/// The byte order mark.
const MARK: char = '\u{feff}';

fn unmarked(mut text: String) -> String {
    if text.starts_with(MARK) {
        text.drain(..MARK.len_utf8());
    }
    text
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
    String::from_utf8(bytes)
        .map(unmarked)
        .map_err(|_| Refusal::NotUtf8)
}
