//! JSON values and texts, and faults in them.

pub(crate) mod enum_faults; // where in an enum a wrong argument is
pub mod fields; // members of an object, read when asked for
pub mod finite; // numbers that JSON does not have
pub(crate) mod json_path; // paths of faulty values
pub mod json_text; // reading a Rust type, with errors that name the field
pub mod json_tokens; // counting values before they are parsed
pub mod kind; // kinds that serde reads in place of the one that a schema names
pub(crate) mod strings; // named strings as JSON
