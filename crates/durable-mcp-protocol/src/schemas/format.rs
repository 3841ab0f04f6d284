//! The formats of texts that are checked (JSON Schema 2020-12 Validation, section 7.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name of a host, and of a part of it (RFC 1123 section 2.1).
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// Checks a text against a format. An unknown format accepts every text.
pub(crate) fn is_of(format: &str, text: &str) -> bool {
    match format {
        "email" => is_email(text),
        "uri" | "url" => is_uri(text),
        "uuid" => is_uuid(text),
        "date" => is_date(text),
        "time" => is_time(text),
        "date-time" => is_date_time(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "ip" => text.parse::<IpAddr>().is_ok(),
        "hostname" => is_hostname(text),
        _ => true,
    }
}

fn has_blanks(text: &str) -> bool {
    text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// RFC 5321 section 4.1.2: a dot-atom (RFC 6531 section 3.3 has letters beyond ASCII in it) or a quoted string, and a
/// domain of any number of labels.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else {
        return false;
    };
    let is_atom = |atom: &str| {
        let is_part = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| is_part(c) || !(c.is_ascii() || c.is_whitespace() || c.is_control()))
    };
    let is_host = host.split('.').all(|part| !part.is_empty())
        && !host.contains(['<', '>', '"', '(', ')', ',', ';']);
    (is_quoted(local) || local.split('.').all(is_atom))
        && is_host
        && !has_blanks(host)
        && !local.contains(char::is_control)
}

/// True if a text is a quoted string: no quote in it that is not escaped.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return false;
    };
    let mut escaped = false;
    let is_clear = inner.chars().all(|c| {
        let is_clear = escaped || c != '"';
        escaped = c == '\\' && !escaped;
        is_clear
    });
    is_clear && !escaped
}

/// RFC 3986 section 3: a scheme, and something behind it.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme
        && !rest.is_empty()
        && !has_blanks(text)
        && !text.contains(['<', '>', '"', '{', '}', '|', '\\', '^', '`'])
}

fn is_uuid(text: &str) -> bool {
    let parts = text.split('-').map(|part| {
        part.bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(part.len())
    });
    parts.eq([8, 4, 4, 4, 12].map(Some))
}

/// A number of that many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// RFC 3339 section 5.6: `full-date`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits| number(parts.next()?, digits);
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    parts.next().is_none() && (1..=days).contains(&day)
}

/// RFC 3339 section 5.6: `full-time`, with leap seconds.
fn is_time(text: &str) -> bool {
    let Some(zone_at) = text.find(['Z', 'z', '+', '-']) else {
        return false;
    };
    let (time, zone) = text.split_at(zone_at);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_zone = matches!(zone, "Z" | "z")
        || zone
            .get(1..)
            .is_some_and(|offset| is_clock(offset, &[23, 59]));
    is_clock(time, &[23, 59, 60]) && is_fraction && is_zone
}

/// Two digits for each of `most`, none of them above it.
fn is_clock(text: &str, most: &[u32]) -> bool {
    let mut parts = text.split(':');
    let fits = |most: &u32| {
        parts
            .next()
            .and_then(|part| number(part, 2))
            .is_some_and(|part| part <= *most)
    };
    most.iter().all(fits) && text.matches(':').count() + 1 == most.len()
}

/// RFC 3339 section 5.6: `date-time`.
fn is_date_time(text: &str) -> bool {
    let parts = text.split_once(['T', 't', ' ']);
    parts.is_some_and(|(date, time)| is_date(date) && is_time(time))
}

fn is_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(is_part)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MAX_HOST && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_accepts_and_refuses_its_examples() {
        for (format, good, bad) in [
            (
                "email",
                &[
                    "a@b.c",
                    "a+b@c-d.example",
                    "a@b",
                    "a.b@c",
                    r#""a b"@c.d"#,
                    r#""a@\"b"@c"#,
                    "jürgen@bücher.example",
                ][..],
                &[
                    "",
                    "a",
                    "@b.c",
                    "a@",
                    "a b@c.d",
                    "a@b..c",
                    "a@b@c.d",
                    ".a@b.c",
                    "a.@b.c",
                    "a..b@c.d",
                    "<a>@b.c",
                    "<a@b.c>",
                    "a\u{a0}b@c.d",
                    "a,b@c.d",
                    r#""a@b"#,
                    r#""a"b"@c"#,
                    r#""a\"@c"#,
                ][..],
            ),
            (
                "uri",
                &["https://a.b/c?d#e", "mailto:a@b.c", "urn:x"],
                &["", "a", "/a", "://a", "1a:b", "https://a b", "a:"],
            ),
            (
                "uuid",
                &["123e4567-e89b-12d3-a456-426614174000"],
                &[
                    "",
                    "123e4567e89b12d3a456426614174000",
                    "g23e4567-e89b-12d3-a456-426614174000",
                ],
            ),
            (
                "date",
                &["2024-02-29", "2000-02-29", "1999-12-31"],
                &[
                    "2023-02-29",
                    "1900-02-29",
                    "2024-13-01",
                    "2024-1-1",
                    "2024-01-01-",
                    "+024-01-01",
                ],
            ),
            (
                "time",
                &["23:59:60Z", "00:00:00.5+01:30"],
                &[
                    "24:00:00Z",
                    "00:00:00",
                    "00:00Z",
                    "00:00:00.Z",
                    "00:00:00+1:30",
                    "00:00:00Z1",
                ],
            ),
            (
                "date-time",
                &["2024-02-29T12:00:00Z", "2024-02-29t12:00:00.123-05:00"],
                &["2024-02-29", "2024-02-30T12:00:00Z", "2024-02-29T12:00"],
            ),
            ("ipv4", &["127.0.0.1"], &["256.0.0.1", "::1", "1.2.3"]),
            ("ipv6", &["::1", "2001:db8::2"], &["127.0.0.1", ":::"]),
            ("ip", &["::1", "127.0.0.1"], &["localhost"]),
            (
                "hostname",
                &["localhost", "a-b.example"],
                &["", "-a", "a_b", "a..b"],
            ),
            ("made-up", &["anything"], &[]),
        ] {
            for text in good {
                assert!(is_of(format, text), "{format}: {text}");
            }
            for text in bad {
                assert!(!is_of(format, text), "{format}: {text}");
            }
        }
    }
}
