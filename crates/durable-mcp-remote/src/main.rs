//! Connects an MCP client that starts local programs, over stdio, to a remote MCP server, over HTTP.
//!
//! ```text
//! durable-mcp-remote https://example.com/mcp
//! ```
//!
//! JSON-RPC messages alone are written to stdout, one on a line; all else goes to stderr.

mod arguments;
mod bridge;
mod call;
mod calls;
mod config;
mod deliver;
mod doctor;
mod ending;
mod era;
mod event_loop;
mod events;
mod gate;
mod http;
mod json;
mod listen;
mod log;
mod login;
mod members;
mod message;
mod opening;
mod outcome;
mod patience;
mod recent;
mod remote;
mod renewal;
mod run;
mod seen;
mod session;
mod sign_in;
mod sign_ins;
mod silence;
mod sse;
mod stateless;
mod stdio;
mod store;
mod stream;
mod streamable;
mod tools;
mod transport;
mod trouble;
mod upkeep;

use std::env;
use std::process::ExitCode;

use arguments::{Arguments, Command, HELP, Invocation};
use log::{log, log_error};

fn main() -> ExitCode {
    let invocation = arguments::parse(env::args_os().skip(1), &|name| env::var(name).ok());
    match invocation {
        Ok(Invocation::Help) => print!("{HELP}"),
        Ok(Invocation::Version) => println!("{}", env!("CARGO_PKG_VERSION")),
        Ok(Invocation::Server(Command::Bridge, arguments)) => {
            configure_log(&arguments);
            return run::run(*arguments);
        }
        Ok(Invocation::Server(
            Command::Config {
                client,
                arguments: entry,
            },
            arguments,
        )) => {
            return print_entry(client.as_deref(), &arguments, &entry);
        }
        Ok(Invocation::Server(Command::Doctor { json, login }, arguments)) => {
            configure_log(&arguments);
            return doctor::run(&arguments, json, login);
        }
        Ok(Invocation::Server(Command::Login, arguments)) => {
            configure_log(&arguments);
            return login::run(&arguments);
        }
        Ok(Invocation::Server(Command::Logout, arguments)) => return sign_ins::remove(&arguments),
        Ok(Invocation::LogoutAll) => return sign_ins::remove_all(),
        Ok(Invocation::List { json }) => return sign_ins::list(json),
        Err(error) => {
            log_error(&error.to_string());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Prints the entry of a client's configuration, which starts this very program.
fn print_entry(client: Option<&str>, arguments: &Arguments, entry: &[String]) -> ExitCode {
    let program = env::current_exe().map_or_else(
        |_| "durable-mcp-remote".to_owned(),
        |path| path.display().to_string(),
    );
    match config::entry(client, &arguments.url.parsed, &program, entry) {
        Ok(entry) => {
            if let Some(place) = entry.place {
                log(&place);
            }
            println!("{}", entry.text);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            log_error(&reason);
            ExitCode::FAILURE
        }
    }
}

fn configure_log(arguments: &Arguments) {
    for secret in arguments.secrets() {
        log::keep_secret(secret);
    }
    log::configure(&arguments.log, || {
        let store = store::Store::open(arguments.store_key());
        match store {
            Ok(store) => Some(store.path("debug.log")),
            Err(error) => {
                log_error(&format!("there is no debug log: {error}"));
                None
            }
        }
    });
}
