//! Notifications that the client has got.

use std::cell::RefCell;

use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::log_level::LogLevel;
use serde_json::Value;

/// A report of a call's progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Progressed {
    /// The progress so far.
    pub progress: f64,
    /// The progress at the end, if the tool gives it.
    pub total: Option<f64>,
    /// A text for people.
    pub message: Option<String>,
}

/// A log message.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// The severity.
    pub level: LogLevel,
    /// The message.
    pub data: Value,
}

/// Notifications since each kind was asked for last.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) progress: RefCell<Vec<Progressed>>,
    pub(super) logs: RefCell<Vec<Logged>>,
    pub(super) changes: RefCell<Vec<Change>>,
    pub(super) statuses: RefCell<Vec<String>>,
}

impl Seen {
    /// Records a notification.
    pub(super) fn take(&self, method: &str, params: &Value) {
        let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
        match method {
            "notifications/progress" => self.progress.borrow_mut().push(Progressed {
                progress: params["progress"].as_f64().unwrap_or_default(),
                total: params["total"].as_f64(),
                message: text("message"),
            }),
            "notifications/message" => self.logs.borrow_mut().push(Logged {
                level: text("level")
                    .and_then(|name| LogLevel::parse(&name))
                    .unwrap_or(LogLevel::DEFAULT),
                data: params["data"].clone(),
            }),
            "notifications/resources/updated" => {
                self.changes
                    .borrow_mut()
                    .extend(text("uri").map(Change::Resource));
            }
            _ => {
                let lists = [Change::Tools, Change::Prompts, Change::Resources];
                self.changes
                    .borrow_mut()
                    .extend(lists.into_iter().find(|change| change.method() == method));
            }
        }
    }

    /// Records the message of a task's status. The same message in consecutive statuses counts once.
    pub(super) fn take_status(&self, message: Option<&str>, last: &mut Option<String>) {
        if message != last.as_deref() {
            *last = message.map(str::to_owned);
            self.statuses.borrow_mut().extend(last.clone());
        }
    }
}
