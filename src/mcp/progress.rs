//! Progress of a running call (2025-11-25, Utilities, Progress).

use std::cell::Cell;

use serde_json::{Map, Number, Value, json};

use super::context::Context;
use super::extract::{Extract, Rejection};
use super::peer::About;

/// Tells the client how far a call is. Without a token in the request nothing is sent.
///
/// ```
/// use durable_mcp::prelude::*;
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
        if done <= self.last.get() {
            return;
        }
        self.last.set(done);
        let token: Value = serde_json::from_str(token.get()).unwrap_or_default();
        let mut params = Map::from_iter([
            ("progressToken".to_owned(), token),
            ("progress".to_owned(), number(done)),
        ]);
        if let Some(total) = total {
            params.insert("total".to_owned(), number(total));
        }
        if let Some(message) = message {
            params.insert("message".to_owned(), json!(message));
        }
        self.context
            .peer()
            .notify(About::Call, "notifications/progress", Value::Object(params));
    }
}

/// Whole numbers go out without a fraction.
fn number(value: f64) -> Value {
    let whole = format!("{value:.0}").parse::<i64>().ok();
    #[expect(clippy::cast_precision_loss, reason = "it came from this very f64")]
    match whole {
        Some(whole) if (whole as f64) == value => Value::from(whole),
        _ => Number::from_f64(value).map_or(Value::Null, Value::Number),
    }
}

impl Extract for Progress {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self {
            context: context.clone(),
            last: Cell::new(f64::NEG_INFINITY),
        })
    }
}
