//! A remote MCP server on Cloudflare Workers.

mod app;
mod tools;

durable_mcp::worker!(app::app);

/// Keeps the code in docs/oauth.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/oauth.md")]
pub struct Docs;

/// Keeps the code in docs/identity/README.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/identity/README.md")]
pub struct IdentityDocs;

/// Keeps the code in docs/identity/cloudflare.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/identity/cloudflare.md")]
pub struct CloudflareDocs;

/// Keeps the code in docs/identity/your-own.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/identity/your-own.md")]
pub struct OwnProvider;

/// Keeps the code in docs/stateless.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/stateless.md")]
pub struct StatelessDocs;

/// Keeps the code in README.md compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
