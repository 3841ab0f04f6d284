//! Connects an MCP client that starts local programs, over stdio, to a remote MCP server, over HTTP.
//!
//! ```text
//! durable-mcp-remote https://example.com/mcp
//! ```
//!
//! JSON-RPC messages alone are written to stdout, one on a line; all else goes to stderr.

#![expect(dead_code, reason = "parts of sign-in, streams and subcommands are being written")]

mod arguments;
mod bridge;
mod call;
mod calls;
mod ending;
mod events;
mod gate;
mod http;
mod listen;
mod log;
mod members;
mod message;
mod recent;
mod remote;
mod renewal;
mod run;
mod session;
mod sign_in;
mod stdio;
mod store;
mod stream;
mod streamable;
mod trouble;
mod upkeep;

use std::env;
use std::process::ExitCode;

use arguments::{Command, HELP, Invocation};
use log::log;

fn main() -> ExitCode {
    let invocation = arguments::parse(env::args_os().skip(1), &|name| env::var(name).ok());
    match invocation {
        Ok(Invocation::Help) => print!("{HELP}"),
        Ok(Invocation::Version) => println!("{}", env!("CARGO_PKG_VERSION")),
        Ok(Invocation::Server(Command::Bridge, arguments)) => return run::run(*arguments),
        Ok(_) => {}
        Err(error) => {
            log(&error.to_string());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
