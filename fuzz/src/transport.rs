//! MCP over HTTP, in both eras.

use std::task::{Context, Poll, Waker};

use durable_core::wire::{Reply, ReplyBody};
use durable_mcp_protocol::ProtocolVersion;
use futures_util::StreamExt;

use crate::meter::{Bounds, Linear, bounded};
use crate::requests::{Carried, Request};
use crate::server::server;
use crate::support::front::Front;
use crate::support::object::Rig;

const BOUNDS: Bounds = Bounds {
    peak: Linear(64 << 10, 48),
    bytes: Linear(256 << 10, 96),
    allocations: Linear(2000, 1),
    steps: Linear(200_000, 100),
};

/// As long as the longest wait of the transports, in milliseconds: by then a call is answered, or has a stream.
const PATIENCE_MS: u64 = 30_000;

/// Requests at the front door of a public server of 2026-07-28, and what they reach behind it.
pub fn stateless(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else {
        return;
    };
    let front = Front::new(server()).knowing_tasks();
    let mut carried = Carried::default();
    let mut length = 0;
    for text in Carried::texts(input) {
        let Request {
            method,
            headers,
            body,
            ..
        } = measured(carried.fill(text), &mut length);
        let answer = bounded(&BOUNDS, length, || {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            let exchange = front.send(method, &headers, body);
            front.advance(PATIENCE_MS);
            front.deliver();
            read(exchange.reply())
        });
        carried.note(&answer);
    }
}

/// Requests of a session of 2025-11-25 or of an older version with batches, at its object.
pub fn session(input: &[u8]) {
    let Some((version, input)) = input.split_first() else {
        return;
    };
    let Ok(input) = std::str::from_utf8(input) else {
        return;
    };
    let rig = match version {
        b'1' => Rig::speaking(ProtocolVersion::V2025_03_26, server()),
        b'2' => Rig::over_sse(server()),
        _ => Rig::new(server()),
    };
    let mut length = 0;
    for text in Carried::texts(input) {
        let request = measured(Carried::default().fill(text), &mut length);
        bounded(&BOUNDS, length, || answer_in_session(&rig, request));
    }
}

/// Sends a request to the session's object, and reads its answer or accepts its socket.
fn answer_in_session(rig: &Rig, request: Request) {
    let Request {
        method,
        headers,
        body,
        ..
    } = request;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let exchange = rig.send(method, &headers, Ok(body));
    rig.advance(PATIENCE_MS);
    let reply = exchange.reply();
    if let ReplyBody::Socket(socket) = reply.body {
        rig.host.accept(
            socket.tag,
            socket.attachment,
            socket.greeting,
            socket.closes,
        );
    } else {
        read(reply);
    }
}

/// The request, and all bytes so far: an answer may be as long as what was stored before.
fn measured(request: Request, length: &mut usize) -> Request {
    *length += request.length();
    request
}

/// An answer's headers and body, as far as it goes without waiting.
fn read(reply: Reply) -> String {
    let mut text: String = reply
        .headers
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{value}\"\n"))
        .collect();
    match reply.body {
        ReplyBody::Text(body) => text += &body,
        ReplyBody::Stream(mut stream) => {
            let mut context = Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(piece)) = stream.poll_next_unpin(&mut context) {
                text += &piece;
            }
        }
        _ => {}
    }
    text
}
