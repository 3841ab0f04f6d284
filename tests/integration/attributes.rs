//! Tools, prompts and resources that attributes make of functions.

use durable_mcp::prelude::*;
use durable_mcp::testing::{TestClient, json};

/// Add two numbers
#[tool]
async fn add(
    /// The first number
    a: f64,
    /// The second number
    b: f64,
) -> String {
    (a + b).to_string()
}

#[test]
fn a_function_with_an_attribute_is_a_tool() {
    let client = TestClient::new(Server::new("calculator", "1").with(add));
    assert_eq!(
        client.call("add", json!({ "a": 1, "b": 2.5 })).text(),
        "3.5"
    );
}
