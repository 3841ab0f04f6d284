//! Key of a server in the store: the reference's hash of all that makes a sign-in another one.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// First of the reference's callback ports.
const FIRST_PORT: u16 = 3335;
/// Number of callback ports, of which each key gets one.
const PORTS: u16 = 45_816;

/// Hash of the server's address and of the options that change what is signed in to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StoreKey(String);

/// Parts of a key. What is empty is left out.
#[derive(Debug, Default)]
pub(crate) struct KeyParts<'a> {
    /// Address of the server as it was typed.
    pub(crate) server: &'a str,
    /// `--resource`.
    pub(crate) resource: Option<&'a str>,
    /// `--authorize-param`, in the order given.
    pub(crate) authorize_params: &'a [(String, String)],
    /// `--header` and the lines of `--header-file`, in the order given, before `${NAME}` is replaced in them.
    pub(crate) headers: &'a [(String, String)],
    /// `--client-metadata-url`.
    pub(crate) client_metadata_url: Option<&'a str>,
    /// `--token-endpoint`, as the URL parser writes it.
    pub(crate) token_endpoint: Option<&'a str>,
}

impl StoreKey {
    /// Hash of the parts: MD5, which names files here and protects nothing.
    pub(crate) fn new(parts: &KeyParts<'_>) -> Self {
        let mut joined = parts.server.to_owned();
        let authorize_params = sorted_object(parts.authorize_params);
        let headers = sorted_object(parts.headers);
        let rest = [
            parts.resource,
            authorize_params.as_deref(),
            headers.as_deref(),
            parts.client_metadata_url,
            parts.token_endpoint,
        ];
        for part in rest.into_iter().flatten().filter(|part| !part.is_empty()) {
            joined.push('|');
            joined.push_str(part);
        }
        let mut hex = String::with_capacity(32);
        for byte in Md5::digest(joined.as_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// Key of a file's name.
    pub(crate) fn parse(digits: &str) -> Option<Self> {
        let is_key = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_key.then(|| Self(digits.to_owned()))
    }

    /// Callback port of the server if none is given: the reference's, since a registration names it.
    pub(crate) fn callback_port(&self) -> u16 {
        let digits = self.0.get(..4).unwrap_or_default();
        FIRST_PORT + u16::from_str_radix(digits, 16).unwrap_or_default() % PORTS
    }

    /// Hexadecimal digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// JSON object of the pairs, its names in the order of JavaScript's `sort`: by UTF-16 code units. Of equal names the last counts.
fn sorted_object(pairs: &[(String, String)]) -> Option<String> {
    let by_name: BTreeMap<Vec<u16>, (&str, &str)> = pairs
        .iter()
        .map(|(name, value)| {
            (
                name.encode_utf16().collect(),
                (name.as_str(), value.as_str()),
            )
        })
        .collect();
    if by_name.is_empty() {
        return None;
    }
    let members: Vec<String> = by_name
        .values()
        .map(|(name, value)| {
            format!(
                "{}:{}",
                serde_json::Value::from(*name),
                serde_json::Value::from(*value)
            )
        })
        .collect();
    Some(format!("{{{}}}", members.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    // The values are those of mcp-remote 0.15.1's own function, run in Node.js.
    #[track_caller]
    fn check(parts: &KeyParts<'_>, hash: &str, port: u16) {
        let key = StoreKey::new(parts);
        assert_eq!(key.as_str(), hash);
        assert_eq!(key.callback_port(), port);
    }

    #[test]
    fn a_url_alone_has_the_hash_and_port_of_mcp_remote() {
        let of = |server| KeyParts {
            server,
            ..KeyParts::default()
        };
        check(
            &of("https://example.com/mcp"),
            "8724945d3c4865fe12d6890203193588",
            37931,
        );
        check(
            &of("https://example.com/mcp/"),
            "5b04a940b306792cf6abc47d6bba55f7",
            26635,
        );
    }

    #[test]
    fn each_option_has_the_hash_of_mcp_remote() {
        let server = "https://example.com/mcp";
        let resource = Some("https://api.example.com");
        check(
            &KeyParts {
                server,
                resource,
                ..KeyParts::default()
            },
            "4a5d9e28f8a8bb53e13ebec11c05cfdc",
            22372,
        );

        let headers = &pairs(&[("X-Key", "${KEY}"), ("Authorization", "Bearer ${TOKEN}")]);
        check(
            &KeyParts {
                server,
                headers,
                ..KeyParts::default()
            },
            "2258e77a81d57730585c435089a4c8ff",
            12127,
        );

        let authorize_params = &pairs(&[
            ("prompt", "login"),
            ("audience", "https://a.example/?x=1|2"),
        ]);
        check(
            &KeyParts {
                server,
                authorize_params,
                ..KeyParts::default()
            },
            "b7026afc887b3035c50f2b3100585d4b",
            4369,
        );

        let token_endpoint = Some("https://as.example/token");
        check(
            &KeyParts {
                server,
                token_endpoint,
                ..KeyParts::default()
            },
            "de21beda434d55f8d1f945f00f5828f0",
            14384,
        );

        let client_metadata_url = Some("https://c.example/client.json");
        let local = KeyParts {
            server: "http://localhost:3000/mcp",
            client_metadata_url,
            ..KeyParts::default()
        };
        check(&local, "a3e16c6e42d3c7a38b6a198215414e71", 45288);
    }

    #[test]
    fn names_are_sorted_and_values_escaped_as_in_javascript() {
        let headers = &pairs(&[("x-b", "1"), ("X-A", "\"ü\\\u{7}\u{1f}\u{2028}\u{7f}😀")]);
        let params = [
            ("z", "1"),
            ("10", "2"),
            ("9", "3"),
            ("ï", "4"),
            ("\u{1F600}", "5"),
            ("\u{FF5E}", "6"),
        ];
        let all = KeyParts {
            server: "https://example.com/mcp",
            resource: Some("urn:r"),
            authorize_params: &pairs(&params),
            headers,
            client_metadata_url: Some("https://c.example/client.json"),
            token_endpoint: Some("https://as.example/token"),
        };
        check(&all, "56f89993bff1d7510430bc5ccbc1dd2b", 25599);
    }

    #[test]
    fn the_last_of_a_repeated_header_counts() {
        let twice = pairs(&[("X-A", "1"), ("X-A", "2")]);
        let once = pairs(&[("X-A", "2")]);
        let of = |headers| {
            StoreKey::new(&KeyParts {
                server: "https://example.com/mcp",
                headers,
                ..KeyParts::default()
            })
        };
        assert_eq!(of(&twice), of(&once));
    }
}
