//! The line that a request leaves in the operators' log. Notifications and a client's answers leave none.
//!
//! A [`RequestLog`] says which requests leave one, since writing a line costs about a tenth of a quick call's CPU time (25 of
//! some 200 µs on workerd).

use serde::Serialize;

/// Milliseconds from which on a request counts as slow. A person who waits notices a second, and the line is no cost beside
/// such a call.
pub const SLOW_MS: u64 = 1000;

/// The outcome of a request that did as it was asked.
pub const OK: &str = "ok";

/// The requests that leave a line in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestLog {
    /// Every request.
    All,
    /// Requests whose outcome is not [`OK`], and those that took [`SLOW_MS`] or longer.
    #[default]
    Errors,
    /// No request.
    None,
}

impl RequestLog {
    /// The values of the variable `LOG_REQUESTS`.
    pub const WORDS: [&str; 3] = ["all", "errors", "none"];

    /// Reads one of [`WORDS`](Self::WORDS).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Self::All),
            "errors" => Some(Self::Errors),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The time at which a request begins. The clock is read only if the request may leave a line.
    pub(crate) fn begin(self, now: impl FnOnce() -> u64) -> Option<u64> {
        (self != Self::None).then(now)
    }

    /// The milliseconds since a request began, for its line; `None` if it leaves no line. Asked before anything of the line
    /// is made.
    pub(crate) fn due(
        self,
        outcome: &str,
        began: Option<u64>,
        now: impl FnOnce() -> u64,
    ) -> Option<u64> {
        let began = began?;
        let ms = now().saturating_sub(began);
        let is_due = match self {
            Self::All => true,
            Self::Errors => outcome != OK || ms >= SLOW_MS,
            Self::None => false,
        };
        is_due.then_some(ms)
    }
}

/// Log line of a request. There are no arguments in it, no session id, nothing of the user's and no secret, unless the text of an
/// error has them that a handler passed on. Only a line of the playground's relay has the user's handle, and the host that the request
/// went to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LogLine {
    /// The kind of line.
    pub event: &'static str,
    /// The JSON-RPC method, `?` if there is none such; or the HTTP one and the path, where no message was read.
    pub method: String,
    /// The tool, prompt or resource that was asked for, if the server has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The negotiated protocol version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<&'static str>,
    /// `ok`, `tool_error`, `error`, `panic`, `cancelled` or `refused`.
    pub outcome: &'static str,
    /// The JSON-RPC error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// The id of the failure's cause, which the client was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_id: Option<String>,
    /// The cause, which the client was not told: the text of an error that a handler passed on by `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<str>>,
    /// Milliseconds. On Cloudflare the clock stands still while a Worker computes, so this is time spent waiting.
    pub ms: u64,
    /// Rows that this session wrote meanwhile.
    pub rows: u64,
    /// The user, by the routing handle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The host that a request was relayed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Bytes of the answer that were relayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl LogLine {
    /// The line as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        durable_mcp_protocol::jsonrpc::to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(log: RequestLog, outcome: &str, ms: u64) -> Option<u64> {
        log.due(outcome, log.begin(|| 50), || 50 + ms)
    }

    #[test]
    fn only_failed_and_slow_requests_leave_a_line_by_default() {
        let log = RequestLog::default();
        assert_eq!(due(log, OK, SLOW_MS - 1), None);
        assert_eq!(due(log, OK, SLOW_MS), Some(SLOW_MS));
        for outcome in ["tool_error", "error", "panic", "cancelled", "refused"] {
            assert_eq!(due(log, outcome, 0), Some(0), "{outcome}");
        }
    }

    #[test]
    fn all_requests_or_none_leave_a_line_if_configured() {
        assert_eq!(due(RequestLog::All, OK, 0), Some(0));
        assert_eq!(due(RequestLog::None, "panic", SLOW_MS), None);
    }

    #[test]
    fn a_log_that_is_off_reads_no_clock() {
        let clock = || unreachable!("the clock is read");
        assert_eq!(RequestLog::None.begin(clock), None);
        assert_eq!(RequestLog::None.due(OK, None, clock), None);
    }

    #[test]
    fn each_documented_value_of_the_log_variable_is_valid() {
        assert!(
            RequestLog::WORDS
                .iter()
                .all(|word| RequestLog::parse(word).is_some())
        );
    }
}
