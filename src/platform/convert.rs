//! The runtime's requests and answers, and ours.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt;
use http::Method;
use worker::js_sys::Promise;
use worker::worker_sys::web_sys;
use worker::{Response, Result};

use crate::wire::{Body, Head, Headers, Reply};

struct JsHeaders(web_sys::Headers);

impl Headers for JsHeaders {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).ok().flatten()
    }

    fn all(&self) -> Vec<(String, String)> {
        worker::Headers(self.0.clone()).entries().collect()
    }
}

/// The head of a request. One whose URL or method cannot be read gets values that lead nowhere.
pub(super) fn head(request: &web_sys::Request) -> Head {
    let url = request.url();
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Head {
        method: Method::from_bytes(request.method().as_bytes()).unwrap_or(Method::TRACE),
        secure: scheme == "https",
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Rc::new(JsHeaders(request.headers())),
    }
}

/// The runtime's answer for ours. A socket has its own way: see [`host`](super::host).
pub(super) fn response(reply: Reply) -> Result<Response> {
    let headers = headers(reply.headers)?;
    let builder = Response::builder().with_status(reply.status.as_u16()).with_headers(headers);
    Ok(match reply.body {
        Body::NativeStream(stream) => match stream.downcast::<web_sys::ReadableStream>() {
            Ok(stream) => builder.stream(*stream),
            Err(_) => builder.empty(),
        },
        Body::Empty | Body::Socket(_) | Body::Native(_) => builder.empty(),
        Body::Text(text) => builder.fixed(text.into_bytes()),
        Body::Stream(stream) => builder.from_stream(stream.map(|text| Ok::<_, worker::Error>(text.into_bytes())))?,
    })
}

thread_local! {
    static LAST_HEADERS: RefCell<Option<(Vec<Header>, worker::Headers)>> = const { RefCell::new(None) };
}

type Header = (&'static str, String);

/// The headers as the runtime's object. Answers in a row mostly have the same ones; a response copies them anyway, so
/// the last object serves again.
fn headers(wanted: Vec<Header>) -> Result<worker::Headers> {
    let last = LAST_HEADERS.take().filter(|(last, _)| *last == wanted);
    let (wanted, headers) = if let Some(last) = last {
        last
    } else {
        let headers = worker::Headers::new();
        for (name, value) in &wanted {
            headers.set(name, value)?;
        }
        (wanted, headers)
    };
    // `Headers::clone` of the wrapper would copy; this is one more reference to the same object.
    let shared = worker::Headers(Clone::clone(&headers.0));
    LAST_HEADERS.set(Some((wanted, headers)));
    Ok(shared)
}

/// A reply that stands for an answer of the runtime's, which may still be on its way.
pub(super) fn pending(answer: Promise) -> Reply {
    Reply { body: Body::Native(Box::new(answer)), ..Reply::default() }
}

/// The runtime's answer that a reply stands for, if it does: it goes out untouched.
pub(super) fn take_pending(reply: Reply) -> std::result::Result<Promise, Reply> {
    match reply.body {
        Body::Native(native) => match native.downcast::<Promise>() {
            Ok(answer) => Ok(*answer),
            Err(body) => Err(Reply { body: Body::Native(body), ..reply }),
        },
        _ => Err(reply),
    }
}
