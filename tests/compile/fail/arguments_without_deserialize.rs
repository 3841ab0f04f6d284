//! The type in `Args<T>` has no `Deserialize`.

use durable_mcp::prelude::*;

#[derive(JsonSchema)]
struct Add {
    a: f64,
    b: f64,
}

async fn add(Args(Add { a, b }): Args<Add>) -> String {
    (a + b).to_string()
}

fn main() {
    let _ = Server::new("demo", "1.0.0").tool("add", "Add two numbers", add);
}
