//! Redirect URIs that a client may choose itself, by registration or by its metadata document.
//!
//! Anybody can register a client. So a redirect URI must not open whatever program of the person's machine a stranger
//! names: a private-use scheme is accepted where it is a domain name in reverse order (RFC 8252 section 7.1), which
//! belongs to one application, or is that of a known MCP client.

use crate::redirect_uri::{RedirectUri, RedirectUriError};
use crate::uri::{Uri, UriHost};

/// Schemes without a dot that MCP clients in use receive their answers by.
pub const KNOWN_SCHEMES: [&str; 16] = [
    "antigravity",
    "claude",
    "code-oss",
    "cursor",
    "kiro",
    "positron",
    "raycast",
    "trae",
    "trae-cn",
    "vscode",
    "vscode-insiders",
    "vscodium",
    "warp",
    "windsurf",
    "windsurf-next",
    "zed",
];

/// Redirect URIs that are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectPolicy {
    /// Private-use schemes that are accepted besides [`KNOWN_SCHEMES`] and domain names in reverse order.
    pub schemes: Vec<String>,
    /// Origins of this server, as `https://mcp.example`. A code sent there would reach no client.
    pub own_origins: Vec<String>,
    /// Pages of this server that are clients and wait for a code there: paths, or URLs of another origin.
    pub own_pages: Vec<String>,
    /// True if every scheme that [`RedirectUri`] accepts is accepted: for clients that the operator registers.
    pub any_scheme: bool,
}

impl RedirectPolicy {
    /// Every redirect URI that [`RedirectUri`] accepts.
    #[must_use]
    pub fn any() -> Self {
        Self {
            any_scheme: true,
            ..Self::default()
        }
    }

    /// Checks a redirect URI.
    ///
    /// # Errors
    /// When it leads to this server, or to a program that is no known client.
    pub fn check(&self, uri: &RedirectUri) -> Result<(), RedirectUriError> {
        if self.own_origins.iter().any(|own| leads_to(own, uri)) && !self.is_own_page(uri) {
            return Err(RedirectUriError(
                "A redirect URI must not lead to the authorization server itself.",
            ));
        }
        if self.any_scheme || self.is_accepted(uri.scheme()) {
            return Ok(());
        }
        Err(RedirectUriError(
            "A redirect URI must be https, http on loopback, or have a private-use scheme with a dot, \
             as com.example.app:/callback (RFC 8252 section 7.1).",
        ))
    }

    fn is_own_page(&self, uri: &RedirectUri) -> bool {
        let uri = uri.as_str();
        let mut paths = self
            .own_origins
            .iter()
            .filter_map(|origin| uri.strip_prefix(origin.as_str()));
        self.has_page(uri) || paths.any(|path| self.has_page(path))
    }

    fn has_page(&self, page: &str) -> bool {
        self.own_pages.iter().any(|own| own == page)
    }

    fn is_accepted(&self, scheme: &str) -> bool {
        matches!(scheme, "https" | "http")
            || KNOWN_SCHEMES.contains(&scheme)
            || is_reversed_domain(scheme)
            || self.schemes.iter().any(|own| own == scheme)
    }
}

/// Checks whether a scheme is a domain name in reverse order, which begins with a top-level domain: two letters or
/// more.
fn is_reversed_domain(scheme: &str) -> bool {
    let mut labels = scheme.split('.');
    let top = labels.next().unwrap_or_default();
    let is_top = top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_lowercase());
    is_top && scheme.contains('.') && labels.all(is_label)
}

fn is_label(label: &str) -> bool {
    let inner = label
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
}

/// Checks whether a URI leads to the server at an origin. On loopback the port tells one server from another; a host on
/// the web is one server, whatever the port.
fn leads_to(origin: &str, uri: &RedirectUri) -> bool {
    let (Some((own, own_port)), Some((host, port))) = (address(origin), address(uri.as_str()))
    else {
        return false;
    };
    if own.is_loopback() {
        return host.is_loopback() && own_port == port;
    }
    own.name
        .trim_end_matches('.')
        .eq_ignore_ascii_case(host.name.trim_end_matches('.'))
}

/// The host and port of a web URL; the port defaults to that of the scheme.
fn address(url: &str) -> Option<(UriHost<'_>, u16)> {
    let uri = Uri::parse(url)?;
    let usual = match uri.scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = UriHost::parse(uri.authority?)?;
    Some((host, host.port.unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(policy: &RedirectPolicy, text: &str) -> bool {
        RedirectUri::parse(text).is_ok_and(|uri| policy.check(&uri).is_ok())
    }

    #[test]
    fn https_loopback_reversed_domains_and_known_schemes_are_accepted() {
        for text in [
            "https://client.example/cb",
            "http://127.0.0.1:33418/",
            "http://localhost/cb",
            "http://[::1]:1/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "vscode://vscode.github-authentication/did-authenticate",
            "vscode-insiders://publisher.extension/cb",
            "claude://claude.ai/mcp/cb",
            "windsurf://codeium.windsurf/cb",
            "zed://cb",
            "warp://mcp/oauth2callback",
            "com.raycast:/oauth?package_name=Extension",
            "com.example.app:/cb",
            "com.example.app:cb",
            "com.example.my-app2://cb",
            "org.example:/cb",
        ] {
            assert!(is_accepted(&RedirectPolicy::default(), text), "{text}");
        }
    }

    #[test]
    fn a_scheme_that_opens_another_program_is_refused() {
        for text in [
            "ms-msdt:/id PCWDiagnostic",
            "ms-msdt:/id",
            "ms-msdt://x",
            "MS-MSDT://x",
            "Ms-Msdt:/id",
            "search-ms:query=x",
            "search-ms://query=x&crumb=location:evil.example",
            "search://x",
            "ms-officecmd:x",
            "ms-word:ofe%7cu%7chttps://evil.example/x.docx",
            "ms-appinstaller:?source=https://evil.example/x",
            "ms-settings:x",
            "shell:startup",
            "steam://run/1",
            "ssh://evil.example/x",
            "telnet://evil.example/",
            "ldap://evil.example/x",
            "smb://evil.example/x",
            "git+ssh://evil.example/x",
            "x-apple.systempreferences:com.apple.preference.security",
            "x-apple-helpbasic://x",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "jAvAsCrIpT:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript:alert(1)",
            " javascript:alert(1)",
            "\u{1}javascript:alert(1)",
            "javascript\u{a0}:alert(1)",
            "javascript.:alert(1)",
            "data:text/html,x",
            "data.:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "File:///etc/passwd",
            "filesystem:https://a.example/x",
            "view-source:https://a.example/",
            "intent://scan/#Intent;scheme=zxing;end",
            "intent:x",
            "Intent://x",
            "blob:https://a.example/x",
            "about:blank",
            "chrome://settings",
            "chrome-extension://abc/cb",
            "moz-extension://abc/cb",
            "app://cb",
            "myapp:/cb",
            "cursor.:/cb",
            "a.b:/cb",
            "com..example:/cb",
            "com.-example:/cb",
            "com.example+x:/cb",
            "com.example.app:",
            "c0m.example:/cb",
            "http://client.example/cb",
            "https://client.example/cb ",
            "\thttps://client.example/cb",
            "COM.example:/cb",
        ] {
            assert!(!is_accepted(&RedirectPolicy::default(), text), "{text:?}");
        }
    }

    #[test]
    fn an_operator_may_accept_other_schemes() {
        let policy = RedirectPolicy {
            schemes: vec!["myapp".to_owned()],
            ..RedirectPolicy::default()
        };
        assert!(is_accepted(&policy, "myapp://cb") && !is_accepted(&policy, "other://cb"));
        let any = RedirectPolicy::any();
        assert!(is_accepted(&any, "other://cb") && !is_accepted(&any, "javascript:alert(1)"));
    }

    #[test]
    fn only_the_callback_of_an_own_page_is_accepted_on_the_own_origin() {
        let policy = RedirectPolicy {
            own_origins: vec!["https://mcp.example".to_owned()],
            own_pages: vec!["/playground/callback".to_owned()],
            ..RedirectPolicy::default()
        };
        assert!(is_accepted(
            &policy,
            "https://mcp.example/playground/callback"
        ));
        for text in [
            "https://mcp.example/playground/callback/",
            "https://mcp.example/playground/callback?x",
            "https://mcp.example/playground/callback%2f..",
            "https://mcp.example/playground/../authorize",
            "https://mcp.example:8443/playground/callback",
            "https://MCP.example./playground/callback",
            "https://mcp.example/authorize",
        ] {
            assert!(!is_accepted(&policy, text), "{text}");
        }
    }

    #[test]
    fn the_servers_own_host_is_no_redirect_target() {
        let at = |origin: &str| RedirectPolicy {
            own_origins: vec![origin.to_owned()],
            ..RedirectPolicy::default()
        };
        for (origin, uri, accepted) in [
            ("https://mcp.example", "https://mcp.example/cb", false),
            ("https://mcp.example", "https://mcp.example", false),
            (
                "https://mcp.example",
                "https://mcp.example:8443/authorize?x=y",
                false,
            ),
            ("https://mcp.example", "https://mcp.example./cb", false),
            ("https://mcp.example:8443", "https://mcp.example/cb", false),
            (
                "https://mcp.example",
                "https://mcp.example.evil.example/cb",
                true,
            ),
            ("https://mcp.example", "https://client.mcp.example/cb", true),
            ("https://mcp.example", "http://localhost/cb", true),
            (
                "https://mcp.example",
                "com.example.mcp://mcp.example/cb",
                true,
            ),
            ("http://localhost:8787", "http://localhost:8787/cb", false),
            ("http://localhost:8787", "http://127.0.0.1:8787/cb", false),
            ("http://127.0.0.1:8787", "http://[::1]:8787/cb", false),
            ("http://localhost:8787", "http://localhost:33418/cb", true),
            ("http://localhost", "http://localhost:80/cb", false),
            ("http://localhost:8787", "https://client.example/cb", true),
        ] {
            assert_eq!(is_accepted(&at(origin), uri), accepted, "{origin} {uri}");
        }
    }
}
