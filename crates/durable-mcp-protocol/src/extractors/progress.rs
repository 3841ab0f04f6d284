//! Progress of a running call (2025-11-25, Utilities, Progress).

use std::cell::Cell;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::Context;
use crate::extract::{Extract, Rejection};
use crate::jsonrpc::to_json;
use crate::peer::About;

/// Tells the client how far a call is. Without a token in the request nothing is sent.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// async fn index(progress: Progress) -> &'static str {
///     for page in 1..=3 {
///         progress.report(page, 3, format!("page {page}"));
///     }
///     "indexed"
/// }
/// # let _ = Server::new("s", "1").tool("index", "Index", index);
/// ```
#[derive(Debug)]
pub struct Progress {
    context: Context,
    last: Cell<f64>,
}

impl Progress {
    /// Reports that `done` of `total` is through, with a line for people. Progress only rises: a value that is not
    /// above the last one is not sent.
    pub fn report(&self, done: impl Into<f64>, total: impl Into<f64>, message: impl Into<String>) {
        self.send(done.into(), Some(total.into()), Some(message.into()));
    }

    /// Reports that `done` is through of a total that is not known.
    pub fn step(&self, done: impl Into<f64>) {
        self.send(done.into(), None, None);
    }

    fn send(&self, done: f64, total: Option<f64>, message: Option<String>) {
        let Some(token) = self.context.progress_token() else {
            return;
        };
        // JSON has finite numbers alone.
        if !done.is_finite() || done <= self.last.get() {
            return;
        }
        self.last.set(done);
        let params = Params {
            progress_token: token,
            progress: done,
            total: total.filter(|total| total.is_finite()),
            message,
        };
        self.context
            .peer()
            .notify(About::Call, "notifications/progress", to_json(&params));
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    progress_token: &'a RawValue,
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Extract for Progress {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self {
            context: context.clone(),
            last: Cell::new(f64::NEG_INFINITY),
        })
    }
}
