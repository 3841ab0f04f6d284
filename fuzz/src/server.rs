//! A server with one of everything that a client can reach.

use std::collections::BTreeMap;

use durable_mcp::prelude::*;

use crate::support::counter::increment;
use crate::support::mirrored::query_tool;
use crate::support::object::Sleep;

pub(crate) fn server() -> Server {
    let template =
        ResourceTemplate::new("note", "notes://{owner}/{+path}", note).complete("owner", words);
    let server = Server::new("s", "1")
        .page_size(4)
        .with(query_tool())
        .tool("nested", "Has nested arguments", nested)
        .tool("increment", "Counts", increment)
        .tool("asks", "Asks a question, and another", asks)
        .tool("talks", "Reports progress, logs and publishes", talks)
        .with(Tool::new("works", "Runs as a task", works).task_optional())
        .resource("readme", "notes://readme", async || "read")
        .with(template)
        .with(Prompt::new("write", "", prompt).complete("about", words));
    // Makes every schema, which is no cost of the first request that needs one.
    assert_eq!(server.problems(), [""; 0]);
    server
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Nested {
    numbers: Vec<f64>,
    #[serde(default)]
    words: BTreeMap<String, String>,
    kind: Option<Kind>,
    inner: Option<Box<Nested>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Large,
    Small,
}

async fn nested(Args(nested): Args<Nested>) -> Json<Nested> {
    Json(nested)
}

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
    count: Option<u8>,
}

async fn asks(client: Client) -> Result<String, ToolError> {
    let Elicited::Accepted(Word { word, count }) = client.elicit::<Word>("word", "Which?").await?
    else {
        return Ok("no".to_owned());
    };
    let roots = client.roots("where").await?.len();
    Ok(format!("{word} {count:?} {roots}"))
}

async fn talks(progress: Progress, log: Log, notify: Notify) -> &'static str {
    progress.report(1, 2, "half");
    log.info("talking");
    notify.resource_updated("notes://readme");
    notify.tools_changed();
    "talked"
}

async fn works(sleep: Sleep, client: Client) -> Result<String, ToolError> {
    sleep.ms(1000).await;
    Ok(match client.elicit::<Word>("word", "Which?").await? {
        Elicited::Accepted(Word { word, .. }) => word,
        Elicited::Declined | Elicited::Cancelled => "no".to_owned(),
    })
}

#[derive(Deserialize, JsonSchema)]
struct Note {
    owner: String,
    path: String,
}

async fn note(Args(Note { owner, path }): Args<Note>) -> String {
    format!("{owner} {path}")
}

#[derive(Deserialize, JsonSchema)]
struct About {
    about: String,
    tone: Option<String>,
}

async fn prompt(Args(About { about, tone }): Args<About>) -> String {
    format!("Write about {about} {tone:?}")
}

async fn words(input: CompletionInput) -> Vec<String> {
    input.matching(["apple", "banana"])
}
