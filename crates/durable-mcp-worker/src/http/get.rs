//! Answers to GET, and to HEAD without a body.

use durable_core::wire::{Head, Reply, ReplyBody};
use http::Method;

use crate::transport::refusal::Refusal;

pub(super) fn get(head: &Head, reply: impl FnOnce() -> Reply) -> Reply {
    match head.method {
        Method::GET => reply(),
        Method::HEAD => Reply {
            body: ReplyBody::Empty,
            ..reply()
        },
        _ => Refusal::Method("GET, HEAD, OPTIONS").into(),
    }
}
