//! Requests and replies as values, signing keys and sealing: what the parts of `durable-mcp` share, without a runtime.
//!
//! A host turns its requests into a [`Head`], answers with what a [`Reply`] says, and implements [`Runtime`]: clock, randomness and
//! [`Keys`].
//!
//! ```
//! use durable_core::{Head, Keys, Reply};
//! use http::{Request, StatusCode};
//!
//! let request = Request::get("/hello?name=ada").header("host", "a.example").body(())?;
//! let head = Head::of(&request, true);
//! assert_eq!(head.origin(), "https://a.example");
//!
//! let name = head.query_value("name").unwrap_or("you");
//! let reply = Reply::text(StatusCode::OK, "text/plain; charset=utf-8", format!("Hello, {name}."));
//! let response = reply.into_response().expect("its body is a text");
//! assert_eq!(response.body(), "Hello, ada.");
//!
//! // 32 bytes of the operating system's randomness, and the time in milliseconds since 1970.
//! let keys = Keys::generate([7; 32], 1_796_000_000_000);
//! let mac = keys.sign(b"a message");
//! assert!(keys.verify(keys.current_id(), b"a message", &mac));
//! # Ok::<(), http::Error>(())
//! ```

pub mod formats;
pub mod keys;
pub mod limits;
pub mod runtime;
pub mod seal;
pub mod wire;

pub use keys::Keys;
pub use runtime::{Random, Runtime};
pub use wire::{Head, Reply, RuntimeError};
