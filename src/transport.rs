//! MCP over HTTP: which era a request belongs to, and what each of its transports asks for.

pub mod accept;
mod call_stream;
pub mod claims;
pub mod era;
pub mod legacy_sse;
mod movable;
pub mod object;
pub mod order;
pub mod refusal;
pub mod sse;
pub mod streamable;
