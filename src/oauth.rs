//! The OAuth 2.1 authorization server, and the check of bearer tokens. Sans-io: clock, randomness and storage are
//! arguments. It knows nothing of MCP.

pub mod port;
#[doc(hidden)]
pub mod memory;
pub mod params;
pub mod scope;
pub mod redirect_uri;
pub mod pkce;
pub mod resource;
pub mod secret;
pub mod token;
pub mod seal;
pub mod record;
pub mod legacy;
pub mod authority;
pub mod event;
pub mod grant;
pub mod grant_store;
pub mod hooks;
pub mod uri;
pub mod challenge;
pub mod client;
pub mod client_auth;
pub mod client_metadata;
pub mod configured;
pub mod metadata;
pub mod metadata_document;
pub mod rates;
pub mod registration;
pub mod registry;
pub mod document_cache;
pub mod document_url;
pub mod provider;
pub mod sign_in;
pub mod site;
pub mod authorize;
pub mod refusal;
mod form;
pub mod token_endpoint;
pub mod gate;
pub mod revoke;
pub mod register;
