//! The debug log: a line a message, in a file that is kept small.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::{Method, StatusCode};

use super::mask::masked_body;
use crate::arguments::DebugDetail;
use crate::message::{Kind, Message};

/// Size at which the log is renamed and begun again.
const ROTATE_AT: u64 = 5 * 1024 * 1024;

/// Longest part of a body that is logged.
const LONGEST_BODY: usize = 64 * 1024;

/// File of a debug log; besides it, one that it was before.
#[derive(Debug)]
pub(super) struct DebugLog {
    path: PathBuf,
    detail: DebugDetail,
    rotate_at: u64,
}

/// Direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Message on its way, or an HTTP request that carried it.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    direction: Direction,
    /// Method of JSON-RPC, with that of HTTP before it.
    method: String,
    /// Id as it is written in JSON.
    id: Option<String>,
    /// Status of HTTP.
    status: Option<u16>,
    duration: Option<Duration>,
    body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Record of a message.
    pub(crate) fn new(direction: Direction, body: &'a Bytes) -> Self {
        let (method, id) = match Message::parse(body.clone()).map(|message| message.kind) {
            Ok(Kind::Request { id, method }) => (method, Some(id.to_string())),
            Ok(Kind::Notification { method }) => (method, None),
            Ok(Kind::Response { id, failed }) => (
                (if failed { "error" } else { "result" }).to_owned(),
                id.map(|id| id.to_string()),
            ),
            Err(_) => (String::new(), None),
        };
        Self {
            direction,
            method,
            id,
            status: None,
            duration: None,
            body,
        }
    }

    /// The same with its HTTP request and the status of the answer.
    pub(crate) fn over_http(self, method: &Method, status: StatusCode, duration: Duration) -> Self {
        let method = format!("{method} {}", self.method).trim_end().to_owned();
        Self {
            method,
            status: Some(status.as_u16()),
            duration: Some(duration),
            ..self
        }
    }
}

impl DebugLog {
    pub(super) fn new(path: PathBuf, detail: DebugDetail) -> Self {
        Self {
            path,
            detail,
            rotate_at: ROTATE_AT,
        }
    }

    /// Line about a message, without its end.
    pub(super) fn line(&self, record: &Record<'_>) -> String {
        let arrow = match record.direction {
            Direction::ToServer => "->",
            Direction::ToClient => "<-",
        };
        let mut line = format!("{arrow} {}", record.method);
        // Writing to a string cannot fail.
        if let Some(id) = &record.id {
            let _ = write!(line, " id={id}");
        }
        if let Some(status) = record.status {
            let _ = write!(line, " status={status}");
        }
        let _ = write!(line, " bytes={}", record.body.len());
        if let Some(duration) = record.duration {
            let _ = write!(line, " ms={}", duration.as_millis());
        }
        if self.detail == DebugDetail::Bodies && !record.body.is_empty() {
            let mut body = masked_body(record.body);
            if body.len() > LONGEST_BODY {
                body.truncate(body.floor_char_boundary(LONGEST_BODY));
                body.push('…');
            }
            let _ = write!(line, " {body}");
        }
        line
    }

    /// Appends a line. A log that cannot be written must not end what it is about.
    pub(super) fn append(&self, line: &str, now: SystemTime) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.is_symlink()) {
            return;
        }
        if fs::metadata(&self.path).is_ok_and(|file| file.len() >= self.rotate_at) {
            let _ = fs::rename(&self.path, older(&self.path));
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        if let Ok(mut file) = options.open(&self.path) {
            // In one write, so that lines of several processes stay whole.
            let _ = file.write_all(
                format!("{} {} {line}\n", timestamp(now), std::process::id()).as_bytes(),
            );
        }
    }
}

fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// Time of day in UTC, as in RFC 3339.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    )
}

/// Year, month and day of a number of days since 1970.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, UNIX_EPOCH};

    use bytes::Bytes;
    use reqwest::{Method, StatusCode};

    use super::{DebugLog, Direction, Record, older, timestamp};
    use crate::arguments::DebugDetail;

    #[test]
    fn times_are_written_in_utc() {
        let at = |seconds, millis| {
            timestamp(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(at(1_798_761_599, 999), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn bodies_are_logged_only_if_asked_for_and_without_secrets() {
        let body = Bytes::from_static(
            br#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"password":"x"}}"#,
        );
        let record = Record::new(Direction::ToServer, &body);
        let record = record.over_http(&Method::POST, StatusCode::OK, Duration::from_millis(12));
        let messages = DebugLog::new("x".into(), DebugDetail::Messages);
        assert_eq!(
            messages.line(&record),
            "-> POST m id=7 status=200 bytes=63 ms=12"
        );
        let bodies = DebugLog::new("x".into(), DebugDetail::Bodies);
        let line = bodies.line(&record);
        assert!(
            line.contains(r#""password":"***""#) && line.contains("ms=12 {"),
            "{line}"
        );
    }

    #[test]
    fn a_full_log_is_renamed_and_one_older_one_kept() {
        let path = std::env::temp_dir().join(format!(
            "durable-mcp-remote-debug-{}.log",
            std::process::id()
        ));
        let log = DebugLog {
            path: path.clone(),
            detail: DebugDetail::Messages,
            rotate_at: 100,
        };
        for number in 0..20 {
            log.append(&format!("line {number} {}", "x".repeat(40)), UNIX_EPOCH);
        }
        let (now, before) = (
            fs::read_to_string(&path).unwrap(),
            fs::read_to_string(older(&path)).unwrap(),
        );
        fs::remove_file(&path).unwrap();
        fs::remove_file(older(&path)).unwrap();
        assert!(now.len() < 300 && before.len() < 300);
        assert!(format!("{before}{now}").contains("line 19"));
        assert!(!format!("{before}{now}").contains("line 1 "));
    }
}
