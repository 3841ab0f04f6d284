//! Functions are registered as features, and have no attribute.

use durable_mcp::prelude::*;

/// Add two numbers
async fn add(a: f64, b: f64) -> String {
    (a + b).to_string()
}

/// Roll a die
async fn roll() -> String {
    "4".to_owned()
}

fn main() {
    let _ = Server::new("demo", "1.0.0").with(add).with(roll);
}
