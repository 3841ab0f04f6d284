//! Cloudflare's runtime: the only place besides the exports that knows of it.

pub mod bindings;
mod convert;
mod edge;
mod host;
mod key_ring;
mod object;
mod sql_store;
mod stream_socket;
pub mod worker;

pub use bindings::{Env, Headers};
pub use host::Sql;
pub use key_ring::KeyRing;
pub use object::McpObject;
