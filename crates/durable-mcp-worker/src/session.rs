//! A session's Durable Object: typed state, running calls, questions to the client, its end.
//!
//! An object writes nothing while all goes well. See [`store::Store`] for what is written, and when.

pub mod call_channel;
pub(crate) mod call_run;
pub mod host;
pub mod log_line;
pub mod object;
pub mod publication;
pub mod running;
pub mod state;
pub mod store;

pub use state::Session;
