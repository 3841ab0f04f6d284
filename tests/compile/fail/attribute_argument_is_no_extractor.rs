//! An argument is marked as an extractor, and is none.

use durable_mcp::prelude::*;

struct Tenant;

/// Name the tenant
#[tool]
async fn tenant(a: f64, #[extract] tenant: Tenant) -> String {
    let _ = tenant;
    a.to_string()
}

fn main() {
    let _ = Server::new("demo", "1.0.0").with(tenant);
}
