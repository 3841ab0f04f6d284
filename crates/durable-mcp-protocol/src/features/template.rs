//! URI templates of resources: RFC 6570 level 1, and `{+name}` for a value with slashes.

use std::collections::BTreeMap;

use crate::uri;

/// A template such as `weather://{city}/{day}`. A variable takes one or more characters up to the literal that
/// follows it; `{name}` none of `/`, `?` and `#`, `{+name}` any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable { name: String, reserved: bool },
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When a brace is not closed, a variable has no plain name, or two of them touch: nothing could tell where one
    /// ends.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let (expression, tail) = tail
                .split_once('}')
                .ok_or_else(|| format!("`{text}` has a `{{` without `}}`"))?;
            let reserved = expression.starts_with('+');
            let name = expression.strip_prefix('+').unwrap_or(expression);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(format!(
                    "`{{{expression}}}` in `{text}` is not a variable: use `{{name}}` or `{{+name}}`"
                ));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            } else if matches!(parts.last(), Some(Part::Variable { .. })) {
                return Err(format!("two variables touch in `{text}`"));
            }
            parts.push(Part::Variable {
                name: name.to_owned(),
                reserved,
            });
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The fault of a template whose resources have no URIs. One that begins with a variable may have any scheme.
    pub(crate) fn fault(&self) -> Option<String> {
        let no_scheme = match self.parts.first() {
            Some(Part::Variable { .. }) => None,
            Some(Part::Literal(first)) => uri::no_scheme(first),
            None => uri::no_scheme(""),
        };
        let literals = self.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => uri::wrong_character(literal),
            Part::Variable { .. } => None,
        });
        no_scheme.into_iter().chain(literals).next()
    }

    /// The names of its variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The variables' values in `uri`, percent-decoded, if it fits the template.
    #[must_use]
    pub fn matches(&self, uri: &str) -> Option<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        let mut rest = uri;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Variable { name, reserved } => {
                    let value = match parts.peek() {
                        Some(Part::Literal(next)) if *reserved => {
                            rest.rsplit_once(next.as_str())?.0
                        }
                        Some(Part::Literal(next)) => rest.split_once(next.as_str())?.0,
                        _ => rest,
                    };
                    if value.is_empty() || (!reserved && value.contains(['/', '?', '#'])) {
                        return None;
                    }
                    rest = rest.strip_prefix(value)?;
                    values.insert(name.clone(), percent_decode(value)?);
                }
            }
        }
        rest.is_empty().then_some(values)
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, uri: &str) -> Option<Vec<(String, String)>> {
        Some(
            UriTemplate::parse(template)
                .unwrap()
                .matches(uri)?
                .into_iter()
                .collect(),
        )
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is compared with what may be none"
    )]
    fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn template_variables_are_found_between_literals_and_decoded() {
        assert_eq!(
            matched("test://template/{id}/data", "test://template/123/data"),
            pairs(&[("id", "123")])
        );
        assert_eq!(
            matched("a://{x}-{y}", "a://1-2"),
            pairs(&[("x", "1"), ("y", "2")])
        );
        assert_eq!(
            matched("a://{x}", "a://K%C3%B6ln%20S%C3%BCd"),
            pairs(&[("x", "Köln Süd")])
        );
        assert_eq!(
            matched("file:///{+path}", "file:///a/b%2Fc.txt"),
            pairs(&[("path", "a/b/c.txt")])
        );
        assert_eq!(
            matched("file:///{+path}/raw", "file:///a/raw/b/raw"),
            pairs(&[("path", "a/raw/b")])
        );
    }

    #[test]
    fn a_uri_that_does_not_fit_the_template_does_not_match() {
        for uri in [
            "a://", "a:///", "a://1/2", "b://1", "a://1?x", "a://%zz", "a://%ff",
        ] {
            assert_eq!(matched("a://{x}", uri), None, "{uri}");
        }
    }

    #[test]
    fn a_template_that_cannot_be_matched_back_is_refused() {
        for template in ["a://{x", "a://{}", "a://{x}{y}", "a://{?q}", "a://{x*}"] {
            assert!(UriTemplate::parse(template).is_err(), "{template}");
        }
    }
}
