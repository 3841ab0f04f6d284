//! Clients, and how they become known: by configuration, registration or a metadata document.

pub mod client;
pub mod client_auth;
pub mod client_metadata;
pub mod configured;
pub mod document_cache;
pub mod document_url;
pub(crate) mod known_clients;
pub mod metadata_document;
pub mod redirect_policy;
pub mod redirect_uri;
pub mod registration;
pub mod registry;
pub(crate) mod registry_error;
