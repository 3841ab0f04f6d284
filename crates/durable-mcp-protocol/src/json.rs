//! JSON values and texts, and faults in them.

pub mod cut; // texts from outside, cut
pub mod finite; // numbers that JSON does not have
pub mod json_fault; // faults in words
pub(crate) mod json_path; // paths of faulty values
pub mod json_tokens; // counting values before they are parsed
pub(crate) mod whole_number; // whole numbers, however they are written
