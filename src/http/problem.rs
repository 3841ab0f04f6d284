//! What goes wrong in front of a person: a page, and a line in the log that is found by the page's number.

use serde_json::json;

use crate::oauth::site::Surroundings;
use crate::pages::frame::Frame;
use crate::pages::problem::{Problem, Way};
use crate::wire::Reply;

/// Something that went wrong.
pub(super) struct Trouble<'a> {
    pub(super) status: u16,
    /// What happened, and what to do.
    pub(super) text: &'a str,
    /// For the log.
    pub(super) cause: &'a str,
    pub(super) ways: &'a [Way],
}

/// Tells the person, and the log.
pub(super) fn page(frame: Frame<'_>, around: &dyn Surroundings, trouble: &Trouble<'_>) -> Reply {
    let Trouble { status, text, cause, ways } = trouble;
    let mut bytes = [0; 4];
    // A page without a number of its own is better than none.
    let _ = around.random().fill(&mut bytes);
    let id = format!("{:08x}", u32::from_be_bytes(bytes));
    around.warn(&json!({ "event": "problem", "id": id, "status": status, "cause": cause }).to_string());
    Problem { frame, text, ways, id: &id }.reply(*status)
}
