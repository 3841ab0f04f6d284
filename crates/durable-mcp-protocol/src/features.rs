//! Tools, resources and prompts, and what their handlers return.

pub mod completion; // completion of arguments
pub mod content; // content blocks
pub mod or_err; // errors in words of one's own
pub mod outcome; // results and errors of tools
pub mod prompt; // prompts
pub mod resource; // resources and templates
pub mod template; // URI templates
pub mod tool; // tools
pub mod ui_page; // pages that tools show
pub(crate) mod uri; // URIs of resources
