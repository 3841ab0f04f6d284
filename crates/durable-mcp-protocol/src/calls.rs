//! A running call, and its ways to the client.

pub(crate) mod behind; // the run of a handler behind a layer
pub mod caller; // the principal of a request
pub mod cancel_flag; // the flag of a cancelled request
pub mod completion_input; // what a person typed
pub mod context; // client, caller, peer and arguments
pub mod panics; // panics of handlers, contained
pub mod peer; // port to the client
pub mod questions; // requests that wait for an answer
pub mod request_meta; // envelope of requests since 2026-07-28
pub mod round_trips; // questions whose answers come with other requests
