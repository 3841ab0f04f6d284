//! The form in which paths come with requests.

use std::fmt::Write;

/// A path as requests have it: without `.` and `..` and backslashes, and percent-encoded (WHATWG URL, "path state" and "path
/// percent-encode set"). Paths of routes are compared with that form as they are written.
pub(super) fn as_sent(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut segments: Vec<String> = Vec::new();
    let mut rest = path
        .strip_prefix('/')
        .unwrap_or(&path)
        .split('/')
        .peekable();
    while let Some(segment) = rest.next() {
        let is_last = rest.peek().is_none();
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(segments.pop()),
            _ => {
                segments.push(encoded(segment));
                continue;
            }
        }
        if is_last {
            segments.push(String::new());
        }
    }
    format!("/{}", segments.join("/"))
}

fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_graphic() && !b"\"#<>?^`{}".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::as_sent;

    #[test]
    fn a_path_is_normalised_as_url_parsers_do_it() {
        for (path, sent) in [
            ("/", "/"),
            ("/hooks/one", "/hooks/one"),
            ("/a|b'c[d]~!$&()*+,;=:@%41", "/a|b'c[d]~!$&()*+,;=:@%41"),
            ("//a//b/", "//a//b/"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/x\\y", "/x/y"),
            ("/x/../y", "/y"),
            ("/x/%2e%2E/y", "/y"),
            ("/x/.", "/x/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a//../b", "/a/b"),
            ("/h<i>\"", "/h%3Ci%3E%22"),
            ("/a^b`{c}", "/a%5Eb%60%7Bc%7D"),
            ("/a\tb", "/a%09b"),
        ] {
            assert_eq!(as_sent(path), sent, "{path}");
        }
    }
}
