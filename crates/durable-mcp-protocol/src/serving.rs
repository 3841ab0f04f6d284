//! The server: registration, and the way of a request to its handler.

pub mod call; // a request with its target
pub(crate) mod check_headers; // headers against the arguments that they repeat
pub(crate) mod directory; // requirements of directories
pub mod discover; // result of `server/discover`
pub(crate) mod dispatch; // requests by method
pub mod initialize; // handshake before 2026-07-28
pub(crate) mod invoke; // requests that run a handler
pub(crate) mod layers; // the way through layers to the handler
pub(crate) mod lists; // requests for lists
pub(crate) mod problems; // faults of what was registered
pub mod server; // what a user registers
pub mod state_argument; // the argument that names a state
pub mod summary; // a server's features, for a page
pub mod ui_page; // pages that tools show
pub(crate) mod url_elicitation; // a URL to open first
