//! Lines for people, on stderr, and the debug log. No secret is in either.

mod debug;
mod mask;

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::arguments::{DebugDetail, LogArguments};
use debug::DebugLog;
pub(crate) use debug::{Direction, Record};
pub(crate) use mask::{
    json_without_secrets, keep_secret, masked, remember_secret, without_secrets,
};

/// Settings of this run, made once.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

#[derive(Debug, Default)]
struct Settings {
    silent: bool,
    /// Whether lines of the debug log go to stderr too, where hosts keep them.
    debug_on_stderr: bool,
    debug: Option<DebugLog>,
}

/// Sets what is logged, and where. Before it, all goes to stderr.
///
/// `default` is the file of the debug log where `--log` names none.
pub(crate) fn configure(arguments: &LogArguments, default: impl FnOnce() -> Option<PathBuf>) {
    let detail = match (arguments.debug, &arguments.file) {
        (Some(detail), _) => Some(detail),
        (None, Some(_)) => Some(DebugDetail::Messages),
        (None, None) => None,
    };
    let debug = detail.and_then(|detail| {
        let path = arguments.file.clone().or_else(default)?;
        Some(DebugLog::new(path, detail))
    });
    let settings = Settings {
        silent: arguments.silent,
        debug_on_stderr: arguments.debug.is_some(),
        debug,
    };
    // A second configuration would be of the same command line.
    drop(SETTINGS.set(settings));
}

/// Writes a line to stderr, unless `--silent`, and to the debug log.
pub(crate) fn log(text: &str) {
    let settings = SETTINGS.get();
    if settings.is_none_or(|settings| !settings.silent || settings.debug_on_stderr) {
        write(text);
    }
    if let Some(debug) = settings.and_then(|settings| settings.debug.as_ref()) {
        debug.append(&printable(&masked(text)), now());
    }
}

/// Writes an error, also with `--silent`.
pub(crate) fn log_error(text: &str) {
    write(text);
    if let Some(debug) = SETTINGS.get().and_then(|settings| settings.debug.as_ref()) {
        debug.append(&printable(&masked(text)), now());
    }
}

/// Whether there is a debug log.
pub(crate) fn is_debug() -> bool {
    SETTINGS
        .get()
        .is_some_and(|settings| settings.debug.is_some())
}

/// Logs a message on its way, if there is a debug log.
pub(crate) fn debug<'a>(record: impl FnOnce() -> Record<'a>) {
    let Some(settings) = SETTINGS.get() else {
        return;
    };
    let Some(debug) = &settings.debug else { return };
    let line = printable(&debug.line(&record()));
    if settings.debug_on_stderr {
        write(&line);
    }
    debug.append(&line, now());
}

fn write(text: &str) {
    let line = format!("durable-mcp-remote: {}\n", printable(&masked(text)));
    // No one may read it.
    std::io::stderr().write_all(line.as_bytes()).ok();
}

/// Text whose control characters, which could steer a terminal, are escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars() {
        // Besides control characters, those that turn the direction of text.
        if letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            printable.extend(letter.escape_default());
        } else {
            printable.push(letter);
        }
    }
    printable
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the log that reads the clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_and_bidirectional_characters_are_escaped() {
        assert_eq!(
            printable("a\u{1b}[31m\r\n\u{202e}b\u{9b}é"),
            "a\\u{1b}[31m\\r\\n\\u{202e}b\\u{9b}é"
        );
    }
}
