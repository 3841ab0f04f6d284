//! JSON-RPC messages for tests.

use durable_mcp_protocol::jsonrpc::{Body, Message, Request, parse};
use serde_json::{Value, json};

/// A request's text.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params }).to_string()
}

/// A call of a tool.
pub(crate) fn call(id: impl Into<Value>, name: &str, arguments: &Value) -> String {
    request(
        id,
        "tools/call",
        &json!({ "name": name, "arguments": arguments }),
    )
}

/// A notification's text.
pub(crate) fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// A client's answer.
pub(crate) fn answer(id: &Value, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// The request as the library reads it.
pub(crate) fn read(text: &str) -> Request {
    match parse(text) {
        Ok(Body::Single(Message::Request(request))) => request,
        other => panic!("not a request: {other:?}"),
    }
}

pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
