//! Values of requests and records, each checked where it is read.

pub mod params;
pub mod pkce;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod uri;
