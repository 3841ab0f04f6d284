//! Messages of the protocol, and what they carry in every version.

pub mod caching; // `ttlMs` and `cacheScope`
pub mod capabilities; // what a client can do
pub mod change; // changes that clients are notified of
pub mod discover; // result of `server/discover`
pub mod error; // errors as JSON-RPC carries them
pub mod initialize; // handshake before 2026-07-28
pub mod jsonrpc; // reading messages, writing answers
pub mod method; // methods of requests
pub(crate) mod pagination; // pages of lists
pub mod request_meta; // envelope of requests since 2026-07-28
pub mod response; // response before it is JSON-RPC
pub mod version; // protocol versions
