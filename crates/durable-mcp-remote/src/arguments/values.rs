//! Values of flags that more than one flag shares the form of.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};

use super::UsageError;

/// Values of the environment, by name.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether a host names this machine: `localhost`, 127.0.0.0/8, `[::1]`.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || bare
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Replaces each `${NAME}` by the variable's value; one that is missing stays as typed, with a warning.
pub(crate) fn expand(
    text: &str,
    place: &str,
    environment: Environment<'_>,
    warnings: &mut Vec<String>,
) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let value = match after.split_once('}') {
            Some((name, behind)) if !name.is_empty() => {
                rest = behind;
                environment(name).unwrap_or_else(|| {
                    warnings.push(format!(
                        "the environment has no {name}, so ${{{name}}} in {place} stays as it is"
                    ));
                    format!("${{{name}}}")
                })
            }
            _ => {
                rest = after;
                "${".to_owned()
            }
        };
        expanded.push_str(&value);
    }
    expanded.push_str(rest);
    expanded
}

/// Reads a JSON object given inline or as `@file`, after its `${NAME}` are replaced. Its text may hold a secret and is in
/// no error.
pub(crate) fn json_object(
    flag: &str,
    value: &str,
    environment: Environment<'_>,
    warnings: &mut Vec<String>,
) -> Result<Map<String, Value>, UsageError> {
    let text = match value.strip_prefix('@') {
        Some(path) => read(flag, Path::new(path))?,
        None => value.to_owned(),
    };
    let expanded = expand(&text, flag, environment, warnings);
    match serde_json::from_str(&expanded) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(UsageError::new(format!(
            "{flag} takes a JSON object, such as {{\"scope\":\"read\"}}"
        ))),
        Err(error) => Err(UsageError::new(format!(
            "{flag} is no JSON (line {}, column {}); give an object, or @FILE with one",
            error.line(),
            error.column()
        ))),
    }
}

/// Reads a file that a flag names.
pub(crate) fn read(flag: &str, path: &Path) -> Result<String, UsageError> {
    fs::read_to_string(path).map_err(|error| {
        UsageError::new(format!(
            "{flag}: {} cannot be read ({error}); give the path of a text file",
            path.display()
        ))
    })
}

/// Number of seconds, fractions included; zero only where `zero` says so.
pub(crate) fn seconds(value: &str, zero: bool) -> Option<Duration> {
    let seconds: f64 = value.trim().parse().ok()?;
    let duration = Duration::try_from_secs_f64(seconds).ok()?;
    (zero || !duration.is_zero()).then_some(duration)
}

/// Whole number at the beginning of a text, as `parseInt` of JavaScript reads it.
pub(crate) fn leading_integer(value: &str) -> Option<u64> {
    let trimmed = value.trim_start();
    let digits = trimmed
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(trimmed.len());
    trimmed.get(..digits)?.parse().ok()
}

/// URL to which secrets may be sent: https, or http on loopback or with `allow_http`; no user, query or fragment.
pub(crate) fn is_safe_destination(url: &Url, allow_http: bool) -> bool {
    let encrypted =
        url.scheme() == "https" || (url.scheme() == "http" && (allow_http || is_loopback(url)));
    encrypted && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}
