//! An MCP server over stdio, on one thread and without an async runtime. `connection.rs` is the transport.
//!
//! `cargo run -p durable-mcp-protocol --example stdio`

mod connection;

use std::io::stdin;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use connection::Connection;
use durable_mcp_protocol::prelude::*;
use futures_channel::mpsc;
use futures_executor::LocalPool;
use futures_util::StreamExt;

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: f64,
    b: f64,
}

#[derive(Deserialize, JsonSchema)]
struct Guest {
    /// Name to greet.
    name: String,
}

fn server() -> Server {
    Server::new("stdio-example", "1.0.0")
        .tool("add", "Add two numbers", add)
        .tool("countdown", "Count down from three", countdown)
        .tool("greet", "Ask for a name, and greet", greet)
        .resource("motto", "example://motto", async || "Small is enough.")
        .prompt(
            "haiku",
            "A haiku about a subject",
            async || "Write a haiku about JSON.",
        )
}

async fn add(Args(Add { a, b }): Args<Add>) -> String {
    (a + b).to_string()
}

async fn countdown(progress: Progress, clock: Clock) -> &'static str {
    for step in 1..=3 {
        progress.report(step, 3, format!("{} to go", 3 - step));
        clock.sleep(Duration::from_millis(10)).await;
    }
    "Lift-off"
}

async fn greet(client: Client) -> Result<String, ToolError> {
    Ok(match client.elicit("guest", "Who is there?").await? {
        Elicited::Accepted(Guest { name }) => format!("Hello, {name}."),
        Elicited::Declined | Elicited::Cancelled => "Hello, stranger.".to_owned(),
    })
}

fn main() {
    let (sender, mut lines) = mpsc::unbounded();
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            // The receiver lives until stdin ends.
            let _ = sender.unbounded_send(line);
        }
    });
    let mut pool = LocalPool::new();
    let connection = Rc::new(Connection::new(server(), pool.spawner()));
    pool.run_until(async {
        while let Some(line) = lines.next().await {
            connection.receive(&line);
        }
    });
    connection.close();
    // Calls that still run are finished.
    pool.run();
}
