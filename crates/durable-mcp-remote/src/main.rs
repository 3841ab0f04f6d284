//! Connects an MCP client that starts local programs, over stdio, to a remote MCP server, over HTTP.
//!
//! ```text
//! durable-mcp-remote https://example.com/mcp
//! ```
//!
//! JSON-RPC messages alone are written to stdout, one on a line; all else goes to stderr.

#[expect(dead_code, reason = "sign-in, which reads it, is being written")]
mod store;

fn main() {}
