//! Tools, resources and prompts, and what their handlers return.

pub mod completion; // completion of arguments
pub(crate) mod header_params; // arguments repeated in headers
pub mod layer; // code around runs of handlers
pub mod or_err; // errors in words of one's own
pub mod outcome; // results and errors of tools
pub mod own_method; // methods of extensions of one's own
pub mod prompt; // prompts
pub mod resource; // resources and templates
pub mod state_name; // the argument that names a state
pub(crate) mod strings; // named strings as JSON
pub mod template; // URI templates
pub mod tool; // tools
pub(crate) mod uri; // URIs of resources
