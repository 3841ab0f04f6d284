//! An argument of a function with an attribute has a type without `JsonSchema`.

use durable_mcp::prelude::*;

#[derive(Deserialize)]
struct Point {
    x: f64,
}

/// Show a point
#[tool]
async fn show(point: Point) -> String {
    point.x.to_string()
}

fn main() {
    let _ = Server::new("demo", "1.0.0").with(show);
}
