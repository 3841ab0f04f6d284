//! One entry of the variables `ALLOWED_ORIGINS` and `ALLOWED_HOSTS`.

use std::net::Ipv6Addr;

/// Begins an entry that stands for every host below a name.
const PATTERN: &str = "*.";

/// What an entry lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allowed {
    /// The scheme of an origin; empty for a host, and for the origin `null`.
    scheme: String,
    /// The host; with a leading dot, all hosts below it.
    name: String,
    /// The port with its colon, empty where it is that of the scheme; none if any will do.
    port: Option<String>,
}

impl Allowed {
    /// Reads an entry of `ALLOWED_ORIGINS`, in lower case; none if no origin looks so.
    pub(super) fn origin(entry: &str) -> Option<Self> {
        let (scheme, host) = entry.split_once("://").unwrap_or(("", entry));
        let scheme = match scheme {
            "" if host == "null" => {
                return Some(Self { scheme: String::new(), name: host.to_owned(), port: Some(String::new()) });
            }
            "" if host.starts_with(PATTERN) => "https",
            scheme => scheme,
        };
        let usual = match scheme {
            "https" => ":443",
            "http" => ":80",
            // Programs have schemes of their own, of which the only one with these letters would be a misspelt http.
            scheme if is_scheme(scheme) && !scheme.contains("tp") => "",
            _ => return None,
        };
        let Self { name, port, .. } = Self::host(host)?;
        let port = port.filter(|port| port != usual).unwrap_or_default();
        Some(Self { scheme: scheme.to_owned(), name, port: Some(port) })
    }

    /// Reads an entry of `ALLOWED_HOSTS`, in lower case; none if no host looks so.
    pub(super) fn host(entry: &str) -> Option<Self> {
        let (name, port) = named_port(entry);
        let below = name.strip_prefix(PATTERN);
        let bare = below.unwrap_or(name);
        // A pattern for all of a top-level domain would let in everybody.
        if !is_host(bare) || (below.is_some() && !bare.contains('.')) || !(port.is_empty() || is_port(port)) {
            return None;
        }
        let name = if below.is_some() { format!(".{bare}") } else { bare.to_owned() };
        Some(Self { scheme: String::new(), name, port: Some(port.to_owned()).filter(|port| !port.is_empty()) })
    }

    /// Whether it lets in an origin, in lower case.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
        let (name, port) = named_port(host);
        scheme == self.scheme && self.port.as_deref() == Some(port) && self.is_named(name)
    }

    /// Whether it lets in the host of a plain HTTP request, in lower case.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let (name, port) = named_port(host);
        let is_at = match self.port.as_deref() {
            None => port.is_empty() || is_port(port),
            Some(":80") => port.is_empty() || port == ":80",
            Some(own) => own == port,
        };
        is_at && self.is_named(name)
    }

    fn is_named(&self, name: &str) -> bool {
        if !self.name.starts_with('.') {
            return self.name == name;
        }
        name.strip_suffix(&self.name).is_some_and(is_host)
    }
}

/// A host and the port after it, with its colon.
pub(super) fn named_port(host: &str) -> (&str, &str) {
    let after_address = host.find(']').map_or(0, |end| end + 1);
    let colon = host.get(after_address..).and_then(|rest| rest.find(':'));
    host.split_at(colon.map_or(host.len(), |at| after_address + at))
}

/// A name of letters, digits and hyphens, as browsers write it, or an address.
fn is_host(name: &str) -> bool {
    if let Some(address) = name.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    name.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse::<u16>().ok()).is_some_and(|port| port > 0)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}
