//! An entry of the variables `ALLOWED_ORIGINS` and `ALLOWED_HOSTS`.

use std::net::{Ipv4Addr, Ipv6Addr};

use oauth_server::uri::is_scheme;

/// Begins an entry that stands for every host below a name.
const PATTERN: &str = "*.";

/// Schemes that no page's origin has: documents loaded by them have the origin `null`.
const OF_NO_PAGE: [&str; 8] = [
    "ws",
    "wss",
    "file",
    "data",
    "blob",
    "about",
    "javascript",
    "mailto",
];

/// Hosts or origins that an entry lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AllowedEntry {
    /// The scheme of an origin; empty for a host, and for the origin `null`.
    scheme: String,
    /// The host; with a leading dot, all hosts below it.
    name: String,
    /// The port with its colon, empty where it is that of the scheme; `None` for any port.
    port: Option<String>,
}

impl AllowedEntry {
    /// Reads an entry of `ALLOWED_ORIGINS`, in lower case; `None` if no origin can match it.
    pub(super) fn origin(entry: &str) -> Option<Self> {
        let (scheme, host) = entry.split_once("://").unwrap_or(("", entry));
        let scheme = match scheme {
            "" if host == "null" => {
                return Some(Self {
                    scheme: String::new(),
                    name: host.to_owned(),
                    port: Some(String::new()),
                });
            }
            "" if host.starts_with(PATTERN) => "https",
            scheme => scheme,
        };
        let usual = match scheme {
            "https" => ":443",
            "http" => ":80",
            // Programs have schemes of their own; one with `tp` in it is a misspelt http.
            scheme
                if is_scheme(scheme) && !scheme.contains("tp") && !OF_NO_PAGE.contains(&scheme) =>
            {
                ""
            }
            _ => return None,
        };
        let Self { name, port, .. } = Self::host(host)?;
        let port = port.filter(|port| port != usual).unwrap_or_default();
        Some(Self {
            scheme: scheme.to_owned(),
            name,
            port: Some(port),
        })
    }

    /// Reads an entry of `ALLOWED_HOSTS`, in lower case; `None` if no host can match it.
    pub(super) fn host(entry: &str) -> Option<Self> {
        let (name, port) = named_port(entry);
        let name = match name.strip_prefix(PATTERN) {
            // A pattern for all of a top-level domain would let in everybody.
            Some(below) => (is_name(below) && !ends_in_number(below) && below.contains('.'))
                .then(|| format!(".{below}"))?,
            None => canonical(name)?,
        };
        let port = if port.is_empty() {
            None
        } else {
            Some(format!(":{}", number(port)?))
        };
        Some(Self {
            scheme: String::new(),
            name,
            port,
        })
    }

    /// True if the entry matches an origin, in lower case.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
        let (name, port) = named_port(host);
        scheme == self.scheme && self.port.as_deref() == Some(port) && self.is_named(name)
    }

    /// True if the entry matches the host of a plain HTTP request, in lower case.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let (name, port) = named_port(host);
        let is_at = match self.port.as_deref() {
            None => port.is_empty() || number(port).is_some(),
            Some(":80") => port.is_empty() || port == ":80",
            Some(own) => own == port,
        };
        is_at && self.is_named(name)
    }

    fn is_named(&self, name: &str) -> bool {
        if !self.name.starts_with('.') {
            return self.name == name;
        }
        name.strip_suffix(&self.name).is_some_and(is_name)
    }
}

/// A host and the port after it, with its colon.
pub(super) fn named_port(host: &str) -> (&str, &str) {
    let after_address = host.find(']').map_or(0, |end| end + 1);
    let colon = host.get(after_address..).and_then(|rest| rest.find(':'));
    host.split_at(colon.map_or(host.len(), |at| after_address + at))
}

/// A host as browsers write it (WHATWG URL, "Host serializing"); `None` if it is not a host.
fn canonical(name: &str) -> Option<String> {
    if let Some(address) = name.strip_prefix('[') {
        return Some(ipv6(address.strip_suffix(']')?.parse().ok()?));
    }
    // Browsers read other notations of IPv4 differently than an operator may mean: 010.0.0.1 is 8.0.0.1.
    let is_usual = !ends_in_number(name) || name.parse::<Ipv4Addr>().is_ok();
    (is_name(name) && is_usual).then(|| name.to_owned())
}

/// An IPv6 address as browsers write it: without dots.
fn ipv6(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    }
}

/// True if browsers parse a name as an IPv4 address, and reject it if that fails (WHATWG URL, "ends in a number checker").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name of letters, digits and hyphens, as browsers write it.
fn is_name(name: &str) -> bool {
    name.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    })
}

/// The number of a port with its colon.
fn number(port: &str) -> Option<u16> {
    let digits = port
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port > 0)
}
