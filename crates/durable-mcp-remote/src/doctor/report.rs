//! Checks and their results.

use std::fmt::Write as _;

use reqwest::Url;
use serde_json::{Value, json};

use crate::log::{masked, printable};
use crate::outcome::Outcome;

/// Results, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Report {
    checks: Vec<Check>,
    failures: Vec<Outcome>,
}

#[derive(Debug)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    Warn,
    Fail,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Report {
    pub(super) fn ok(&mut self, name: &'static str, detail: &str) {
        self.add(name, Status::Ok, detail, None);
    }

    pub(super) fn warn(&mut self, name: &'static str, detail: &str, advice: &str) {
        self.add(name, Status::Warn, detail, Some(advice));
    }

    pub(super) fn fail(
        &mut self,
        name: &'static str,
        detail: &str,
        advice: &str,
        outcome: Outcome,
    ) {
        self.add(name, Status::Fail, detail, Some(advice));
        self.failures.push(outcome);
    }

    /// The first failure: those after it often follow from it.
    pub(super) fn outcome(&self) -> Outcome {
        self.failures.first().copied().unwrap_or(Outcome::Done)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<4}  {:<14}  {}",
                check.status.word(),
                check.name,
                check.detail
            );
            if let Some(advice) = check.advice.as_ref().filter(|_| check.status != Status::Ok) {
                let _ = writeln!(text, "{:22}-> {advice}", "");
            }
        }
        let count = |status| {
            self.checks
                .iter()
                .filter(|check| check.status == status)
                .count()
        };
        let _ = writeln!(
            text,
            "{} ok, {} to look at, {} failed",
            count(Status::Ok),
            count(Status::Warn),
            count(Status::Fail)
        );
        text
    }

    pub(super) fn json(&self, url: &Url) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "name": check.name, "status": check.status.word(), "detail": check.detail, "advice": check.advice,
                })
            })
            .collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "url": masked(url.as_str()),
            "ok": self.failures.is_empty(),
            "checks": checks,
        })
    }

    fn add(&mut self, name: &'static str, status: Status, detail: &str, advice: Option<&str>) {
        let shown = |text: &str| printable(&masked(text));
        self.checks.push(Check {
            name,
            status,
            detail: shown(detail),
            advice: advice.map(shown),
        });
    }
}
