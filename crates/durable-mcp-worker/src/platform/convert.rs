//! Conversion of the runtime's requests to [`Head`]s, and of [`Reply`]s to the runtime's responses.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use durable_core::wire::{Head, Headers, Reply, ReplyBody};
use durable_mcp_protocol::ProtocolVersion;
use futures_util::StreamExt;
use http::Method;
use worker::Result;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::web_sys;

use crate::transport::headers;
use crate::transport::internal_headers::{CALLER, SESSION, TRANSPORT};
use crate::transport::version_header::{VERSION_HEADER, names_stateless};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crossing.js")]
extern "C" {
    fn head(
        request: &web_sys::Request,
        always: &Array,
        versions: &Array,
        stateless: &Array,
        others: &Array,
    ) -> String;

    #[wasm_bindgen(catch)]
    fn respond(
        status: u16,
        headers: Option<&str>,
        body: &JsValue,
    ) -> std::result::Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(catch, js_name = respond)]
    fn respond_text(
        status: u16,
        headers: Option<&str>,
        body: &str,
    ) -> std::result::Result<web_sys::Response, JsValue>;
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen, module = "/src/platform/crash.js")]
extern "C" {
    fn writes(response: &web_sys::Response);
}

/// Headers that nearly every request needs. They are read with its URL in one call, since each call into JavaScript costs time.
struct FirstRead {
    /// Headers read of every request.
    always: &'static [&'static str],
    /// Headers read of stateless requests, by the version in the first header of `always`.
    stateless: &'static [&'static str],
    /// Headers read of all other requests.
    others: &'static [&'static str],
}

const AT_WORKER: FirstRead = FirstRead {
    always: &[
        VERSION_HEADER,
        "origin",
        "content-type",
        "accept",
        "content-length",
        "content-encoding",
    ],
    stateless: &[headers::METHOD, headers::NAME],
    others: &[SESSION],
};

const AT_OBJECT: FirstRead = FirstRead {
    always: &[SESSION, CALLER, TRANSPORT, "origin", "content-length"],
    stateless: &[],
    others: &[],
};

/// Stands for a header that a request does not have; no value holds it.
const ABSENT: &str = "\0";

/// The names as JavaScript has them, and the versions without sessions.
struct Names([Array; 4]);

impl Names {
    fn of(read: &FirstRead) -> Self {
        let array = |names: &[&str]| names.iter().copied().map(JsValue::from_str).collect();
        let versions = ProtocolVersion::STATELESS.map(ProtocolVersion::as_str);
        Self([
            array(read.always),
            array(&versions),
            array(read.stateless),
            array(read.others),
        ])
    }

    fn head(&self, request: &web_sys::Request) -> String {
        let Self([always, versions, stateless, others]) = self;
        head(request, always, versions, stateless, others)
    }
}

thread_local! {
    /// The headers of the last answer, which `respond` has ready. Answers in a row mostly have the same ones.
    static LAST_HEADERS: RefCell<Option<String>> = const { RefCell::new(None) };

    static NAMES: [Names; 2] = [Names::of(&AT_WORKER), Names::of(&AT_OBJECT)];
}

struct JsHeaders {
    request: web_sys::Request,
    names: &'static FirstRead,
    /// Lines, of which the first are method and URL.
    lines: String,
    /// The range in `lines` of each header that was read at first.
    first_read: Vec<Range<usize>>,
    is_stateless: bool,
}

impl JsHeaders {
    /// The value of a header, if it was read at first.
    fn first_read(&self, name: &str) -> Option<&str> {
        let FirstRead {
            always,
            stateless,
            others,
        } = self.names;
        let rest = if self.is_stateless { stateless } else { others };
        let at =
            place_in(always, name).or_else(|| place_in(rest, name).map(|at| at + always.len()))?;
        self.lines.get(self.first_read.get(at)?.clone())
    }
}

fn place_in(names: &[&str], name: &str) -> Option<usize> {
    names
        .iter()
        .position(|read| read.eq_ignore_ascii_case(name))
}

impl Headers for JsHeaders {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.first_read(name) {
            Some(value) => (value != ABSENT).then_some(Cow::Borrowed(value)),
            None => self
                .request
                .headers()
                .get(name)
                .ok()
                .flatten()
                .map(Cow::Owned),
        }
    }

    fn all(&self) -> Vec<(String, String)> {
        worker::Headers(self.request.headers()).entries().collect()
    }
}

/// The head of a request to the Worker. One whose URL or method cannot be read gets values that lead nowhere.
pub(super) fn read_head(request: &web_sys::Request) -> Head {
    NAMES.with(|[at_worker, _]| as_head(request, &AT_WORKER, at_worker.head(request)))
}

/// The head of a request to an object.
pub(super) fn read_head_at_object(request: &web_sys::Request) -> Head {
    NAMES.with(|[_, at_object]| as_head(request, &AT_OBJECT, at_object.head(request)))
}

fn as_head(request: &web_sys::Request, names: &'static FirstRead, lines: String) -> Head {
    let (method, rest) = lines.split_once('\n').unwrap_or_default();
    let (url, values) = rest.split_once('\n').unwrap_or_default();
    let is_stateless = names_stateless(values.split('\n').next());
    let mut next = lines.len() - values.len();
    let first_read = values
        .split('\n')
        .map(|value| {
            let start = next;
            next += value.len() + 1;
            start..start + value.len()
        })
        .collect();
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Head {
        method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::TRACE),
        secure: scheme == "https",
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Rc::new(JsHeaders {
            request: Clone::clone(request),
            names,
            is_stateless,
            first_read,
            lines,
        }),
    }
}

/// The runtime's answer for ours. A socket has its own way: see [`host`](super::host).
pub(super) fn response(reply: Reply) -> Result<web_sys::Response> {
    let status = reply.status.as_u16();
    let headers: Vec<_> = reply
        .headers
        .iter()
        .flat_map(|(name, value)| [*name, &**value])
        .collect();
    let joined = headers.join("\n");
    let headers = LAST_HEADERS
        .with_borrow(|last| last.as_ref() != Some(&joined))
        .then_some(joined.as_str());
    let response = match reply.body {
        ReplyBody::Text(text) => respond_text(status, headers, &text),
        ReplyBody::NativeStream(stream) => match stream.downcast::<web_sys::ReadableStream>() {
            Ok(stream) => respond(status, headers, &stream),
            Err(_) => respond(status, headers, &JsValue::NULL),
        },
        ReplyBody::Stream(stream) => {
            let stream = stream.map(|text| Ok::<_, worker::Error>(text.into_bytes()));
            let whole: web_sys::Response = worker::Response::from_stream(stream)?.into();
            respond(status, headers, &whole.body().into()).inspect(writes)
        }
        ReplyBody::Empty | ReplyBody::Socket(_) | ReplyBody::Native(_) => {
            respond(status, headers, &JsValue::NULL)
        }
    };
    LAST_HEADERS.set(response.is_ok().then_some(joined));
    response.map_err(worker::Error::from)
}

/// A reply that stands for an answer of the runtime's, which may still be on its way.
pub(super) fn pending(answer: Promise) -> Reply {
    Reply {
        body: ReplyBody::Native(Box::new(answer)),
        ..Reply::default()
    }
}

/// The runtime's answer that a reply stands for, if it does: it goes out untouched.
pub(super) fn take_pending(reply: Reply) -> std::result::Result<Promise, Reply> {
    match reply.body {
        ReplyBody::Native(native) => match native.downcast::<Promise>() {
            Ok(answer) => Ok(*answer),
            Err(body) => Err(Reply {
                body: ReplyBody::Native(body),
                ..reply
            }),
        },
        _ => Err(reply),
    }
}
