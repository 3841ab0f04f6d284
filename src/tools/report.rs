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
    clock: Clock,
    progress: Progress,
    Args(Report { topic }): Args<Report>,
) -> Result<String, ToolError> {
    let answer = client
        .elicit::<Length>("length", format!("A report about {topic}:"))
        .await?;
    let Elicited::Accepted(Length {
        pages: pages @ 1..=20,
    }) = answer
    else {
        return Ok("Nothing was written.".to_owned());
    };
    for page in 1..=pages {
        progress.report(page, pages, format!("writing page {page} of {pages}"));
        clock.sleep(Duration::from_millis(500)).await;
    }
    Ok(format!("A report about {topic}, {pages} pages."))
}

#[cfg(test)]
mod tests {
    use durable_mcp::prelude::*;
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    fn client(pages: u8) -> TestClient {
        TestClient::new(without_bindings())
            .on_elicit(move |_| Elicited::Accepted(json!({ "pages": pages })))
    }

    #[test]
    fn a_task_asks_for_the_length_and_writes_the_report() {
        let client = client(2).stateless();
        assert_eq!(
            client
                .call("write_report", json!({ "topic": "bees" }))
                .text(),
            "A report about bees, 2 pages."
        );
        assert_eq!(
            client.statuses(),
            ["writing page 1 of 2", "writing page 2 of 2"]
        );
    }

    #[test]
    fn a_client_without_tasks_waits_for_the_report() {
        for client in [client(3), client(3).stateless().without_tasks()] {
            assert_eq!(
                client
                    .call("write_report", json!({ "topic": "bees" }))
                    .text(),
                "A report about bees, 3 pages."
            );
            assert_eq!(client.progress().len(), 3);
        }
    }

    #[test]
    fn a_report_without_pages_is_not_written() {
        assert_eq!(
            client(0)
                .call("write_report", json!({ "topic": "bees" }))
                .text(),
            "Nothing was written."
        );
    }
}
