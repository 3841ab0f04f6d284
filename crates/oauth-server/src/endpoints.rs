//! Endpoints of the authorization server, and the check of tokens at a resource.

pub mod administer;
pub mod authorize;
pub mod challenge;
pub mod endpoint;
pub mod endpoint_error;
pub(crate) mod form;
pub mod gate;
pub mod metadata;
pub mod register;
pub mod revoke;
pub mod token_endpoint;
