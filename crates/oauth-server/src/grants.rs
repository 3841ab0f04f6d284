//! Users' grants, with their tokens and storage.

pub mod authority;
pub mod grant;
pub mod grant_store;
pub mod holding;
pub mod legacy;
pub mod purge;
pub mod record;
pub mod session_note;
pub mod token;
