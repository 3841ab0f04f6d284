//! A tool returns a number.

use durable_mcp::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: f64,
    b: f64,
}

async fn add(Args(Add { a, b }): Args<Add>) -> f64 {
    a + b
}

fn main() {
    let _ = Server::new("demo", "1.0.0").tool("add", "Add two numbers", add);
}
