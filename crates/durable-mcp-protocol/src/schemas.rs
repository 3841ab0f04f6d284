//! JSON Schemas of arguments, results and forms.

pub(crate) mod constraints; // bounds, lengths, patterns
pub(crate) mod enum_faults; // where in an enum a wrong argument is
pub(crate) mod form; // forms as versions of clients know them
pub(crate) mod format; // formats of texts
pub mod json_text; // reading a Rust type, with errors that name the field
pub mod kind; // kinds that serde reads in place of the one that a schema names
pub mod pattern; // port to regular expressions
pub(crate) mod reference; // references inside a schema
pub mod schema; // schemas as clients want them
pub(crate) mod shape; // arguments of a handler: shown, and checked
