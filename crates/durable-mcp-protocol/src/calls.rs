//! A running call, and its ways to the client.

pub mod cause; // causes that the log has and no client
pub mod context; // client, caller, peer and arguments
pub mod panics; // panics of handlers, contained
pub mod peer; // port to the client
pub mod questions; // requests that wait for an answer
pub mod round_trips; // questions whose answers come with other requests
