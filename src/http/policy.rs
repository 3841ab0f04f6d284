//! Who may call at all: the `Origin` and `Host` of a request (2025-11-25, Transports, "Security Warning").
//!
//! A web page can make the browser of a visitor call a server that only the visitor can reach: by a plain request, whose
//! `Origin` then names the page, or by having its own name point to that server, in which case `Host` names the page.

use std::net::IpAddr;

use crate::wire::Head;

/// Which origins and hosts are let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    origins: Vec<String>,
    hosts: Vec<String>,
    any_origin: bool,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It comes from another site's page.
    Origin,
    /// It names a host that is not this server.
    Host,
}

impl Foreign {
    /// What its sender can do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Origin => {
                "Pages of this origin may not call this server. Its operator can add the origin to ALLOWED_ORIGINS."
            }
            Self::Host => {
                "Plain HTTP is served on loopback only. Use https, or have the operator add the host to ALLOWED_HOSTS."
            }
        }
    }
}

impl Policy {
    /// A policy from the variables `ALLOWED_ORIGINS` and `ALLOWED_HOSTS`.
    #[must_use]
    pub fn new(origins: Option<&str>, hosts: Option<&str>) -> Self {
        let list = |text: Option<&str>| -> Vec<String> {
            let items = text.unwrap_or_default().split(',').map(|item| item.trim().trim_end_matches('/'));
            items.filter(|item| !item.is_empty()).map(str::to_ascii_lowercase).collect()
        };
        let origins = list(origins);
        let any_origin = origins.iter().any(|origin| origin == "*");
        Self { origins, hosts: list(hosts), any_origin }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// When its origin or host is not this server's and was not allowed.
    pub fn check(&self, head: &Head, origin: Option<&str>) -> Result<(), Foreign> {
        let host = head.host.to_ascii_lowercase();
        let loopback = is_loopback(&host);
        if !head.secure && !loopback && !self.hosts.iter().any(|allowed| allowed == &host) {
            return Err(Foreign::Host);
        }
        match origin {
            Some(origin) if !self.admits_origin(&origin.to_ascii_lowercase(), &host, loopback) => Err(Foreign::Origin),
            _ => Ok(()),
        }
    }

    fn admits_origin(&self, origin: &str, host: &str, loopback: bool) -> bool {
        if self.any_origin || self.origins.iter().any(|allowed| allowed == origin) {
            return true;
        }
        let named = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        // A tool on this machine, such as the Inspector, has a port of its own.
        named.is_some_and(|named| named == host || (loopback && is_loopback(named)))
    }
}

/// Whether a `host` or `host:port` names this very machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or_default(),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port =
        |text: &str| text.strip_prefix(':').is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    if !port.is_empty() && !is_port(port) {
        return false;
    }
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::rc::Rc;

    use super::*;
    use crate::wire::Headers;

    struct NoHeaders;

    impl Headers for NoHeaders {
        fn get(&self, _: &str) -> Option<Cow<'_, str>> {
            None
        }

        fn all(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    fn head(url: &str) -> Head {
        let (scheme, host) = url.split_once("://").unwrap();
        Head {
            method: http::Method::POST,
            secure: scheme == "https",
            host: host.to_owned(),
            path: "/mcp".to_owned(),
            query: String::new(),
            headers: Rc::new(NoHeaders),
        }
    }

    #[test]
    fn own_loopback_and_absent_origins_pass() {
        for (url, origin) in [
            ("https://mcp.example.com", None),
            ("https://mcp.example.com", Some("https://mcp.example.com")),
            ("https://mcp.example.com", Some("HTTPS://MCP.example.com")),
            ("http://localhost:8787", None),
            ("http://localhost:8787", Some("http://localhost:6274")),
            ("http://127.0.0.1:8787", Some("http://localhost:6274")),
            ("http://[::1]:8787", Some("http://127.0.0.1:1")),
        ] {
            assert_eq!(Policy::default().check(&head(url), origin), Ok(()), "{url} {origin:?}");
        }
    }

    #[test]
    fn foreign_null_and_malformed_origins_are_refused() {
        for origin in [
            "null",
            "",
            "x",
            "https://evil.example",
            "http://localhost:6274",
            "https://mcp.example.com.evil.example",
            "https://mcp.example.com:8443",
            "file://",
            "https://mcp.example.com/",
            "//mcp.example.com",
        ] {
            let refused = Policy::default().check(&head("https://mcp.example.com"), Some(origin));
            assert_eq!(refused, Err(Foreign::Origin), "{origin}");
        }
        for origin in [
            "http://evil.example",
            "http://localhost:80/path",
            "http://localhost:6274, https://evil.example",
            "http://localhost:evil",
            "http://[::1",
            "http://[::1]evil",
        ] {
            let refused = Policy::default().check(&head("http://localhost:8787"), Some(origin));
            assert_eq!(refused, Err(Foreign::Origin), "{origin}");
        }
    }

    #[test]
    fn a_rebound_host_is_refused() {
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "192.168.1.9", "127.0.0.1x"]
        {
            let url = format!("http://{host}");
            assert_eq!(Policy::default().check(&head(&url), Some(&url)), Err(Foreign::Host), "{host}");
        }
    }

    #[test]
    fn what_the_operator_allows_passes() {
        let policy = Policy::new(Some("https://a.example/, https://B.example"), Some("box.lan:8787"));
        assert_eq!(policy.check(&head("https://mcp.example.com"), Some("https://b.example")), Ok(()));
        assert_eq!(policy.check(&head("http://box.lan:8787"), None), Ok(()));
        assert_eq!(policy.check(&head("https://mcp.example.com"), Some("https://c.example")), Err(Foreign::Origin));
        assert_eq!(Policy::new(Some("*"), None).check(&head("https://x.example"), Some("null")), Ok(()));
    }
}
