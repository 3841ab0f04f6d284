//! JSON that comes as bytes.

use serde::Deserialize;

/// Reads JSON; none if it is not what is wanted.
///
/// All JSON is read from text: with a second source, every type's reader would be in the upload twice.
#[must_use]
pub fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    serde_json::from_str(str::from_utf8(bytes).ok()?).ok()
}
