//! The OAuth 2.1 authorization server, and the check of bearer tokens. Sans-io: clock, randomness and storage are
//! arguments. It knows nothing of MCP.

pub mod port;
