//! MCP over HTTP: which era a request belongs to, and what each of its transports asks for.

pub mod accept;
mod answer_stream;
mod call_stream;
pub mod claims;
pub mod era;
mod event_sender;
pub mod headers;
mod keep_alive;
pub mod legacy_sse;
pub mod movable;
pub mod object;
pub mod object_name;
mod opening;
pub mod order;
pub mod refusal;
mod request_digest;
pub mod request_meta;
pub mod request_state;
pub mod round_trips;
pub mod sse;
pub mod state_handle;
pub mod stateless;
pub mod streamable;
