#![no_main]

durable_mcp_fuzz::target!(durable_mcp_fuzz::codecs::made_up);
