//! Cloudflare's runtime: the only place besides the exports that knows of it.

pub mod bindings;
mod body;
mod bound;
mod convert;
mod edge;
mod grant_authority;
mod grant_rows;
mod host;
mod hub;
mod hung_up;
mod key_ring;
mod kv;
mod linked;
mod listed;
mod listeners;
mod object;
mod own_route;
mod pattern;
mod placement;
mod promise;
mod random;
mod sql_store;
mod stream_socket;
mod task;
mod upstream;
mod web;
pub mod worker;

pub use bindings::{Env, Headers};
pub use grant_authority::GrantAuthority;
pub use host::Sql;
pub use hub::McpHub;
pub use key_ring::KeyRing;
pub use listeners::Listeners;
pub use object::McpObject;
pub use task::McpTask;
pub use upstream::PublicWeb;
