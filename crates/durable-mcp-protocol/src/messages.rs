//! Messages of the protocol, and what they carry in every version.

pub mod caching; // `ttlMs` and `cacheScope`
pub mod capabilities; // what a client can do
pub mod cause; // causes that the log has and no client
pub mod change; // changes that clients are notified of
pub mod content; // content blocks
pub mod error; // errors as JSON-RPC carries them
pub mod fields; // members of an object, read when asked for
pub mod jsonrpc; // reading messages, writing answers
pub mod log_level; // severities of log messages
pub mod method; // methods of requests
pub(crate) mod pagination; // pages of lists
pub mod response; // response before it is JSON-RPC
pub mod version; // protocol versions
