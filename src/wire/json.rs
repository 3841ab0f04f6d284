//! Reading and writing JSON.

use serde::Deserialize;

/// Reads JSON; none if it is not what is wanted.
///
/// All JSON is read from text: with a second source, every type's reader would be in the upload twice.
#[must_use]
pub fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let text = str::from_utf8(bytes).ok()?;
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}

/// Whether a field can be left out: what is missing is read as this.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert_eq!(read_json::<u8>(b"\xef\xbb\xbf 7"), Some(7));
        assert_eq!(read_json::<u8>(b"\xef\xbb\xbf\xef\xbb\xbf7"), None);
    }
}
