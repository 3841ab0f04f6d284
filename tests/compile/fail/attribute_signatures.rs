//! Functions that an attribute can make no tool of.

use durable_mcp::prelude::*;

/// Has no `async`
#[tool]
fn not_async(a: f64) -> String {
    a.to_string()
}

#[tool]
async fn not_described(a: f64) -> String {
    a.to_string()
}

/// Borrows its argument
#[tool]
async fn borrowing(text: &str) -> String {
    text.to_owned()
}

/// Takes an argument apart
#[tool]
async fn nameless((a, b): (f64, f64)) -> String {
    (a + b).to_string()
}

/// Has a type that is not known
#[tool]
async fn generic<T>(a: T) -> String {
    a.to_string()
}

struct Calculator;

impl Calculator {
    /// Takes `self`
    #[tool]
    async fn method(&self, a: f64) -> String {
        a.to_string()
    }
}

/// Has a contract that clients know nothing of
#[tool]
async unsafe fn contracted(a: f64) -> String {
    a.to_string()
}

/// Is no function
#[tool]
struct Add;

fn main() {
    let _ = Server::new("demo", "1.0.0").with(not_async).with(not_described).with(borrowing);
}
