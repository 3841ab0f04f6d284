//! Secrets, kept out of every log and error.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Text in place of a secret.
const MASK: &str = "***";

/// Secrets of this run.
static SECRETS: Mutex<Secrets> = Mutex::new(Secrets {
    lasting: Vec::new(),
    renewed: Vec::new(),
});

struct Secrets {
    /// Those of the command line: values of headers, the secret of the client.
    lasting: Vec<String>,
    /// Tokens, codes and secrets of registered clients, those that were used last at the end.
    renewed: Vec<String>,
}

/// Shortest secret that is searched for; shorter ones are words of other texts.
const SHORTEST: usize = 6;

/// Most secrets that are remembered besides those of the command line: tokens are renewed, and the oldest are good for nothing.
const MOST_RENEWED: usize = 64;

/// Parts of the names of JSON members whose values are secret.
const SECRET_NAMES: [&str; 11] = [
    "apikey",
    "assertion",
    "authorization",
    "codeverifier",
    "cookie",
    "credential",
    "devicecode",
    "password",
    "passwd",
    "secret",
    "token",
];

/// Members with such a part that are none: the token of progress notifications is a name.
const PLAIN_NAMES: [&str; 5] = [
    "progresstoken",
    "tokenendpoint",
    "tokentype",
    "maxtokens",
    "tokenendpointauthmethod",
];

/// Parameters of URLs and forms whose values are secret.
const SECRET_PARAMETERS: [&str; 10] = [
    "access_token=",
    "client_assertion=",
    "client_secret=",
    "code=",
    "code_verifier=",
    "device_code=",
    "id_token=",
    "password=",
    "refresh_token=",
    "state=",
];

/// Schemes of the `Authorization` header, before a credential.
const SCHEMES: [&str; 3] = ["bearer ", "basic ", "dpop "];

impl Secrets {
    fn keep(&mut self, secret: &str) {
        if secret.len() >= SHORTEST && !self.lasting.iter().any(|known| known == secret) {
            self.lasting.push(secret.to_owned());
        }
    }

    fn remember(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        self.renewed.retain(|known| known != secret);
        if self.renewed.len() >= MOST_RENEWED {
            self.renewed.remove(0);
        }
        self.renewed.push(secret.to_owned());
    }

    /// Longest first, since one may hold another.
    fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = self.lasting.iter().chain(&self.renewed).cloned().collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all
    }
}

/// Remembers a secret of the command line to the end, so that [`masked`] takes it out of any text.
pub(crate) fn keep_secret(secret: &str) {
    SECRETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .keep(secret);
}

/// Remembers a secret that is renewed from time to time, so that [`masked`] takes it out of any text.
pub(crate) fn remember_secret(secret: &str) {
    SECRETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remember(secret);
}

/// Text without the secrets of this run. For errors: their links keep parameters that [`masked`] takes out.
pub(crate) fn without_secrets(text: &str) -> String {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner).all();
    secrets.iter().fold(text.to_owned(), |text, secret| {
        text.replace(secret.as_str(), MASK)
    })
}

/// JSON whose strings are [`without_secrets`]. Where there are none, it stays as it is written.
pub(crate) fn json_without_secrets(json: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(json).ok()?;
    let is_masked = mask_strings(&mut value);
    Some(if is_masked {
        value.to_string().into_bytes()
    } else {
        json.to_vec()
    })
}

/// `true` if there was a secret.
fn mask_strings(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let masked = without_secrets(text);
            let is_other = masked != *text;
            *text = masked;
            is_other
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |is_masked, item| mask_strings(item) | is_masked),
        Value::Object(members) => members
            .values_mut()
            .fold(false, |is_masked, item| mask_strings(item) | is_masked),
        _ => false,
    }
}

/// Text without secrets: those of this run, credentials behind a scheme, and secret parameters.
pub(crate) fn masked(text: &str) -> String {
    let known = without_secrets(text);
    let schemes = SCHEMES
        .iter()
        .fold(known, |text, scheme| masked_behind(&text, scheme));
    SECRET_PARAMETERS
        .iter()
        .fold(schemes, |text, parameter| masked_behind(&text, parameter))
}

/// Body of a message without secrets: all below JSON members that are named like one, and all that [`masked`] finds.
pub(crate) fn masked_body(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            mask_members(&mut value);
            value.to_string()
        }
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    masked(&text)
}

fn mask_members(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask_members),
        Value::Object(members) => {
            for (name, value) in members {
                if is_secret_name(name) && !(value.is_boolean() || value.is_null()) {
                    *value = Value::from(MASK);
                } else {
                    mask_members(value);
                }
            }
        }
        _ => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    !PLAIN_NAMES.contains(&plain.as_str()) && SECRET_NAMES.iter().any(|part| plain.contains(part))
}

/// Replaces the word behind each mention of `lead`, whatever its case.
fn masked_behind(text: &str, lead: &str) -> String {
    let lowercase = text.to_ascii_lowercase();
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lowercase.get(from..).and_then(|rest| rest.find(lead)) {
        let lead_start = from + found;
        let start = lead_start + lead.len();
        // `barcode=` is no `code=`.
        let is_word = !lowercase
            .get(..lead_start)
            .is_some_and(|before| before.ends_with(is_name_character));
        let end = start + word_length(text.get(start..).unwrap_or_default());
        masked.push_str(text.get(from..start).unwrap_or_default());
        let word = text.get(start..end).unwrap_or_default();
        // A challenge has parameters there, and no credential.
        let is_parameter =
            word.ends_with('=') && text.get(end..).is_some_and(|rest| rest.starts_with('"'));
        masked.push_str(if is_word && !word.is_empty() && !is_parameter {
            MASK
        } else {
            word
        });
        from = end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

fn is_name_character(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

fn word_length(text: &str) -> usize {
    let ends = |letter: char| {
        letter.is_whitespace()
            || matches!(letter, '&' | '"' | '\'' | ',' | ';' | '<' | '>' | ')' | '}')
    };
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{
        MOST_RENEWED, Secrets, json_without_secrets, keep_secret, masked, masked_body,
        remember_secret, without_secrets,
    };

    #[test]
    fn a_remembered_secret_is_masked_in_every_text() {
        remember_secret("hunter2-hunter2");
        remember_secret("hunter2-hunter2-longer");
        remember_secret("ab");
        assert_eq!(
            masked("a hunter2-hunter2 b hunter2-hunter2-longer ab"),
            "a *** b *** ab"
        );
    }

    #[test]
    fn command_line_secrets_stay_and_others_expire_by_last_use() {
        let mut secrets = Secrets {
            lasting: Vec::new(),
            renewed: Vec::new(),
        };
        secrets.keep("of-the-command-line");
        secrets.remember("in-use");
        for number in 0..2 * MOST_RENEWED {
            secrets.remember(&format!("token-{number}"));
            secrets.remember("in-use");
        }
        let all = secrets.all();
        assert_eq!(all.len(), MOST_RENEWED + 1);
        for known in [
            "of-the-command-line",
            "in-use",
            &format!("token-{}", 2 * MOST_RENEWED - 1),
        ] {
            assert!(all.iter().any(|secret| secret == known), "{known}");
        }
        keep_secret("kept-of-the-command-line");
        assert_eq!(masked("a kept-of-the-command-line"), "a ***");
    }

    #[test]
    fn everything_below_a_member_named_like_a_secret_is_masked() {
        let body = br#"{"credentials":{"user":"u","keys":["k"]},"cookies":["a=b"],"hasToken":true,"tokens":null}"#;
        assert_eq!(
            masked_body(body),
            r#"{"cookies":"***","credentials":"***","hasToken":true,"tokens":null}"#
        );
    }

    #[test]
    fn errors_lose_secrets_and_keep_links() {
        remember_secret("echoed-\"secret");
        let text = "at https://as.example/authorize?state=abc: echoed-\"secret";
        assert_eq!(
            without_secrets(text),
            "at https://as.example/authorize?state=abc: ***"
        );
        let json = |text: &str| {
            json_without_secrets(text.as_bytes()).map(|json| String::from_utf8(json).unwrap())
        };
        let echoed = r#"{"error":{"code":1,"data":["state=a","echoed-\"secret"],"message":"m"}}"#;
        assert_eq!(
            json(echoed).unwrap(),
            r#"{"error":{"code":1,"data":["state=a","***"],"message":"m"}}"#
        );
        assert_eq!(
            json(r#"{ "b": 1.0, "a": 2 }"#).unwrap(),
            r#"{ "b": 1.0, "a": 2 }"#
        );
        assert_eq!(json("no JSON"), None);
    }

    #[test]
    fn credentials_behind_a_scheme_and_secret_parameters_are_masked() {
        assert_eq!(
            masked("Authorization: Bearer abc.def=, more"),
            "Authorization: Bearer ***, more"
        );
        assert_eq!(masked("bearer"), "bearer");
        assert_eq!(
            masked(r#"Bearer realm="x", error="y""#),
            r#"Bearer realm="x", error="y""#
        );
        assert_eq!(
            masked("https://x/cb?code=abc&state=%20x&iss=y"),
            "https://x/cb?code=***&state=***&iss=y"
        );
        assert_eq!(
            masked("barcode=123 grant_type=x"),
            "barcode=123 grant_type=x"
        );
        assert_eq!(masked("İ code=x ß"), "İ code=*** ß");
    }

    #[test]
    fn members_named_like_a_secret_are_masked_and_others_stay() {
        let body = br#"{"params":{"apiKey":"k","nested":[{"Client-Secret":"s","password":1}],"name":"add"},"_meta":{"progressToken":"p"}}"#;
        assert_eq!(
            masked_body(body),
            r#"{"_meta":{"progressToken":"p"},"params":{"apiKey":"***","name":"add","nested":[{"Client-Secret":"***","password":"***"}]}}"#
        );
        assert_eq!(masked_body(b"no json, Bearer abc"), "no json, Bearer ***");
    }
}
