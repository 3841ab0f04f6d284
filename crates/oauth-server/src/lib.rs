//! The OAuth 2.1 authorization server, and the check of bearer tokens. Sans-io: clock, randomness and storage are
//! arguments. It knows nothing of MCP.

pub mod administer;
pub mod auth_server;
pub mod authority;
pub mod authorize;
pub mod challenge;
pub mod client;
pub mod client_auth;
pub mod client_metadata;
pub mod configured;
pub mod document_cache;
pub mod document_url;
pub mod endpoint_error;
pub mod event;
mod form;
pub mod gate;
pub mod grant;
pub mod grant_store;
pub mod holding;
pub mod hooks;
mod known_clients;
pub mod legacy;
pub mod metadata;
pub mod metadata_document;
pub mod params;
pub mod pkce;
pub mod port;
pub mod provider;
pub mod purge;
pub mod rates;
pub mod record;
pub mod redirect_policy;
pub mod redirect_uri;
pub mod register;
pub mod registration;
pub mod registry;
pub mod resource;
pub mod revoke;
pub mod scope;
pub mod secret;
pub mod session_note;
pub mod sign_in;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;
pub mod token_endpoint;
pub mod uri;
