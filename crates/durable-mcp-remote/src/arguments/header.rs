//! `--header`, `--header-file` and `--header-env`.

use std::fmt;
use std::path::Path;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::UsageError;
use super::values::{Environment, expand, read};

/// Headers that frame a message or name its peer: a request with another value would be read wrongly.
const REFUSED: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that the transport sets by the message; besides them all that begin with `mcp-`.
const IGNORED: [&str; 4] = ["accept", "accept-encoding", "content-type", "last-event-id"];

/// Headers that the command line adds to every request to the server.
#[derive(Default)]
pub(crate) struct Headers {
    /// Names and values as typed, before `${NAME}` is replaced: names of stored files are derived from them.
    pub(crate) typed: Vec<(String, String)>,
    /// Headers to send, each marked sensitive.
    pub(crate) sent: HeaderMap,
}

impl fmt::Debug for Headers {
    /// Shows names only.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.sent.keys()).finish()
    }
}

impl Headers {
    /// Whether the caller brings credentials, so that no sign-in is begun.
    pub(crate) fn has_authorization(&self) -> bool {
        self.sent.contains_key(AUTHORIZATION)
    }

    /// Adds `Name: value` of `--header`.
    pub(super) fn add_line(&mut self, line: &str) -> Result<(), UsageError> {
        let (name, value) = split(line).ok_or_else(|| {
            UsageError::new(
                "a --header is not of the form Name:value; quote it, or write it without spaces",
            )
        })?;
        self.add(name, value);
        Ok(())
    }

    /// Adds the lines of `--header-file`; empty ones and those that begin with `#` are skipped.
    pub(super) fn add_file(&mut self, path: &str) -> Result<(), UsageError> {
        let text = read("--header-file", Path::new(path))?;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = split(line).ok_or_else(|| {
                let number = index.saturating_add(1);
                UsageError::new(format!(
                    "line {number} of the --header-file {path} is not of the form Name: value"
                ))
            })?;
            self.add(name, value);
        }
        Ok(())
    }

    /// Adds `NAME=VARIABLE` of `--header-env`, which is `--header 'NAME:${VARIABLE}'` without quoting for a shell.
    pub(super) fn add_variable(
        &mut self,
        value: &str,
        environment: Environment<'_>,
    ) -> Result<(), UsageError> {
        let (name, variable) = value
            .split_once('=')
            .filter(|(name, variable)| !name.is_empty() && !variable.is_empty())
            .ok_or_else(|| {
                UsageError::new("--header-env takes NAME=VARIABLE, such as Authorization=TOKEN")
            })?;
        if environment(variable).is_none() {
            // The text behind = is not shown: people write the secret itself there.
            return Err(UsageError::new(format!(
                "--header-env {name}: the environment has no variable of the name behind = ({} characters); set it in the client's env",
                variable.chars().count()
            )));
        }
        self.add(name, &format!("${{{variable}}}"));
        Ok(())
    }

    fn add(&mut self, name: &str, value: &str) {
        match self.typed.iter_mut().find(|(known, _)| known == name) {
            Some(known) => value.clone_into(&mut known.1),
            None => self.typed.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Checks all headers and replaces their `${NAME}`.
    pub(super) fn resolve(
        &mut self,
        environment: Environment<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<(), UsageError> {
        for (name, value) in &self.typed {
            let lowercase = name.to_ascii_lowercase();
            if REFUSED.contains(&lowercase.as_str()) {
                return Err(UsageError::new(format!(
                    "the header {name} cannot be set, since it belongs to the connection; leave it out"
                )));
            }
            if IGNORED.contains(&lowercase.as_str()) || lowercase.starts_with("mcp-") {
                warnings.push(format!(
                    "the header {name} is ignored: the protocol sets it for each message"
                ));
                continue;
            }
            let header = header_name(name, lowercase)?;
            if let Some(value) = header_value(name, value, environment, warnings)? {
                self.sent.insert(header, value);
            }
        }
        Ok(())
    }
}

fn header_name(name: &str, lowercase: String) -> Result<HeaderName, UsageError> {
    HeaderName::try_from(lowercase).map_err(|_| {
        UsageError::new(format!(
            "{name:?} is no name of a header; use letters, digits and hyphens"
        ))
    })
}

/// Value of a header with its `${NAME}` replaced; `None` where that leaves nothing.
fn header_value(
    name: &str,
    value: &str,
    environment: Environment<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<HeaderValue>, UsageError> {
    if value.trim().is_empty() {
        return Err(UsageError::new(format!(
            "the header {name} has no value; quote it together with its value, as in --header '{name}: VALUE'"
        )));
    }
    let expanded = expand(value, &format!("the header {name}"), environment, warnings);
    if expanded.trim().is_empty() && value.contains("${") {
        // A setting that was left empty, as in a bundle for desktop clients.
        warnings.push(format!(
            "the header {name} is not sent: its variable is empty"
        ));
        return Ok(None);
    }
    let mut value = HeaderValue::from_bytes(expanded.trim().as_bytes()).map_err(|_| {
        UsageError::new(format!(
            "the value of the header {name} has a line break or control character"
        ))
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Splits `Name: value`.
fn split(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| (name, value.trim_start()))
}
