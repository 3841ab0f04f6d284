//! A client in memory, for tests of a server's tools with `cargo test`.
//!
//! [`TestClient`] sends its requests to the code that answers them in a Worker: sessions, stateless requests, questions, tasks and
//! changes are real, and only the runtime below them is a double. Time stands still unless a call waits for it, so a tool that
//! sleeps for an hour is tested at once.
//!
//! ```
//! # use durable_mcp_worker::session::Session;
//! # use durable_mcp_worker::testing::{TestClient, json};
//! # use durable_mcp_protocol::prelude::*;
//! #[derive(Default, Serialize, Deserialize)]
//! struct Notes(Vec<String>);
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Note { text: String }
//!
//! async fn remember(notes: Session<Notes>, Args(note): Args<Note>) -> Result<String, ToolError> {
//!     let count = notes.update(|Notes(texts)| { texts.push(note.text); texts.len() })?;
//!     Ok(format!("Notes in this session: {count}"))
//! }
//!
//! # fn server() -> Server { Server::new("notes", "1.0.0").tool("remember", "Remember a note", remember) }
//! let client = TestClient::new(server());
//! client.call("remember", json!({ "text": "milk" }));
//! assert_eq!(client.call("remember", json!({ "text": "bread" })).text(), "Notes in this session: 2");
//! assert!(client.call("remember", json!({})).is_error());
//! ```
//!
//! Bindings and SQL are the runtime's own: a call whose handler takes [`Env`](crate::platform::Env), or asks for
//! [`Session::sql`](crate::session::Session::sql), is answered with an error that says so.
//!
//! The module is not part of a Worker: it exists on other targets alone.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test fails by a panic, and says there why"
)]

mod answer;
mod client;
mod conversation;
#[doc(hidden)]
pub mod doubles;
mod executor;
mod listening;
mod patience;
mod questions;
mod seen;
mod wire;

pub use answer::Answer;
pub use client::TestClient;
pub use executor::block_on;
pub use questions::Form;
pub use seen::{Logged, Progressed};
pub use serde_json::{Value, json};

pub use durable_mcp_protocol::change::Change;
