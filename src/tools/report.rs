//! A tool that takes its time. For a client that knows tasks it runs as one: the client polls, answers its question, or comes
//! back for the report another day.

use std::time::Duration;

use durable_mcp::prelude::*;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Report {
    /// What the report is about
    topic: String,
}

#[derive(Deserialize, JsonSchema)]
struct Length {
    /// How many pages, at most 20?
    pages: u8,
}

pub(super) async fn write_report(
    client: Client,
    progress: Progress,
    Args(Report { topic }): Args<Report>,
) -> Result<String, ToolError> {
    let answer = client.elicit::<Length>("length", format!("A report about {topic}:")).await?;
    let Elicited::Accepted(Length { pages: pages @ 1..=20 }) = answer else {
        return Ok("Nothing was written.".to_owned());
    };
    for page in 1..=pages {
        progress.report(page, pages, format!("writing page {page} of {pages}"));
        worker::Delay::from(Duration::from_millis(500)).await;
    }
    Ok(format!("A report about {topic}, {pages} pages."))
}
