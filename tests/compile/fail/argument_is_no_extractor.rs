//! A tool takes its arguments bare, and not as `Args<T>`.

use durable_mcp::prelude::*;

async fn add(a: f64, b: f64) -> String {
    (a + b).to_string()
}

fn main() {
    let _ = Server::new("demo", "1.0.0").tool("add", "Add two numbers", add);
}
