//! Requests that stand for themselves: 2026-07-28, without sessions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durable_mcp::prelude::*;
use serde_json::{Value, json};

use crate::support::front::{Front, everything, refusal, text};
use crate::support::object::{Exchange, Sleep};

mod answers;
mod headers;
mod lifecycle;
mod rounds;
mod state;

fn none() -> Value {
    json!({})
}

/// The parameters of a call.
fn calling(name: &str, arguments: &Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}
