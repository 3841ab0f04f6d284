//! Connects an MCP client that starts local programs, over stdio, to a remote MCP server, over HTTP.
//!
//! ```text
//! durable-mcp-remote https://example.com/mcp
//! ```
//!
//! JSON-RPC messages alone are written to stdout, one on a line; all else goes to stderr.

#[cfg_attr(not(test), expect(dead_code, reason = "the parts that read the other flags are being written"))]
mod arguments;
#[expect(dead_code, reason = "the bridge, which reads it, is being written")]
mod http;
#[expect(dead_code, reason = "sign-in, which reads it, is being written")]
mod store;

use std::env;
use std::process::ExitCode;

use arguments::{HELP, Invocation};

fn main() -> ExitCode {
    let invocation = arguments::parse(env::args_os().skip(1), &|name| env::var(name).ok());
    match invocation {
        Ok(Invocation::Help) => print!("{HELP}"),
        Ok(Invocation::Version) => println!("{}", env!("CARGO_PKG_VERSION")),
        Ok(_) => {}
        Err(error) => {
            eprintln!("durable-mcp-remote: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
