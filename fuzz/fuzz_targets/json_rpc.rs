#![no_main]

durable_mcp_fuzz::target!(durable_mcp_fuzz::documents::json_rpc);
