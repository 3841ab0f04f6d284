//! The server: registration, and the way of a request to its handler.

pub mod call; // a request with its target
pub(crate) mod directory; // requirements of directories
pub(crate) mod dispatch; // requests by method
pub(crate) mod header_params; // arguments repeated in headers
pub(crate) mod invoke; // requests that run a handler
pub(crate) mod lists; // requests for lists
pub(crate) mod problems; // faults of what was registered
pub mod server; // what a user registers
pub mod state_argument; // the argument that names a state
pub mod summary; // a server's features, for a page
