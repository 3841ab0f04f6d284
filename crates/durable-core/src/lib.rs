//! Requests and replies as values, signing keys and sealing: what the parts of a service on Cloudflare Workers share, without the
//! runtime. Clock, randomness and keys come through the trait [`Runtime`](runtime::Runtime).

pub mod formats;
pub mod keys;
pub mod limits;
pub mod runtime;
pub mod seal;
pub mod wire;
