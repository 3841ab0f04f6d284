//! The parts of a URI, by the grammar of RFC 3986 and no more of it than browsers read the same way.

use std::net::{Ipv4Addr, Ipv6Addr};

const BRACKETS: [char; 2] = ['[', ']'];

/// Longest URI that is accepted, in bytes: URIs are stored, compared and put into headers.
pub const MAX_URI_BYTES: usize = 2048;

/// A URI split up. Every part is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Scheme, before the first colon.
    pub scheme: &'a str,
    /// Authority, after `//`; none where there is no `//`.
    pub authority: Option<&'a str>,
    /// The path.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: Option<&'a str>,
    /// The fragment, without its hash.
    pub fragment: Option<&'a str>,
}

/// Checks whether a text can be the scheme of a URI (RFC 3986 section 3.1).
#[must_use]
pub fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl<'a> Uri<'a> {
    /// Splits an absolute URI (RFC 3986 section 3); none if the text is not one. The authority is checked by
    /// [`UriHost::parse`].
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_URI_BYTES || !is_encoded(text) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        if !is_scheme(scheme) {
            return None;
        }
        let (rest, fragment) = split(rest, '#');
        let (rest, query) = split(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        if path.contains(BRACKETS)
            || query.is_some_and(|query| query.contains(BRACKETS))
            || fragment.is_some_and(|part| part.contains(['[', ']', '#']))
        {
            return None;
        }
        Some(Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        })
    }
}

/// A host with its port, as `https` and `http` have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriHost<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub name: &'a str,
    /// The port, if one is named.
    pub port: Option<u16>,
}

impl<'a> UriHost<'a> {
    /// Reads an authority without user information. A host that a browser would take for another is refused: one that is
    /// percent-encoded, and a number that is not an address as it is usually written.
    #[must_use]
    pub fn parse(authority: &'a str) -> Option<Self> {
        let after_address = authority.rfind(']').map_or(0, |end| end + 1);
        let colon = authority
            .get(after_address..)?
            .find(':')
            .map(|at| after_address + at);
        let (name, port) = authority.split_at(colon.unwrap_or(authority.len()));
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(
                digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then(|| digits.parse().ok())??,
            ),
            None => None,
        };
        (is_name(name) || is_address(name)).then_some(Self { name, port })
    }

    /// True if the host is loopback, the machine of the client (RFC 8252 section 7.3): `localhost`, `[::1]`, or of
    /// 127.0.0.0/8.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.name.eq_ignore_ascii_case("localhost")
            || self.name == "[::1]"
            || self
                .name
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Checks that all characters are of RFC 3986 section 2, and that each percent sign begins an octet.
fn is_encoded(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .into_iter()
                .all(|digit| digit.is_some_and(|d| d.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
        if !good {
            return false;
        }
    }
    true
}

fn is_name(name: &str) -> bool {
    let labels = name.strip_suffix('.').unwrap_or(name);
    let last = labels.rsplit('.').next().unwrap_or_default();
    // A browser takes a host whose last label is a number for an IPv4 address, in forms that hide which.
    let number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.starts_with("0x")
        || last.starts_with("0X");
    !number
        && labels
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(is_label_byte))
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

fn is_address(name: &str) -> bool {
    match name.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_split_as_the_rfc_says() {
        let uri = Uri::parse("foo://example.com:8042/over/there?name=ferret#nose").unwrap();
        assert_eq!(
            (uri.scheme, uri.authority, uri.path),
            ("foo", Some("example.com:8042"), "/over/there")
        );
        assert_eq!(
            (uri.query, uri.fragment),
            (Some("name=ferret"), Some("nose"))
        );
        let uri = Uri::parse("urn:example:animal:ferret:nose").unwrap();
        assert_eq!(
            (uri.scheme, uri.authority, uri.path, uri.query),
            ("urn", None, "example:animal:ferret:nose", None)
        );
        let uri = Uri::parse("https://a?b/c?d").unwrap();
        assert_eq!(
            (uri.authority, uri.path, uri.query),
            (Some("a"), "", Some("b/c?d"))
        );
    }

    #[test]
    fn a_text_outside_the_grammar_is_no_uri() {
        let long = format!("https://a/{}", "x".repeat(MAX_URI_BYTES));
        for text in [
            "",
            "a",
            "/a",
            "//a/b",
            ":a",
            "1a:b",
            "a b:c",
            "a_b:c",
            "https://a/ b",
            "https://a/\n",
            "https://a/\\b",
            "https://a/<b>",
            "https://a/é",
            "https://a/%",
            "https://a/%2",
            "https://a/%2g",
            "https://a/[b]",
            "a:?[",
            "https://a/#b#c",
            &long,
        ] {
            assert_eq!(Uri::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_in_its_usual_form() {
        for (authority, name, port) in [
            ("a", "a", None),
            ("A.example:443", "A.example", Some(443)),
            ("xn--bcher-kva.example.", "xn--bcher-kva.example.", None),
            ("127.0.0.1:65535", "127.0.0.1", Some(65535)),
            ("[::1]:1", "[::1]", Some(1)),
            ("[2001:db8::1]", "[2001:db8::1]", None),
        ] {
            assert_eq!(
                UriHost::parse(authority),
                Some(UriHost { name, port }),
                "{authority}"
            );
        }
        for authority in [
            "",
            ":1",
            "a:",
            "a:+1",
            "a:65536",
            "a:1:2",
            "a@b",
            "@a",
            "a%2eb",
            "a..b",
            ".a",
            ".",
            "[::1",
            "::1",
            "[::1]x",
            "[::g]",
            "2130706433",
            "0x7f.1",
            "127.1",
            "127.0.0.01",
            "1.2.3.4.5",
            "a.0x1",
            "1.2.3.4.",
            "[a]b]",
            "a,b",
        ] {
            assert_eq!(UriHost::parse(authority), None, "{authority}");
        }
    }

    #[test]
    fn loopback_hosts_are_recognised_by_name_and_address() {
        let is_loopback = |authority| UriHost::parse(authority).unwrap().is_loopback();
        assert!(
            ["localhost", "127.0.0.1:80", "127.1.2.3", "[::1]:1"]
                .into_iter()
                .all(is_loopback)
        );
        let other = [
            "localhost.example",
            "a.localhost",
            "128.0.0.1",
            "[::2]",
            "0.0.0.0",
            "[::]",
            "127.0.0.1.example",
        ];
        assert!(!other.into_iter().any(is_loopback));
    }
}
