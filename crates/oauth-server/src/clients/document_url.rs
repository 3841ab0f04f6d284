//! Rules for URLs that identify clients (draft-ietf-oauth-client-id-metadata-document section 3).
//!
//! Anybody can name a URL that this server then fetches. So it has to be one of the public web, written in the one plain
//! way. That a public name leads to a private address cannot be seen here; from Workers there is no way to such an
//! address. Hosts of the Worker's own zone are reached as any visitor reaches them, by a flag of the runtime without which
//! no document is fetched. This server itself is not asked, since it would wait for its own answer.

use std::fmt;
use std::rc::Rc;

use crate::metadata_document::DocumentError;
use crate::uri::{Uri, UriHost};

/// Ends of names that are not of the public web: reserved by RFC 6761, RFC 6762, RFC 7686, RFC 8375 and ICANN, or in use
/// inside networks.
const PRIVATE_NAMES: [&str; 13] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "onion",
    "invalid",
    "alt",
];

/// The names of the machine itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The port of `https`, the only one that documents are fetched from unless others are allowed: at other ports there may be
/// internal services.
const HTTPS_PORT: u16 = 443;

/// Decides whether a host may be fetched from.
pub type AdmitsHost = Rc<dyn Fn(&str) -> bool>;

/// Policy for the URLs of metadata documents.
#[derive(Clone, Default)]
pub struct DocumentPolicy {
    /// True if `http` to loopback is accepted: in tests, and nowhere else.
    pub allow_loopback: bool,
    /// Ports that documents are fetched from besides 443: those of the variable `CLIENT_DOCUMENT_PORTS`.
    pub ports: Vec<u16>,
    /// Hosts that lead back to this server, which are never fetched from.
    pub own_hosts: Vec<String>,
    /// The only hosts that are fetched from, with those below them; empty if any host is.
    pub only: Vec<String>,
    /// Hosts that are never fetched from, nor any below them.
    pub never: Vec<String>,
    /// The application's decision, which is asked last.
    pub admits: Option<AdmitsHost>,
}

impl fmt::Debug for DocumentPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentPolicy")
            .field("only", &self.only)
            .field("never", &self.never)
            .finish_non_exhaustive()
    }
}

/// Checks whether a client id is meant as a URL.
#[must_use]
pub fn is_document_id(id: &str) -> bool {
    id.contains("://")
}

/// Checks that a URL may be fetched.
///
/// # Errors
/// When it is not a plain `https` URL of the public web, leads back here, or the policy is against it.
pub fn check_url(url: &str, policy: &DocumentPolicy) -> Result<(), DocumentError> {
    let Some(Uri {
        scheme,
        authority: Some(authority),
        path,
        fragment: None,
        ..
    }) = Uri::parse(url)
    else {
        return Err(DocumentError::Url(
            "it is no absolute URL, is too long, or has a fragment.",
        ));
    };
    let loopback = |host: &UriHost<'_>| policy.allow_loopback && LOOPBACK.contains(&host.name);
    let host = UriHost::parse(authority).filter(|host| host.port != Some(0));
    let host = host.ok_or(DocumentError::Url("it must name a host, without user."))?;
    check_path(path)?;
    match scheme {
        "https" | "http" if loopback(&host) => return Ok(()),
        "https" => {}
        _ => return Err(DocumentError::Url("it must begin with https://.")),
    }
    check_public(&host, policy)
}

/// Checks that a host is one of the public web that the policy admits.
fn check_public(host: &UriHost<'_>, policy: &DocumentPolicy) -> Result<(), DocumentError> {
    if !is_public_name(host.name) {
        return Err(DocumentError::Url(
            "its host must be a name of the public web, in lower case.",
        ));
    }
    if host
        .port
        .is_some_and(|port| port != HTTPS_PORT && !policy.ports.contains(&port))
    {
        return Err(DocumentError::Url(
            "its port must be 443, or one that CLIENT_DOCUMENT_PORTS of this server names.",
        ));
    }
    if policy.admits(host.name) {
        Ok(())
    } else {
        Err(DocumentError::NotAdmitted)
    }
}

impl DocumentPolicy {
    fn admits(&self, host: &str) -> bool {
        let listed = self.only.is_empty() || is_below_any(host, &self.only);
        let own = self
            .own_hosts
            .iter()
            .any(|own| own.eq_ignore_ascii_case(host));
        !own && listed
            && !is_below_any(host, &self.never)
            && self.admits.as_ref().is_none_or(|admits| admits(host))
    }
}

/// Checks that a host is a name of several labels, and not below a name that is known to be private. A host whose last
/// label begins like a number is an address in some spelling (URL Standard section 3.5).
#[must_use]
pub fn is_public_name(host: &str) -> bool {
    let labels: Vec<_> = host.split('.').collect();
    let named = labels
        .last()
        .is_some_and(|last| last.starts_with(|first: char| first.is_ascii_lowercase()));
    let private = PRIVATE_NAMES.iter().any(|name| is_below(host, name));
    labels.len() > 1
        && host.len() <= 253
        && labels.iter().all(|label| is_label(label))
        && named
        && !private
}

/// Checks for a label of letters, digits and hyphens (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    let ends = label.starts_with('-') || label.ends_with('-');
    (1..=63).contains(&label.len())
        && !ends
        && label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_below_any(host: &str, names: &[String]) -> bool {
    names.iter().any(|name| is_below(host, name))
}

/// Checks whether a host has that name, or one below it.
#[must_use]
pub fn is_below(host: &str, name: &str) -> bool {
    let name = name.trim_start_matches("*.").to_ascii_lowercase();
    host == name
        || host
            .strip_suffix(&name)
            .is_some_and(|above| above.ends_with('.'))
}

/// Checks that a path is not `/`, and has no segment of dots, in any spelling.
fn check_path(path: &str) -> Result<(), DocumentError> {
    if path.len() < 2 {
        return Err(DocumentError::Url("it must have a path."));
    }
    if path.split('/').any(is_dots) {
        return Err(DocumentError::Url("its path has a segment of dots."));
    }
    Ok(())
}

fn is_dots(segment: &str) -> bool {
    matches!(
        segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
        "." | ".."
    )
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::uri::MAX_URI_BYTES;

    #[test]
    fn a_url_of_the_public_web_may_be_fetched() {
        for url in [
            "https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json",
            "https://a.example/c",
            "https://a.example:443/c?x=1",
            "https://xn--bcher-kva.example/c",
            "https://a-b.c1.example/client.json",
            "https://a.example/..a/b../%41",
            "https://1.example/c",
        ] {
            assert_eq!(check_url(url, &DocumentPolicy::default()), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_url_outside_the_public_web_is_not_fetched() {
        let hosts = [
            "localhost",
            "a.localhost",
            "a.local",
            "a.internal",
            "metadata.google.internal",
            "a.home.arpa",
            "intranet",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "169.254.169.254",
            "169.254.169.254.",
            "10.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fd00::1]",
            "a.example.",
            ".example",
            "a..b",
            "-a.example",
            "a-.example",
            "a.0x7f",
            "a.1",
            "A.example",
            "a_b.example",
            "ａ.example",
            "a%2eexample",
            "a.example@b.example",
            "user:pass@a.example",
            "a.example:0",
            "a.example:80",
            "a.example:8443",
            "a.example:22",
            "a.example:x",
            "a.example:",
            "a.example:65536",
            "a.example:+80",
            "",
            ":443",
            "[::1",
            "a]b.example",
            "[a.example]:x",
        ];
        for host in hosts {
            let url = format!("https://{host}/c");
            assert!(
                matches!(
                    check_url(&url, &DocumentPolicy::default()),
                    Err(DocumentError::Url(_))
                ),
                "{url}"
            );
        }
        for url in [
            "http://a.example/c",
            "HTTPS://a.example/c",
            "https:/a.example/c",
            "ftp://a.example/c",
            "https://a.example",
            "https://a.example/",
            "https://a.example?/c",
            "https://a.example/c#x",
            "https://a.example/a/../c",
            "https://a.example/./c",
            "https://a.example/a/%2e%2E/c",
            "https://a.example/a/.%2e",
            "https://a.example/a%",
            "https://a.example/a%2",
            "https://a.example/a%zz",
            "https://a.example/a\\b",
            "https://a.example/a b",
            "https://a.example/\u{fc}",
            "https://a.example/a\nb",
        ] {
            assert!(
                matches!(
                    check_url(url, &DocumentPolicy::default()),
                    Err(DocumentError::Url(_))
                ),
                "{url}"
            );
        }
        let long = format!("https://a.example/{}", "x".repeat(MAX_URI_BYTES));
        assert!(check_url(&long, &DocumentPolicy::default()).is_err());
    }

    #[test]
    fn another_port_is_fetched_only_if_the_policy_allows_it() {
        let policy = DocumentPolicy {
            ports: vec![8443],
            ..DocumentPolicy::default()
        };
        for (url, allowed) in [
            ("https://a.example:8443/c", true),
            ("https://a.example:443/c", true),
            ("https://a.example/c", true),
            ("https://a.example:8444/c", false),
            ("http://a.example:8443/c", false),
        ] {
            assert_eq!(check_url(url, &policy).is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn loopback_is_fetched_only_if_the_policy_allows_it() {
        let policy = DocumentPolicy {
            allow_loopback: true,
            ..DocumentPolicy::default()
        };
        for url in [
            "http://localhost:1234/c",
            "http://127.0.0.1:1/c",
            "http://[::1]:8080/c",
            "https://localhost/c",
        ] {
            assert_eq!(check_url(url, &policy), Ok(()), "{url}");
            assert!(check_url(url, &DocumentPolicy::default()).is_err(), "{url}");
        }
        for url in [
            "http://a.example/c",
            "http://127.0.0.2/c",
            "http://localhost.example/c",
            "http://10.0.0.1/c",
        ] {
            assert!(check_url(url, &policy).is_err(), "{url}");
        }
    }

    #[test]
    fn hosts_outside_the_list_of_the_policy_are_not_fetched() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let check =
            |host: &str, policy: &DocumentPolicy| check_url(&format!("https://{host}/c"), policy);
        let only = DocumentPolicy {
            only: names(&["a.example", "*.b.example"]),
            ..DocumentPolicy::default()
        };
        for (host, expected) in [
            ("a.example", true),
            ("x.a.example", true),
            ("xa.example", false),
            ("y.b.example", true),
            ("c.example", false),
        ] {
            assert_eq!(check(host, &only).is_ok(), expected, "{host}");
        }
        let never = DocumentPolicy {
            never: names(&["a.example"]),
            ..DocumentPolicy::default()
        };
        assert_eq!(
            check("x.a.example", &never),
            Err(DocumentError::NotAdmitted)
        );
        assert!(check("b.example", &never).is_ok());
        let asked = DocumentPolicy {
            admits: Some(Rc::new(|host| host != "a.example")),
            ..DocumentPolicy::default()
        };
        assert_eq!(check("a.example", &asked), Err(DocumentError::NotAdmitted));
        assert!(check("b.example", &asked).is_ok());
    }

    #[test]
    fn documents_of_the_servers_own_hosts_are_not_fetched() {
        let policy = DocumentPolicy {
            own_hosts: vec!["Own.example".to_owned()],
            ..DocumentPolicy::default()
        };
        let policy = DocumentPolicy {
            ports: vec![8443],
            ..policy
        };
        for url in ["https://own.example/c", "https://own.example:8443/c"] {
            assert_eq!(
                check_url(url, &policy),
                Err(DocumentError::NotAdmitted),
                "{url}"
            );
        }
        assert!(check_url("https://not-own.example/c", &policy).is_ok());
    }

    proptest! {
        #[test]
        fn every_accepted_url_has_a_public_host_name(
            url in "(https|http|HTTPS)://[a-z0-9.:@%A_\\[\\]-]{1,24}(/[a-z.%2eE#?\\\\]{0,8}){0,3}"
        ) {
            if check_url(&url, &DocumentPolicy::default()).is_ok() {
                let rest = url.strip_prefix("https://").unwrap();
                let host = rest.split(['/', ':']).next().unwrap();
                prop_assert!(host.contains('.') && host.parse::<IpAddr>().is_err());
                prop_assert!(host.rsplit('.').next().unwrap().starts_with(|c: char| c.is_ascii_lowercase()));
                prop_assert!(!url.contains(['@', '#', '\\', '[']) && !url.split('/').any(|part| part == ".."));
            }
        }

        #[test]
        fn the_check_of_a_url_panics_for_no_text(url in any::<String>()) {
            let _ = check_url(&url, &DocumentPolicy { allow_loopback: true, ..DocumentPolicy::default() });
        }
    }
}
