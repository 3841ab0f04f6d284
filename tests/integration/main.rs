//! Tests of the parts that need no runtime, through their public interface.
#![cfg(test)]

mod administration;
mod architecture;
mod attributes;
mod causes;
mod chat;
mod examples;
mod front_door;
mod golden;
mod grants;
mod hub;
mod limits;
mod long_texts;
mod memory;
mod oauth_values;
mod own_routes;
mod page_origin;
mod relay;
mod server;
mod session;
mod settings;
mod sign_in;
mod sse;
mod stateless;
mod store;
mod streams;
mod support;
mod tasks;
mod testing;
mod versions;
mod work;

/// Counts for `memory` what each test allocates.
#[global_allocator]
static COUNTING: durable_mcp_allocations::Counting = durable_mcp_allocations::Counting;
