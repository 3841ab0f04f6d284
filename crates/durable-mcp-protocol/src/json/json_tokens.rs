//! Tokens of JSON text, read without allocation: its values are counted before it is parsed.

/// A token of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A structural character: `{`, `}`, `[`, `]`, `,` or `:`.
    Mark(u8),
    /// A string with its quotes, a number, `true`, `false` or `null`, as it is written.
    Scalar(&'a str),
}

/// The tokens of a JSON text, without memory of their own. A text that is no JSON has some tokens too.
#[derive(Debug, Clone)]
pub struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// Tokens of a JSON text.
    #[must_use]
    pub const fn new(json: &'a str) -> Self {
        Self(json)
    }

    /// The text behind the last token.
    #[must_use]
    pub const fn rest(&self) -> &'a str {
        self.0
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let text = self.0.trim_start_matches([' ', '\n', '\r', '\t']);
        let first = *text.as_bytes().first()?;
        let length = match first {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_length(text),
            _ => text
                .find([',', ':', '}', ']', '"', ' ', '\n', '\r', '\t'])
                .unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at_checked(length).unwrap_or((text, ""));
        self.0 = rest;
        Some(if length == 1 && !first.is_ascii_alphanumeric() {
            Token::Mark(first)
        } else {
            Token::Scalar(token)
        })
    }
}

/// The bytes of the string that a text begins with, its quotes among them.
fn string_length(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

/// True if a JSON text holds more than `most` values: itself, members of objects, elements of arrays, at any depth.
pub(crate) fn has_more_values(json: &str, most: usize) -> bool {
    // No value takes less than two bytes, with the mark before it: most texts are too short.
    if json.len().div_ceil(2) <= most {
        return false;
    }
    let mut values = 0_usize;
    for token in Tokens::new(json) {
        match token {
            Token::Scalar(_) | Token::Mark(b'{' | b'[') => values += 1,
            // The text before it was a name.
            Token::Mark(b':') => values = values.saturating_sub(1),
            Token::Mark(_) => {}
        }
        if values > most {
            return true;
        }
    }
    false
}

/// The member of that name, as JSON, if it is a string or a number: found without reading the others.
pub(crate) fn scalar_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (mut depth, mut tokens) = (0_usize, Tokens::new(object));
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(b'{' | b'[') => depth += 1,
            Token::Mark(b'}' | b']') => depth = depth.checked_sub(1)?,
            Token::Scalar(key) if depth == 1 && is_name(key, name) => {
                let mut value = tokens.clone();
                if let (Some(Token::Mark(b':')), Some(Token::Scalar(value))) =
                    (value.next(), value.next())
                {
                    return Some(value);
                }
            }
            Token::Scalar(_) | Token::Mark(_) => {}
        }
    }
    None
}

fn is_name(key: &str, name: &str) -> bool {
    key.strip_prefix('"').and_then(|key| key.strip_suffix('"')) == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest number of values that a text does not exceed.
    fn values(json: &str) -> usize {
        // Spaces at the end keep its length from deciding.
        let padded = format!("{json}{}", " ".repeat(1000));
        (0..=json.len())
            .find(|most| !has_more_values(&padded, *most))
            .unwrap()
    }

    #[test]
    fn members_and_elements_of_any_depth_are_counted() {
        for (json, count) in [
            ("1", 1),
            ("[]", 1),
            ("{}", 1),
            ("[1,2,3]", 4),
            (r#"{"a":1,"b":[{},[]],"c":"x,[{\":"}"#, 6),
            (r#"[ "a\\" , "\"" , null , -1.5e3 ]"#, 5),
            ("[[[[]]]]", 4),
        ] {
            assert_eq!(values(json), count, "{json}");
        }
    }

    #[test]
    fn a_limit_of_values_is_checked() {
        assert!(!has_more_values("[0,0,0]", 4) && has_more_values("[0,0,0,0]", 4));
    }

    #[test]
    fn a_member_is_found_beside_others_of_any_depth() {
        for (json, id) in [
            (r#"{"id":7,"a":1}"#, Some("7")),
            (
                r#"{"params":{"id":1,"x":[{"id":2}]}, "id" : "a\"b" }"#,
                Some(r#""a\"b""#),
            ),
            (r#"{"x":"id","y":["id"]}"#, None),
            (r#"{"id":{"a":1}}"#, None),
            (r#"["id",1]"#, None),
            (r#"}{"id":1}"#, None),
            ("", None),
        ] {
            assert_eq!(scalar_member(json, "id"), id, "{json}");
        }
    }
}
