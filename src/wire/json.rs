//! Reading and writing JSON.

use serde::Deserialize;

/// Reads JSON; none if it is not what is wanted.
///
/// All JSON is read from text: with a second source, every type's reader would be in the upload twice.
#[must_use]
pub fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    serde_json::from_str(str::from_utf8(bytes).ok()?).ok()
}

/// Whether a field can be left out: what is missing is read as this.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
