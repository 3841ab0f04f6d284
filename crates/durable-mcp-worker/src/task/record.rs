//! The record of a task as it is stored, and its form for clients. [`TaskObject::wake`](super::TaskObject::wake) deletes it
//! when the task expires.

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::jsonrpc::{object_json, to_json};
use durable_mcp_protocol::round_trips::{Question, read_answers};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::POLL_MS;
use super::command::Begin;

/// The status of a task (Tasks, "Task Status"). One that waits for its client is `Working`, with questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// At work.
    Working,
    /// The task has a result.
    Completed,
    /// The task has an error.
    Failed,
    /// The task was cancelled.
    Cancelled,
}

impl Status {
    /// True for a final status: completed, failed or cancelled.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Working)
    }

    pub(super) const fn has_outcome(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The record of a task. Its outcome is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Command that began the task; its answers include those that were given since.
    pub begin: Begin,
    /// Time of creation, in milliseconds since 1970.
    pub created: u64,
    /// Time of the last change, in milliseconds since 1970.
    pub updated: u64,
    /// Time at which the record is deleted, in milliseconds since 1970.
    pub expires: u64,
    /// The status of the task.
    pub status: Status,
    /// The message about the status.
    pub message: Option<String>,
    /// Number of starts of the handler since its last answer.
    pub beginnings: u32,
    /// The questions that the task waits for.
    pub questions: Vec<Question>,
    /// True once a client has subscribed to the task.
    pub watched: bool,
}

/// The stored form of a [`Record`].
#[derive(Serialize, Deserialize)]
struct Written(
    String,
    u64,
    u64,
    u64,
    Status,
    Option<String>,
    u32,
    Vec<(String, String, String)>,
    bool,
);

impl Record {
    pub(super) fn new(begin: Begin, now: u64) -> Self {
        Self {
            created: now,
            updated: now,
            expires: now.saturating_add(begin.ttl_ms),
            status: Status::Working,
            message: None,
            beginnings: 0,
            questions: Vec::new(),
            watched: false,
            begin,
        }
    }

    /// The record as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let questions: Vec<_> = self
            .questions
            .iter()
            .map(|one| (one.key.clone(), one.method.clone(), one.params.clone()))
            .collect();
        to_json(&Written(
            self.begin.to_text(),
            self.created,
            self.updated,
            self.expires,
            self.status,
            self.message.clone(),
            self.beginnings,
            questions,
            self.watched,
        ))
    }

    /// Reads a stored record; `None` for an empty text.
    ///
    /// # Errors
    /// When it is of another version.
    pub fn stored(text: &str) -> Result<Option<Self>, RuntimeError> {
        if text.is_empty() {
            return Ok(None);
        }
        Self::parse(text)
            .map(Some)
            .ok_or_else(|| Format::TaskRecord.unreadable())
    }

    /// Reads a record from its text; none if it is of another version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Written(
            begin,
            created,
            updated,
            expires,
            status,
            message,
            beginnings,
            questions,
            watched,
        ) = serde_json::from_str(text).ok()?;
        let question = |(key, method, params)| Question {
            key,
            method,
            params,
        };
        let questions = questions.into_iter().map(question).collect();
        let begin = Begin::parse(&begin)?;
        read_answers(&begin.answers).ok()?;
        Some(Self {
            begin,
            created,
            updated,
            expires,
            status,
            message,
            beginnings,
            questions,
            watched,
        })
    }

    /// Answers questions.
    pub(super) fn add_answers(&mut self, given: &[(String, Box<RawValue>)]) {
        let mut answers = read_answers(&self.begin.answers).unwrap_or_default();
        answers.extend(given.iter().cloned());
        self.begin.answers =
            object_json(answers.iter().map(|(key, raw)| (key.as_str(), raw.get())));
        self.questions
            .retain(|question| !given.iter().any(|(key, _)| *key == question.key));
    }

    /// The members that every telling of it has, as JSON (Tasks, "Tasks").
    fn members(&self) -> String {
        let status = match self.status {
            Status::Working if !self.questions.is_empty() => "input_required",
            Status::Working => "working",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        };
        let message = self
            .message
            .as_ref()
            .map(|text| format!(r#""statusMessage":{},"#, to_json(text)));
        format!(
            r#""taskId":"{}","status":"{status}",{}"createdAt":"{}","lastUpdatedAt":"{}","ttlMs":{},"pollIntervalMs":{POLL_MS}"#,
            self.begin.id,
            message.unwrap_or_default(),
            iso8601(self.created),
            iso8601(self.updated),
            self.begin.ttl_ms,
        )
    }

    /// The task as it is told of first, as JSON (Tasks, "Task Creation").
    pub(super) fn seed_json(&self) -> String {
        format!("{{{}}}", self.members())
    }

    /// The task with what came of it, or what it waits for, as JSON (Tasks, "Task Status").
    pub(super) fn detailed_json(&self, outcome: Option<&str>) -> String {
        let more = match (self.status, outcome) {
            (Status::Completed, Some(result)) => format!(r#","result":{result}"#),
            (Status::Failed, Some(error)) => format!(r#","error":{error}"#),
            (Status::Working, _) if !self.questions.is_empty() => {
                let questions: Vec<_> = self
                    .questions
                    .iter()
                    .map(|one| format!("{}:{}", to_json(&one.key), one.to_json()))
                    .collect();
                format!(r#","inputRequests":{{{}}}"#, questions.join(","))
            }
            _ => String::new(),
        };
        format!("{{{}{more}}}", self.members())
    }
}

/// A time in milliseconds since 1970 by ISO 8601, in UTC.
///
/// Days are turned into a date by counting in years that begin in March, so that leap days come last.
fn iso8601(milliseconds: u64) -> String {
    let (days, of_day) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
    let (seconds, fraction) = (of_day / 1000, of_day % 1000);
    // Days since 1 March of the year 0.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

#[cfg(test)]
mod tests {
    use durable_mcp_protocol::ProtocolVersion;
    use durable_mcp_protocol::capabilities::ClientCapabilities;

    use super::*;

    fn record() -> Record {
        let begin = Begin {
            id: "id".into(),
            ttl_ms: 1000,
            params: r#"{"name":"t"}"#.into(),
            answers: "{}".into(),
            version: ProtocolVersion::V2026_07_28,
            capabilities: ClientCapabilities::TASKS,
            client: "c".into(),
            user: Some("u".into()),
        };
        Record::new(begin, 1_795_000_000_123)
    }

    fn read(json: &str) -> serde_json::Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn times_are_written_in_iso_8601() {
        for (time, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (1_795_000_000_123, "2026-11-18T11:06:40.123Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso8601(time), expected);
        }
    }

    #[test]
    fn a_task_survives_being_stored() {
        let mut task = record();
        let question = |key: &str| Question {
            key: key.into(),
            method: "roots/list".into(),
            params: "{}".into(),
        };
        task.questions = vec![question("a"), question("b")];
        task.message = Some("half way".into());
        assert_eq!(Record::parse(&task.to_text()), Some(task.clone()));
        task.add_answers(&[(
            "a".into(),
            RawValue::from_string(r#"{"roots":[]}"#.into()).unwrap(),
        )]);
        assert_eq!(task.begin.answers, r#"{"a":{"roots":[]}}"#);
        assert_eq!(task.questions, [question("b")]);
        assert_eq!(Record::parse(&task.to_text()), Some(task));
    }

    #[test]
    fn a_task_is_described_by_its_status() {
        let mut task = record();
        let first = read(&task.seed_json());
        assert_eq!(
            (&first["status"], &first["ttlMs"]),
            (&"working".into(), &1000.into())
        );
        task.questions = vec![Question {
            key: "a".into(),
            method: "roots/list".into(),
            params: "{}".into(),
        }];
        let asking = read(&task.detailed_json(None));
        assert_eq!(asking["status"], "input_required");
        assert_eq!(asking["inputRequests"]["a"]["method"], "roots/list");
        task.questions.clear();
        task.status = Status::Completed;
        assert_eq!(
            read(&task.detailed_json(Some(r#"{"content":[]}"#)))["result"],
            serde_json::json!({ "content": [] })
        );
        task.status = Status::Failed;
        assert_eq!(
            read(&task.detailed_json(Some(r#"{"code":1}"#)))["error"]["code"],
            1
        );
    }
}
