//! URIs of resources (RFC 3986), which may have letters of any script (RFC 3987): clients and servers compare them as texts.

/// The fault of a URI, and what to do about it; none if it is one.
pub(crate) fn fault(uri: &str) -> Option<String> {
    no_scheme(uri).or_else(|| wrong_character(uri))
}

/// The fault of a text that does not begin with a scheme (section 3.1).
pub(crate) fn no_scheme(uri: &str) -> Option<String> {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_one = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (!is_one).then(|| {
        format!(
            "{uri:?} is no URI, for it does not begin with a scheme; write `notes://..` or the like"
        )
    })
}

/// The fault of a text with a character that a URI cannot have (section 2).
pub(crate) fn wrong_character(text: &str) -> Option<String> {
    let is_letter = |c: char| {
        c.is_ascii_alphanumeric() || !(c.is_ascii() || c.is_control() || c.is_whitespace())
    };
    let allowed = |c: char| is_letter(c) || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    if let Some(wrong) = text.chars().find(|c| !allowed(*c)) {
        let mut bytes = [0; 4];
        let encoded = wrong.encode_utf8(&mut bytes).bytes();
        let encoded = encoded.fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
        return Some(format!(
            "{text:?} has {wrong:?}, which no URI has; write `{encoded}` in its place"
        ));
    }
    let is_encoded = |rest: &str| {
        rest.as_bytes()
            .get(..2)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let bare = text.split('%').skip(1).any(|rest| !is_encoded(rest));
    bare.then(|| {
        format!("{text:?} has a `%` without two hexadecimal digits; write `%25` in its place")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_needs_a_scheme_and_only_valid_characters() {
        for uri in [
            "notes://all",
            "mcp://a/b?c=d#e",
            "urn:isbn:1",
            "a+b-c.1:x",
            "file:///a%20b",
            "ui://[::1]/x",
            "a://ö",
        ] {
            assert_eq!(fault(uri), None, "{uri}");
        }
        for (uri, told) in [
            ("", "scheme"),
            ("notes", "scheme"),
            ("1a://b", "scheme"),
            ("a_b://c", "scheme"),
            ("a://b c", "`%20`"),
            ("a://b\u{a0}c", "`%C2%A0`"),
            ("a://{b}", "`%7B`"),
            ("a://%zz", "`%25`"),
            ("a://%", "`%25`"),
        ] {
            assert!(
                fault(uri).is_some_and(|fault| fault.contains(told)),
                "{uri}: {:?}",
                fault(uri)
            );
        }
    }
}
