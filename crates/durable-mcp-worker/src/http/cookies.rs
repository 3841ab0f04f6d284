//! Cookies (RFC 6265): those of a request, and those that an answer sets.
//!
//! Cookies belong to this host alone: with the prefix `__Host-` no other host of the domain can set or see them, and no page
//! without `https`. Browsers take such a cookie by `https` only, so on a developer's own machine, which has none, the
//! prefix is left out.

use durable_core::wire::{Head, Reply};

/// Characters of one cookie's value. Browsers take 4096 for name, value and attributes together.
const MAX_VALUE_CHARS: usize = 3600;

/// Parts of one value that is longer: as many as the longest request takes that a client may make.
const MAX_PARTS: usize = 4;

/// Characters of a `Cookie` header: more is not of this server's making.
const MAX_HEADER_CHARS: usize = 128 * 1024;

/// Cookies of one request: browsers keep 180 of a host. More would cost time, and an answer that has them forgotten would be
/// longer than an answer may be.
const MAX_COOKIES: usize = 200;

const PREFIX: &str = "__Host-";

/// A value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// The cookies of a browser, and the changes to them.
#[derive(Debug, Default)]
pub struct Cookies {
    /// As the browser sent them: those that it has had for longest come first.
    sent: Vec<(String, String)>,
    secure: bool,
    /// Lines of `Set-Cookie`, the last of a name counts.
    lines: Vec<(String, String)>,
}

impl Cookies {
    /// Reads the cookies of a request.
    #[must_use]
    pub fn from_head(head: &Head) -> Self {
        let header = head
            .header("cookie")
            .filter(|header| header.len() <= MAX_HEADER_CHARS)
            .unwrap_or_default();
        Self {
            sent: parse(&header, head.secure),
            secure: head.secure,
            lines: Vec::new(),
        }
    }

    /// A cookie's value, its parts put together.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let mut value = self.part(name, 0)?.to_owned();
        for at in 1..MAX_PARTS {
            match self.part(name, at) {
                Some(part) => value.push_str(part),
                None => break,
            }
        }
        Some(value)
    }

    /// The names that begin so, the oldest first, each once.
    #[must_use]
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let own = self
            .sent
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && !name.contains('.'));
        own.map(|(name, _)| name.clone()).collect()
    }

    /// Sets a cookie for so many seconds.
    ///
    /// # Errors
    /// When the value is too long even in parts.
    pub fn set(&mut self, name: &str, value: &str, seconds: u32) -> Result<(), TooLong> {
        let mut rest = value;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, more) = rest.split_at_checked(MAX_VALUE_CHARS).unwrap_or((rest, ""));
            parts.push(part);
            rest = more;
        }
        if parts.len() > MAX_PARTS {
            return Err(TooLong);
        }
        for (at, part) in parts.iter().enumerate() {
            self.line(&part_name(name, at), part, seconds);
        }
        self.drop_parts(name, parts.len());
        Ok(())
    }

    /// Has the browser forget a cookie.
    pub fn delete(&mut self, name: &str) {
        self.drop_parts(name, 0);
    }

    /// The answer with what was set.
    #[must_use]
    pub fn onto(self, reply: Reply) -> Reply {
        self.lines
            .into_iter()
            .fold(reply, |reply, (_, line)| reply.header("set-cookie", line))
    }

    /// Parts of an older, longer value would be taken for the end of the new one.
    fn drop_parts(&mut self, name: &str, from: usize) {
        for at in from..MAX_PARTS {
            if at == 0 || self.part(name, at).is_some() {
                self.line(&part_name(name, at), "", 0);
            }
        }
    }

    fn part(&self, name: &str, at: usize) -> Option<&str> {
        let name = part_name(name, at);
        self.sent
            .iter()
            .find(|(sent, _)| *sent == name)
            .map(|(_, value)| value.as_str())
    }

    fn line(&mut self, name: &str, value: &str, seconds: u32) {
        let (prefix, secure) = if self.secure {
            (PREFIX, "; Secure")
        } else {
            ("", "")
        };
        let line = format!(
            "{prefix}{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        );
        self.lines.retain(|(set, _)| set != name);
        self.lines.push((name.to_owned(), line));
    }
}

fn part_name(name: &str, at: usize) -> String {
    if at == 0 {
        name.to_owned()
    } else {
        format!("{name}.{at}")
    }
}

/// RFC 6265 section 5.4, read as leniently as browsers write it. Of a name that comes twice the first counts.
fn parse(header: &str, secure: bool) -> Vec<(String, String)> {
    let mut cookies: Vec<(String, String)> = Vec::new();
    for pair in header.split(';').take(MAX_COOKIES) {
        let Some((name, value)) = pair.trim().split_once('=') else {
            continue;
        };
        let name = if secure {
            name.strip_prefix(PREFIX)
        } else {
            Some(name)
        };
        if let Some(name) = name
            && !cookies.iter().any(|(known, _)| known == name)
        {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }
    cookies
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::rc::Rc;

    use durable_core::wire::Headers;
    use http::{Method, StatusCode};

    use super::*;

    struct Sent(Option<String>);

    impl Headers for Sent {
        fn get(&self, name: &str) -> Option<Cow<'_, str>> {
            self.0
                .as_deref()
                .filter(|_| name == "cookie")
                .map(Cow::Borrowed)
        }

        fn all(&self) -> Vec<(String, String)> {
            Vec::new()
        }
    }

    fn read(secure: bool, header: &str) -> Cookies {
        Cookies::from_head(&Head {
            method: Method::GET,
            secure,
            host: "localhost".to_owned(),
            path: "/".to_owned(),
            query: String::new(),
            headers: Rc::new(Sent(Some(header.to_owned()))),
        })
    }

    fn lines(cookies: Cookies) -> Vec<String> {
        let reply = cookies.onto(Reply::empty(StatusCode::OK));
        reply
            .headers
            .into_iter()
            .map(|(_, line)| line.into_owned())
            .collect()
    }

    #[test]
    fn cookies_are_read_as_browsers_write_them() {
        let cookies = read(false, "a=1; b=x=y;c=;  d = 2 ;e; =f; a=2");
        let get = |name| cookies.get(name);
        assert_eq!(
            (
                get("a").as_deref(),
                get("b").as_deref(),
                get("c").as_deref()
            ),
            (Some("1"), Some("x=y"), Some(""))
        );
        assert_eq!((get("e"), get("f"), get("A")), (None, None, None));
    }

    #[test]
    fn over_https_only_cookies_with_the_host_prefix_are_read() {
        let cookies = read(
            true,
            "flow=evil; __Host-flow=mine; __host-x=1; __Secure-y=2; z=3",
        );
        assert_eq!(cookies.get("flow").as_deref(), Some("mine"));
        assert!(
            ["x", "y", "z", "__Host-flow"]
                .iter()
                .all(|name| cookies.get(name).is_none())
        );
    }

    #[test]
    fn set_cookies_are_bound_to_this_host_and_hidden_from_scripts() {
        let mut cookies = read(true, "");
        cookies.set("flow", "value", 600).unwrap();
        let line = "__Host-flow=value; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(lines(cookies), [line]);
        let mut cookies = read(false, "");
        cookies.set("flow", "value", 600).unwrap();
        assert_eq!(
            lines(cookies),
            ["flow=value; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"]
        );
    }

    #[test]
    fn a_long_value_is_split_into_cookies_and_joined_again() {
        let value: String = ('a'..='z').cycle().take(2 * MAX_VALUE_CHARS + 1).collect();
        let mut cookies = read(false, "");
        cookies.set("flow", &value, 600).unwrap();
        let set = lines(cookies);
        assert!(set.iter().all(|line| line.len() <= 4096));
        let pairs: Vec<&str> = set
            .iter()
            .map(|line| line.split(';').next().unwrap())
            .collect();
        assert_eq!(read(false, &pairs.join("; ")).get("flow"), Some(value));
        assert_eq!(read(false, &pairs.join("; ")).names("fl"), ["flow"]);
    }

    #[test]
    fn a_shorter_value_leaves_no_part_of_the_longer_one() {
        let mut cookies = read(false, "flow=aaa; flow.1=bbb; flow.2=ccc");
        cookies.set("flow", "x", 600).unwrap();
        let set = lines(cookies);
        assert_eq!(set.len(), 3);
        assert!(
            set.iter().skip(1).all(|line| line.contains("Max-Age=0")),
            "{set:?}"
        );
        let mut cookies = read(false, "flow=aaa; flow.1=bbb");
        cookies.delete("flow");
        assert!(lines(cookies).iter().all(|line| line.contains("Max-Age=0")));
    }

    #[test]
    fn a_value_that_is_too_long_is_not_set() {
        let mut cookies = read(false, "");
        assert_eq!(
            cookies.set("flow", &"x".repeat(MAX_PARTS * MAX_VALUE_CHARS + 1), 600),
            Err(TooLong)
        );
        assert!(
            cookies
                .set("flow", &"x".repeat(MAX_PARTS * MAX_VALUE_CHARS), 600)
                .is_ok()
        );
        assert!(
            read(false, &format!("a={}", "x".repeat(MAX_HEADER_CHARS)))
                .get("a")
                .is_none()
        );
    }

    #[test]
    fn the_last_change_of_a_cookie_wins() {
        let mut cookies = read(false, "");
        cookies.set("flow", "x", 600).unwrap();
        cookies.delete("flow");
        assert_eq!(
            lines(cookies),
            ["flow=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]
        );
    }
}
