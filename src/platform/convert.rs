//! The runtime's requests and answers, and ours.

use std::rc::Rc;

use futures_util::StreamExt;
use http::Method;
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
    let headers = worker::Headers::new();
    for (name, value) in &reply.headers {
        headers.set(name, value)?;
    }
    let builder = Response::builder().with_status(reply.status.as_u16()).with_headers(headers);
    Ok(match reply.body {
        Body::Empty | Body::Socket(_) => builder.empty(),
        Body::Text(text) => builder.fixed(text.into_bytes()),
        Body::Stream(stream) => builder.from_stream(stream.map(|text| Ok::<_, worker::Error>(text.into_bytes())))?,
        Body::Native(native) => match native.downcast::<web_sys::Response>() {
            Ok(response) => (*response).into(),
            Err(_) => builder.empty(),
        },
    })
}

/// An answer of the runtime's, to be passed on.
pub(super) fn native(response: web_sys::Response) -> Reply {
    Reply { body: Body::Native(Box::new(response)), ..Reply::default() }
}
