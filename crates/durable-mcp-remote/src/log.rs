//! Lines for people, on stderr.

use std::io::Write;

/// Writes a line to stderr. Control characters of servers' texts are escaped.
pub(crate) fn log(text: &str) {
    let mut line = String::from("durable-mcp-remote: ");
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line.push('\n');
    // No one may read it.
    std::io::stderr().write_all(line.as_bytes()).ok();
}
