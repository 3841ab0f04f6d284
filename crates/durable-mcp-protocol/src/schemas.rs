//! JSON Schemas of arguments, results and forms.

pub(crate) mod constraints; // bounds, lengths, patterns
pub(crate) mod form; // forms as versions of clients know them
pub(crate) mod format; // formats of texts
pub mod pattern; // port to regular expressions
pub mod schema; // schemas as clients want them
pub(crate) mod shape; // arguments of a handler: shown, and checked
