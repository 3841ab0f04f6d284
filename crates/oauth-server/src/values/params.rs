//! The parameters of a query or a form.

/// The parameters of a request to an endpoint (RFC 6749 sections 3.1 and 3.2), percent-decoded.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RequestParams(Vec<(String, String)>);

/// Requests with more parameters are refused: no specification names so many, and each is compared with all others.
pub const MAX_PARAMS: usize = 64;

/// The one parameter that may be repeated (RFC 8707 section 2).
const RESOURCE: &str = "resource";

/// Reason for which a text is not a list of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestParamsError {
    /// The parameter of this name stands there twice.
    Repeated(String),
    /// Not percent-encoded UTF-8, or too many parameters.
    Malformed,
}

impl std::fmt::Debug for RequestParams {
    // Values may be codes, tokens and secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl RequestParams {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// When a parameter other than `resource` is repeated, or the text is not percent-encoded UTF-8.
    pub fn parse(text: &str) -> Result<Self, RequestParamsError> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or(RequestParamsError::Malformed)?;
            let value = decode(value).ok_or(RequestParamsError::Malformed)?;
            if name != RESOURCE && params.iter().any(|(known, _)| *known == name) {
                return Err(RequestParamsError::Repeated(name));
            }
            if params.len() == MAX_PARAMS {
                return Err(RequestParamsError::Malformed);
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The parameter's value. One without a value is as one that was not sent (RFC 6749 section 3.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// Decodes a name or a value of a form (WHATWG URL section 5.1); none if it is not percent-encoded UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => from_hex(bytes.next()?)? << 4 | from_hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The pairs as `application/x-www-form-urlencoded` text. A space is `%20`, which every decoder knows.
#[must_use]
pub fn encode_query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(part: &str, text: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', to_hex(byte >> 4), to_hex(byte & 15)]);
        }
    }
}

fn from_hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|half| u8::try_from(half).ok())
}

fn to_hex(half: u8) -> char {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    DIGITS.get(usize::from(half)).copied().unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RequestParams {
        RequestParams::parse(text).unwrap()
    }

    #[test]
    fn parameter_names_and_values_are_decoded() {
        let params = parse("a=1+2&%62=%C3%A9&c&d=x=y&&");
        let get = |name| params.get(name);
        assert_eq!(
            (get("a"), get("b"), get("c"), get("d")),
            (Some("1 2"), Some("é"), None, Some("x=y"))
        );
        assert_eq!(parse(""), RequestParams::default());
    }

    #[test]
    fn a_parameter_without_value_is_absent() {
        let params = parse("scope=&state");
        assert_eq!(
            (params.get("scope"), params.get("state"), params.get("none")),
            (None, None, None)
        );
    }

    #[test]
    fn only_the_resource_parameter_may_be_repeated() {
        for text in ["a=1&a=1", "a=1&b=2&%61=3", "a&a", "a=&a=1"] {
            assert_eq!(
                RequestParams::parse(text),
                Err(RequestParamsError::Repeated("a".to_owned())),
                "{text}"
            );
        }
        let params = parse("resource=x&a=1&resource=y&resource=");
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn parameters_with_invalid_utf8_or_percent_encoding_are_malformed() {
        for text in ["%", "%4", "a=%zz", "%+1=a", "a=%ff", "a=%C3"] {
            assert_eq!(
                RequestParams::parse(text),
                Err(RequestParamsError::Malformed),
                "{text}"
            );
        }
    }

    #[test]
    fn too_many_parameters_are_refused() {
        let many = |count| {
            (0..count)
                .map(|at| format!("p{at}=1"))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(RequestParams::parse(&many(MAX_PARAMS)).is_ok());
        assert_eq!(
            RequestParams::parse(&many(MAX_PARAMS + 1)),
            Err(RequestParamsError::Malformed)
        );
    }

    #[test]
    fn encoded_parameters_can_be_decoded_again() {
        let pairs = [("a b", "x&y=z"), ("é", "%+\n")];
        let text = encode_query(&pairs);
        assert_eq!(text, "a%20b=x%26y%3Dz&%C3%A9=%25%2B%0A");
        let params = parse(&text);
        assert!(
            pairs
                .iter()
                .all(|(name, value)| params.get(name) == Some(value))
        );
    }

    #[test]
    fn debug_output_hides_parameter_values() {
        assert_eq!(
            format!("{:?}", parse("code=secret&x=y")),
            r#"{"code", "x"}"#
        );
    }
}
