//! Checks of the `Origin` and `Host` of a request (2025-11-25, Transports, "Security Warning").
//!
//! A web page can make the browser of a visitor call a server that only the visitor can reach: by a plain request, whose
//! `Origin` then names the page, or by having its own name point to that server, in which case `Host` names the page.

use std::net::IpAddr;

use durable_core::wire::Head;
use durable_mcp_protocol::cut::Quoted;

use self::allowed::{AllowedEntry, named_port};

mod allowed;

/// Origins and hosts from which requests are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    origins: Vec<AllowedEntry>,
    hosts: Vec<AllowedEntry>,
    any_origin: bool,
}

/// Reason why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// The request comes from another site's page.
    Origin,
    /// The request names a host that is not this server.
    Host,
}

impl Forbidden {
    /// The advice to the request's sender.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Origin => {
                "Pages of this origin may not call this server. Its operator can add the origin to ALLOWED_ORIGINS, with its \
                 scheme and without a path, as in https://app.example.com."
            }
            Self::Host => {
                "Plain HTTP is served on loopback only. Use https, or have the operator add the host to ALLOWED_HOSTS, as in \
                 box.lan, or *.trycloudflare.com for a tunnel."
            }
        }
    }
}

impl Policy {
    /// A policy from the variables `ALLOWED_ORIGINS` and `ALLOWED_HOSTS`. Entries that match
    /// nothing are reported in `problems`.
    #[must_use]
    pub fn new(origins: Option<&str>, hosts: Option<&str>, problems: &mut Vec<String>) -> Self {
        let any_origin = entries(origins).any(|entry| entry == "*");
        let named = entries(origins).filter(|entry| entry != "*");
        let origins = ListVariable {
            name: "ALLOWED_ORIGINS",
            parse: AllowedEntry::origin,
            expected: "a scheme and a host without a path, as in https://app.example.com, or https://*.example.com for all \
                       hosts below",
        };
        let (origins, list) = (origins.parse(named, problems), entries(hosts));
        let hosts = ListVariable {
            name: "ALLOWED_HOSTS",
            parse: AllowedEntry::host,
            expected: "a host without scheme and path, as in box.lan, box.lan:8787 for one port, or *.example.com for all \
                       hosts below",
        };
        let hosts = hosts.parse(list, problems);
        Self {
            origins,
            hosts,
            any_origin,
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// When its origin or host is not this server's and was not allowed.
    pub fn check(&self, head: &Head, origin: Option<&str>) -> Result<(), Forbidden> {
        let host = head.host.to_ascii_lowercase();
        let loopback = is_loopback(&host);
        if !head.secure && !loopback && !self.hosts.iter().any(|allowed| allowed.is_host(&host)) {
            return Err(Forbidden::Host);
        }
        match origin {
            Some(origin)
                if !self.admits_origin(&origin.to_ascii_lowercase(), &host, head.secure) =>
            {
                Err(Forbidden::Origin)
            }
            _ => Ok(()),
        }
    }

    fn admits_origin(&self, origin: &str, host: &str, is_secure: bool) -> bool {
        if self.any_origin || self.origins.iter().any(|allowed| allowed.is_origin(origin)) {
            return true;
        }
        let Some((scheme, named)) = origin.split_once("://") else {
            return false;
        };
        // `wrangler dev` takes the scheme from `X-Forwarded-Proto`, which a page that has its name point to this machine can
        // set, so as to pass for one on https. Its origin is on http all the same.
        let is_own = named == host && (scheme == "https" || (scheme == "http" && !is_secure));
        // A tool on this machine, such as the Inspector, has a port of its own.
        is_own || (matches!(scheme, "http" | "https") && is_loopback(host) && is_loopback(named))
    }
}

/// Hosts of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct HostList(Vec<AllowedEntry>);

impl HostList {
    /// Reads the list of the variable of that name. Entries that match nothing are reported in `problems`.
    pub(in crate::http) fn parse(
        name: &'static str,
        text: &str,
        problems: &mut Vec<String>,
    ) -> Self {
        let expected = "a host without scheme and path, as in mcp.example.com, mcp.example.com:8443 for one port, or \
                        *.example.com for all hosts below";
        Self(
            ListVariable {
                name,
                parse: AllowedEntry::host,
                expected,
            }
            .parse(entries(Some(text)), problems),
        )
    }

    /// Checks whether the list has a host, given with its port unless that is the scheme's default.
    pub(in crate::http) fn admits(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.0.iter().any(|allowed| allowed.is_host(&host))
    }
}

/// Wrong entries of a list that are reported at start; the others are reported once these are mended.
const MAX_TOLD: usize = 8;

/// A variable with a list.
struct ListVariable {
    name: &'static str,
    parse: fn(&str) -> Option<AllowedEntry>,
    expected: &'static str,
}

impl ListVariable {
    fn parse(
        &self,
        entries: impl Iterator<Item = String>,
        problems: &mut Vec<String>,
    ) -> Vec<AllowedEntry> {
        let mut read = Vec::new();
        let most = problems.len() + MAX_TOLD;
        for entry in entries {
            match (self.parse)(&entry) {
                Some(allowed) => read.push(allowed),
                None if problems.len() >= most => {}
                None => problems.push(format!(
                    "{} has {}, which matches nothing; expected is {}.",
                    self.name,
                    Quoted(&entry),
                    self.expected
                )),
            }
        }
        read
    }
}

/// The entries of a list, separated by commas or spaces, in lower case and without a slash at the end.
fn entries(text: Option<&str>) -> impl Iterator<Item = String> {
    let items = text
        .unwrap_or_default()
        .split([',', ' ', '\t', '\r', '\n'])
        .filter(|item| !item.is_empty());
    items.map(|item| {
        let item = item.to_ascii_lowercase();
        let without_slash = item.strip_suffix('/').filter(|rest| !rest.ends_with('/'));
        without_slash.map(str::to_owned).unwrap_or(item)
    })
}

/// True if a `host` or `host:port` is `localhost` or a loopback address.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let (name, port) = named_port(host);
    if !port.is_empty() && !is_port(port) {
        return false;
    }
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Checks for digits after a colon.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::rc::Rc;

    use durable_core::wire::Headers;

    use super::*;

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
            assert_eq!(
                Policy::default().check(&head(url), origin),
                Ok(()),
                "{url} {origin:?}"
            );
        }
    }

    #[test]
    fn an_http_origin_is_refused_by_an_https_server() {
        let evil = "http://evil.example:8787";
        for url in ["https://evil.example:8787", "https://mcp.example.com"] {
            let origin = url.replacen("https", "http", 1);
            assert_eq!(
                Policy::default().check(&head(url), Some(&origin)),
                Err(Forbidden::Origin),
                "{url}"
            );
        }
        assert_eq!(
            Policy::default().check(&head(evil), Some(evil)),
            Err(Forbidden::Host)
        );
        let allowed = Policy::new(Some("http://mcp.example.com"), None, &mut Vec::new());
        assert_eq!(
            allowed.check(
                &head("https://mcp.example.com"),
                Some("http://mcp.example.com")
            ),
            Ok(())
        );
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
            assert_eq!(refused, Err(Forbidden::Origin), "{origin}");
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
            assert_eq!(refused, Err(Forbidden::Origin), "{origin}");
        }
    }

    #[test]
    fn a_rebound_host_is_refused() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "192.168.1.9",
            "127.0.0.1x",
        ] {
            let url = format!("http://{host}");
            assert_eq!(
                Policy::default().check(&head(&url), Some(&url)),
                Err(Forbidden::Host),
                "{host}"
            );
        }
    }

    fn policy(origins: &str, hosts: &str) -> (Policy, Vec<String>) {
        let mut problems = Vec::new();
        (
            Policy::new(Some(origins), Some(hosts), &mut problems),
            problems,
        )
    }

    fn admits_host(hosts: &str, host: &str) -> bool {
        policy("", hosts)
            .0
            .check(&head(&format!("http://{host}")), None)
            .is_ok()
    }

    fn admits_origin(origins: &str, origin: &str) -> bool {
        policy(origins, "")
            .0
            .check(&head("https://mcp.example.com"), Some(origin))
            .is_ok()
    }

    #[test]
    fn origins_and_hosts_that_the_operator_allows_pass() {
        let (policy, problems) = policy("https://a.example/, https://B.example", "box.lan:8787");
        assert_eq!(
            policy.check(&head("https://mcp.example.com"), Some("https://b.example")),
            Ok(())
        );
        assert_eq!(policy.check(&head("http://box.lan:8787"), None), Ok(()));
        assert_eq!(
            policy.check(&head("https://mcp.example.com"), Some("https://c.example")),
            Err(Forbidden::Origin)
        );
        assert!(admits_origin("*", "null") && admits_origin("null", "null") && problems.is_empty());
    }

    #[test]
    fn an_allowed_host_passes_at_any_port_unless_its_entry_names_one() {
        for (hosts, host, admitted) in [
            ("host.docker.internal", "host.docker.internal", true),
            ("host.docker.internal", "host.docker.internal:8787", true),
            ("HOST.docker.internal", "Host.Docker.Internal:8787", true),
            ("box.lan:8787", "box.lan:8787", true),
            ("box.lan:8787", "box.lan:8788", false),
            ("box.lan:8787", "box.lan", false),
            ("box.lan:80", "box.lan", true),
            ("box.lan:08787", "box.lan:8787", true),
            ("box.lan:080", "box.lan", true),
            ("10.0.0.1", "10.0.0.1:8787", true),
            ("[fd00:0:0::5]", "[fd00::5]", true),
            ("[FD00:0:0:0:0:0:0:05]:08787", "[fd00::5]:8787", true),
            ("[::ffff:10.0.0.1]", "[::ffff:a00:1]", true),
            ("[64:ff9b::10.0.0.1]", "[64:ff9b::a00:1]", true),
            ("a.lan b.lan,c.lan", "b.lan:1", true),
            ("[fd00::1]", "[fd00::1]:8787", true),
            ("box.lan", "box.lan.evil.example", false),
            ("box.lan", "evil.box.lan", false),
            ("box.lan", "box.lan:evil", false),
        ] {
            assert_eq!(admits_host(hosts, host), admitted, "{hosts} {host}");
        }
    }

    #[test]
    fn a_pattern_stands_for_every_host_below_a_name_and_for_no_other() {
        for (host, admitted) in [
            ("quiet-river.trycloudflare.com", true),
            ("a.b.trycloudflare.com:8080", true),
            ("trycloudflare.com", false),
            (".trycloudflare.com", false),
            ("eviltrycloudflare.com", false),
            ("a.trycloudflare.com.evil.example", false),
            ("a.trycloudflare.comx", false),
        ] {
            assert_eq!(admits_host("*.trycloudflare.com", host), admitted, "{host}");
            let origin = format!("https://{}", host.trim_end_matches(":8080"));
            for origins in ["*.trycloudflare.com", "https://*.trycloudflare.com"] {
                assert_eq!(
                    admits_origin(origins, &origin),
                    admitted,
                    "{origins} {origin}"
                );
            }
        }
        assert!(admits_host("*.trycloudflare.com:80", "a.trycloudflare.com"));
        assert!(!admits_host(
            "*.trycloudflare.com:81",
            "a.trycloudflare.com"
        ));
        for origin in [
            "http://a.trycloudflare.com",
            "https://a.trycloudflare.com:8443",
            "https://evil.example/.trycloudflare.com",
        ] {
            assert!(!admits_origin("*.trycloudflare.com", origin), "{origin}");
        }
        assert!(admits_origin(
            "http://*.box.lan:3000",
            "http://a.box.lan:3000"
        ));
    }

    #[test]
    fn an_origin_is_the_same_with_the_port_of_its_scheme() {
        assert!(admits_origin("https://a.example:443", "https://a.example"));
        assert!(admits_origin("http://a.example:80", "http://a.example"));
        assert!(admits_origin("http://box:080", "http://box"));
        assert!(admits_origin(
            "http://*.box.lan:03000",
            "http://a.box.lan:3000"
        ));
        assert!(admits_origin(
            "https://[::ffff:10.0.0.1]",
            "https://[::ffff:a00:1]"
        ));
        assert!(!admits_origin(
            "https://a.example",
            "https://a.example:8443"
        ));
        assert!(admits_origin(
            "https://a.example:8443",
            "https://a.example:8443"
        ));
        assert!(admits_origin(
            "vscode-webview://1h2j3k",
            "vscode-webview://1h2j3k"
        ));
    }

    #[test]
    fn an_entry_that_can_never_match_is_a_problem_with_its_correction() {
        for origins in [
            "example.org",
            "example.org:8080",
            "localhost",
            "https://example.org/path",
            "https://example.org?x",
            "https://user@example.org",
            "https:/example.org",
            "https//example.org",
            "htps://example.org",
            "ttps://example.org",
            "https://",
            "https://*",
            "https://*.com",
            "https://a.*.com",
            "https://ex_\u{e4}.example",
            "https://example.org:x",
            "https://example.org:0",
            "https://.example.org",
            "*.",
            "https://10.0.1",
            "https://010.0.0.1",
            "https://256.1.1.1",
            "https://example.0x7f",
            "https://*.0.0.1",
            "https://*.[::ffff:10.0.0.1]",
            "ws://example.org",
            "wss://example.org",
            "file://example.org",
            "ftp://example.org",
        ] {
            let (policy, problems) = policy(origins, "");
            assert!(policy.origins.is_empty(), "{origins}");
            let [problem] = problems.as_slice() else {
                panic!("{origins}: {problems:?}")
            };
            assert!(problem.starts_with("ALLOWED_ORIGINS has \""), "{problem}");
            assert!(problem.contains("https://app.example.com"), "{problem}");
        }
        for hosts in [
            "*",
            "https://box.lan",
            "box.lan/mcp",
            "box lan:x",
            "::1",
            "*.com",
            "box.*",
            "box.lan:0",
            "box.lan:65536",
            "b\u{e4}r.lan",
            "10.0.1",
            "010.0.0.1",
            "256.1.1.1",
            "1.2.3.4.5",
            "167772161",
            "0xa000001",
            "*.0.0.1",
            "[fd00::5",
            "[fe80::1%25eth0]",
        ] {
            let (_, problems) = policy("", hosts);
            assert!(
                !problems.is_empty()
                    && problems
                        .iter()
                        .all(|problem| problem.contains("box.lan:8787")),
                "{hosts}"
            );
        }
        assert_eq!(policy("", " , ").1, [""; 0]);
    }
}
