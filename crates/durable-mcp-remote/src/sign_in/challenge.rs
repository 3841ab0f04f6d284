//! `WWW-Authenticate: Bearer` of RFC 6750 and RFC 9728.

/// Parameters of a Bearer challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// URL of the protected resource metadata.
    pub(crate) resource_metadata: Option<String>,
    /// Scope that the request needs.
    pub(crate) scope: Option<String>,
    /// Error code.
    pub(crate) error: Option<String>,
}

impl Challenge {
    /// Parameters of the Bearer challenge in a header with one or more challenges.
    pub(crate) fn parse(header: &str) -> Self {
        let mut challenge = Self::default();
        let mut is_bearer = false;
        for item in Items(header) {
            match item {
                Item::Scheme(scheme) => is_bearer = scheme.eq_ignore_ascii_case("bearer"),
                Item::Parameter(name, value) if is_bearer => {
                    let member = match name.to_ascii_lowercase().as_str() {
                        "resource_metadata" => &mut challenge.resource_metadata,
                        "scope" => &mut challenge.scope,
                        "error" => &mut challenge.error,
                        _ => continue,
                    };
                    // Of two with one name the first counts: which a proxy appended is not known.
                    if member.is_none() && !value.trim().is_empty() {
                        *member = Some(value);
                    }
                }
                Item::Parameter(..) => {}
            }
        }
        challenge
    }

    /// Whether a token is good, but not for this.
    pub(crate) fn is_insufficient_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

enum Item<'a> {
    Scheme(&'a str),
    Parameter(&'a str, String),
}

/// Schemes and parameters of the header, in order.
struct Items<'a>(&'a str);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        self.0 = self.0.trim_start_matches([' ', '\t', ',']);
        let end = self.0.find([' ', '\t', ',', '=']).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        if token.is_empty() {
            // A stray "=": nothing behind it can be told apart.
            return None;
        }
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            self.0 = rest;
            return Some(Item::Scheme(token));
        };
        let (value, rest) = take_value(value.trim_start());
        self.0 = rest;
        Some(Item::Parameter(token, value))
    }
}

/// Quoted string or token, and what follows it.
fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_parameters_may_be_quoted() {
        let parsed = Challenge::parse(
            r#"Bearer realm="a, b", error=insufficient_scope, scope="read write", resource_metadata="https://x/.well-known/oauth-protected-resource/mcp?a=b,c""#,
        );
        assert_eq!(
            parsed.resource_metadata.as_deref(),
            Some("https://x/.well-known/oauth-protected-resource/mcp?a=b,c")
        );
        assert_eq!(parsed.scope.as_deref(), Some("read write"));
        assert!(parsed.is_insufficient_scope());
    }

    #[test]
    fn other_schemes_do_not_mix_with_bearer() {
        let parsed = Challenge::parse(
            r#"Basic realm="x", scope="no", bearer scope="yes", DPoP algs="ES256", error="no""#,
        );
        assert_eq!(
            parsed,
            Challenge {
                scope: Some("yes".to_owned()),
                ..Challenge::default()
            }
        );
    }

    #[test]
    fn a_malformed_challenge_gives_no_parameters() {
        for header in [
            "",
            "Bearer",
            "=",
            "Bearer =x",
            "Bearer scope=",
            "Bearer scope=\"",
            "\u{0}",
        ] {
            assert_eq!(Challenge::parse(header), Challenge::default(), "{header}");
        }
    }

    #[test]
    fn escaped_quotes_are_part_of_a_value() {
        assert_eq!(
            Challenge::parse(r#"Bearer scope="a\"b" error=x"#)
                .scope
                .as_deref(),
            Some("a\"b")
        );
    }
}
