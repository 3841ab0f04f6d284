//! The type in `Args<T>` has no `JsonSchema`.

use durable_mcp::prelude::*;

#[derive(Deserialize)]
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
