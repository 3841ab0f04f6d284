//! The `prompt` of a provider for people who are signed in to it already.

/// The question that the provider asks each time (`OpenID` Connect Core 1.0 section 3.1.2.1, `prompt`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt(String);

/// Accepted values. `none` is missing: a person without a session at the provider could not sign in here either.
const VALUES: [&str; 3] = ["consent", "login", "select_account"];

impl Prompt {
    /// Reads one or more of `consent`, `login` and `select_account`, separated by spaces.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let values: Vec<_> = text.split_whitespace().collect();
        let is_known = !values.is_empty() && values.iter().all(|value| VALUES.contains(value));
        is_known.then(|| Self(values.join(" ")))
    }

    /// As the provider reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_may_ask_for_consent_or_login_but_not_for_none() {
        for text in ["consent", "login", "select_account", "login consent"] {
            assert_eq!(Prompt::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            Prompt::parse("  login \t consent ").unwrap().as_str(),
            "login consent"
        );
        for text in [
            "",
            " ",
            "none",
            "none consent",
            "consent none",
            "Consent",
            "create",
            "consent,login",
        ] {
            assert_eq!(Prompt::parse(text), None, "{text}");
        }
    }
}
