//! Sources of a Content-Security-Policy that an app may ask for.

use crate::http::policy::is_loopback;

/// Use of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// Requests and sockets.
    Connection,
    /// Scripts, styles, pictures, frames.
    Document,
}

/// Characters of a name (RFC 1035 section 2.3.4).
const MAX_NAME_CHARS: usize = 253;

/// Whether a text is an origin in lower case, as `https://example.com`, `https://*.example.com` for all below it, or a port of
/// this machine by plain HTTP. It holds nothing that ends a source or a directive, no keyword, and no scheme alone.
pub(super) fn is_source(text: &str, kind: SourceKind) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let is_local = match (scheme, kind) {
        ("https", _) | ("wss", SourceKind::Connection) => false,
        ("http", _) | ("ws", SourceKind::Connection) => true,
        _ => return false,
    };
    let (name, port) = host
        .split_once(':')
        .map_or((host, None), |(name, port)| (name, Some(port)));
    let below = name.strip_prefix("*.");
    let named = below.unwrap_or(name);
    let is_named = is_loopback(named) || named.contains('.');
    is_named
        && is_name(named)
        && port.is_none_or(is_port)
        && (!is_local || (below.is_none() && is_loopback(named)))
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_CHARS && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_policy_source() {
        for source in [
            "https://example.com",
            "https://cdn.example.com:8443",
            "https://*.example.com",
            "https://xn--bcher-kva.example",
            "https://a_b.example.com",
            "http://localhost:8787",
            "http://127.0.0.1",
        ] {
            assert!(
                is_source(source, SourceKind::Document)
                    && is_source(source, SourceKind::Connection),
                "{source}"
            );
        }
        for source in [
            "wss://live.example.com",
            "wss://*.example.com",
            "ws://localhost:9000",
        ] {
            assert!(
                is_source(source, SourceKind::Connection)
                    && !is_source(source, SourceKind::Document),
                "{source}"
            );
        }
    }

    #[test]
    fn a_text_beyond_an_origin_is_no_policy_source() {
        for text in [
            "",
            "*",
            "https:",
            "https://",
            "https://*",
            "https://*.com",
            "https://com",
            "https://*.*.example.com",
            "https://a.*.example.com",
            "https://example.com/",
            "https://example.com/path",
            "https://example.com?x",
            "https://example.com#x",
            "https://user@example.com",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:99999",
            "https://example.com:*",
            "https://example..com",
            "https://-a.example.com",
            "https://example.com https://evil.example",
            "https://example.com;script-src",
            "https://example.com,https://evil.example",
            "https://example.com\nx",
            "https://example.com%20x",
            "https://EXAMPLE.com",
            "https://bücher.example",
            "http://example.com",
            "http://*.localhost",
            "ws://example.com",
            "data:",
            "blob:",
            "'self'",
            "'unsafe-eval'",
            "javascript://example.com",
            "ftp://example.com",
            "//example.com",
            "example.com",
        ] {
            assert!(
                !is_source(text, SourceKind::Document) && !is_source(text, SourceKind::Connection),
                "{text:?}"
            );
        }
        let long = format!("https://{}.example.com", "a".repeat(64));
        assert!(!is_source(&long, SourceKind::Document));
    }
}
