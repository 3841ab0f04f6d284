//! MCP over HTTP: the lifecycle of a request (sessions or stateless), and its transports.

pub mod accept;
mod event_sender;
pub mod headers;
pub mod internal_headers;
mod json_or_stream;
mod keep_alive;
pub mod legacy_sse;
pub mod lifecycle;
pub mod object_name;
pub mod refusal;
pub mod repollable;
mod request_digest;
pub mod request_state;
pub mod session_endpoint;
pub mod session_id;
mod session_stream;
pub mod sse;
pub mod state_handle;
pub mod stateless;
mod stateless_stream;
pub mod streamable;
pub mod version_header;
