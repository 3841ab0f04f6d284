//! Arguments that could be two things, or that are missing.

use durable_mcp::prelude::*;

/// Describes an extractor
#[tool]
async fn described(
    /// The progress of the call
    progress: Progress,
) {
}

/// Has arguments inside and outside of `Args`
#[tool]
async fn twice(Args(text): Args<String>, a: f64) -> String {
    format!("{text} {a}")
}

/// Has arguments where a URI is all
#[resource("notes://all")]
async fn notes(id: u32) -> String {
    id.to_string()
}

/// Has another argument than the template
#[resource_template("notes://{folder}/{id}")]
async fn note(folder: String, page: String) -> String {
    format!("{folder} {page}")
}

/// Completes an argument of a tool
#[tool]
async fn completed(#[complete(languages)] language: String) -> String {
    language
}

fn main() {}
