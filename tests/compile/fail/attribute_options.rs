//! Options that an attribute does not have, or not in that form.

use durable_mcp::prelude::*;

/// Has an option that is misspelled
#[tool(readonly)]
async fn unknown() {}

/// Has an option without its value
#[tool(title, read_only = true)]
async fn without_value() {}

/// Has an option twice
#[tool(title = "A", scope = "a", title = "B", scopes = ["a", "b"])]
async fn twice() {}

/// Has a value of another type
#[tool(task_ttl = "an hour")]
async fn other_type() {}

/// Has no URI
#[resource(mime_type = "text/plain")]
async fn without_uri() {}

/// Has variables in its URI
#[resource("notes://{id}")]
async fn variables() -> String {
    String::new()
}

fn main() {}
