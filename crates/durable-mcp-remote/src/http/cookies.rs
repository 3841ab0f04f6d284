//! Cookies by which balancers keep a client on one server (RFC 6265), in memory.
//!
//! A cookie goes back to the exact origin that set it, whatever its `Domain` says.

use std::time::SystemTime;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

/// Cookies that are kept at most; balancers set one or two.
const MOST_COOKIES: usize = 64;
/// Longest cookie that is kept, as in RFC 6265, section 6.1.
const MOST_BYTES: usize = 4096;

/// Cookies of all servers that were spoken to.
#[derive(Default)]
pub(super) struct Cookies(Vec<Cookie>);

struct Cookie {
    origin: String,
    path: String,
    name: String,
    value: String,
    secure: bool,
    expires: Option<SystemTime>,
}

impl Cookies {
    /// Keeps the cookies that an answer sets, and forgets those that it ends.
    pub(super) fn receive(&mut self, url: &Url, headers: &HeaderMap, now: SystemTime) {
        for value in headers.get_all(SET_COOKIE) {
            let Some(cookie) = value
                .to_str()
                .ok()
                .and_then(|text| Cookie::parse(url, text, now))
            else {
                continue;
            };
            self.0.retain(|known| !known.is_same(&cookie));
            if cookie.is_alive(now) {
                self.0.push(cookie);
            }
        }
        let surplus = self.0.len().saturating_sub(MOST_COOKIES);
        self.0.drain(..surplus);
    }

    /// `Cookie` header of a request, longer paths first.
    pub(super) fn header(&self, url: &Url, now: SystemTime) -> Option<HeaderValue> {
        let mut fitting: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|cookie| cookie.fits(url, now))
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = fitting
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::try_from(pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl Cookie {
    fn parse(url: &Url, text: &str, now: SystemTime) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.len().saturating_add(value.len()) > MOST_BYTES {
            return None;
        }
        let mut cookie = Self {
            origin: url.origin().ascii_serialization(),
            path: default_path(url),
            name: name.to_owned(),
            value: value.to_owned(),
            secure: false,
            expires: None,
        };
        let mut max_age = None;
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match attribute.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => max_age = value.parse::<i64>().ok(),
                // Cookies are older than the form of dates, and many servers write hyphens.
                "expires" => {
                    cookie.expires = httpdate::parse_http_date(&value.replace('-', " ")).ok();
                }
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            let age = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            cookie.expires = now.checked_add(age);
        }
        Some(cookie)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.origin == other.origin && self.path == other.path && self.name == other.name
    }

    fn is_alive(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|end| end > now)
    }

    fn fits(&self, url: &Url, now: SystemTime) -> bool {
        self.is_alive(now)
            && self.origin == url.origin().ascii_serialization()
            && (!self.secure || url.scheme() == "https")
            && path_matches(url.path(), &self.path)
    }
}

/// Folder of a URL's path (RFC 6265, section 5.1.4).
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
        _ => "/".to_owned(),
    }
}

fn path_matches(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::Url;
    use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

    use super::Cookies;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn set(cookies: &mut Cookies, from: &str, lines: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::try_from(*line).unwrap());
        }
        cookies.receive(&url(from), &headers, NOW);
    }

    fn sent(cookies: &Cookies, to: &str) -> Option<String> {
        cookies
            .header(&url(to), NOW)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_returns_to_its_origin_and_path_only() {
        let mut cookies = Cookies::default();
        set(
            &mut cookies,
            "https://a.example/mcp/x",
            &["AWSALB=one; Path=/mcp", "other=two; Domain=example; Path=/"],
        );
        assert_eq!(
            sent(&cookies, "https://a.example/mcp").as_deref(),
            Some("AWSALB=one; other=two")
        );
        assert_eq!(
            sent(&cookies, "https://a.example/mcp/y").as_deref(),
            Some("AWSALB=one; other=two")
        );
        assert_eq!(
            sent(&cookies, "https://a.example/mcpx").as_deref(),
            Some("other=two")
        );
        for elsewhere in [
            "https://b.example/mcp",
            "http://a.example/mcp",
            "https://a.example:444/mcp",
        ] {
            assert_eq!(sent(&cookies, elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_cookie_without_a_path_belongs_to_the_folder_of_its_url() {
        let mut cookies = Cookies::default();
        set(&mut cookies, "https://a.example/v1/mcp", &["a=1"]);
        assert_eq!(
            sent(&cookies, "https://a.example/v1/messages").as_deref(),
            Some("a=1")
        );
        assert_eq!(sent(&cookies, "https://a.example/v2"), None);
    }

    #[test]
    fn a_cookie_can_be_replaced_deleted_and_expires() {
        let mut cookies = Cookies::default();
        set(
            &mut cookies,
            "https://a.example/",
            &["a=1; Max-Age=60", "b=2"],
        );
        set(
            &mut cookies,
            "https://a.example/",
            &[
                "a=3; Max-Age=60",
                "b=; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
            ],
        );
        assert_eq!(sent(&cookies, "https://a.example/").as_deref(), Some("a=3"));
        let later = NOW + Duration::from_mins(2);
        assert!(cookies.header(&url("https://a.example/"), later).is_none());
        set(&mut cookies, "https://a.example/", &["a=; Max-Age=0"]);
        assert_eq!(sent(&cookies, "https://a.example/"), None);
    }

    #[test]
    fn number_and_size_of_cookies_are_bounded() {
        let mut cookies = Cookies::default();
        set(
            &mut cookies,
            "https://a.example/",
            &[&format!("long={}", "x".repeat(5000)), "=x", "novalue"],
        );
        assert_eq!(sent(&cookies, "https://a.example/"), None);
        for number in 0..100 {
            set(
                &mut cookies,
                "https://a.example/",
                &[&format!("c{number}=1")],
            );
        }
        let sent = sent(&cookies, "https://a.example/").unwrap();
        assert_eq!(sent.split("; ").count(), super::MOST_COOKIES);
        assert!(sent.contains("c99=1") && !sent.contains("c0=1"));
    }
}
