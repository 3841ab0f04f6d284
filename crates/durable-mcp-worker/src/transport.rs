//! MCP over HTTP: which lifecycle a request belongs to, and what each of its transports asks for.

pub mod accept;
mod answer_stream;
mod call_stream;
pub mod claims;
mod event_sender;
pub mod headers;
pub mod internal_headers;
mod keep_alive;
pub mod legacy_sse;
pub mod lifecycle;
pub mod object_name;
mod opening;
pub mod refusal;
pub mod repollable;
mod request_digest;
pub mod request_state;
pub mod session_endpoint;
pub mod sse;
pub mod state_handle;
pub mod stateless;
pub mod streamable;
