//! A tool by attribute returns a number.

use durable_mcp::prelude::*;

/// Add two numbers
#[tool]
async fn add(a: f64, b: f64) -> f64 {
    a + b
}

fn main() {
    let _ = Server::new("demo", "1.0.0").with(add);
}
