//! What a session's Durable Object does: typed state, running calls, questions to the client, the end of it.
//!
//! An object writes nothing while all goes well. See [`store::Store`] for what is written, and when.

pub mod core;
pub mod host;
pub mod line;
pub mod log_line;
pub mod notice;
pub mod questions;
pub mod running;
pub mod state;
pub mod store;

pub use state::Session;
