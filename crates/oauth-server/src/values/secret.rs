//! Texts that must not be shown, and how they are compared.

use std::fmt;

use ctutils::CtEq;
use sha2::{Digest, Sha256};

/// A text that `Debug` does not show.
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .flat_map(|byte| [to_hex(byte >> 4), to_hex(byte & 15)])
        .collect()
}

fn to_hex(half: u8) -> char {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    DIGITS
        .get(usize::from(half))
        .map_or('0', |digit| char::from(*digit))
}

/// Compares two texts in a time that depends on their lengths alone.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).to_bool()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_secrets() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret");
    }

    #[test]
    fn hashes_are_those_of_fips_180() {
        assert_eq!(
            sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            sha256_hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn comparison_in_constant_time_compares_whole_texts() {
        assert!(same("abc", "abc") && same("", ""));
        assert!(!same("abc", "abd") && !same("abc", "ab") && !same("ab", "abc") && !same("", "a"));
    }
}
