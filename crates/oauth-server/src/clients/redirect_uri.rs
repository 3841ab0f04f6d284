//! Redirect URIs of clients (RFC 6749 section 3.1.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::params::encode_query;
use crate::uri::{Uri, UriHost};

/// Schemes that lead to no application that could take a code, or that run what comes with them.
const REFUSED_SCHEMES: [&str; 18] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// A redirect URI that may be registered, kept as it was written: it is compared as text (RFC 9700 section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RedirectUri(String);

/// Reason for which a redirect URI is refused, for the client's developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectUriError(pub &'static str);

impl fmt::Display for RedirectUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        check(&text)?;
        Ok(Self(text))
    }
}

impl RedirectUri {
    /// Reads a redirect URI that may be registered: `https`, `http` on loopback, or the private scheme of an application
    /// (RFC 8252 section 7).
    ///
    /// # Errors
    /// When a browser sent there could end up elsewhere than the URI seems to say, or with the code in the clear.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        Self::try_from(text.to_owned())
    }

    /// The URI as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares the URI of a request with this one, as text. With `http` on loopback the ports may differ (RFC 8252
    /// section 7.3).
    #[must_use]
    pub fn matches(&self, requested: &str) -> bool {
        self.0 == requested || self.matches_but_for_port(requested)
    }

    fn matches_but_for_port(&self, requested: &str) -> bool {
        let (Some(mine), Some(asked)) = (loopback(&self.0), loopback(requested)) else {
            return false;
        };
        mine == asked
    }

    /// True if the host is loopback: the machine that the browser runs on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_web = self.0.starts_with("https:") || self.0.starts_with("http:");
        is_web
            && self
                .authority()
                .and_then(UriHost::parse)
                .is_some_and(|host| host.is_loopback())
    }

    /// The host, without port; none for the private scheme of an application that names none.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let authority = self.authority()?;
        let name = UriHost::parse(authority).map_or(authority, |host| host.name);
        (!name.is_empty()).then_some(name)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// The URI with parameters added to its query (RFC 6749 section 4.1.2).
    #[must_use]
    pub fn with_params(&self, pairs: &[(&str, &str)]) -> String {
        let added = encode_query(pairs);
        let joint = match self.0.find('?') {
            _ if added.is_empty() => "",
            None => "?",
            Some(_) if self.0.ends_with(['?', '&']) => "",
            Some(_) => "&",
        };
        [&self.0, joint, &added].concat()
    }

    fn authority(&self) -> Option<&str> {
        Uri::parse(&self.0)?.authority
    }
}

fn check(text: &str) -> Result<(), RedirectUriError> {
    let uri = Uri::parse(text).ok_or(RedirectUriError(
        "A redirect URI must be an absolute URI of at most 2048 bytes.",
    ))?;
    if uri.fragment.is_some() {
        return Err(RedirectUriError("A redirect URI must have no fragment."));
    }
    if uri.scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(RedirectUriError(
            "The scheme of a redirect URI must be in lower case.",
        ));
    }
    if uri
        .authority
        .is_some_and(|authority| authority.contains('@'))
    {
        return Err(RedirectUriError(
            "A redirect URI must name no user before its host.",
        ));
    }
    match uri.scheme {
        "https" => host(&uri).map(|_| ()),
        "http" if host(&uri)?.is_loopback() => Ok(()),
        "http" => Err(RedirectUriError(
            "Plain http is for loopback alone: localhost, 127.0.0.1 or [::1].",
        )),
        scheme if REFUSED_SCHEMES.contains(&scheme) => Err(RedirectUriError(
            "No application takes a code by this scheme.",
        )),
        _ if uri.authority.unwrap_or_default().is_empty() && uri.path.is_empty() => Err(
            RedirectUriError("A redirect URI must have a host or a path."),
        ),
        _ => Ok(()),
    }
}

fn host<'a>(uri: &Uri<'a>) -> Result<UriHost<'a>, RedirectUriError> {
    let host = uri.authority.and_then(UriHost::parse);
    let host = host.ok_or(RedirectUriError(
        "A redirect URI must name its host plainly, after //.",
    ))?;
    if host.name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(RedirectUriError(
            "The host of a redirect URI must be in lower case.",
        ));
    }
    Ok(host)
}

/// The host and what follows the authority, where it is an `http` URI on loopback that may be registered.
fn loopback(text: &str) -> Option<(&str, &str)> {
    check(text).ok()?;
    let authority = text.strip_prefix("http://")?;
    let (authority, rest) =
        authority.split_at(authority.find(['/', '?']).unwrap_or(authority.len()));
    UriHost::parse(authority).map(|host| (host.name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unambiguous_redirect_uris_are_accepted() {
        for (text, host, is_loopback) in [
            ("https://a.example/cb", Some("a.example"), false),
            ("https://a.example", Some("a.example"), false),
            ("https://a.example:8443/cb?x=%20y", Some("a.example"), false),
            ("https://localhost:1/cb", Some("localhost"), true),
            ("http://localhost/cb", Some("localhost"), true),
            ("http://127.0.0.1:33418/", Some("127.0.0.1"), true),
            ("http://[::1]:3000/cb", Some("[::1]"), true),
            (
                "cursor://anysphere.cursor-mcp/oauth/callback",
                Some("anysphere.cursor-mcp"),
                false,
            ),
            (
                "vscode://vscode.github-authentication/did",
                Some("vscode.github-authentication"),
                false,
            ),
            ("com.example.app:/cb", None, false),
            ("com.example.app:cb", None, false),
            ("app://Cb", Some("Cb"), false),
            ("app:///cb", None, false),
            ("app://localhost/cb", Some("localhost"), false),
        ] {
            let uri = RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (uri.as_str(), uri.host(), uri.is_loopback()),
                (text, host, is_loopback),
                "{text}"
            );
        }
    }

    #[test]
    fn ambiguous_redirect_uris_are_refused() {
        for text in [
            "",
            "/cb",
            "//host/cb",
            "cb",
            "https:",
            "https:/a/cb",
            "https:a",
            "https://",
            "https:///cb",
            "https://:1/cb",
            "https://a/cb#",
            "https://a/cb#f",
            "com.example.app:/cb#f",
            "https://u@a/cb",
            "https://u:p@a/cb",
            "https://@a/cb",
            "app://u@a/cb",
            "HTTPS://a/cb",
            "Https://a/cb",
            "https://A/cb",
            "http://LOCALHOST/cb",
            "App://cb",
            "http://a/cb",
            "http://localhost.a/cb",
            "http://a.localhost/cb",
            "http://127.0.0.1.a/cb",
            "http://0.0.0.0/cb",
            "http://127.1/cb",
            "http://0x7f.0.0.1/cb",
            "http://[::2]/cb",
            "https://2130706433/cb",
            "https://a%2eb/cb",
            "https://a\\@b/cb",
            "https://a/c b",
            "https://a/c\tb",
            "https://a/\u{7f}",
            "https://é/cb",
            "https://a/\"x",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://a/x",
            "about:blank",
            "ws://a/",
            "wss://a/",
            "urn:ietf:wg:oauth:2.0:oob",
            "intent://x",
            "app:",
            "app://",
            " https://a/cb",
            "https://a/cb ",
            "java\nscript:x",
        ] {
            assert!(RedirectUri::parse(text).is_err(), "{text}");
            assert!(
                serde_json::from_value::<RedirectUri>(text.into()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_requested_redirect_uri_must_match_exactly() {
        let registered = RedirectUri::parse("https://a.example/cb").unwrap();
        assert!(registered.matches("https://a.example/cb"));
        for requested in [
            "https://a.example/cb/",
            "https://a.example/cB",
            "HTTPS://a.example/cb",
            "https://A.example/cb",
            "https://a.example/cb?x=1",
            "https://a.example:443/cb",
            "https://a.example/cb#",
            "https://a.example/x/../cb",
            "https://a.example/",
            "https://a.example.evil/cb",
            "http://a.example/cb",
            "https://a.example/cb%20",
            "",
        ] {
            assert!(!registered.matches(requested), "{requested}");
        }
    }

    #[test]
    fn a_loopback_redirect_uri_matches_at_any_port() {
        for (registered, requested, good) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", true),
            ("http://localhost:3000/cb", "http://localhost:4000/cb", true),
            ("http://localhost:3000/cb", "http://localhost/cb", true),
            ("http://[::1]:1/cb?a=b", "http://[::1]:2/cb?a=b", true),
            ("http://localhost:1", "http://localhost:2", true),
            ("http://localhost:1", "http://localhost:2/", false),
            ("http://localhost/cb", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.2/cb", false),
            ("http://localhost/cb", "https://localhost:1/cb", false),
            ("https://localhost/cb", "https://localhost:1/cb", false),
            ("http://localhost/cb", "http://localhost:1/cb/", false),
            ("http://localhost/cb", "http://localhost:1/cb?x", false),
            ("http://localhost/cb", "http://localhost:x/cb", false),
            ("http://localhost/cb", "http://localhost:99999/cb", false),
            (
                "http://localhost/cb",
                "http://localhost:1@evil.example/cb",
                false,
            ),
            (
                "http://localhost/cb",
                "http://localhost:1\\@evil.example/cb",
                false,
            ),
            ("http://localhost/cb", "http://localhost:1/cb#f", false),
            ("app://localhost/cb", "app://localhost:1/cb", false),
        ] {
            assert_eq!(
                RedirectUri::parse(registered).unwrap().matches(requested),
                good,
                "{registered} {requested}"
            );
        }
    }

    #[test]
    fn response_parameters_are_added_to_the_query() {
        let with = |uri: &str| {
            RedirectUri::parse(uri)
                .unwrap()
                .with_params(&[("code", "a:b"), ("state", "x&y z")])
        };
        assert_eq!(
            with("https://a/cb"),
            "https://a/cb?code=a%3Ab&state=x%26y%20z"
        );
        assert_eq!(
            with("https://a/cb?b=c"),
            "https://a/cb?b=c&code=a%3Ab&state=x%26y%20z"
        );
        assert_eq!(
            with("https://a/cb?"),
            "https://a/cb?code=a%3Ab&state=x%26y%20z"
        );
        assert_eq!(
            with("https://a/&"),
            "https://a/&?code=a%3Ab&state=x%26y%20z"
        );
        assert_eq!(with("app:cb"), "app:cb?code=a%3Ab&state=x%26y%20z");
        assert_eq!(
            RedirectUri::parse("https://a/cb").unwrap().with_params(&[]),
            "https://a/cb"
        );
    }
}
